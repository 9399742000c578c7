// SPDX-License-Identifier: Apache-2.0
// Sessions as people write them: arguments of every form, wrong types, files that are none. No text
// about them holds a secret.
#include "provisioning/session/session_file.h"
#include "provisioning/session/check_session.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace lineside::provisioning::session {
namespace {

using base::Json;

// The first error's code, or "" when the session is accepted.
std::string first(const Report& report) {
    return report.errors.empty() ? "" : report.errors[0].refusal.code;
}

Report with_args(const char* phase, const char* step, const Json& args, bool test_only = false) {
    Json actions{{{"do", "open"}}};
    Json action{{"do", phase}, {"step", step}, {"args", args}};
    if (std::string_view(phase) == "post") {
        actions.push_back({{"do", "flash"}, {"unit", "u1"}});
        action["unit"] = "u1";
    }
    actions.push_back(action);
    return check_session(Json{{"test_only", test_only}, {"actions", actions}}.dump());
}

struct ArgCase {
    const char* step;
    Json args;
    const char* code;
};

TEST(SessionArguments, Have_the_form_that_the_step_declares) {
    const std::string long_ssid(33, 's');
    const std::string wide = "ÄÖÜÄÖÜÄÖÜÄÖÜÄÖÜÄ";  // 16 characters, 32 bytes
    const std::string longest(63, 'a');
    const char* ok = "";
    const char* form = "session.argument_form";
    const char* missing = "session.argument_missing";
    const char* unknown = "session.unknown_argument";
    const std::vector<ArgCase> cases{
        {"set-wifi-ap", {{"address", "10.0.0.1"}, {"ssid", "S"}, {"password", "12345678"}}, ok},
        {"set-wifi-ap", {{"ssid", "S"}, {"password", "12345678"}}, ok},
        {"set-wifi-ap", {{"ssid", wide}, {"password", longest}}, ok},
        {"set-wifi-ap", {{"ssid", wide + "x"}, {"password", longest}}, form},
        {"set-wifi-ap", {{"ssid", long_ssid}, {"password", "12345678"}}, form},
        {"set-wifi-ap", {{"ssid", ""}, {"password", "12345678"}}, form},
        {"set-wifi-ap", {{"ssid", "a\nb"}, {"password", "12345678"}}, form},
        {"set-wifi-ap", {{"ssid", 5}, {"password", "12345678"}}, form},
        {"set-wifi-ap", {{"ssid", nullptr}, {"password", "12345678"}}, form},
        {"set-wifi-ap", {{"ssid", "S"}, {"password", "1234567"}}, form},
        {"set-wifi-ap", {{"ssid", "S"}, {"password", std::string(63, 'p')}}, ok},
        {"set-wifi-ap", {{"ssid", "S"}, {"password", std::string(64, 'a')}}, form},
        {"set-wifi-ap", {{"ssid", "S"}, {"password", "größer-als"}}, form},
        {"set-wifi-ap", {{"ssid", "S"}, {"password", ""}}, form},
        {"set-wifi-ap", {{"ssid", "S"}, {"password", {"12345678"}}}, form},
        {"set-wifi-ap", {{"ssid", "S"}}, missing},
        {"set-wifi-ap", {{"password", "12345678"}}, missing},
        {"set-wifi-ap", {{"address", "10.0.0"}, {"ssid", "S"}, {"password", "12345678"}}, form},
        {"set-wifi-ap", {{"address", "10.0.0.01"}, {"ssid", "S"}, {"password", "12345678"}}, form},
        {"set-wifi-ap",
         {{"address", "10.0.0.1/24"}, {"ssid", "S"}, {"password", "12345678"}},
         form},
        {"set-wifi-ap", {{"address", "0.0.0.0"}, {"ssid", "S"}, {"password", "12345678"}}, form},
        {"set-wifi-ap", {{"adress", "10.0.0.1"}, {"ssid", "S"}, {"password", "12345678"}}, unknown},
        {"set-wifi-station", {{"ssid", "Guest"}, {"password", ""}}, ok},
        {"set-wifi-station", {{"ssid", "Guest"}}, ok},
        {"set-wifi-station", {{"ssid", "Guest"}, {"password", "short"}}, form},
        {"set-wifi-station", {{"password", "12345678"}}, missing},
        {"set-service", Json::object(), ok},
        {"set-service", {{"develop", true}}, ok},
        {"set-service", {{"d", "1"}, {"url", "https://api.example:8443/x"}}, ok},
        {"set-service", {{"develop", "on"}}, form},
        {"set-service", {{"develop", 2}}, form},
        {"set-service", {{"url", "ftp://x"}}, form},
        {"set-service", {{"url", "https://me:secret@x"}}, form},
        {"set-serial", {{"serial", "RC26-1"}, {"token", "a/b+c="}}, ok},
        {"set-serial", {{"serial", "-1"}, {"token", "t"}}, form},
        {"set-serial", {{"serial", 17}, {"token", "t"}}, form},
        {"set-serial", {{"serial", std::string(65, '1')}, {"token", "t"}}, form},
        {"set-serial", {{"serial", "S"}, {"token", "a b"}}, form},
        {"set-serial", {{"serial", "S"}, {"token", ""}}, form},
        {"set-serial", {{"serial", "S"}, {"token", std::string(4097, 't')}}, form},
        {"set-serial", {{"token", "t"}}, missing},
        {"set-serial", Json::object(), missing},
        {"install-mcutool", {{"force", true}}, unknown},
        {"install-mcutool", {{"enabled", "no"}}, form},
        {"install-camera", {{"verson", "1"}}, unknown},
    };
    for (const ArgCase& each : cases) {
        EXPECT_EQ(first(with_args("pre", each.step, each.args)), each.code)
            << each.step << each.args;
    }
    EXPECT_EQ(first(with_args("post", "install-camera", {{"version", "1.2-rc1"}})), ok);
    EXPECT_EQ(first(with_args("post", "install-camera", {{"version", "1 2"}})), form);
    EXPECT_EQ(first(with_args("post", "install-camera", {{"version", ""}})), form);
    EXPECT_EQ(first(with_args("post", "set-nvme", {{"device", "/dev/sda"}})), unknown);
}

TEST(SessionArguments, Token_may_be_missing_only_in_a_test_session) {
    EXPECT_EQ(first(with_args("pre", "set-serial", {{"serial", "S"}}, true)), "");
    EXPECT_EQ(first(with_args("pre", "set-serial", {{"serial", "S"}}, false)),
              "session.argument_missing");
    EXPECT_EQ(first(with_args("post", "set-serial", {{"serial", "S"}, {"token", ""}}, true)),
              "session.argument_form");
}

TEST(SessionArguments, Form_is_told_with_its_source) {
    const Report report =
        with_args("pre", "set-wifi-ap", {{"ssid", std::string(33, 's')}, {"password", "12345678"}});
    EXPECT_EQ(report.errors[0].refusal.field, "args.ssid");
    EXPECT_NE(report.errors[0].refusal.what.find("33 bytes"), std::string::npos);
    EXPECT_NE(report.errors[0].refusal.remedy.find("IEEE 802.11, 9.4.2.2"), std::string::npos);
}

TEST(SessionNames, Nearest_is_named) {
    const auto remedy = [](const Json& action) {
        const Report report = check_session(Json{{"actions", {{{"do", "open"}}, action}}}.dump());
        return report.errors.empty() ? "" : report.errors[0].refusal.remedy;
    };
    EXPECT_EQ(remedy({{"do", "flsh"}, {"unit", "u1"}}), "Did you mean \"flash\"?");
    EXPECT_EQ(remedy({{"do", "pre"}, {"step", "set-wifi-sation"}}),
              "Did you mean \"set-wifi-station\"?");
    EXPECT_EQ(remedy({{"do", "pre"}, {"step", "instal-nvme"}}), "Did you mean \"install-nvme\"?");
    EXPECT_EQ(remedy({{"do", "flash"}, {"unit", "u1"}, {"reus", true}}), "Did you mean \"reuse\"?");
    EXPECT_EQ(remedy({{"do", "pre"},
                      {"step", "set-wifi-ap"},
                      {"args", {{"sid", "S"}, {"password", "12345678"}}}}),
              "Did you mean \"ssid\"?");
}

struct FileCase {
    const char* text;
    const char* code;
    const char* field;
};

TEST(SessionFile, Wrong_shapes_are_named) {
    const std::vector<FileCase> cases{
        {"", "session.file", ""},
        {"{", "session.file", ""},
        {"nonsense", "session.file", ""},
        {"[]", "session.form", "the file"},
        {"{}", "session.form", "actions"},
        {R"({"actions":{}})", "session.form", "actions"},
        {R"({"actions":[]})", "session.form", "actions"},
        {R"({"actions":[5]})", "session.form", "an action"},
        {R"({"actions":[{}]})", "session.form", "do"},
        {R"({"actions":[{"do":5}]})", "session.form", "do"},
        {R"({"actions":[{"do":"open"}],"test_only":1})", "session.form", "test_only"},
        {R"({"actions":[{"do":"open"}],"testonly":true})", "session.unknown_field", ""},
        {R"({"actions":[{"do":"open","hold_before_flash":"yes"}]})", "session.form",
         "hold_before_flash"},
        {R"({"actions":[{"do":"open"},{"do":"flash"}]})", "session.form", "unit"},
        {R"({"actions":[{"do":"open"},{"do":"flash","unit":""}]})", "session.form", "unit"},
        {R"({"actions":[{"do":"open"},{"do":"flash","unit":7}]})", "session.form", "unit"},
        {R"({"actions":[{"do":"open"},{"do":"flash","unit":"u1","reuse":"yes"}]})", "session.form",
         "reuse"},
        {R"({"actions":[{"do":"open"},{"do":"pre"}]})", "session.form", "step"},
        {R"({"actions":[{"do":"open"},{"do":"pre","step":"install-mcutool","args":[]}]})",
         "session.form", "args"},
        {R"({"actions":[{"do":"open"},{"do":"pre","step":"install-mcutool","unit":"u1"}]})",
         "session.unknown_field", ""},
        {R"({"actions":[{"do":"open","do":"close"}]})", "session.form", "do"},
        {R"({"actions":[{"do":"open"}],"actions":[{"do":"open"}]})", "session.form", ""},
        {R"({"actions":[{"do":"open"},{"do":"pre","step":"set-service","args":{"url":"http://a","url":"http://b"}}]})",
         "session.form", ""},
        {"{\"actions\":[{\"do\":\"op\xff\"}]}", "session.file", ""},
        {R"({"actions":[{"do":"open"}]} {})", "session.file", ""},
    };
    for (const FileCase& each : cases) {
        const Report report = check_session(each.text);
        ASSERT_FALSE(report.accepted()) << each.text;
        EXPECT_EQ(report.errors[0].refusal.code, each.code) << each.text;
        EXPECT_EQ(report.errors[0].refusal.field, each.field) << each.text;
    }
}

TEST(SessionFile, Places_are_told) {
    const Report report = check_session(
        "{\n \"actions\": [\n  {\"do\":\"open\"},\n  {\"do\":\"build\"},   {\"do\":\"opn\"}\n "
        "]\n}");
    ASSERT_EQ(report.errors.size(), 1U);
    EXPECT_EQ(report.errors[0].index, 2U);
    EXPECT_EQ(report.errors[0].place.line, 4);
    EXPECT_EQ(report.errors[0].place.column, 21);
    const Report broken = check_session("{\n \"actions\": [\n  {\"do\" open}");
    EXPECT_EQ(broken.errors[0].place.line, 3);
    const Report twice = check_session(
        "{\"actions\":[{\"do\":\"open\"},\n{\"do\":\"flash\",\"unit\":\"u1\",\"unit\":\"u2\"}]}");
    EXPECT_EQ(twice.errors[0].index, 1U);
    EXPECT_EQ(twice.errors[0].place.line, 2);
}

TEST(SessionFile, Is_bounded) {
    EXPECT_EQ(first(check_session(std::string(kMaxFileBytes + 1, ' '))), "session.file");
    EXPECT_EQ(first(check_session(std::string(1000, '['))), "session.file");
    Json actions{{{"do", "open"}}};
    for (std::size_t i = 0; i < kMaxActions; ++i) {
        actions.push_back({{"do", "open"}});
    }
    EXPECT_EQ(first(check_session(Json{{"actions", actions}}.dump())), "session.form");
    actions.erase(actions.size() - 1);
    const Report report = check_session(Json{{"actions", actions}}.dump());
    EXPECT_EQ(report.errors_total, kMaxActions - 1);
    EXPECT_EQ(report.errors.size(), kMostListed);
}

// Wherever a secret is put, rightly or not, it is told nowhere.
TEST(SessionFile, Secrets_are_never_told) {
    const std::string s = "Sesame-42-opens";
    const Json open{{"do", "open"}};
    const Json flash{{"do", "flash"}, {"unit", "u1"}};
    const auto pre = [](const std::string& step, const Json& args) {
        return Json{{"do", "pre"}, {"step", step}, {"args", args}};
    };
    const std::vector<Json> files{
        {{"actions", {open, pre("set-wifi-ap", {{"ssid", "S"}, {"password", s}}), flash}}},
        {{"actions",
          {open, pre("set-serial", {{"serial", "S1"}, {"token", s}}), flash,
           pre("set-serial", {{"serial", "S2"}, {"token", s}})}}},
        {{"actions", {open, pre("set-wifi-ap", {{"ssid", "S"}, {"password", s + "ä"}})}}},
        {{"actions", {open, pre("set-wifi-ap", {{"ssid", "S"}, {"password", {s}}})}}},
        {{"actions", {open, pre("set-wifi-ap", {{"ssid", "S"}, {"password", {{s, s}}}})}}},
        {{"actions", {open, pre("set-wifi-ap", {{"ssid", "S"}, {"pasword", s}, {s, 1}})}}},
        {{"actions", {open, pre("set-serial -s S1 -t " + s, Json::object())}}},
        {{"actions", {open, {{"do", s}}, {{"do", "flash"}, {"unit", s + " "}}}}},
        {{"actions", {open, {{"do", "build"}, {s, s}}}}, {s, true}},
        {{"actions", s}},
        {{"actions", {s}}},
        {{"actions", {open, pre("set-service", {{"url", "https://me:" + s + "@host"}})}}},
        {{"actions", {open, pre("install-mcutool", s)}}},
        s,
    };
    std::vector<std::string> texts{
        R"({"actions":[{"password":")" + s, s,
        R"({"actions":[{"do":"open",")" + s + R"(":1,")" + s + R"(":2}]})"};
    for (const Json& file : files) {
        texts.push_back(file.dump());
    }
    for (const std::string& text : texts) {
        const Report report = check_session(text);
        EXPECT_EQ(to_json(report, "f").dump().find(s), std::string::npos) << text;
        EXPECT_EQ(to_text(report, "f").find(s), std::string::npos) << text;
    }
}

TEST(SessionCommand, Answers_as_the_other_checks) {
    const std::string path = ::testing::TempDir() + "/session.json";
    const auto run = [&](const std::string& text, std::string& out, bool json = true) {
        std::ofstream(path) << text;
        std::ostringstream said;
        std::ostringstream complained;
        const int status = run_check_session(path, json, said, complained);
        out = said.str();
        return status;
    };
    std::string out;
    EXPECT_EQ(run(R"({"test_only":false,"actions":[{"do":"open"},{"do":"close"}]})", out), 0);
    Json answer = Json::parse(out);
    EXPECT_EQ(answer["verdict"], "accept");
    EXPECT_EQ(answer["errors"], Json::array());
    EXPECT_EQ(answer["builds"], 0);
    EXPECT_EQ(run(R"({"actions":[{"do":"close"}]})", out), 1);
    answer = Json::parse(out);
    EXPECT_EQ(answer["verdict"], "reject");
    EXPECT_EQ(answer["errors"][0]["index"], 0);
    EXPECT_EQ(answer["errors"][0]["code"], "session.not_open");
    EXPECT_EQ(answer["errors"][0]["file"], path);
    EXPECT_EQ(run(R"({"actions":[{"do":"close"}]})", out, false), 1);
    EXPECT_NE(out.find("session.json:1:13: error: action 0: The session is not open"),
              std::string::npos)
        << out;
    std::filesystem::remove(path);
    std::ostringstream said;
    std::ostringstream complained;
    EXPECT_EQ(run_check_session(path, true, said, complained), 2);
    EXPECT_EQ(Json::parse(said.str())["verdict"], "reject");
}

}  // namespace
}  // namespace lineside::provisioning::session
