// SPDX-License-Identifier: Apache-2.0
// lineside-line: reads the options, finds a folder for the testbed, runs the line. See README.md.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string_view>

#include "line.h"
#include "processes.h"

namespace fs = std::filesystem;

namespace {

constexpr int kMost = 64;
constexpr int kMostOnVhci = 120;  // what a kernel of Debian's has ports for
constexpr const char* kUsage =
    "usage: lineside-line --dir DIR [--boards N] [--speed X] [--seed S] [--faults SPEC]\n"
    "                     [--control SOCKET] [--wire-mbps M] [--wire-best N] [--wire-loss P] "
    "[--image-old FILE] [--board-os "
    "PATH|none]\n"
    "                     [--plug auto|manual] [--stagger-ms N] [--worker-exe NAME] "
    "[--mount-cgroup]\n"
    "                     [--bus testbed|vhci|redir] [--hop-seconds S] [--initrd-seconds S]\n"
    "                     [--products 7e19,…]\n";

[[noreturn]] void usage(const std::string& sentence) {
    std::cerr << sentence << "\n" << kUsage;
    std::exit(2);
}

double number(const std::string& name, const std::string& text, double least, double most) {
    char* end = nullptr;
    errno = 0;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != 0 || errno != 0 || !(value >= least && value <= most)) {
        std::string range = std::to_string(least);
        range.erase(range.find_last_not_of('0') + 1);
        usage(name + ": \"" + text + "\" is not a number from " + range + " to " +
              std::to_string(static_cast<long long>(most)) + ".");
    }
    return value;
}

int whole(const std::string& name, const std::string& text, double least, double most) {
    const double value = number(name, text, least, most);
    const int rounded = static_cast<int>(value);
    if (text.find_first_not_of("0123456789") != std::string::npos) {
        usage(name + ": \"" + text + "\" is not a whole number.");
    }
    return rounded;
}

// "7e19,7019": what the boards are in recovery mode, in turn.
std::vector<unsigned> products(const std::string& value) {
    std::vector<unsigned> found;
    std::istringstream in(value);
    for (std::string one; std::getline(in, one, ',');) {
        unsigned id = 0;
        const auto [end, error] = std::from_chars(one.data(), one.data() + one.size(), id, 16);
        if (one.size() != 4 || error != std::errc() || end != one.data() + one.size()) {
            usage("--products: \"" + one + "\" is no USB product of four hex digits.");
        }
        found.push_back(id);
    }
    if (found.empty()) {
        usage("--products is empty.");
    }
    return found;
}

line::Options read_options(int argc, char** argv) {
    line::Options options;
    std::string faults = "none";
    std::string board_os = std::string(LINESIDE_LINE_SOURCE) + "/board-os";
    for (int i = 1; i < argc; i++) {
        std::string name = argv[i];
        if (name == "--help") {
            std::cout << kUsage << "faults: " << line::fault_names() << "\n";
            std::exit(0);
        }
        if (name == "--mount-cgroup") {
            options.mount_cgroup = true;
            continue;
        }
        std::string value;
        if (const auto equals = name.find('=');
            equals != std::string::npos && name.starts_with("--")) {
            value = name.substr(equals + 1);
            name.resize(equals);
        } else if (i + 1 < argc) {
            value = argv[++i];
        } else {
            usage(name + " needs a value, or is no option.");
        }
        if (name == "--boards") {
            options.boards = whole(name, value, 1, kMostOnVhci);
        } else if (name == "--speed") {
            options.speed = number(name, value, 0.01, 100000);
        } else if (name == "--seed") {
            const auto [end, error] =
                std::from_chars(value.data(), value.data() + value.size(), options.seed);
            if (error != std::errc() || end != value.data() + value.size()) {
                usage("--seed: \"" + value + "\" is not a whole number.");
            }
        } else if (name == "--faults") {
            faults = value;
        } else if (name == "--dir") {
            options.dir = value;
        } else if (name == "--control") {
            options.control = value;
        } else if (name == "--wire-mbps") {
            options.wire.mbps = number(name, value, 0.01, 100000);
        } else if (name == "--wire-best") {
            options.wire.best = static_cast<int>(number(name, value, 0, 64));
        } else if (name == "--wire-loss") {
            options.wire.loss = number(name, value, 0, 0.9);
        } else if (name == "--image-old") {
            options.image_old = value;
        } else if (name == "--board-os") {
            board_os = value;
        } else if (name == "--plug") {
            if (value != "auto" && value != "manual") {
                usage("--plug: \"" + value + "\" is neither auto nor manual.");
            }
            options.auto_plug = value == "auto";
        } else if (name == "--stagger-ms") {
            options.stagger_ms = number(name, value, 0, 600000);
        } else if (name == "--worker-exe") {
            options.worker_exe = value;
        } else if (name == "--bus") {
            if (value != "testbed" && value != "vhci" && value != "redir") {
                usage("--bus: \"" + value + "\" is neither testbed nor vhci nor redir.");
            }
            options.bus = value;
        } else if (name == "--hop-seconds") {
            options.hop_seconds = number(name, value, 0, 60);
        } else if (name == "--products") {
            options.products = products(value);
        } else if (name == "--initrd-seconds") {
            options.initrd_seconds = number(name, value, 0, 600);
        } else {
            usage(name + " is no option.");
        }
    }
    if (options.dir.empty()) {
        usage("--dir is missing.");
    }
    if (options.boards > kMost && options.bus != "vhci") {
        usage("--boards: more than 64 only with --bus vhci.");
    }
    auto parsed = line::parse_faults(faults, options.boards, line::hub_count(options.boards));
    if (const auto* wrong = std::get_if<line::BadSpec>(&parsed)) {
        usage(wrong->sentence);
    }
    options.faults = std::get<std::vector<line::FaultRule>>(std::move(parsed));
    options.dir = fs::absolute(options.dir).lexically_normal();
    options.control =
        options.control.empty() ? options.dir / "line.sock" : fs::absolute(options.control);
    if (!options.image_old.empty() && !fs::is_regular_file(options.image_old)) {
        usage("--image-old: " + options.image_old.string() + " is not a file.");
    }
    if (board_os != "none") {
        options.board_os = fs::absolute(board_os);
        if (::access(options.board_os.c_str(), X_OK) != 0) {
            usage("--board-os: " + options.board_os.string() + " cannot be run.");
        }
    }
    options.shim = fs::read_symlink("/proc/self/exe").parent_path() / "liblineside-fdshim.so";
    return options;
}

// Below /run when we may: short, in memory, and seen by workers that have a /tmp of their own. A
// folder whose line was killed is swept by the next one.
fs::path testbed_folder(const fs::path& dir) {
    if (::access("/run", W_OK) != 0) {
        return dir / "u";
    }
    for (const auto& entry : fs::directory_iterator("/run")) {
        const auto name = entry.path().filename().string();
        if (name.starts_with("lsl.") && name.size() == 10) {
            const int fd = ::open((entry.path() / "lock").c_str(), O_RDWR | O_CLOEXEC);
            if (fd >= 0) {
                if (::flock(fd, LOCK_EX | LOCK_NB) == 0) {
                    std::error_code ignored;
                    fs::remove_all(entry.path(), ignored);
                }
                ::close(fd);
            }
        }
    }
    std::string pattern = "/run/lsl.XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) {
        return dir / "u";
    }
    const int fd = ::open((pattern + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || ::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        return dir / "u";
    }
    return pattern;  // the lock stays ours until we end
}

}  // namespace

int main(int argc, char** argv) {
    auto options = read_options(argc, argv);
    try {
        ::signal(SIGPIPE, SIG_IGN);
        rlimit files{};
        ::getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = files.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &files);
        ::umask(022);
        line::be_as_punctual_as_hardware();
        if (!fs::exists(options.shim)) {
            throw std::runtime_error(options.shim.string() + " is missing");
        }
        fs::create_directories(options.dir / "boards");
        const auto root = options.bus == "testbed" ? testbed_folder(options.dir) : fs::path();
        line::Line line(std::move(options), root);
        line.run();
    } catch (const std::exception& error) {
        std::cerr << "lineside-line: " << error.what() << "\n";
        return 1;
    }
    return 0;
}
