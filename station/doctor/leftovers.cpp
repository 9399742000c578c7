// SPDX-License-Identifier: Apache-2.0
#include "station/doctor/leftovers.h"

#include "station/base/text.h"
#include "station/base/unique_fd.h"
#include "station/helper/packet.h"

#include "station/base/toml.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <set>
#include <system_error>

namespace lineside::doctor {
namespace {

using base::Json;

constexpr std::size_t kMaxReply = 16 * 1024;
constexpr int kReplyWithinMs = 10'000;

// What helper.toml says, as far as it concerns us.
struct HelperPlace {
    std::string socket;
    std::string lanes;
};

HelperPlace read_place(const Host& host, const std::string& config) {
    HelperPlace out;
    const auto text = host.read(config);
    if (!text) {
        return out;
    }
    try {
        const toml::table root = toml::parse(*text);
        out.socket = root["socket"].value_or(std::string());
        out.lanes = root["lanes"].value_or(std::string());
    } catch (const toml::parse_error&) {  // the helper itself complains about it
    }
    return out;
}

// Configuration files of the helpers that run here.
std::set<std::string> running_helpers(const Host& host) {
    std::set<std::string> out;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(host.path("/proc"), error)) {
        const std::string pid = entry.path().filename();
        if (!base::to_int(pid) || host.read("/proc/" + pid + "/comm") != "lineside-helper") {
            continue;
        }
        const std::string command = host.read("/proc/" + pid + "/cmdline").value_or("");
        const auto words = base::split(command, '\0');
        std::string config = "/etc/lineside/helper.toml";
        for (std::size_t i = 0; i + 1 < words.size(); ++i) {
            if (words[i] == "--config") {
                config = words[i + 1];
            }
        }
        // As the helper sees it: it may live in a mount namespace of its own.
        const std::string seen = "/proc/" + pid + "/root" + config;
        out.insert(host.exists(seen) ? seen : config);
    }
    return out;
}

base::Result<Json> ask(const std::string& path) {
    const base::UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return base::fail("helper.lost", path + ": path is too long");
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return base::fail_errno("helper.lost", path, errno);
    }
    if (const int error = helper::send_packet(fd.get(), R"({"id":1,"do":"leftovers"})");
        error != 0) {
        return base::fail_errno("helper.lost", path, error);
    }
    pollfd wanted{fd.get(), POLLIN, 0};
    helper::Packet packet;
    if (::poll(&wanted, 1, kReplyWithinMs) != 1 ||
        helper::receive_packet(fd.get(), kMaxReply, packet) != helper::Received::packet) {
        return base::fail("helper.lost", path + ": no answer");
    }
    auto reply = base::parse_json(packet.text, kMaxReply);
    if (!reply || !base::field_or<bool>(*reply, "ok", false).value_or(false)) {
        return base::fail("helper.refused", path + ": refused");
    }
    return reply;
}

std::string variable(const std::string& environment, std::string_view name) {
    for (const std::string_view entry : base::split(environment, '\0')) {
        if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
            return std::string(entry.substr(name.size() + 1));
        }
    }
    return {};
}

// Workers that carry the mark of a helper that does not run any more.
void find_orphans(const Host& host, const std::set<std::string>& marks, Json& found) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(host.path("/proc"), error)) {
        const std::string pid = entry.path().filename();
        if (!base::to_int(pid)) {
            continue;
        }
        const std::string environment = host.read("/proc/" + pid + "/environ").value_or("");
        const std::string mark = variable(environment, "LINESIDE_HELPER");
        const auto job = base::to_int(variable(environment, "LINESIDE_JOB"));
        if (!mark.empty() && job && !marks.contains(mark)) {
            found.push_back(
                {{"kind", "process"},
                 {"job", *job},
                 {"what", fmt::format("{} ({}), its helper is gone", pid,
                                      host.read("/proc/" + pid + "/comm").value_or("?"))}});
        }
    }
    const std::string mounts = host.read("/proc/self/mountinfo").value_or("");
    if (mounts.find(" /run/lineside-lane ") != std::string::npos) {
        found.push_back({{"kind", "mount"}, {"job", nullptr}, {"what", "/run/lineside-lane"}});
    }
}

void find_lanes(const Host& host, const std::string& lanes, Json& found) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(host.path(lanes), error)) {
        const std::string name = entry.path().filename();
        const auto job = base::to_int(name);
        found.push_back(
            {{"kind", "lane"}, {"job", job ? Json(*job) : Json()}, {"what", lanes + "/" + name}});
    }
}

}  // namespace

Leftovers find_leftovers(const Host& host, const std::string& socket, const std::string& config) {
    Leftovers out;
    std::set<std::string> configs = running_helpers(host);
    std::map<std::string, std::string> sockets;  // socket -> its lanes
    std::set<std::string> marks;
    for (const std::string& file : configs) {
        const HelperPlace place = read_place(host, file);
        if (!place.socket.empty()) {
            sockets[place.socket] = place.lanes;
            marks.insert(base::sha256_hex(place.lanes).substr(0, 12));
        }
    }
    if (!socket.empty()) {
        sockets.try_emplace(socket, "");
    }
    for (const auto& [path, lanes] : sockets) {
        const auto reply = ask(host.path(path));
        if (reply) {
            if (const auto list = reply->find("leftovers");
                list != reply->end() && list->is_array()) {
                out.found.insert(out.found.end(), list->begin(), list->end());
            }
        } else {
            out.unseen.push_back(reply.error().message);
        }
    }
    find_orphans(host, marks, out.found);
    const HelperPlace configured = read_place(host, config);
    if (!configured.lanes.empty() &&
        !marks.contains(base::sha256_hex(configured.lanes).substr(0, 12))) {
        find_lanes(host, configured.lanes, out.found);
    }
    return out;
}

}  // namespace lineside::doctor
