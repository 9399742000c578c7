// SPDX-License-Identifier: Apache-2.0
#include "station/config/config.h"

#include "station/base/files.h"

#include <gtest/gtest.h>

#include <unistd.h>

namespace lineside::config {
namespace {

constexpr std::string_view kGood = R"([station]
id = "line2-st1"
data = "/var/lib/lineside"
key_file = "/etc/lineside/key"
[[slot]]
label = "1"
port = "pci-0000:00:14.0-usb-0:1.1"
[[slot]]
label = "2"
port = "pci-0000:00:14.0-usb-0:1.2"
[[recipe]]
id = "camera"
[[recipe.step]]
use = "flash"
[[recipe.step]]
use = "wait-unit"
[[recipe.step]]
use = "prove-image"
[[recipe.step]]
use = "set-serial"
[[recipe.step]]
use = "set-wifi-ap"
ssid = "Reeplayer"
wifi_ap_password = "Reeplayer"
[[recipe.step]]
use = "read-serial"
[[profile]]
id = "crc-nx"
model = "xavier-nx"
board = "jetson-xavier-nx-devkit-emmc"
rootdev = "mmcblk0p1"
bsp = "/opt/bsp"
recipe = "camera"
[profile.expect]
id = "3668"
sku = ["0001"]
[profile.image]
mutable = ["/var/"]
env = { FAB = "100" }
[profile.ssh]
user = "reeplayer"
password = "reeplayer"
)";

Reading read(std::string text) {
    const auto path =
        std::filesystem::path(testing::TempDir()) / fmt::format("config_test.{}.toml", ::getpid());
    EXPECT_TRUE(base::replace_file(path, text));
    return read_config(path);
}

std::string with(std::string_view from, std::string_view to) {
    std::string text(kGood);
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

std::string complaints(const Reading& reading) {
    std::string text;
    for (const auto& complaint : reading.complaints) {
        text += to_text(complaint) + "\n";
    }
    return text;
}

}  // namespace

TEST(Config, A_good_file_is_read) {
    const Reading reading = read(std::string(kGood));
    EXPECT_EQ(complaints(reading), "");
    ASSERT_EQ(reading.config.profiles.size(), 1U);
    const auto& steps = reading.config.profiles[0].steps;
    ASSERT_EQ(steps.size(), 6U);
    EXPECT_EQ(steps[0].method, "jetson-usb");
    EXPECT_EQ(steps[3].params["user"], "reeplayer");
    EXPECT_FALSE(steps[3].params.contains("ssh_password")) << "a secret is never a parameter";
    EXPECT_EQ(steps[3].secrets.at("ssh_password").reveal(), "reeplayer");
    EXPECT_FALSE(steps[4].params.contains("wifi_ap_password"));
    EXPECT_GT(steps[3].retries, 0);
}

TEST(Config, What_no_key_begins_with_is_told_with_its_line) {
    for (const char* line : {"[=x]", "[\005station]", "[[,]]", "[.a]"}) {
        const auto reading = read("\n" + std::string(line) + "\n");
        EXPECT_NE(complaints(reading).find(":2"), std::string::npos) << complaints(reading);
    }
}

TEST(Config, Letter_where_a_blank_may_be_is_told_with_its_line) {
    for (const char* line : {"x = {a = Ί]", "[station] ü", "x = 1 ҙ", "ü = 1", "x.ü = 1"}) {
        const auto reading = read("\n" + std::string(line) + "\n");
        EXPECT_NE(complaints(reading).find(":2"), std::string::npos) << complaints(reading);
    }
    // Where it may stand it is read as one of ASCII is: only the key is wrong.
    const auto folded = [](const std::string& letter) {
        return complaints(read("x = \"\"\"\\\n  " + letter + "\"\"\"\n"));
    };
    EXPECT_EQ(folded("§"), folded("S"));
}

TEST(Config, Step_takes_what_each_unit_has_of_its_own) {
    auto reading = read(with("ssid = \"Reeplayer\"\nwifi_ap_password = \"Reeplayer\"",
                             "ssid = \"{ap_ssid}\"\nwifi_ap_password = \"{ap_password}\""));
    ASSERT_TRUE(reading.complaints.empty()) << complaints(reading);
    const core::StepPlan& step = reading.config.profiles[0].steps[4];
    EXPECT_EQ(step.unit_fields, (std::map<std::string, std::string>{
                                    {"ssid", "ap_ssid"}, {"wifi_ap_password", "ap_password"}}));
    EXPECT_FALSE(step.secrets.contains("wifi_ap_password"));
    EXPECT_FALSE(step.params.contains("wifi_ap_password"));
}

TEST(Config, A_profile_may_run_its_tools_in_a_container) {
    const std::string table =
        "[profile.container]\nimage = \"reeplayer/camera-sw:l4t-system-crc-nx-32.7.2-5\"\n"
        "engine = \"docker\"\n[profile.expect]";
    const auto reading = read(with("[profile.expect]", table));
    EXPECT_EQ(complaints(reading), "");
    const base::Json container{{"image", "reeplayer/camera-sw:l4t-system-crc-nx-32.7.2-5"},
                               {"engine", "docker"}};
    const core::Profile& profile = reading.config.profiles.at(0);
    EXPECT_EQ(profile.steps[0].params["container"], container);
    EXPECT_EQ(profile.image_params["container"], container);
    EXPECT_FALSE(profile.steps[1].params.contains("container"));
    std::string initrd = with("[profile.expect]", table);
    initrd.replace(initrd.find("use = \"flash\""), 13, "use = \"flash\"\nway = \"initrd\"");
    EXPECT_NE(complaints(read(initrd)).find("profile.container way \"initrd\" runs on the host"),
              std::string::npos);
    const auto host = read(std::string(kGood)).config.profiles.at(0);
    EXPECT_FALSE(host.steps[0].params.contains("container"));
}

TEST(Config, The_image_is_made_of_what_the_flash_writes) {
    std::string text(kGood);
    EXPECT_FALSE(read(text).config.profiles.at(0).image_params.contains("way"));
    text.replace(text.find("use = \"flash\""), 13, "use = \"flash\"\nway = \"massflash\"");
    const auto reading = read(text);
    EXPECT_EQ(complaints(reading), "");
    EXPECT_EQ(reading.config.profiles.at(0).image_params["way"], "massflash");
    EXPECT_EQ(reading.config.profiles.at(0).steps[0].params["way"], "massflash");
}

struct Bad {
    std::string_view from;
    std::string_view to;
    std::string_view told;
};
class BadConfig : public testing::TestWithParam<Bad> {};
TEST_P(BadConfig, Is_told_with_its_place) {
    const auto& [from, to, told] = GetParam();
    const Reading reading = read(with(from, to));
    EXPECT_NE(complaints(reading).find(told), std::string::npos) << complaints(reading);
}
INSTANTIATE_TEST_SUITE_P(
    All, BadConfig,
    testing::Values(
        Bad{"use = \"set-serial\"\n[[recipe.step]]\nuse = \"set-wifi-ap\"\nssid = \"Reeplayer\"",
            "use = \"set-wifi-ap\"\nssid = \"{ap_ssid}\"\nwifi_ap_password = \"{ap_password}\"\n"
            "[[recipe.step]]\nuse = \"set-serial\"",
            "takes {ap_ssid} of the unit, so it must stand behind set-serial"},
        Bad{"id = \"line2-st1\"", "idd = \"x\"", "did you mean 'id'"},
        Bad{"label = \"2\"", "label = \"1\"", "slot 1 is there twice"},
        Bad{"0:1.2", "0:1.1", "port used twice, also by slot 1"},
        Bad{"0:1.2", "0:1..2", "must look like"},
        Bad{"key_file = \"/etc/lineside/key\"",
            "key_file = \"/etc/lineside/key\"\nsigning_key = \"/var/lib/lineside/sign\"",
            "signing_key must lie outside the data folder"},
        Bad{"key_file = \"/etc/lineside/key\"", "key_file = \"/run/credentials/x.service/key\"",
            "signing_key must be set"},
        Bad{"key_file = \"/etc/lineside/key\"", "key_file = \"/var/lib/lineside/key\"",
            "outside the data folder"},
        Bad{"[[slot]]", "listen = \"0.0.0.0\"\n[[slot]]", "must be 127.0.0.1 or ::1"},
        Bad{"[[slot]]", "[scan]\nprefix = \"Enter\"\n[[slot]]", "must be another key than prefix"},
        Bad{"[[slot]]", "[scan]\nend = \"\"\n[[slot]]", "must be a key as a browser names it"},
        Bad{"[[slot]]", "[web]\nlisten = [\"eth0\"]\n[[slot]]", "'eth0' is no address"},
        Bad{"[[slot]]", "[web]\nlisten = \"0.0.0.0\"\n[[slot]]", "must be a list of texts"},
        Bad{"[[slot]]", "[web]\nport = 8080\n[[slot]]", "must be another one than"},
        Bad{"[[slot]]", "[web]\nnames = [\"a b\"]\n[[slot]]", "'a b' is no host name"},
        Bad{"[[slot]]", "[web]\nnames = [\"a:0\"]\n[[slot]]", "'a:0' is no host name"},
        Bad{"[[slot]]", "[web]\ncertificate = \"/x.pem\"\n[[slot]]", "web.key is missing"},
        Bad{"[[slot]]", "[web]\nkey = \"/x.key\"\n[[slot]]", "web.certificate is missing"},
        Bad{"[[slot]]", "[web]\nlisen = []\n[[slot]]", "did you mean 'listen'"},
        Bad{"use = \"wait-unit\"", "use = \"wait-unti\"", "did you mean 'wait-unit'"},
        Bad{"use = \"flash\"", "use = \"wait-unit\"", "the first step must be"},
        Bad{"use = \"read-serial\"", "use = \"to-recovery\"", "cannot be part of a recipe"},
        Bad{"use = \"set-serial\"",
            "use = \"set-serial\"\n[[recipe.step]]\nuse = "
            "\"set-nvme\"\nphase = \"pre\"",
            "set-nvme runs only on the booted unit"},
        Bad{"use = \"set-serial\"",
            "use = \"set-serial\"\n[[recipe.step]]\nuse = "
            "\"set-nvme\"\n[[recipe.step]]\nuse = \"install-nvme\"",
            "step 'set-nvme' is there twice"},
        Bad{"use = \"set-serial\"", "use = \"set-serial\"\nphase = \"after\"",
            "phase must be \"pre\" or \"post\""},
        Bad{"ssid = \"Reeplayer\"", "ssid = 7", ".toml:22:"},
        Bad{"wifi_ap_password = \"Reeplayer\"", "wifi_ap_password = \"short\"", "must be 8 to 63"},
        Bad{"wifi_ap_password = \"Reeplayer\"", "", "\"wifi_ap_password\" is missing"},
        Bad{"use = \"read-serial\"", "use = \"set-nvme\"", "step 'read-serial' is missing"},
        Bad{"[profile.expect]\nid = \"3668\"\nsku = [\"0001\"]\n", "",
            "profile.expect.id is missing"},
        Bad{"id = \"3668\"", "id = 3668", "profile.expect.id must be text in quotes"},
        Bad{"sku = [\"0001\"]", "sku = [1]", "profile.expect.sku must be a list of texts"},
        Bad{"sku = [\"0001\"]", "skus = [\"0001\"]", "did you mean 'sku'"},
        Bad{"mutable = [\"/var/\"]", "mutable = \"/var/\"",
            "profile.image.mutable must be a list of texts"},
        Bad{"mutable = [\"/var/\"]", "mutabel = []", "did you mean 'mutable'"},
        Bad{"FAB = \"100\"", "FAB = 100", "FAB must be text in quotes"},
        Bad{"rootdev = \"mmcblk0p1\"", "rootdev = \"../x\"", "profile.rootdev must be a word"},
        Bad{"[profile.expect]", "[profile.container]\nengine = \"docker\"\n[profile.expect]",
            "profile.container.image is missing"},
        Bad{"[profile.expect]", "[profile.container]\nimage = \"a b\"\n[profile.expect]",
            ".toml:35:9: profile.container.image must be an image as `docker pull` takes it"},
        Bad{"[profile.expect]",
            "[profile.container]\nimage = \"a\"\ndigest = \"sha256:1\"\n[profile.expect]",
            "profile.container.digest must be \"sha256:\" and 64"},
        Bad{"[profile.expect]",
            "[profile.container]\nimage = \"a\"\nengine = \"lxc\"\n[profile.expect]",
            "profile.container.engine must be \"docker\" or \"podman\""},
        Bad{"[profile.expect]",
            "[profile.container]\nimage = \"a\"\npassword = \"x\"\n[profile.expect]",
            "profile.container.password"},
        Bad{"recipe = \"camera\"", "recipe = \"x\"", "there is no recipe 'x'"},
        Bad{"id = \"line2-st1\"", "id = ", ".toml:2:"}));

TEST(Config, Page_on_the_network_has_a_port_names_and_a_certificate) {
    const Reading plain = read(std::string(kGood));
    EXPECT_TRUE(plain.config.web.listen.empty());
    EXPECT_EQ(plain.config.web.key, plain.config.signing_key.parent_path() / "web.key");
    EXPECT_EQ(plain.config.web.made, plain.config.signing_key.parent_path() / "web.pem");
    const Reading reading = read(
        with("[[slot]]",
             "[web]\nlisten = [\"0.0.0.0\", \"fd00::5\"]\nport = 443\nnames = [\"ST3.example\", "
             "\"st3.example:8443\"]\ncertificate = \"/x.pem\"\nkey = \"/x.key\"\n[[slot]]"));
    EXPECT_EQ(complaints(reading), "");
    EXPECT_EQ(reading.config.web.listen, (std::vector<std::string>{"0.0.0.0", "fd00::5"}));
    EXPECT_EQ(reading.config.web.port, 443);
    EXPECT_EQ(reading.config.web.names,
              (std::vector<std::string>{"st3.example", "st3.example:8443"}));
    EXPECT_EQ(reading.config.web.key, "/x.key");
    EXPECT_EQ(reading.config.web.made, "");
}

TEST(Config, Backups_and_logs_go_by_policy) {
    const Reading plain = read(std::string(kGood));
    EXPECT_EQ(plain.config.backups.every, std::chrono::minutes(60));
    EXPECT_EQ(plain.config.backups.keep, 48);
    EXPECT_EQ(plain.config.logs.keep_days, 3650);
    EXPECT_EQ(plain.config.logs.max_bytes, 0U);
    const Reading own = read(std::string(kGood) +
                             "[backup]\nevery_min = 5\nkeep = 3\ncopy_to = \"/mnt/b\"\n[logs]\n"
                             "keep_days = 30\nmax_gb = 2\n");
    EXPECT_EQ(complaints(own), "");
    EXPECT_EQ(own.config.backups.every, std::chrono::minutes(5));
    EXPECT_EQ(own.config.backups.copy_to, "/mnt/b");
    EXPECT_EQ(own.config.logs.max_bytes, 2UL << 30U);
    const Reading bad =
        read(std::string(kGood) + "[backup]\nkeep = 0\ncopy_to = \"b\"\nevry = 1\n");
    for (const char* told : {"keep", "must be a whole path", "evry"}) {
        EXPECT_NE(complaints(bad).find(told), std::string::npos) << complaints(bad);
    }
}

TEST(Config, Who_releases_an_image_goes_by_policy) {
    const Reading plain = read(std::string(kGood));
    EXPECT_EQ(plain.config.use, Use::production);
    EXPECT_EQ(plain.config.release, ReleasePolicy::two);
    const Reading one = read(std::string(kGood) + "[release]\npolicy = \"one\"\n");
    EXPECT_EQ(complaints(one), "");
    EXPECT_EQ(one.config.release, ReleasePolicy::one);
    const std::string none = "[release]\npolicy = \"none\"\n";
    EXPECT_NE(complaints(read(std::string(kGood) + none)).find("is for a station with use"),
              std::string::npos);
    for (const Use use : {Use::training, Use::demonstration}) {
        const Reading other =
            read(with("id = \"line2-st1\"",
                      fmt::format("id = \"line2-st1\"\nuse = \"{}\"", to_text(use))) +
                 none);
        EXPECT_EQ(complaints(other), "");
        EXPECT_EQ(other.config.use, use);
        EXPECT_EQ(other.config.station_name.starts_with("TRAINING "), use == Use::training)
            << other.config.station_name;
        EXPECT_EQ(other.config.release, ReleasePolicy::none);
    }
    const Reading bad = read(with("id = \"line2-st1\"", "id = \"a\"\nuse = \"play\"") +
                             "[release]\npolicy = \"three\"\npeople = 3\n");
    for (const char* told : {"use must be one of", "policy must be one of \"two\"", "people"}) {
        EXPECT_NE(complaints(bad).find(told), std::string::npos) << complaints(bad);
    }
}

TEST(Config, Shifts_are_by_the_clock_on_the_wall) {
    const Reading plain = read(std::string(kGood));
    ASSERT_EQ(plain.config.shifts.size(), 3U);
    EXPECT_EQ(plain.config.shifts[2].name, "night");
    const Reading own = read(std::string(kGood) +
                             "[[shift]]\nname = \"day\"\nstart = \"07:30\"\ndays = [\"mon\", "
                             "\"sat\"]\n[[shift]]\nname = \"rest\"\nstart = \"16:00\"\n");
    EXPECT_EQ(complaints(own), "");
    ASSERT_EQ(own.config.shifts.size(), 2U);
    EXPECT_EQ(own.config.shifts[0].start_min, 450);
    EXPECT_EQ(own.config.shifts[0].days, 0b1000010U);
    EXPECT_EQ(own.config.shifts[1].days, records::kEveryDay);
    const Reading bad = read(std::string(kGood) +
                             "[[shift]]\nname = \"a\"\nstart = \"24:00\"\n[[shift]]\nname = "
                             "\"a\"\nstart = \"6:00\"\ndays = [\"Monday\"]\n[[shift]]\nname = "
                             "\"b\"\nstart = \"00:00\"\n");
    for (const char* told :
         {"such as \"06:00\"", "is there twice", "'Monday' is no day", "begins then, too"}) {
        EXPECT_NE(complaints(bad).find(told), std::string::npos) << complaints(bad);
    }
}

TEST(Config, All_errors_come_at_once) {
    std::string text = with("label = \"2\"", "label = \"1\"");
    text += "\n[surprise]\n";
    EXPECT_GE(read(text).complaints.size(), 2U);
}

TEST(Config, A_slash_behind_the_data_folder_does_not_let_the_key_in) {
    std::string text = with("data = \"/var/lib/lineside\"", "data = \"/var/lib/lineside/\"");
    EXPECT_EQ(complaints(read(text)), "");
    text.replace(text.find("/etc/lineside/key"), 17, "/var/lib/lineside/key");
    EXPECT_NE(complaints(read(text)).find("outside the data folder"), std::string::npos);
    text = with("/etc/lineside/key", "/var/lib/lineside-key");
    EXPECT_EQ(complaints(read(text)), "") << "a name that only begins alike is another folder";
}

TEST(Config, A_file_that_is_not_there_is_a_complaint_and_no_verdict) {
    EXPECT_EQ(read_config("/nonexistent/station.toml").complaints.size(), 1U);
    EXPECT_EQ(run_check_config("/nonexistent/station.toml", /*json=*/true), 2);
}

}  // namespace lineside::config
