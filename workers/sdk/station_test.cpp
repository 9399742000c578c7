// SPDX-License-Identifier: Apache-2.0
#include "workers/sdk/worker.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>

#include <thread>

namespace lineside::worker {
namespace {

using namespace std::chrono_literals;

// The station's end of the channel.
class OtherEnd {
  public:
    OtherEnd() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
        ours_.reset(ends[0]);
        worker_ = ends[1];
    }
    [[nodiscard]] int worker_end() const { return worker_; }
    void say(const protocol::FromStation& message) {
        const auto line = protocol::format(message);
        ASSERT_EQ(::write(ours_.get(), line.data(), line.size()),
                  static_cast<ssize_t>(line.size()));
    }
    void say_text(std::string_view line) {
        ASSERT_EQ(::write(ours_.get(), line.data(), line.size()),
                  static_cast<ssize_t>(line.size()));
    }
    // The next message, within 5 s.
    std::optional<protocol::FromWorker> hear(milliseconds within = 5s) {
        const auto end = Station::Clock::now() + within;
        while (true) {
            auto line = splitter_.next();
            EXPECT_TRUE(line);
            if (line && *line) {
                auto message = protocol::parse_from_worker(**line);
                EXPECT_TRUE(message) << **line;
                return *message;
            }
            const auto left = std::chrono::ceil<milliseconds>(end - Station::Clock::now()).count();
            pollfd readable{ours_.get(), POLLIN, 0};
            std::array<char, 4096> bytes{};
            if (left <= 0 || ::poll(&readable, 1, static_cast<int>(left)) <= 0) {
                return std::nullopt;
            }
            const auto got = ::read(ours_.get(), bytes.data(), bytes.size());
            if (got <= 0) {
                return std::nullopt;
            }
            splitter_.push({bytes.data(), static_cast<std::size_t>(got)});
        }
    }
    template <typename T>
    T hear_a() {
        auto message = hear();
        EXPECT_TRUE(message && std::holds_alternative<T>(*message));
        return message && std::holds_alternative<T>(*message) ? std::get<T>(*message) : T{};
    }
    void hang_up() { ours_.reset(); }

  private:
    base::UniqueFd ours_;
    int worker_ = -1;
    protocol::LineSplitter splitter_{protocol::kMaxLine};
};

protocol::JobLine a_job() {
    protocol::JobLine job;
    job.job = 1;
    job.step = "flash";
    job.net = {"usb3"};
    job.secrets["ssh_password"] = "p";
    return job;
}

}  // namespace

TEST(Worker, Says_hello_works_and_gives_one_result) {
    OtherEnd station;
    std::optional<int> status;
    std::thread worker([&] {
        const auto work = [](Station& s) -> Result<Json> {
            EXPECT_EQ(s.job().step, "flash");
            EXPECT_EQ(*s.secret("ssh_password"), "p");
            EXPECT_FALSE(s.secret("nothing"));
            s.fact("k", "v");
            return Json{{"answer", 42}};
        };
        status = run_on(station.worker_end(), {"sim", "1.0", 30, "after_boot"}, work);
    });
    const auto hello = station.hear_a<protocol::Hello>();
    EXPECT_EQ(hello.method, "sim");
    EXPECT_EQ(hello.chip_id, "after_boot");
    station.say(a_job());
    EXPECT_EQ(station.hear_a<protocol::Fact>().value, "v");
    const auto outcome = station.hear_a<protocol::Outcome>();
    EXPECT_TRUE(outcome.ok);
    EXPECT_EQ(outcome.value["answer"], 42);
    worker.join();
    EXPECT_EQ(status, 0);
    EXPECT_FALSE(station.hear());
}

TEST(Worker, Exception_is_a_result_and_status_is_not_zero) {
    OtherEnd station;
    std::optional<int> status;
    std::thread worker([&] {
        status = run_on(station.worker_end(), {"sim", "1.0", 30},
                        [](Station&) -> Result<Json> { throw std::runtime_error("oops"); });
    });
    station.say(a_job());
    station.hear_a<protocol::Hello>();
    EXPECT_EQ(station.hear_a<protocol::Outcome>().error.code, "station.bug");
    worker.join();
    EXPECT_EQ(status, 1);
}

TEST(Worker, Station_that_hangs_up_before_the_job_ends_it) {
    OtherEnd station;
    std::thread worker([&] {
        EXPECT_EQ(run_on(station.worker_end(), {"sim", "1.0", 30},
                         [](Station&) -> Result<Json> { return Json(); }),
                  1);
    });
    station.hear_a<protocol::Hello>();
    station.hang_up();
    worker.join();
}

TEST(Station, Ask_waits_for_its_own_answer_and_serves_port_messages_meanwhile) {
    OtherEnd other;
    Station station(other.worker_end());
    protocol::Answer late{99, true, {{"serial", "wrong"}}, {}};
    other.say(late);
    other.say(protocol::PortState{true, "0955:7020", "1421", {"usb7"}});
    other.say(protocol::Answer{1, true, {{"serial", "RC26-00001"}}, {}});
    const auto answer = station.ask("identity.issue", Json::object(), 2s);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ((*answer)["serial"], "RC26-00001");
    EXPECT_EQ(station.port()->id, "0955:7020");
    EXPECT_EQ(station.net().front(), "usb7");
    EXPECT_EQ(other.hear_a<protocol::Ask>().what, "identity.issue");
}

TEST(Station, What_came_already_is_not_waited_for) {
    OtherEnd other;
    Station station(other.worker_end());
    const auto begin = Station::Clock::now();
    constexpr unsigned kTimes = 50;
    for (unsigned i = 1; i <= kTimes; ++i) {
        other.say(protocol::PortState{});
        const auto seen = station.wait_until([&] { return station.port_changes() == i; }, 10s);
        ASSERT_TRUE(seen && *seen);
    }
    // A turn of the wait takes 100 ms when nothing comes; nothing did.
    EXPECT_LT(Station::Clock::now() - begin, kTimes * 100ms / 2);
}

TEST(Station, Refused_ask_gives_the_stations_error) {
    OtherEnd other;
    Station station(other.worker_end());
    protocol::Answer no;
    no.id = 1;
    no.error = base::make_error("unit.duplicate_chip");
    other.say(no);
    const auto answer = station.ask("unit.admit", Json::object(), 2s);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, "unit.duplicate_chip");
}

TEST(Station, Ask_ends_at_its_deadline_and_at_stop) {
    OtherEnd other;
    Station station(other.worker_end());
    EXPECT_EQ(station.ask("unit.admit", Json::object(), 20ms).error().code, "ask.refused");
    other.say(protocol::Stop{"operator", 5});
    EXPECT_EQ(station.ask("unit.admit", Json::object(), 5s).error().code, "operator.stopped");
    EXPECT_FALSE(station.pause(5s));
}

TEST(Station, Hang_up_is_stop) {
    OtherEnd other;
    Station station(other.worker_end());
    EXPECT_TRUE(station.check());
    other.hang_up();
    EXPECT_EQ(station.check().error().code, "station.stopping");
    station.fact("k", "goes nowhere and does not kill us by SIGPIPE");
}

TEST(Station, Sigterm_is_stop) {
    OtherEnd other;
    Station station(other.worker_end());
    ::raise(SIGTERM);
    EXPECT_EQ(station.check().error().code, "station.stopping");
}

TEST(Station, Progress_never_falls_and_is_sent_at_most_ten_times_a_second) {
    OtherEnd other;
    Station station(other.worker_end());
    station.phase("write", 1, 1, 1);
    for (unsigned i = 0; i <= 1000; ++i) {
        station.progress(i, 1000, "permille");
    }
    station.progress(500, 1000, "permille");
    station.phase("finish", 1, 1, 1);
    other.hear_a<protocol::Phase>();
    std::vector<std::uint64_t> seen;
    while (true) {
        auto message = other.hear();
        ASSERT_TRUE(message);
        if (std::holds_alternative<protocol::Phase>(*message)) {
            break;
        }
        seen.push_back(std::get<protocol::Progress>(*message).done);
    }
    EXPECT_LE(seen.size(), 3U);
    EXPECT_EQ(seen.back(), 1000U);
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST(Station, Held_back_progress_is_sent_while_waiting) {
    OtherEnd other;
    Station station(other.worker_end());
    station.progress(1, 10);
    station.progress(2, 10);
    EXPECT_TRUE(station.pause(250ms));
    EXPECT_EQ(other.hear_a<protocol::Progress>().done, 1U);
    EXPECT_EQ(other.hear_a<protocol::Progress>().done, 2U);
}

TEST(Station, Garbage_from_the_station_stops_the_worker) {
    OtherEnd other;
    Station station(other.worker_end());
    other.say_text("{\"ev\":\n");
    EXPECT_EQ(station.check().error().code, "worker.protocol");
}

TEST(Station, Unknown_event_is_counted) {
    OtherEnd other;
    Station station(other.worker_end());
    other.say_text("{\"ev\":\"weather\"}\n");
    EXPECT_TRUE(station.check());
    EXPECT_EQ(station.unknown_messages(), 1U);
}

TEST(Station, Long_text_is_cut_and_a_long_proof_is_our_own_fault) {
    OtherEnd other;
    Station station(other.worker_end());
    std::string text;
    for (int i = 0; i < 5000; ++i) {
        text += "ü";
    }
    station.log("info", text);
    EXPECT_LE(other.hear_a<protocol::LogLine>().text.size(), 8192U);
    station.proof("image", Json{{"digest", std::string(100'000, 'x')}});
    EXPECT_EQ(station.check().error().code, "worker.protocol");
}

}  // namespace lineside::worker
