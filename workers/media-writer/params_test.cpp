// SPDX-License-Identifier: Apache-2.0
#include "workers/media-writer/params.h"

#include "workers/media-writer/target.h"

#include <gtest/gtest.h>

namespace lineside::media_writer {
namespace {

protocol::JobLine job() {
    protocol::JobLine line;
    line.bus_port = "1-1.3";
    line.image = protocol::ImageRef{"k", "/images/k"};
    line.params = {{"disk", {{"name", "sdb"}, {"bytes", 32'000'000'000}, {"sequence", 7}}}};
    return line;
}

media::DiskFacts disk_at(const std::string& bus_port) {
    media::DiskFacts facts;
    facts.dev = "sdb";
    facts.bytes = 32'000'000'000;
    facts.sysfs = "/devices/pci0000:00/0000:00:14.0/usb1/" + bus_port + "/host6/block/sdb/";
    return facts;
}

TEST(Params, Say_which_disk_and_what_else_holds) {
    auto line = job();
    const auto plain = read_params(line);
    ASSERT_TRUE(plain) << plain.error().message;
    EXPECT_EQ(plain->disk.name, "sdb");
    EXPECT_EQ(plain->disk.sequence, 7U);
    EXPECT_TRUE(plain->probe);
    EXPECT_FALSE(plain->discard);
    EXPECT_EQ(plain->image, "/images/k");
    line.params.update({{"disk_model", "SD Reader"},
                        {"least_bytes", 1000},
                        {"most_bytes", 2000},
                        {"probe", false},
                        {"discard", true},
                        {"at", 8192}});
    const auto full = read_params(line);
    ASSERT_TRUE(full) << full.error().message;
    EXPECT_EQ(full->policy.model, "SD Reader");
    EXPECT_EQ(full->policy.least_bytes, 1000U);
    EXPECT_EQ(full->policy.most_bytes, 2000U);
    EXPECT_EQ(full->serial_at, 8192U);
    EXPECT_FALSE(full->probe);
    EXPECT_TRUE(full->discard);
}

TEST(Params, Only_a_disk_right_at_the_port_fits) {
    const auto params = read_params(job());
    ASSERT_TRUE(params);
    const auto why = [&](const std::string& bus_port) {
        return media::why_not_written(disk_at(bus_port), params->policy);
    };
    EXPECT_EQ(why("1-1/1-1.3/1-1.3:1.0"), "");
    EXPECT_NE(why("1-1/1-1.3/1-1.3.1/1-1.3.1:1.0"), "") << "behind a hub that is plugged in there";
    EXPECT_NE(why("1-1/1-1.33/1-1.33:1.0"), "");
    EXPECT_NE(why("1-1/1-1.2/1-1.2:1.0"), "");
}

TEST(Params, What_does_not_fit_is_named) {
    const std::vector<std::pair<std::string, Json>> wrong{
        {"disk", nullptr},
        {"disk", {{"name", "../sda"}, {"bytes", 1}}},
        {"disk", {{"name", ""}, {"bytes", 1}}},
        {"disk", {{"name", "sdb"}}},
        {"disk", {{"name", "sdb"}, {"bytes", "many"}}},
        {"least_bytes", -1},
        {"most_bytes", "64 GB"},
        {"probe", "yes"},
        {"at", 100},
    };
    for (const auto& [key, value] : wrong) {
        auto line = job();
        line.params[key] = value;
        const auto read = read_params(line);
        ASSERT_FALSE(read) << key << " " << value;
        EXPECT_NE(read.error().message.find(key == "disk" ? "" : key), std::string::npos)
            << read.error().message;
    }
    for (const char* port : {"", "usb1", "1-1/..", "sda"}) {
        auto line = job();
        line.bus_port = port;
        EXPECT_FALSE(read_params(line)) << port;
    }
}

TEST(Target, Another_disk_under_the_same_name_is_seen) {
    const auto then = disk_at("1-1/1-1.3/1-1.3:1.0");
    EXPECT_EQ(why_another(then, then), "");
    const std::vector<std::pair<std::string, std::function<void(media::DiskFacts&)>>> changes{
        {"place", [](media::DiskFacts& f) { f.sysfs += "x"; }},
        {"sequence", [](media::DiskFacts& f) { ++f.diskseq; }},
        {"size", [](media::DiskFacts& f) { f.bytes -= 512; }},
        {"model", [](media::DiskFacts& f) { f.model = "Other"; }},
        {"serial", [](media::DiskFacts& f) { f.serial = "2"; }},
    };
    for (const auto& [what, change] : changes) {
        auto now = then;
        change(now);
        EXPECT_NE(why_another(then, now).find(what), std::string::npos) << what;
    }
}

}  // namespace
}  // namespace lineside::media_writer
