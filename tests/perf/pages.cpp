// SPDX-License-Identifier: Apache-2.0
// What open pages cost; tests/perf/pages drives it. Exit 0, 1 it failed, 2 usage.
//   lineside-perf-pages serve SLOTS CHANGES UI [mixed]
//                                                the station's web side and live stream, over slots
//                                                that each change CHANGES times a second (one in 20
//                                                a tile with its journal row, else progress);
//                                                prints its port, ends with its stdin. mixed: in
//                                                states, with serials and times of their own
//   lineside-perf-pages read PORT PAGES LAGGING SECONDS
//                                                that many pages' event streams, read at once, and
//                                                some that stop reading; prints one JSON line
#include "station/base/clock.h"
#include "station/core/wall.h"
#include "station/engine/live_stream.h"
#include "web/api/serve.h"
#include "web/server/test_support.h"

#include <fmt/format.h>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <iostream>
#include <vector>

namespace {

using namespace lineside;
using base::Json;
using Clock = std::chrono::steady_clock;

[[noreturn]] void give_up(const std::string& why) {
    std::cerr << "lineside-perf-pages: " << why << "\n";
    std::exit(1);
}

std::int64_t mono_ns() {
    return base::SystemClock().mono_ns();
}

// --- serve
// ---------------------------------------------------------------------------------------------

// A line whose units are all flashing; the web side sees it as it sees the engine.
class BusyLine final : public web::testing::FakeFacade {
  public:
    BusyLine(boost::asio::io_context& loop, int slots, int changes, bool mixed)
        : stream_(loop),
          timer_(loop),
          beat_(loop),
          pause_(std::chrono::microseconds(1'000'000 / (slots * changes))) {
        for (int i = 0; i < slots; ++i) {
            core::SlotFacts facts;
            facts.slot = std::to_string(i + 1);
            facts.port = fmt::format("pci-0000:00:14.0-usb-0:1.{}.{}", i / 8 + 1, i % 8 + 1);
            facts.presence = core::Presence::recovery;
            facts.present = true;
            facts.model = "Jetson Xavier NX";
            facts.has_job = true;
            facts.state = core::JobState::flashing;
            facts.step_name = "flash";
            facts.dot = core::Dot::flash;
            facts.step_count = 12;
            facts.unit = facts.job = i + 1;
            facts.attempt = 1;
            facts.percent = 0;
            facts.time_left_s = 240;
            slots_.push_back(mixed ? as_on_a_shift(facts, i) : facts);
        }
        stream_.begin(1);
        due_ = Clock::now();
        change();
        beat();
    }
    [[nodiscard]] Json wall() const override {
        Json tiles = Json::array();
        for (const auto& facts : slots_) {
            tiles.push_back(core::tile(facts));
        }
        return {{"station", station()},    {"tiles", std::move(tiles)},
                {"layout", Json::array()}, {"seq", stream_.newest()},
                {"mono_ns", mono_ns()},    {"at", base::SystemClock().wall_ms()}};
    }
    std::shared_ptr<void> subscribe(std::optional<std::int64_t> last_id,
                                    engine::LiveSink sink) override {
        return stream_.subscribe(last_id, std::move(sink), [this] { return wall(); });
    }

  private:
    // Numbers that hardly repeat, so that nothing compresses better than on a real line.
    static core::SlotFacts as_on_a_shift(core::SlotFacts facts, int i) {
        facts.since_ms = base::SystemClock().wall_ms() - i * 7'919'113LL % 3'600'000;
        facts.unit = 40'000 + i * 7'919 % 9'973;
        facts.job = 60'000 + i * 6'007 % 9'967;
        facts.percent = i * 37 % 100;
        facts.serial = fmt::format("LS26-{:06}", 100'000 + i * 7'919 % 899'999);
        switch (i % 8) {
            case 3:
                facts.state = core::JobState::closed;
                facts.outcome = core::Outcome::pass;
                facts.image_tick = facts.serial_tick = facts.saved_tick = true;
                break;
            case 4:
                facts.state = core::JobState::closed;
                facts.outcome = core::Outcome::fail;
                facts.code = "boot.none";
                facts.attempt = 2;
                break;
            case 5:
                facts.state = core::JobState::provisioning;
                facts.step_name = "set-serial";
                facts.dot = core::Dot::serial;
                break;
            case 6:
                facts.has_job = facts.present = false;
                facts.presence = core::Presence::empty;
                facts.serial.clear();
                break;
            default:
                break;
        }
        return facts;
    }
    // What the top bar shows; openapi.yaml's Station.
    [[nodiscard]] Json station() const {
        const Json none{{"count", 0}, {"slots", Json::array()}};
        return {
            {"id", "perf"},
            {"name", "Busy line"},
            {"version", LINESIDE_VERSION},
            {"started_at", 0},
            {"state", "running"},
            {"word", "Running"},
            {"reason", nullptr},
            {"running", slots_.size()},
            {"slots", slots_.size()},
            {"order", nullptr},
            {"pool", nullptr},
            {"today", {{"made", 0}, {"first_judged", 0}, {"first_passed", 0}, {"takt_s", nullptr}}},
            {"counts",
             {{"pass", none},
              {"fail", none},
              {"error", none},
              {"aborted", none},
              {"your_turn", none}}},
            {"next_verdict", nullptr},
            {"building", nullptr},
            {"alarms", Json::array()}};
    }
    void beat() {
        stream_.publish(std::nullopt, "beat",
                        {{"mono_ns", mono_ns()}, {"at", base::SystemClock().wall_ms()}});
        beat_.expires_after(std::chrono::seconds(1));
        beat_.async_wait([this](boost::system::error_code error) {
            if (!error) {
                beat();
            }
        });
    }
    // As the engine's publish_tile and publish_progress.
    void change() {
        core::SlotFacts& facts = slots_[static_cast<std::size_t>(count_) % slots_.size()];
        facts.percent = (*facts.percent + 1) % 100;
        facts.time_left_s = 240 - *facts.percent * 2;
        if (++count_ % 20 == 0) {
            const auto seq = stream_.newest() + 1;
            stream_.publish(seq, "tile",
                            {{"tile", core::tile(facts)},
                             {"seq", seq},
                             {"mono_ns", mono_ns()},
                             {"at", base::SystemClock().wall_ms()},
                             {"replay", false},
                             {"gone", false}});
        } else {
            stream_.publish(std::nullopt, "progress",
                            {{"slot", facts.slot},
                             {"job", facts.job},
                             {"stage", facts.stage},
                             {"percent", *facts.percent},
                             {"time_left_s", *facts.time_left_s},
                             {"fact", nullptr},
                             {"mono_ns", mono_ns()}});
        }
        due_ += pause_;
        timer_.expires_at(due_);
        timer_.async_wait([this](boost::system::error_code error) {
            if (!error) {
                change();
            }
        });
    }

    engine::LiveStream stream_;
    boost::asio::steady_timer timer_;
    boost::asio::steady_timer beat_;
    Clock::duration pause_;
    Clock::time_point due_;
    std::vector<core::SlotFacts> slots_;
    std::int64_t count_ = 0;
};

int serve(int slots, int changes, const std::string& ui, bool mixed) {
    boost::asio::io_context loop;
    BusyLine line(loop, slots, changes, mixed);
    api::ServeConfig config;
    config.server.listen = {"127.0.0.1"};
    config.ui_dir = ui;
    auto server = api::serve(loop, std::move(config), line);
    if (!server) {
        give_up(server.error().message);
    }
    std::cout << (*server)->url() << std::endl;
    boost::asio::posix::stream_descriptor input(loop, ::dup(STDIN_FILENO));
    char byte = 0;
    input.async_read_some(boost::asio::buffer(&byte, 1),
                          [&](boost::system::error_code, std::size_t) { loop.stop(); });
    loop.run();
    return 0;
}

// --- read
// ----------------------------------------------------------------------------------------------

struct Page {
    int fd = -1;
    bool lags = false;
    std::int64_t ticks = 0;
    std::int64_t resets = 0;
    std::vector<std::int64_t> waits_us;  // from each tick's oldest change to here
};

int open_stream(std::uint16_t port, bool lags) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (lags) {  // else this kernel alone would hold a minute of it
        const int bytes = 32 * 1024;
        ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    }
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
        give_up(fmt::format("connect: {}", std::strerror(errno)));
    }
    const std::string ask = fmt::format(
        "GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAccept: text/event-stream\r\n\r\n",
        port);
    if (::write(fd, ask.data(), ask.size()) != static_cast<ssize_t>(ask.size())) {
        give_up("write");
    }
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

// When the first change in the text was made; 0 if the text tells of none.
std::int64_t oldest_change(std::string_view text) {
    constexpr std::string_view kKey = "\"mono_ns\":";
    const auto at = text.find(kKey);
    if (at == std::string_view::npos) {
        return 0;
    }
    return std::strtoll(text.data() + at + kKey.size(), nullptr, 10);  // ends before the '}'
}

void read_page(Page& page, std::vector<char>& buffer, bool counts) {
    for (;;) {
        const ssize_t n = ::read(page.fd, buffer.data(), buffer.size() - 1);
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            give_up("a page's stream was ended");
        }
        if (n < 0) {
            return;
        }
        buffer[static_cast<std::size_t>(n)] = 0;
        const std::string_view text(buffer.data(), static_cast<std::size_t>(n));
        page.resets += text.find("event: reset\n") != std::string_view::npos ? 1 : 0;
        // A tick is written at once; what begins in its middle is the rest of one counted already.
        if (!counts || !(text.starts_with("event: ") || text.starts_with("id: "))) {
            continue;
        }
        ++page.ticks;
        if (const auto made = oldest_change(text); made > 0) {
            page.waits_us.push_back((mono_ns() - made) / 1000);
        }
    }
}

double at(const std::vector<std::int64_t>& sorted, double part) {
    if (sorted.empty()) {
        return -1;
    }
    const auto index = static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1));
    return static_cast<double>(sorted[index]) / 1000.0;
}

constexpr auto kLongestNap = std::chrono::seconds(20);
constexpr auto kSlack = std::chrono::milliseconds(500);

int read_all(std::uint16_t port, int pages, int lagging, int seconds) {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    const int poll = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<Page> all(static_cast<std::size_t>(pages + lagging));
    const auto watch = [&](std::size_t i, int how) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = i;
        ::epoll_ctl(poll, how, all[i].fd, &event);
    };
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i].lags = i >= static_cast<std::size_t>(pages);
        all[i].fd = open_stream(port, all[i].lags);
        watch(i, EPOLL_CTL_ADD);
    }
    std::vector<char> buffer(1024 * 1024);
    std::array<epoll_event, 512> events{};
    const auto begin = Clock::now() + std::chrono::seconds(2);  // all have their snapshot
    const Clock::duration begin_to_end = std::chrono::seconds(seconds);
    const auto end = begin + begin_to_end;
    // Shorter than the 30 s after which the station ends a stream of which nothing is taken.
    const auto nap = std::min<Clock::duration>(begin_to_end * 2 / 3, kLongestNap);
    auto turn = begin;
    bool begun = false;
    bool asleep = false;
    std::int64_t naps = 0;
    std::int64_t naps_with_snapshot = 0;
    const auto count_nap = [&] {
        for (std::size_t i = static_cast<std::size_t>(pages); naps > 0 && i < all.size(); ++i) {
            naps_with_snapshot += all[i].resets > 0 ? 1 : 0;
        }
    };
    std::cout << "open" << std::endl;
    while (Clock::now() < end) {
        // The last nap leaves time to wake from it.
        if (!asleep && Clock::now() > turn && Clock::now() + nap * 3 / 2 <= end + kSlack) {
            count_nap();
            begun = asleep = true;
            naps += lagging;
            turn = Clock::now() + nap;
            for (std::size_t i = static_cast<std::size_t>(pages); i < all.size(); ++i) {
                ::epoll_ctl(poll, EPOLL_CTL_DEL, all[i].fd, nullptr);
                all[i].resets = 0;
            }
        }
        if (asleep && Clock::now() > turn) {
            asleep = false;
            turn = Clock::now() + nap / 2;
            for (std::size_t i = static_cast<std::size_t>(pages); i < all.size(); ++i) {
                watch(i, EPOLL_CTL_ADD);
            }
        }
        const int n = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), 50);
        for (int i = 0; i < n; ++i) {
            Page& page = all[events[static_cast<std::size_t>(i)].data.u64];
            read_page(page, buffer, begun && !page.lags);
        }
    }
    count_nap();
    std::vector<std::int64_t> waits;
    std::int64_t fewest = INT64_MAX;
    std::int64_t most = 0;
    std::int64_t resets = 0;
    for (const Page& page : all) {
        if (page.lags) {
            continue;
        }
        fewest = std::min(fewest, page.ticks);
        most = std::max(most, page.ticks);
        resets += page.resets - 1;  // each began with one
        waits.insert(waits.end(), page.waits_us.begin(), page.waits_us.end());
    }
    std::sort(waits.begin(), waits.end());
    std::cout << base::dump_json(Json{{"pages", pages},
                                      {"ticks_fewest", fewest},
                                      {"ticks_most", most},
                                      {"resets", resets},
                                      {"lagging", lagging},
                                      {"naps", naps},
                                      {"naps_with_snapshot", naps_with_snapshot},
                                      {"wait_ms",
                                       {{"median", at(waits, 0.5)},
                                        {"p99", at(waits, 0.99)},
                                        {"most", at(waits, 1)}}}})
              << std::endl;
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    const bool mixed = words.size() == 5 && words[4] == "mixed";
    if ((words.size() == 4 || mixed) && words[0] == "serve") {
        return serve(std::stoi(words[1]), std::stoi(words[2]), words[3], mixed);
    }
    if (words.size() == 5 && words[0] == "read") {
        return read_all(static_cast<std::uint16_t>(std::stoi(words[1])), std::stoi(words[2]),
                        std::stoi(words[3]), std::stoi(words[4]));
    }
    std::cerr << "usage: lineside-perf-pages serve SLOTS CHANGES UI [mixed] | read PORT PAGES "
                 "LAGGING SECONDS\n";
    return 2;
}
