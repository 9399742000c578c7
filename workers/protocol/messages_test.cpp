// SPDX-License-Identifier: Apache-2.0
#include "workers/protocol/messages.h"

#include <gtest/gtest.h>

namespace lineside::protocol {
namespace {

template <typename T>
T from_worker(std::string_view line) {
    auto parsed = parse_from_worker(line);
    EXPECT_TRUE(parsed) << line;
    EXPECT_TRUE(std::holds_alternative<T>(*parsed)) << line;
    return std::get<T>(*parsed);
}

JobLine a_job() {
    JobLine job;
    job.job = 812;
    job.step = "flash";
    job.step_index = 1;
    job.slot = "3";
    job.bus_port = "1-1.3";
    job.net = {"usb3"};
    job.image = ImageRef{std::string(64, 'a'), "/images/a"};
    job.lane = "/lane";
    job.params["board"] = "jetson-xavier-nx-devkit-emmc";
    job.secrets["ssh_password"] = "hunter2";
    return job;
}

}  // namespace

TEST(Messages, Worker_message_survives_format_and_parse) {
    const auto ask =
        from_worker<Ask>(format(FromWorker(Ask{7, "unit.admit", {{"chip_id", "0x88"}}})));
    EXPECT_EQ(ask.id, 7);
    EXPECT_EQ(ask.what, "unit.admit");
    EXPECT_EQ(ask.args["chip_id"], "0x88");

    const auto progress =
        from_worker<Progress>(format(FromWorker(Progress{734003200, 3221225472, "bytes"})));
    EXPECT_EQ(progress.total, 3221225472U);

    Outcome bad;
    bad.error = base::make_error("tool.silence", "no line for 60 s");
    const auto outcome = from_worker<Outcome>(format(FromWorker(bad)));
    EXPECT_FALSE(outcome.ok);
    EXPECT_EQ(outcome.error.code, "tool.silence");
    EXPECT_EQ(outcome.error.message, "no line for 60 s");
    EXPECT_TRUE(outcome.error.retry);
}

TEST(Messages, Job_line_survives_format_and_parse) {
    const auto parsed = parse_from_station(format(FromStation(a_job())));
    ASSERT_TRUE(parsed) << parsed.error().message;
    const auto& job = std::get<JobLine>(*parsed);
    EXPECT_EQ(job.job, 812);
    EXPECT_EQ(job.step, "flash");
    EXPECT_EQ(job.bus_port, "1-1.3");
    EXPECT_EQ(job.image->dir, "/images/a");
    EXPECT_EQ(job.lane, "/lane");
    EXPECT_FALSE(job.chip_id);
    EXPECT_EQ(job.secrets["ssh_password"], "hunter2");
    EXPECT_EQ(job.total_s, 1800);
}

TEST(Messages, Record_holds_no_secret) {
    auto job = a_job();
    job.params["wifi"] = {{"ap_password", "hunter3"}, {"ssid", "line"}};
    const auto line = format_for_record(FromStation(job));
    EXPECT_EQ(line.find("hunter"), std::string::npos) << line;
    EXPECT_NE(line.find("\"ssid\":\"line\""), std::string::npos);

    Answer answer;
    answer.id = 3;
    answer.ok = true;
    answer.value = {{"serial", "RC26-00001"}, {"token", "s3cr3t"}};
    const auto recorded = format_for_record(FromStation(answer));
    EXPECT_EQ(recorded.find("s3cr3t"), std::string::npos);
    EXPECT_NE(recorded.find("RC26-00001"), std::string::npos);
}

TEST(Messages, Unknown_event_and_unknown_member_are_taken) {
    EXPECT_EQ(from_worker<Unknown>(R"({"ev":"temperature","celsius":41})").event, "temperature");
    EXPECT_EQ(from_worker<Fact>(R"({"ev":"fact","key":"k","value":"v","since":3})").value, "v");
}

TEST(Messages, Other_version_is_refused_by_the_worker) {
    auto line = base::Json::parse(format(FromStation(a_job())));
    line["v"] = 2;
    EXPECT_FALSE(parse_from_station(line.dump()));
}

TEST(Messages, Bounds_hold) {
    EXPECT_FALSE(parse_from_worker(R"({"ev":"log","level":"info","msg":")" +
                                   std::string(kMaxLine, 'x') + "\"}"));
    EXPECT_FALSE(
        parse_from_worker(R"({"ev":"fact","key":"k","value":")" + std::string(9000, 'x') + "\"}"));
    std::string deep = R"({"ev":"proof","kind":"image","value":{"a":)";
    EXPECT_FALSE(parse_from_worker(deep + std::string(15, '[') + std::string(15, ']') + "}}"));
    EXPECT_TRUE(parse_from_worker(deep + std::string(14, '[') + std::string(14, ']') + "}}"));
    EXPECT_FALSE(
        parse_from_worker(deep + std::string(30000, '[') + std::string(30000, ']') + "}}"));
    auto job = a_job();
    job.params["list"] = std::string(kMaxLine * 2, 'x');
    EXPECT_TRUE(parse_from_station(format(FromStation(job))));
    job.params["list"] = std::string(kMaxJobLine, 'x');
    EXPECT_FALSE(parse_from_station(format(FromStation(job))));
    EXPECT_FALSE(parse_from_station(R"({"ev":"stop","reason":"r","x":")" +
                                    std::string(kMaxLine, 'x') + "\"}"));
}

TEST(Messages, Invalid_utf8_of_a_tool_is_mended_on_the_way_out) {
    const auto line = format(FromWorker(LogLine{"info", "E> \xff\xfe"}));
    EXPECT_TRUE(parse_from_worker(line));
    EXPECT_FALSE(parse_from_worker("{\"ev\":\"fact\",\"key\":\"k\",\"value\":\"\xff\"}"));
}

}  // namespace lineside::protocol
