// SPDX-License-Identifier: Apache-2.0
// Sessions with real processes, started by the DirectLauncher: small shell workers, short
// deadlines.
#include "station/process/direct_launcher.h"

#include "workers/protocol/recording.h"

#include <gtest/gtest.h>
#include <boost/asio/io_context.hpp>

#include <sys/stat.h>
#include <fstream>
#include <sstream>

namespace lineside::process {
namespace {

using namespace std::chrono_literals;
using protocol::FromWorker;

std::string read_all(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
}

constexpr const char* kHello =
    R"(echo '{"ev":"hello","v":1,"method":"t","version":"1","silence_s":1,"chip_id":"never"}' >&3)";
constexpr const char* kOk = R"(echo '{"ev":"result","ok":true}' >&3)";
constexpr const char* kReadJob = "read -r job <&3";

class SessionTest : public ::testing::Test {
  protected:
    SessionTest() {
        char name[] = "/tmp/lineside-session-XXXXXX";
        folder_ = ::mkdtemp(name);
        std::filesystem::create_directories(folder_ / "methods/t");
    }
    ~SessionTest() override { std::filesystem::remove_all(folder_); }

    WorkerSpec spec() {
        WorkerSpec out;
        out.job = 7;
        out.method = "t";
        out.job_line.job = 7;
        out.job_line.step = "t";
        out.log_file = folder_ / "logs/7/01-t.log";
        out.hello_within = 2s;
        out.silence = 1s;
        out.total = 8s;
        return out;
    }

    void script(const std::string& body) {
        const auto file = folder_ / "methods/t/t";
        std::ofstream(file) << "#!/bin/bash\n" << body << "\n";
        ::chmod(file.c_str(), 0755);
    }

    WorkerEnd run(const std::string& body, WorkerSpec wanted, SessionLimits limits = {}) {
        script(body);
        boost::asio::io_context loop(1);
        DirectLauncher launcher(loop.get_executor(), {folder_ / "methods", {}, limits});
        std::optional<WorkerEnd> end;
        WorkerEvents events;
        events.message = [&](const FromWorker& message) {
            messages_.push_back(message);
            if (on_message_) {
                on_message_(message);
            }
        };
        events.hello = [&](const protocol::Hello& hello) {
            ++hellos_;
            chip_id_ = hello.chip_id;
        };
        events.end = [&](WorkerEnd e) {
            EXPECT_FALSE(end) << "the end came twice";
            end = std::move(e);
        };
        worker_ = launcher.start(std::move(wanted), std::move(events));
        if (after_start_) {
            after_start_();
        }
        loop.run_for(15s);
        EXPECT_TRUE(end) << "no end came";
        worker_.reset();
        return end.value_or(WorkerEnd{});
    }
    WorkerEnd run(const std::string& body) { return run(body, spec()); }
    static std::string lines(std::initializer_list<std::string_view> all) {
        std::string out;
        for (const auto line : all) {
            out += std::string(line) + "\n";
        }
        return out;
    }

    std::filesystem::path folder_;
    std::vector<FromWorker> messages_;
    int hellos_ = 0;
    std::string chip_id_;
    std::shared_ptr<Worker> worker_;
    std::function<void(const FromWorker&)> on_message_;
    std::function<void()> after_start_;
};

}  // namespace

TEST_F(SessionTest, Good_worker_passes_job_messages_and_result) {
    const auto end =
        run(lines({kHello, kReadJob, R"(echo "out: $job"; echo err >&2)",
                   R"(echo '{"ev":"progress","done":1,"total":2,"unit":"bytes"}' >&3)", kOk}));
    EXPECT_TRUE(end.outcome.ok) << end.outcome.error.message;
    EXPECT_FALSE(end.stopped);
    EXPECT_EQ(hellos_, 1);
    EXPECT_EQ(chip_id_, "never");
    ASSERT_EQ(messages_.size(), 1U);
    EXPECT_EQ(std::get<protocol::Progress>(messages_[0]).total, 2U);
    const std::string log = read_all(folder_ / "logs/7/01-t.log");
    EXPECT_NE(log.find("out: {"), std::string::npos);
    EXPECT_NE(log.find("err\n"), std::string::npos);
    std::ifstream recording(folder_ / "logs/7/01-t.events.jsonl");
    std::string line;
    std::vector<protocol::Recorded> recorded;
    while (std::getline(recording, line)) {
        auto parsed = protocol::parse_recorded(line);
        ASSERT_TRUE(parsed) << line;
        recorded.push_back(std::move(*parsed));
    }
    ASSERT_EQ(recorded.size(), 4U);  // hello, job, progress, result
    EXPECT_EQ(recorded[1].direction, protocol::Direction::out);
    EXPECT_EQ(recorded[1].line["ev"], "job");
}

TEST_F(SessionTest, Output_goes_to_the_log_byte_for_byte) {
    const auto end = run(
        lines({kHello, kReadJob, R"(printf 'a\0b\r44%%\r\377\n'; head -c 300000 /dev/zero)", kOk}));
    EXPECT_TRUE(end.outcome.ok) << end.outcome.error.message;
    const std::string log = read_all(folder_ / "logs/7/01-t.log");
    EXPECT_EQ(log, std::string("a\0b\r44%\r\377\n", 10) + std::string(300000, '\0'));
}

TEST_F(SessionTest, Secrets_become_stars_everywhere_and_are_counted) {
    auto wanted = spec();
    wanted.secrets.emplace_back("geheim42");
    wanted.job_line.secrets = {{"ssh_password", "geheim42"}};
    const auto end = run(
        lines(
            {kHello, kReadJob,
             R"(echo "$job"; printf gehe; sleep 0.1; printf 'im42\n'; printf geheim42 | base64)",
             R"(echo '{"ev":"fact","key":"a","value":"x geheim42"}' >&3)",
             R"(echo '{"ev":"fact","key":"b","value":"gehe\u0069m42"}' >&3)",
             R"(echo '{"ev":"result","ok":false,"error":{"code":"tool.failed","kind":"station","message":"ran geheim42","hint":"","retry":false}}' >&3)",
             "exit 1"}),
        std::move(wanted));
    EXPECT_EQ(end.outcome.error.code, "tool.failed");
    EXPECT_EQ(end.outcome.error.message, "ran ***");
    EXPECT_EQ(std::get<protocol::Fact>(messages_.at(0)).value, "x ***");
    EXPECT_EQ(std::get<protocol::Fact>(messages_.at(1)).value, "***");
    EXPECT_EQ(end.redactions, 6);  // three in the log, three in the recording
    for (const char* file : {"logs/7/01-t.log", "logs/7/01-t.events.jsonl"}) {
        const std::string text = read_all(folder_ / file);
        EXPECT_EQ(text.find("geheim42"), std::string::npos) << file;
        EXPECT_EQ(text.find("Z2VoZWlt"), std::string::npos) << file;
        EXPECT_NE(text.find("***"), std::string::npos) << file;
    }
    EXPECT_EQ(end.last_lines.find("geheim42"), std::string::npos);
}

TEST_F(SessionTest, A_secret_of_an_answer_is_hidden_from_then_on) {
    on_message_ = [&](const FromWorker& message) {
        if (const auto* ask = std::get_if<protocol::Ask>(&message)) {
            worker_->add_secret(base::Secret("tok-0815"));
            protocol::Answer answer;
            answer.id = ask->id;
            answer.ok = true;
            answer.value = {{"serial", "RC26-1"}, {"token", "tok-0815"}};
            worker_->send(answer);
        }
    };
    const auto end = run(lines(
        {kHello, kReadJob, R"(echo '{"ev":"ask","id":1,"what":"identity.issue","args":{}}' >&3)",
         "read -r answer <&3; echo \"$answer\"", kOk}));
    EXPECT_TRUE(end.outcome.ok) << end.outcome.error.message;
    const std::string log = read_all(folder_ / "logs/7/01-t.log");
    EXPECT_NE(log.find("RC26-1"), std::string::npos);
    EXPECT_EQ(log.find("tok-0815"), std::string::npos);
    EXPECT_EQ(read_all(folder_ / "logs/7/01-t.events.jsonl").find("tok-0815"), std::string::npos);
}

TEST_F(SessionTest, Ends_that_are_the_workers_fault) {
    struct Row {
        const char* name;
        std::string body;
        const char* code;
    };
    const std::string long_line = "head -c 70000 /dev/zero | tr '\\0' a >&3; sleep 5";
    const std::vector<Row> rows{
        {"no result", lines({kHello, "exit 0"}), "worker.died"},
        {"killed", lines({kHello, "echo bye; kill -9 $$"}), "worker.died"},
        {"ok, but status 3", lines({kHello, kReadJob, kOk, "exit 3"}), "worker.protocol"},
        {"not JSON", lines({kHello, "echo rubbish >&3; sleep 5"}), "worker.protocol"},
        {"no hello first", lines({R"(echo '{"ev":"fact","key":"a","value":"b"}' >&3; sleep 5)"}),
         "worker.protocol"},
        {"chip id known sometimes",
         lines({R"(echo '{"ev":"hello","v":1,"method":"t","chip_id":"sometimes"}' >&3; sleep 5)"}),
         "worker.protocol"},
        {"hello twice", lines({kHello, kHello, "sleep 5"}), "worker.protocol"},
        {"other version",
         lines({R"(echo '{"ev":"hello","v":2,"method":"t","version":"1"}' >&3; sleep 5)"}),
         "worker.protocol"},
        {"after the result", lines({kHello, kReadJob, kOk, kOk, "sleep 5"}), "worker.protocol"},
        {"line too long", lines({kHello, long_line}), "worker.protocol"},
        {"silence", lines({kHello, "while sleep 0.1; do echo tick; done"}), "worker.silence"},
    };
    for (const Row& row : rows) {
        const auto end = run(row.body);
        EXPECT_FALSE(end.outcome.ok) << row.name;
        EXPECT_EQ(end.outcome.error.code, row.code)
            << row.name << ": " << end.outcome.error.message;
        EXPECT_NE(end.outcome.error.kind, base::Kind::unit) << row.name;
    }
}

TEST_F(SessionTest, Signal_and_last_lines_are_told) {
    const auto end = run(lines({kHello, "echo last words; kill -9 $$"}));
    EXPECT_NE(end.outcome.error.message.find("SIGKILL"), std::string::npos)
        << end.outcome.error.message;
    EXPECT_EQ(end.last_lines, "last words\n");
}

TEST_F(SessionTest, No_hello_and_no_end_are_bounded) {
    auto wanted = spec();
    wanted.hello_within = 200ms;
    EXPECT_EQ(run("sleep 5", std::move(wanted)).outcome.error.code, "worker.silence");
    wanted = spec();
    wanted.total = 500ms;
    const auto end = run(
        lines(
            {kHello,
             R"(while sleep 0.05; do echo '{"ev":"progress","done":1,"total":9,"unit":""}' >&3; done)"}),
        std::move(wanted));
    EXPECT_EQ(end.outcome.error.code, "worker.timeout");
}

TEST_F(SessionTest, Missing_method_cannot_be_started) {
    auto wanted = spec();
    wanted.method = "not-there";
    const auto end = run("", std::move(wanted));
    EXPECT_EQ(end.outcome.error.code, "worker.spawn");
}

TEST_F(SessionTest, Failed_result_is_believed_whatever_the_status) {
    const char* failed =
        R"(echo '{"ev":"result","ok":false,"error":{"code":"boot.none","kind":"unit","message":"m","hint":"h","retry":true}}' >&3)";
    EXPECT_EQ(run(lines({kHello, kReadJob, failed, "exit 0"})).outcome.error.code, "boot.none");
    EXPECT_EQ(run(lines({kHello, kReadJob, failed, "exit 1"})).outcome.error.kind,
              base::Kind::unit);
}

TEST_F(SessionTest, Stop_ladder_line_then_term_then_kill) {
    const auto stop_at_hello = [&] { worker_->stop("operator", 150ms); };
    after_start_ = stop_at_hello;
    // Hears the line.
    auto end = run(lines(
        {kHello, kReadJob, "read -r stop <&3; echo \"$stop\"",
         R"(echo '{"ev":"result","ok":false,"error":{"code":"operator.stopped","kind":"operator","message":"m","hint":"","retry":true}}' >&3; exit 1)"}));
    EXPECT_TRUE(end.stopped);
    EXPECT_EQ(end.outcome.error.code, "operator.stopped");
    EXPECT_NE(read_all(folder_ / "logs/7/01-t.log").find("\"stop\""), std::string::npos);
    // Deaf to the line, hears SIGTERM.
    end = run(lines({"trap 'echo term; exit 4' TERM", kHello, "while :; do sleep 0.05; done"}));
    EXPECT_TRUE(end.stopped);
    EXPECT_EQ(end.outcome.error.code, "worker.died");
    EXPECT_NE(end.last_lines.find("term"), std::string::npos);
    // Deaf to both.
    SessionLimits limits;
    limits.kill_after_term = 200ms;
    end = run(lines({"trap '' TERM", kHello, "while :; do sleep 0.05; done"}), spec(), limits);
    EXPECT_NE(end.outcome.error.message.find("SIGKILL"), std::string::npos)
        << end.outcome.error.message;
}

TEST_F(SessionTest, Flood_of_output_is_slowed_down_not_lost) {
    SessionLimits limits;
    limits.output_bytes_per_s = 4e6;
    limits.output_burst = 1e6;
    const auto begin = std::chrono::steady_clock::now();
    const auto end =
        run(lines({kHello, kReadJob, "head -c 4000000 /dev/zero", kOk}), spec(), limits);
    EXPECT_TRUE(end.outcome.ok) << end.outcome.error.message;
    EXPECT_GT(std::chrono::steady_clock::now() - begin, 400ms);
    EXPECT_EQ(std::filesystem::file_size(folder_ / "logs/7/01-t.log"), 4000000U);
}

TEST_F(SessionTest, Log_has_a_greatest_size) {
    SessionLimits limits;
    limits.max_log = 1000;
    const auto end = run(lines({kHello, kReadJob, "head -c 5000 /dev/zero", kOk}), spec(), limits);
    EXPECT_TRUE(end.outcome.ok);
    const std::string log = read_all(folder_ / "logs/7/01-t.log");
    EXPECT_LT(log.size(), 1100U);
    EXPECT_NE(log.find("[log ends here"), std::string::npos);
}

TEST_F(SessionTest, Worker_sees_nothing_of_the_station) {
    ::setenv("LINESIDE_TEST_LEAK", "1", 1);
    const auto end = run(lines({kHello, kReadJob, "env; ls -l /proc/self/fd", kOk}));
    EXPECT_TRUE(end.outcome.ok);
    const std::string log = read_all(folder_ / "logs/7/01-t.log");
    EXPECT_EQ(log.find("LINESIDE_TEST_LEAK"), std::string::npos);
    EXPECT_EQ(log.find("eventpoll"), std::string::npos);
}

}  // namespace lineside::process
