// SPDX-License-Identifier: Apache-2.0
// For tests and measurements: a real lineside-helper with folders of its own, and a plain client.
// Needs root; skip_reason() says so otherwise.
#pragma once

#include "station/base/json.h"
#include "station/base/text.h"
#include "station/base/unique_fd.h"
#include "station/helper/packet.h"
#include "station/helper/test_chroot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace lineside::helper::testing {

using base::Json;
using base::UniqueFd;

inline std::string skip_reason() {
    return ::geteuid() == 0 ? "" : "needs root: the helper makes namespaces and mounts";
}

inline bool wait_until(const std::function<bool()>& wanted, int within_ms = 5000) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(within_ms);
    while (!wanted()) {
        if (std::chrono::steady_clock::now() > until) {
            return false;
        }
        ::usleep(5000);
    }
    return true;
}

inline std::string read_file(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

class HelperProcess {
  public:
    explicit HelperProcess(std::string binary, const std::string& below = "/var/tmp")
        : binary_(std::move(binary)) {
        std::string name = below + "/lineside-helper-XXXXXX";
        folder = ::mkdtemp(name.data());
        ::chmod(folder.c_str(), 0755);
        for (const char* part : {"methods", "lanes", "images", "data"}) {
            std::filesystem::create_directory(folder / part);
        }
        std::ofstream(folder / "data/key") << "secret key";
        socket = fmt::format("/run/lineside-test-{}-{}.sock", ::getpid(), counter()++);
    }
    ~HelperProcess() {
        stop(SIGTERM);
        // A child that removes a lane may outlive the helper and be at it still.
        wait_until([&] {
            std::error_code error;
            std::filesystem::remove_all(folder, error);
            return !error;
        });
        ::unlink(socket.c_str());
    }
    HelperProcess(const HelperProcess&) = delete;
    HelperProcess& operator=(const HelperProcess&) = delete;

    static int& counter() {
        static int next = 1;
        return next;
    }

    // Processes of a job of this helper, and of no other on the host.
    std::vector<pid_t> processes_of(int job) const {
        const std::string mark =
            "LINESIDE_HELPER=" + base::sha256_hex((folder / "lanes").string()).substr(0, 12);
        const std::string of_job = fmt::format("LINESIDE_JOB={}", job) + std::string(1, '\0');
        std::vector<pid_t> out;
        for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
            const std::string name = entry.path().filename();
            if (name.find_first_not_of("0123456789") != std::string::npos) {
                continue;
            }
            const std::string environment = read_file(entry.path() / "environ");
            if (environment.find(mark) != std::string::npos &&
                environment.find(of_job) != std::string::npos) {
                out.push_back(static_cast<pid_t>(std::stol(name)));
            }
        }
        return out;
    }
    void method(const std::string& name, const std::string& body,
                const std::string& more = "") const {
        const auto at = folder / "methods" / name;
        std::filesystem::create_directory(at);
        std::ofstream(at / "run") << "#!/bin/bash\n" << body << "\n";
        ::chmod((at / "run").c_str(), 0755);
        std::ofstream(at / "method.toml") << "name = \"" << name << "\"\nexec = \"run\"\n" << more;
    }
    std::string image(char digit, const std::string& content = "image") const {
        std::string key(64, digit);
        std::filesystem::create_directories(folder / "images" / key / "tree/sub");
        std::ofstream(folder / "images" / key / "tree/file") << content;
        std::ofstream(folder / "images" / key / "image.json") << "{}";
        return key;
    }
    std::string config() const {
        return fmt::format(
            "socket = \"{0}\"\nservice_user = \"{2}\"\nworker_user = \"nobody\"\nmethods = "
            "\"{1}/methods\"\n"
            "lanes = \"{1}/lanes\"\nimages = \"{1}/images\"\n{3}\n{4}\n",
            socket, folder.string(), service_user,
            more_config.find("hide =") == std::string::npos
                ? fmt::format("hide = [\"{}/data\"]", folder.string())
                : "",
            more_config);
    }
    bool start() {
        std::ofstream(folder / "helper.toml") << config();
        pid = ::fork();
        if (pid == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // a test that crashes leaves no helper behind
            const std::string file = folder / "helper.toml";
            if (!log.empty()) {
                const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
                ::dup2(fd, 2);
            }
            if (in_chroot && !enter_chroot(folder / "root")) {
                ::_exit(126);
            }
            ::execl(binary_.c_str(), "lineside-helper", "--config", file.c_str(), nullptr);
            ::_exit(127);
        }
        return wait_until([&] {
                   const UniqueFd probe = connect();
                   return static_cast<bool>(probe) || ::waitpid(pid, nullptr, WNOHANG) == pid;
               }) &&
               ::access(socket.c_str(), F_OK) == 0;
    }
    void stop(int signal) {
        if (pid > 0) {
            ::kill(pid, signal);
            ::waitpid(pid, nullptr, 0);
            pid = 0;
        }
    }
    UniqueFd connect() const {
        UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, socket.data(), socket.size());
        if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            fd.reset();
        }
        return fd;
    }

    std::filesystem::path folder;
    std::string socket;
    std::string service_user = "#54321";
    std::string more_config;
    std::string log;
    bool in_chroot = false;  // "/" is then no mount point
    pid_t pid = 0;

  private:
    std::string binary_;
};

// A client that waits: one request, one reply; events that come between are kept.
class Client {
  public:
    explicit Client(UniqueFd fd) : fd_(std::move(fd)) {}

    Json raw(std::string_view packet, std::vector<int> fds = {}) {
        if (send_packet(fd_.get(), packet, fds) != 0) {
            return {{"closed", true}};
        }
        while (true) {
            Json got = receive(10000);
            if (!got.contains("ev")) {
                return got;
            }
            events.push_back(std::move(got));
        }
    }
    Json ask(Json body) {
        body["id"] = ++id_;
        return raw(body.dump());
    }
    // Starts a worker and keeps its ends.
    Json spawn(std::int64_t job, const std::string& method, Json more = Json::object()) {
        int pair[2];
        int pipe_ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 ||
            ::pipe2(pipe_ends, O_CLOEXEC) != 0) {
            return {};
        }
        channel.reset(pair[0]);
        output.reset(pipe_ends[0]);
        const UniqueFd theirs(pair[1]);
        const UniqueFd writing(pipe_ends[1]);
        more.update({{"id", ++id_},
                     {"do", "spawn"},
                     {"job", job},
                     {"step", 1},
                     {"attempt", 1},
                     {"method", method}});
        return raw(more.dump(), {theirs.get(), writing.get()});
    }
    Json next_event(int within_ms = 10000) {
        if (events.empty()) {
            return receive(within_ms);
        }
        Json out = events.front();
        events.erase(events.begin());
        return out;
    }
    std::string read_output() const {
        std::string out;
        char buffer[4096];
        ssize_t got = 0;
        while ((got = ::read(output.get(), buffer, sizeof buffer)) > 0) {
            out.append(buffer, static_cast<std::size_t>(got));
        }
        return out;
    }
    std::string read_line() const {
        std::string out;
        char c = 0;
        while (::read(output.get(), &c, 1) == 1 && c != '\n') {
            out += c;
        }
        return out;
    }
    void close() { fd_.reset(); }

    UniqueFd channel;
    UniqueFd output;
    std::vector<Json> events;

  private:
    Json receive(int within_ms) {
        pollfd wanted{fd_.get(), POLLIN, 0};
        if (::poll(&wanted, 1, within_ms) != 1) {
            return {{"nothing", true}};
        }
        Packet packet;
        return receive_packet(fd_.get(), 16384, packet) == Received::packet
                   ? Json::parse(packet.text, nullptr, false)
                   : Json{{"closed", true}};
    }
    UniqueFd fd_;
    std::int64_t id_ = 0;
};

}  // namespace lineside::helper::testing
