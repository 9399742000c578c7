// SPDX-License-Identifier: Apache-2.0
#include "station/doctor/doctor.h"

#include "station/base/json.h"
#include "station/db/store.h"
#include "station/doctor/checks.h"
#include "station/doctor/host_doctor.h"
#include "station/doctor/power.h"
#include "station/trust/signing_key.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <boost/asio/io_context.hpp>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <sstream>

namespace lineside::doctor {
namespace {

// A folder that looks like a host on which all is well, as far as files can say it.
class DoctorTest : public ::testing::Test {
  protected:
    DoctorTest() {
        char name[] = "/var/tmp/lineside-doctor-XXXXXX";
        root_ = ::mkdtemp(name);
        put("/proc/sys/kernel/osrelease", "6.1.0-18-amd64");
        put("/proc/filesystems", "nodev\tsysfs\nnodev\toverlay\n");
        put("/proc/cpuinfo", "flags : fpu vme\n");
        put("/sys/module/usbcore/parameters/usbfs_memory_mb", "1000");
        put("/sys/module/usbcore/parameters/autosuspend", "2");
        put("/sys/fs/cgroup/cgroup.controllers", "cpu");
        put("/etc/udev/rules.d/99-lineside.rules", "");
        put("/etc/passwd",
            "root:x:0:0::/root:/bin/sh\nlineside:x:9:9::/:/x\nlineside-worker:x:8:8::/:/x");
        put("/etc/lineside/station.key", "lineside-key-1 " + std::string(64, 'a') + "\n");
        ::chmod((root_ + "/etc/lineside/station.key").c_str(), 0600);
        for (const char* tool : {"python", "python3", "xmllint", "lz4c", "cpio", "strings",
                                 "ssh-keygen", "perl", "mkfs.ext4", "losetup"}) {
            put(std::string("/usr/bin/") + tool, "");
        }
        wanted_.port = 0;
    }
    ~DoctorTest() override { std::filesystem::remove_all(root_); }

    void put(const std::string& path, const std::string& content) {
        std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
        std::ofstream(root_ + path, std::ios::binary) << content;
    }
    void take(const std::string& path) { std::filesystem::remove(root_ + path); }
    Weight weight(const std::string& code) {
        for (const Finding& finding : check_host(Host(root_), wanted_)) {
            if (finding.code == code) {
                EXPECT_EQ(finding.weight == Weight::fine, finding.cause.empty()) << code;
                return finding.weight;
            }
        }
        ADD_FAILURE() << "nobody told " << code;
        return Weight::fine;
    }

    std::string root_;
    Wanted wanted_;
};

}  // namespace

TEST_F(DoctorTest, Good_host_has_one_complaint_the_helper_that_does_not_run) {
    for (const Finding& finding : check_host(Host(root_), wanted_)) {
        if (finding.code == "host.helper") {
            EXPECT_EQ(finding.weight, Weight::error);
            EXPECT_FALSE(finding.mend.empty());
        } else if (finding.code != "host.config" && finding.code != "host.disk") {
            EXPECT_EQ(finding.weight, Weight::fine) << finding.code << ": " << finding.cause;
        }
    }
}

TEST_F(DoctorTest, Each_thing_that_is_wrong_is_told) {
    put("/sys/module/usbcore/parameters/usbfs_memory_mb", "16");
    EXPECT_EQ(weight("host.usbfs_memory"), Weight::error);
    take("/sys/module/usbcore/parameters/usbfs_memory_mb");
    EXPECT_EQ(weight("host.usb"), Weight::warning);
    put("/proc/77/comm", "ModemManager\n");
    EXPECT_EQ(weight("host.meddlers"), Weight::fine) << "the rules keep it away";
    take("/etc/udev/rules.d/99-lineside.rules");
    EXPECT_EQ(weight("host.meddlers"), Weight::error);
    EXPECT_EQ(weight("host.udev"), Weight::error);
    EXPECT_EQ(weight("host.autosuspend"), Weight::error);
    put("/sys/module/usbcore/parameters/autosuspend", "-1");
    EXPECT_EQ(weight("host.autosuspend"), Weight::fine);
    put("/etc/passwd", "lineside:x:9:9::/:/x");
    EXPECT_EQ(weight("host.users"), Weight::error);
    ::chmod((root_ + "/etc/lineside/station.key").c_str(), 0644);
    EXPECT_EQ(weight("host.key"), Weight::error);
    put("/etc/lineside/station.key", std::string(32, 'k'));
    ::chmod((root_ + "/etc/lineside/station.key").c_str(), 0600);
    EXPECT_EQ(weight("host.key"), Weight::error) << "it is no key file";
    take("/etc/lineside/station.key");
    EXPECT_EQ(weight("host.key"), Weight::warning);
    take("/usr/bin/lz4c");
    EXPECT_EQ(weight("host.tools"), Weight::warning);
    put("/proc/filesystems", "nodev\tsysfs\n");
    EXPECT_EQ(weight("host.overlay"), Weight::warning);
    take("/sys/fs/cgroup/cgroup.controllers");
    EXPECT_EQ(weight("host.cgroup"), Weight::warning);
    wanted_.cgroup_root = "/sys/fs/cgroup/x";
    EXPECT_EQ(weight("host.cgroup"), Weight::error);
    put("/usr/sbin/tlp", "");
    EXPECT_EQ(weight("host.tlp"), Weight::error);
    put("/proc/cpuinfo", "flags : fpu hypervisor\n");
    EXPECT_EQ(weight("host.virtual"), Weight::warning);
    put("/proc/sys/kernel/osrelease", "5.10.0");
    EXPECT_EQ(weight("host.kernel"), Weight::error);
    wanted_.bsp = {{"/opt/bsp", "flash.sh"}};
    EXPECT_EQ(weight("host.bsp"), Weight::error);
    put("/opt/mfi/nvaflash.sh", "");
    wanted_.bsp = {{"/opt/mfi", "nvaflash.sh"}};
    EXPECT_EQ(weight("host.bsp"), Weight::fine);
    wanted_.bsp = {{"/opt/mfi.tbz2", ""}};
    EXPECT_EQ(weight("host.bsp"), Weight::error);
    put("/opt/mfi.tbz2", "BZh");
    EXPECT_EQ(weight("host.bsp"), Weight::fine);
}

TEST_F(DoctorTest, Power_switches_lack_nothing_or_say_what) {
    using enum PowerNeed::What;
    const auto told = [&](PowerNeed::What what, const std::string& name) {
        wanted_.power = {{what, "3", name}};
        EXPECT_EQ(weight("host.power"), power_switches(Host(root_), wanted_).weight);
        const Finding finding = power_switches(Host(root_), wanted_);
        EXPECT_EQ(finding.weight == Weight::error, !finding.mend.empty());
        return finding.cause;
    };
    EXPECT_EQ(told(device, "/dev/serial/by-path/relay"),
              "power of slot 3: /dev/serial/by-path/relay is not there");
    put("/dev/serial/by-path/relay", "");
    EXPECT_EQ(told(device, "/dev/serial/by-path/relay"), "");
    EXPECT_EQ(told(chip, "/dev/gpiochip2"),
              "power of slot 3: there is no GPIO chip /dev/gpiochip2");
    EXPECT_EQ(told(chip, "relays"), "power of slot 3: there is no GPIO chip relays");
    put("/sys/class/gpio/gpiochip512/label", "relays\n");
    EXPECT_EQ(told(chip, "relays"), "");
    EXPECT_EQ(told(program, "/usr/local/bin/outlet"),
              "power of slot 3: /usr/local/bin/outlet is no program that can be run");
    put("/usr/local/bin/outlet", "");
    ::chmod((root_ + "/usr/local/bin/outlet").c_str(), 0755);
    EXPECT_EQ(told(program, "/usr/local/bin/outlet"), "");
    EXPECT_EQ(told(password, "/etc/lineside/pdu"),
              "power of slot 3: its password file /etc/lineside/pdu is not there");
    put("/etc/lineside/pdu", "s3cret");
    ::chmod((root_ + "/etc/lineside/pdu").c_str(), 0640);
    EXPECT_EQ(told(password, "/etc/lineside/pdu"),
              "power of slot 3: others may read its password in /etc/lineside/pdu");
    ::chmod((root_ + "/etc/lineside/pdu").c_str(), 0600);
    EXPECT_EQ(told(password, "/etc/lineside/pdu"), "");
    const std::string port = "pci-0000:00:14.0-usb-0:1.3";
    EXPECT_EQ(told(hub_port, port), "") << "helper.toml cannot be read here";
    wanted_.helper_read = true;
    wanted_.switch_ports = {"pci-0000:00:14.0-usb-0:1.31"};
    EXPECT_EQ(told(hub_port, port), "power of slot 3: the root helper may not switch port " + port);
    wanted_.switch_ports = {"pci-0000:00:14.0-usb-0:1"};
    EXPECT_EQ(told(hub_port, port), "");
}

TEST_F(DoctorTest, Slots_and_helper_toml_say_what_is_needed) {
    put("/etc/lineside/station.toml", R"([station]
id = "s"
data = "/var/lib/lineside"
key_file = "/etc/lineside/station.key"
[[slot]]
label = "1"
port = "pci-0000:00:14.0-usb-0:1.1"
[slot.power]
driver = "hub-port"
[[slot]]
label = "2"
port = "pci-0000:00:14.0-usb-0:1.2"
[slot.power]
driver = "http"
on = "http://10.0.0.7/on"
off = "http://10.0.0.7/off"
user = "admin"
password_file = "/etc/lineside/pdu"
[slot.recovery]
driver = "gpio"
chip = "/dev/gpiochip0"
line = 3
[[slot]]
label = "3"
port = "pci-0000:00:14.0-usb-0:1.3"
[slot.power]
driver = "snmp"
address = "10.0.0.8"
oid = "1.3.6.1.4.1.318.1.1.12.3.3.1.1.4.3"
settings_file = "/etc/lineside/strip/snmp.conf"
)");
    put("/etc/lineside/helper.toml", "switch_ports = [\"pci-0000:00:14.0-usb-0:1\"]\n");
    Options options;
    options.root = root_;
    const Wanted wanted = wanted_by(options, Host(root_));
    std::string all;
    for (const PowerNeed& need : wanted.power) {
        all += need.slot + " " + need.name + "\n";
    }
    EXPECT_EQ(all,
              "1 pci-0000:00:14.0-usb-0:1.1\n2 /etc/lineside/pdu\n2 /dev/gpiochip0\n"
              "3 /usr/bin/snmpset\n3 /etc/lineside/strip/snmp.conf\n");
    EXPECT_TRUE(wanted.helper_read);
    EXPECT_EQ(wanted.switch_ports, std::vector<std::string>{"pci-0000:00:14.0-usb-0:1"});
}

TEST_F(DoctorTest, Signing_key_is_the_one_on_record) {
    const std::string code = "host.signing_key";
    const std::filesystem::path file = root_ + wanted_.signing_key;
    const std::filesystem::path database = root_ + wanted_.data + "/station.db";
    const auto sql = [&](const std::string& text) {
        boost::asio::io_context loop(1);
        auto store = db::Store::open(loop, database);
        ASSERT_TRUE(store) << store.error().message;
        auto done = (*store)->write_now([&](db::Tx& tx) -> base::Status {
            auto ran = tx.run(text);
            return ran ? base::Status() : tl::unexpected<base::Error>(ran.error());
        });
        ASSERT_TRUE(done) << done.error().message;
    };
    const auto record = [&](const trust::SigningKey& key) {
        sql("UPDATE signing_key SET retired_ms = 5 WHERE retired_ms IS NULL");
        sql("INSERT INTO signing_key VALUES ('" + key.id() + "', '" + key.public_pem() +
            "', 0, NULL)");
    };
    EXPECT_EQ(weight(code), Weight::fine) << "the first start makes it";
    std::filesystem::create_directories(file.parent_path());
    std::filesystem::create_directories(database.parent_path());
    const auto key = trust::SigningKey::open(file, /*may_create=*/true);
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_EQ(weight(code), Weight::fine) << "there is no database to compare it with";
    record(*key);
    EXPECT_EQ(weight(code), Weight::fine);
    ::chmod(file.c_str(), 0640);
    EXPECT_EQ(weight(code), Weight::error);
    take(wanted_.signing_key);
    EXPECT_EQ(weight(code), Weight::error) << "the station does not start without it";
    put(wanted_.signing_key, "-----BEGIN PRIVATE KEY-----\n");
    ::chmod(file.c_str(), 0600);
    EXPECT_EQ(weight(code), Weight::error);
    take(wanted_.signing_key);
    const auto other = trust::SigningKey::open(file, /*may_create=*/true);
    ASSERT_TRUE(other) << other.error().message;
    EXPECT_EQ(weight(code), Weight::warning) << "the next start would retire the one on record";
    record(*other);
    record(*trust::SigningKey::generate());
    EXPECT_EQ(weight(code), Weight::error) << "it was retired";
    put(wanted_.data + "/station.db", "no database");
    EXPECT_EQ(weight(code), Weight::warning) << "it cannot be compared";
}

TEST_F(DoctorTest, Json_names_code_cause_and_command) {
    Options options;
    options.json = true;
    options.root = root_;
    std::ostringstream out;
    EXPECT_EQ(run_doctor(options, out), 1);
    const auto told = base::parse_json(out.str(), 1 << 20);
    ASSERT_TRUE(told);
    EXPECT_EQ((*told)["verdict"], "unfit");
    bool helper = false;
    for (const auto& problem : (*told)["problems"]) {
        helper = helper || problem["code"] == "host.helper";
        EXPECT_FALSE(problem["cause"].get<std::string>().empty());
        EXPECT_TRUE(problem["mend"].is_string());
    }
    EXPECT_TRUE(helper);
}

TEST_F(DoctorTest, Leftovers_of_a_helper_that_is_gone) {
    Options options;
    options.leftovers = true;
    options.json = true;
    options.root = root_;
    std::ostringstream nothing;
    EXPECT_EQ(run_doctor(options, nothing), 0) << nothing.str();
    put("/proc/88/environ", std::string("PATH=/bin\0LINESIDE_JOB=12\0LINESIDE_HELPER=abc\0", 45));
    put("/proc/88/comm", "flash.sh\n");
    put("/proc/self/mountinfo", "1 2 0:1 / /run/lineside-lane rw - overlay o rw\n");
    std::ostringstream out;
    EXPECT_EQ(run_doctor(options, out), 1);
    const auto told = base::parse_json(out.str(), 1 << 20);
    ASSERT_TRUE(told) << out.str();
    EXPECT_EQ((*told)["count"], 2);
    EXPECT_EQ((*told)["leftovers"][0]["job"], 12);
    EXPECT_EQ((*told)["leftovers"][1]["kind"], "mount");
}

// What a check that hangs waits for.
struct Gate {
    std::mutex mutex;
    std::condition_variable opened;
    bool open = false;
    static Gate& get() {
        static Gate gate;
        return gate;
    }
    void wait() {
        std::unique_lock hold(mutex);
        opened.wait(hold, [this] { return open; });
    }
    void let() {
        {
            const std::lock_guard hold(mutex);
            open = true;
        }
        opened.notify_all();
    }
};

TEST_F(DoctorTest, Page_gets_what_the_command_finds) {
    boost::asio::io_context loop;
    Options options;
    options.root = root_;
    HostDoctor doctor(loop, options);
    base::Json said;
    int answers = 0;
    for (int i = 0; i < 2; ++i) {  // asked twice, looked once
        doctor.look([&](const base::Result<base::Json>& answer) {
            ASSERT_TRUE(answer);
            said = *answer;
            ++answers;
        });
    }
    loop.run();
    EXPECT_EQ(answers, 2);
    const auto found = check_host(Host(root_), wanted_by(options, Host(root_)));
    ASSERT_EQ(said["findings"].size(), found.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_EQ(said["findings"][i]["code"], found[i].code);
        EXPECT_EQ(said["findings"][i]["cause"], found[i].cause);
    }
    EXPECT_EQ(said["verdict"], "unfit") << "no helper runs there";
}

TEST_F(DoctorTest, A_check_that_hangs_is_told_in_time_and_holds_up_nobody) {
    static const Check kList[] = {{"host.a",
                                   [](const Host&, const Wanted&) {
                                       return Finding{"host.a", Weight::fine, "", ""};
                                   }},
                                  {"host.b",
                                   [](const Host&, const Wanted&) {
                                       Gate::get().wait();
                                       return Finding{"host.b", Weight::fine, "", ""};
                                   }},
                                  {"host.c", [](const Host&, const Wanted&) {
                                       return Finding{"host.c", Weight::fine, "", ""};
                                   }}};
    boost::asio::io_context loop;
    Options options;
    options.root = root_;
    HostDoctor doctor(loop, options, std::chrono::milliseconds(30), kList);
    base::Json said;
    const auto ask = [&] {
        said = nullptr;
        doctor.look([&](const base::Result<base::Json>& answer) { said = *answer; });
    };
    ask();
    loop.run();
    ASSERT_EQ(said["findings"].size(), 2U) << said.dump();
    EXPECT_EQ(said["findings"][1]["code"], "host.b");
    EXPECT_EQ(said["findings"][1]["weight"], "error");
    EXPECT_EQ(said["verdict"], "unfit");
    ask();  // it still hangs: the answer is there at once
    EXPECT_EQ(said["findings"].size(), 2U);
    Gate::get().let();
    const auto work = boost::asio::make_work_guard(loop);
    loop.restart();
    loop.run_one();  // the thread's word that it has ended
    ask();
    while (said.is_null()) {
        loop.run_one();
    }
    EXPECT_EQ(said["findings"].size(), 3U);
    EXPECT_EQ(said["verdict"], "fit");
}

TEST_F(DoctorTest, What_is_hidden_is_not_called_missing) {
    if (::geteuid() == 0) {
        GTEST_SKIP() << "root sees everything";
    }
    std::filesystem::create_directories(root_ + "/home/x/bsp");
    ::chmod((root_ + "/home").c_str(), 0);
    wanted_.bsp = {{"/home/x/bsp", "flash.sh"}};
    EXPECT_EQ(weight("host.bsp"), Weight::warning);
    ::chmod((root_ + "/home").c_str(), 0700);
}

}  // namespace lineside::doctor
