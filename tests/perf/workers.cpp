// SPDX-License-Identifier: Apache-2.0
// Costs of worker processes, as one JSON line: see README.md. Needs root (the real helper is used).
// Exit 0, 1 cannot start or a line was lost, 2 usage, 77 not root.
//   lineside-perf-workers HELPER PERF_WORKER [--rounds N] [--workers W] [--per-s R] [--seconds S]
//   [--rss-mb M] [--tree-files F] [--tree-mib T]
#include "station/base/text.h"
#include "station/helper/test_helper.h"
#include "station/process/helper_launcher.h"

#include <boost/asio/io_context.hpp>

#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <thread>

namespace {

using namespace lineside;
using base::Json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPause{10};

double ms_since(Clock::time_point begin) {
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

Json summary(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const auto at = [&](double part) {
        return values.empty()
                   ? 0.0
                   : values[std::min(
                         values.size() - 1,
                         static_cast<std::size_t>(part * static_cast<double>(values.size())))];
    };
    const auto round = [](double v) { return std::round(v * 1000) / 1000; };
    return {{"p10_ms", round(at(0.1))},
            {"median_ms", round(at(0.5))},
            {"p99_ms", round(at(0.99))},
            {"n", values.size()}};
}

struct Options {
    std::string helper, worker;
    long rounds = 200;
    long workers = 64;
    long per_s = 1000;
    long seconds = 10;
    long rss_mb = 2048;
    long tree_files =
        50'000;  // of the large tree below a lane: a BSP tree with its rootfs has 200,000
    long tree_mib = 16'384;
};

// posix_spawn of /bin/true: until it runs (the call returns after exec), and until it was reaped.
void spawn_directly(std::vector<double>& started, std::vector<double>& ended) {
    char* argv[] = {const_cast<char*>("/bin/true"), nullptr};
    const auto begin = Clock::now();
    pid_t pid = 0;
    if (::posix_spawn(&pid, argv[0], nullptr, nullptr, argv, environ) != 0) {
        std::exit(1);
    }
    started.push_back(ms_since(begin));
    ::waitpid(pid, nullptr, 0);
    ended.push_back(ms_since(begin));
}

// The same program as a worker: until the helper says that it runs, and until everything is gone.
void spawn_by_helper(helper::testing::Client& client, std::int64_t job,
                     std::vector<double>& started, std::vector<double>& ended) {
    const auto begin = Clock::now();
    if (!client.spawn(job, "true").value("ok", false)) {
        std::cerr << "spawn failed\n";
        std::exit(1);
    }
    started.push_back(ms_since(begin));
    if (client.next_event().value("ev", "") != "exit") {
        std::exit(1);
    }
    ended.push_back(ms_since(begin));
}

Json measure_spawn(const helper::testing::HelperProcess& helper, long rounds, std::int64_t& job) {
    helper::testing::Client client(helper.connect());
    std::vector<double> direct_started, direct_ended, helper_started, helper_ended;
    // Side by side, so that other load hits both alike; one now and then, as a station starts them.
    for (long i = 0; i < rounds; ++i) {
        std::this_thread::sleep_for(kPause);
        spawn_directly(direct_started, direct_ended);
        std::this_thread::sleep_for(kPause);
        spawn_by_helper(client, ++job, helper_started, helper_ended);
    }
    const auto ratio = [](const Json& a, const Json& b) {
        return std::round(100 * a["median_ms"].get<double>() / b["median_ms"].get<double>()) / 100;
    };
    Json out{{"posix_spawn_running", summary(direct_started)},
             {"posix_spawn_reaped", summary(direct_ended)},
             {"helper_running", summary(helper_started)},
             {"helper_reaped", summary(helper_ended)}};
    out["ratio_running"] = ratio(out["helper_running"], out["posix_spawn_running"]);
    out["ratio_reaped"] = ratio(out["helper_reaped"], out["posix_spawn_reaped"]);
    out["ratio_running_to_true_reaped"] = ratio(out["helper_running"], out["posix_spawn_reaped"]);
    return out;
}

process::WorkerSpec spec_of(const helper::testing::HelperProcess& helper, std::int64_t job,
                            Json params, const std::string& image) {
    process::WorkerSpec spec;
    spec.job = job;
    spec.step = 1;
    spec.method = "perf";
    spec.image = image;
    spec.lane = !image.empty();
    spec.job_line.job = job;
    spec.job_line.step = "perf";
    spec.job_line.params = std::move(params);
    spec.job_line.secrets = {{"token", "wX3-PerfToken-0123456789"}, {"ssh_password", "gollum77"}};
    spec.log_file = helper.folder / fmt::format("logs/{}/01-perf.log", job);
    return spec;
}

// An image of the size of a real one; the bytes are a hole, for a lane reads none of them.
std::string large_image(const helper::testing::HelperProcess& helper, const Options& options) {
    const std::string key = helper.image('b');
    const auto tree = helper.folder / "images" / key / "tree";
    constexpr long kInFolder = 500;
    for (long i = 0; i < options.tree_files; ++i) {
        const auto folder = tree / fmt::format("{}", i / kInFolder);
        if (i % kInFolder == 0) {
            std::filesystem::create_directories(folder);
        }
        std::ofstream(folder / fmt::format("{}", i)) << i;
    }
    std::ofstream(tree / "system.img") << "";
    std::filesystem::resize_file(tree / "system.img", static_cast<std::uintmax_t>(options.tree_mib)
                                                          << 20U);
    return key;
}

// Of workers in overlay lanes over this image's tree.
Json measure_hello(const helper::testing::HelperProcess& helper, long rounds, std::int64_t& job,
                   const std::string& image) {
    boost::asio::io_context loop(1);
    process::HelperLauncher launcher(loop.get_executor(), {helper.socket, {}, nullptr});
    std::vector<double> hello, end;
    for (long i = 0; i < rounds; ++i) {
        process::WorkerEvents events;
        const auto begin = Clock::now();
        bool over = false;
        events.hello = [&](const protocol::Hello&) { hello.push_back(ms_since(begin)); };
        events.end = [&](const process::WorkerEnd& how) {
            end.push_back(ms_since(begin));
            over = true;
            if (!how.outcome.ok) {
                std::cerr << how.outcome.error.message << '\n';
                std::exit(1);
            }
        };
        const auto worker =
            launcher.start(spec_of(helper, ++job, Json::object(), image), std::move(events));
        while (!over) {
            loop.restart();
            loop.run_one();
        }
        launcher.clean(job, [](const auto&) {});
    }
    return {{"start_to_hello", summary(hello)}, {"start_to_end", summary(end)}};
}

double cpu_s() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

Json measure_lines(const helper::testing::HelperProcess& helper, const Options& options,
                   std::int64_t& job) {
    boost::asio::io_context loop(1);
    process::HelperLauncher launcher(loop.get_executor(), {helper.socket, {}, nullptr});
    const long wanted = options.per_s * options.seconds;
    long received = 0, out_of_order = 0, over = 0, hellos = 0;
    std::vector<std::shared_ptr<process::Worker>> workers;
    std::vector<std::uint64_t> last(static_cast<std::size_t>(options.workers), 0);
    Clock::time_point begin;
    double cpu_begin = 0;
    for (std::size_t i = 0; i < last.size(); ++i) {
        process::WorkerEvents events;
        events.hello = [&](const protocol::Hello&) {
            if (++hellos == 1) {
                begin = Clock::now();
                cpu_begin = cpu_s();
            }
        };
        events.message = [&, i](const protocol::FromWorker& message) {
            if (const auto* progress = std::get_if<protocol::Progress>(&message)) {
                ++received;
                out_of_order += progress->done == last[i] + 1 ? 0 : 1;
                last[i] = progress->done;
            }
        };
        events.end = [&](const process::WorkerEnd& how) {
            ++over;
            if (!how.outcome.ok) {
                std::cerr << how.outcome.error.message << '\n';
            }
        };
        workers.push_back(launcher.start(
            spec_of(helper, ++job, {{"lines", wanted}, {"per_s", options.per_s}}, ""),
            std::move(events)));
    }
    while (over < options.workers) {
        loop.restart();
        loop.run_one();
    }
    const double wall = ms_since(begin) / 1000;
    const double cpu = cpu_s() - cpu_begin;
    return {{"workers", options.workers},
            {"lines_wanted", wanted * options.workers},
            {"lines_got", received},
            {"out_of_order", out_of_order},
            {"lines_per_s", std::round(static_cast<double>(received) / wall)},
            {"cpu_pct_of_a_core", std::round(1000 * cpu / wall) / 10},
            {"us_per_line",
             std::round(100 * cpu * 1e6 / static_cast<double>(std::max(1L, received))) / 100}};
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::cerr << "usage: lineside-perf-workers HELPER PERF_WORKER [--rounds N] [--workers W] "
                     "[--per-s R] "
                     "[--seconds S] [--rss-mb M] [--tree-files F] [--tree-mib T]\n";
        return 2;
    }
    Options options;
    options.helper = argv[1];
    options.worker = argv[2];
    for (int i = 3; i + 1 < argc; i += 2) {
        const std::string_view name = argv[i];
        long* target = name == "--rounds"       ? &options.rounds
                       : name == "--workers"    ? &options.workers
                       : name == "--per-s"      ? &options.per_s
                       : name == "--seconds"    ? &options.seconds
                       : name == "--rss-mb"     ? &options.rss_mb
                       : name == "--tree-files" ? &options.tree_files
                       : name == "--tree-mib"   ? &options.tree_mib
                                                : nullptr;
        const auto number = base::to_int(argv[i + 1]);
        if (target == nullptr || !number) {
            std::cerr << "unknown option " << name << '\n';
            return 2;
        }
        *target = *number;
    }
    if (const std::string reason = helper::testing::skip_reason(); !reason.empty()) {
        std::cerr << reason << '\n';
        return 77;
    }
    helper::testing::HelperProcess helper(options.helper);
    helper.log = helper.folder / "helper.log";
    helper.method("true", "");
    helper.method("perf", "");
    std::filesystem::copy_file("/bin/true", helper.folder / "methods/true/run",
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::copy_file(options.worker, helper.folder / "methods/perf/run",
                               std::filesystem::copy_options::overwrite_existing);
    if (!helper.start()) {
        std::cerr << "helper does not start: " << helper::testing::read_file(helper.log) << '\n';
        return 1;
    }
    std::int64_t job = 0;
    Json out;
    (void)measure_spawn(helper, 20, job);  // warm
    out["spawn_small"] = measure_spawn(helper, options.rounds, job);
    {
        const std::vector<char> ballast(static_cast<std::size_t>(options.rss_mb) << 20, 1);
        out["spawn_large"] = measure_spawn(helper, options.rounds, job);
        out["spawn_large"]["rss_mb"] = ballast.size() >> 20;
    }
    out["hello"] = measure_hello(helper, options.rounds, job, helper.image('a'));
    // The same over a tree as a real BSP has: all that a lane costs is in it.
    out["lane_large_tree"] =
        measure_hello(helper, options.rounds, job, large_image(helper, options));
    out["lane_large_tree"]["files"] = options.tree_files;
    out["lane_large_tree"]["mib"] = options.tree_mib;
    out["lines"] = measure_lines(helper, options, job);
    const auto& lines = out["lines"];
    out["met"] = {
        {"spawn_within_2x_small", out["spawn_small"]["ratio_reaped"].get<double>() <= 2.0},
        {"spawn_within_2x_large", out["spawn_large"]["ratio_reaped"].get<double>() <= 2.0},
        {"hello_within_20_ms", out["hello"]["start_to_hello"]["median_ms"].get<double>() <= 20.0},
        {"lane_within_50_ms",
         out["lane_large_tree"]["start_to_hello"]["median_ms"].get<double>() <= 50.0},
        {"lines_none_lost",
         lines["lines_got"] == lines["lines_wanted"] && lines["out_of_order"] == 0},
        {"lines_within_25_pct", lines["cpu_pct_of_a_core"].get<double>() <= 25.0}};
    std::cout << base::dump_json(out) << std::endl;
    return out["met"]["lines_none_lost"].get<bool>()
               ? 0
               : 1;  // times depend on the machine, this does not
}
