// SPDX-License-Identifier: Apache-2.0
#include "provisioning/fields.h"

#include "provisioning/step.h"
#include "provisioning/step_table.h"

#include <gtest/gtest.h>

namespace lineside::provisioning {
namespace {

void accepts(Form form, std::initializer_list<std::string> values) {
    for (const auto& value : values) {
        EXPECT_EQ(form_problem(form, std::string_view(value)), "") << value;
    }
}
void refuses(Form form, std::initializer_list<std::string> values) {
    for (const auto& value : values) {
        EXPECT_NE(form_problem(form, std::string_view(value)), "") << value;
    }
}

TEST(Fields, Ssid_is_one_to_32_bytes) {
    accepts(Form::ssid,
            {"R", "Reeplayer-0042", "it's a \"net\" $(x)", "-s", std::string(32, 'x'), "Größe"});
    refuses(Form::ssid, {"", std::string(33, 'x'), "a\nb", std::string("a\0b", 3), "a\x7f"});
}

TEST(Fields, Wpa_password_is_8_to_63_printable) {
    accepts(Form::wpa_password,
            {"12345678", std::string(63, '~'), std::string(63, 'a'), "pass word'$"});
    refuses(Form::wpa_password,
            {"", "1234567", std::string(64, 'a'), std::string(65, 'a'), "1234567\n", "größe123"});
    accepts(Form::wpa_password_or_none, {"", "12345678"});
    refuses(Form::wpa_password_or_none, {"1", "1234567"});
}

TEST(Fields, Addresses_are_literals) {
    accepts(Form::ipv4, {"10.0.0.1", "192.168.254.255", "223.1.2.3"});
    refuses(Form::ipv4,
            {"", "10.0.0", "010.0.0.1", "10.0.0.1 ", "10.0.0.256", "fe80::1", "a.b.c.d"});
    // No host has these for its own.
    refuses(Form::ipv4, {"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255"});
    accepts(Form::host_address, {"10.0.0.1", "fe80::1"});
    refuses(Form::host_address, {"fe80::1%eth0", "host", ""});
}

TEST(Fields, Words_do_not_begin_with_a_dash) {
    accepts(Form::version, {"1.2.3", "2.0-rc1+b", "v1"});
    refuses(Form::version, {"", "-1", "1 2", "1;2", "../1", std::string(65, '1')});
    accepts(Form::serial, {"RC26-00001", "0001"});
    refuses(Form::serial, {"", "-s", "a b", "a/b", "a\nb", std::string(65, 'a')});
    accepts(Form::token, {"abc/+=", "-t", std::string(4096, 'x')});
    refuses(Form::token, {"", "a b", "a\nb", "ä", std::string(4097, 'x')});
    accepts(Form::user, {"reeplayer", "_a-1"});
    refuses(Form::user, {"", "Root", "a b", "-a", "1a", "a;b"});
}

TEST(Fields, Paths_stay_where_they_say) {
    accepts(Form::unit_path, {"/mnt/data", "/", "/opt/a+b_c.d/e-f"});
    refuses(Form::unit_path, {"", "mnt", "/a/../b", "/a b", "/a;b", "/$(x)", "/a/..", "/./a"});
    accepts(Form::tools_dir, {"system-tools", "/opt/tools"});
    refuses(Form::tools_dir, {"", "-x", "../x", "a b"});
    accepts(Form::script, {"get-serial.sh"});
    refuses(Form::script, {"", "a/b", "..", ".x", "-x"});
    accepts(Form::url, {"https://api.dev.reeplayer.com", "http://a:1/b?c=d", "http://10.0.0.1",
                        "http://[fe80::1]:8080/x@y", "https://a_b?q"});
    refuses(Form::url, {"http:///x", "https://:80", "http://a:0", "http://a:65536", "http://a:b",
                        "https://user:pass@host/", "http://[::1", "http://[x]/", "http://-a"});
    refuses(Form::url,
            {"ftp://x", "https://", "https://a b", "https://a'b", "https://a\"b", "https://a`b"});
}

TEST(Fields, Json_types_are_strict) {
    EXPECT_EQ(form_problem(Form::seconds, base::Json(60)), "");
    EXPECT_NE(form_problem(Form::seconds, base::Json(0)), "");
    EXPECT_NE(form_problem(Form::seconds, base::Json(3601)), "");
    EXPECT_NE(form_problem(Form::seconds, base::Json("60")), "");
    EXPECT_NE(form_problem(Form::seconds, base::Json(1.5)), "");
    EXPECT_EQ(form_problem(Form::flag, base::Json(true)), "");
    EXPECT_NE(form_problem(Form::flag, base::Json("true")), "");
    EXPECT_NE(form_problem(Form::ssid, base::Json(5)), "");
    EXPECT_EQ(form_problem(Form::sudo_rule, base::Json("sudo -n")), "");
    for (const base::Json& good : {base::Json(true), base::Json(false), base::Json(1),
                                   base::Json("true"), base::Json("1")}) {
        EXPECT_EQ(form_problem(Form::develop, good), "") << good;
    }
    for (const base::Json& bad : {base::Json(0), base::Json(2), base::Json("yes"), base::Json(1.0),
                                  base::Json(), base::Json("")}) {
        EXPECT_NE(form_problem(Form::develop, bad), "") << bad;
    }
    EXPECT_NE(form_problem(Form::sudo_rule, base::Json("sudo -n sh -c x")), "");
}

TEST(StepTable, Every_default_has_its_own_form) {
    const auto check = [](const ParamFact& fact) {
        if (fact.otherwise.empty()) {
            return;
        }
        if (fact.form == Form::flag) {
            EXPECT_TRUE(fact.otherwise == "true" || fact.otherwise == "false");
        } else if (fact.form == Form::seconds || fact.form == Form::port ||
                   fact.form == Form::http_status) {
            EXPECT_EQ(form_problem(fact.form, base::Json(std::stoi(std::string(fact.otherwise)))),
                      "")
                << fact.name;
        } else {
            EXPECT_EQ(form_problem(fact.form, fact.otherwise), "") << fact.name;
        }
    };
    std::set<std::string_view> names;
    for (const StepFacts& step : step_table()) {
        EXPECT_TRUE(names.insert(step.name).second) << step.name;
        EXPECT_FALSE(step.once_per_flash && step.retries > 0) << step.name;
        for (const ParamFact& fact : step.params) {
            check(fact);
            for (const ParamFact& common : common_params()) {
                EXPECT_NE(fact.name, common.name) << step.name;
            }
        }
    }
    for (const ParamFact& fact : common_params()) {
        check(fact);
    }
}

TEST(StepTable, Every_step_is_built_in_and_the_other_way_round) {
    Registry registry;
    register_builtin_steps(registry);
    std::set<std::string> built;
    for (const auto& name : registry.names()) {
        EXPECT_NE(find_step(name), nullptr) << name;
        EXPECT_NE(registry.make(name), nullptr) << name;
        EXPECT_TRUE(built.insert(name).second) << name;
    }
    EXPECT_EQ(built.size(), step_table().size());
    EXPECT_EQ(registry.make("other"), nullptr);
}

TEST(StepTable, Checks_parameters) {
    const StepFacts& ap = *find_step("set-wifi-ap");
    EXPECT_TRUE(
        check_params(ap, {{"step", "set-wifi-ap"}, {"ssid", "Reeplayer"}, {"sudo", "none"}}));
    const auto problem = [&](const base::Json& params) {
        return check_params(ap, params).error().message;
    };
    EXPECT_NE(problem(base::Json::object()).find("\"ssid\" is missing"), std::string::npos);
    EXPECT_NE(problem({{"ssid", ""}}).find("1 to 32"), std::string::npos);
    EXPECT_NE(problem({{"ssid", "a"}, {"ssidd", "b"}}).find("did you mean \"ssid\""),
              std::string::npos);
    EXPECT_NE(problem({{"ssid", "a"}, {"wifi_ap_password", "12345678"}}).find("secrets"),
              std::string::npos);
    EXPECT_NE(problem({{"ssid", "a"}, {"ap_address", "10.0.0"}}).find("IPv4"), std::string::npos);
}

}  // namespace
}  // namespace lineside::provisioning
