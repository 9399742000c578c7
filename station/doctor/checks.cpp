// SPDX-License-Identifier: Apache-2.0
#include "station/doctor/checks.h"

#include "station/base/text.h"
#include "station/base/unique_fd.h"
#include "station/doctor/keys.h"
#include "station/doctor/power.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/un.h>
#include <sys/utsname.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace lineside::doctor {
namespace {

constexpr std::int64_t kUsbMemoryMb = 200;    // Source: default 16, NVIDIA's advice 1000
constexpr std::uint64_t kRoom = 20ULL << 30;  // an image and a few lanes
constexpr long kCifs = 0xff534d42L;
constexpr long kSmb2 = 0xfe534d42L;
constexpr const char* kRules = "99-lineside.rules";
constexpr const char* kAsRoot = "sudo lineside doctor";

Finding fine(std::string code) {
    return {std::move(code), Weight::fine, "", ""};
}
Finding warning(std::string code, std::string cause, std::string mend) {
    return {std::move(code), Weight::warning, std::move(cause), std::move(mend)};
}
Finding error(std::string code, std::string cause, std::string mend) {
    return {std::move(code), Weight::error, std::move(cause), std::move(mend)};
}

bool rules_installed(const Host& host) {
    for (const char* folder : {"/etc/udev/rules.d/", "/run/udev/rules.d/", "/usr/lib/udev/rules.d/",
                               "/lib/udev/rules.d/"}) {
        if (host.exists(std::string(folder) + kRules)) {
            return true;
        }
    }
    return false;
}

Finding configuration(const Host& /*host*/, const Wanted& wanted) {
    return wanted.config.empty()
               ? warning("host.config",
                         "there is no station.toml that can be read here; defaults are assumed",
                         "lineside check config /etc/lineside/station.toml")
               : fine("host.config");
}

Finding kernel(const Host& host, const Wanted& /*wanted*/) {
    utsname name{};
    ::uname(&name);
    const std::string release = host.read("/proc/sys/kernel/osrelease").value_or(name.release);
    const auto parts = base::split(release, '.');
    const auto major = base::to_int(parts[0]).value_or(0);
    const auto minor = parts.size() > 1 ? base::to_int(parts[1]).value_or(0) : 0;
    if (major < 5 || (major == 5 && minor < 14)) {
        return error("host.kernel",
                     fmt::format("kernel {}.{} is too old; workers need 5.14", major, minor),
                     "apt-get install --only-upgrade linux-image-amd64");
    }
    if (host.real() && std::string_view(name.machine) != "x86_64") {
        return warning(
            "host.kernel",
            fmt::format("NVIDIA's flash tools run on x86-64 only, this host is {}", name.machine),
            "");
    }
    return fine("host.kernel");
}

Finding usb(const Host& host, const Wanted& /*wanted*/) {
    const auto memory = host.number("/sys/module/usbcore/parameters/usbfs_memory_mb");
    if (!memory) {
        return warning("host.usb", "this kernel has no USB: only virtual units can be worked on",
                       "modprobe usbcore");
    }
    if (*memory != 0 && *memory < kUsbMemoryMb) {
        return error(
            "host.usbfs_memory",
            fmt::format(
                "all units together may have {} MB in flight over USB; several starve each other",
                *memory),
            "echo 1000 > /sys/module/usbcore/parameters/usbfs_memory_mb");
    }
    return fine("host.usbfs_memory");
}

Finding autosuspend(const Host& host, const Wanted& /*wanted*/) {
    const auto delay = host.number("/sys/module/usbcore/parameters/autosuspend");
    if (delay && *delay >= 0 && !rules_installed(host)) {
        return error("host.autosuspend",
                     "the kernel puts idle USB devices to sleep, which breaks flashing",
                     "echo -1 > /sys/module/usbcore/parameters/autosuspend");
    }
    return fine("host.autosuspend");
}

Finding udev(const Host& host, const Wanted& /*wanted*/) {
    if (rules_installed(host)) {
        return fine("host.udev");
    }
    return error("host.udev", fmt::format("the udev rules {} are not installed", kRules),
                 "install -m 0644 deploy/udev/99-lineside.rules /etc/udev/rules.d/ && udevadm "
                 "control --reload && udevadm trigger");
}

Finding meddlers(const Host& host, const Wanted& /*wanted*/) {
    std::string running;
    for (const char* name : {"ModemManager", "udisksd", "NetworkManager"}) {
        if (host.process(name)) {
            running += running.empty() ? "" : ", ";
            running += name;
        }
    }
    if (rules_installed(host) || (running.empty() && host.sees_processes())) {
        return fine("host.meddlers");
    }
    if (running.empty()) {
        return warning("host.meddlers", "which programs run here is hidden from this user",
                       kAsRoot);
    }
    return error(
        "host.meddlers",
        fmt::format("{} will open booted units, because no udev rule keeps it away", running),
        "install -m 0644 deploy/udev/99-lineside.rules /etc/udev/rules.d/ && udevadm control "
        "--reload && udevadm trigger");
}

Finding power_saver(const Host& host, const Wanted& /*wanted*/) {
    if (host.program("tlp")) {
        return error("host.tlp",
                     "TLP is installed; it puts USB devices to sleep whatever the rules say",
                     "apt-get purge tlp");
    }
    return fine("host.tlp");
}

Finding users(const Host& host, const Wanted& wanted) {
    for (const std::string& name : {wanted.service_user, wanted.worker_user}) {
        if (!host.user(name)) {
            return error(
                "host.users", fmt::format("there is no user '{}'", name),
                fmt::format(
                    "useradd --system --user-group --no-create-home --shell /usr/sbin/nologin {}",
                    name));
        }
    }
    return fine("host.users");
}

int connect_to(const std::string& path, int type) {
    const base::UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return ENAMETOOLONG;
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0
               ? 0
               : errno;
}

Finding helper(const Host& host, const Wanted& wanted) {
    const int failure = connect_to(host.path(wanted.helper_socket), SOCK_SEQPACKET);
    if (failure == 0) {
        return fine("host.helper");
    }
    if (failure == EACCES || failure == EPERM) {
        return warning("host.helper",
                       fmt::format("{} is there, but you may not ask it", wanted.helper_socket),
                       kAsRoot);
    }
    return error("host.helper",
                 fmt::format("the root helper does not answer at {}: {}", wanted.helper_socket,
                             std::generic_category().message(failure)),
                 "systemctl start lineside-helper; journalctl -u lineside-helper -n 20");
}

Finding tools(const Host& host, const Wanted& /*wanted*/) {
    struct Tool {
        const char* program;
        const char* package;
    };
    // Source: runs of NVIDIA's unmodified flash.sh of release 32.7.4.
    static constexpr std::array<Tool, 10> kTools{{{"python", "python-is-python3"},
                                                  {"python3", "python3"},
                                                  {"xmllint", "libxml2-utils"},
                                                  {"lz4c", "lz4"},
                                                  {"cpio", "cpio"},
                                                  {"strings", "binutils"},
                                                  {"ssh-keygen", "openssh-client"},
                                                  {"perl", "perl"},
                                                  {"mkfs.ext4", "e2fsprogs"},
                                                  {"losetup", "mount"}}};
    std::string missing, packages;
    for (const Tool& tool : kTools) {
        if (!host.program(tool.program)) {
            missing += fmt::format("{}{}", missing.empty() ? "" : ", ", tool.program);
            packages += fmt::format(" {}", tool.package);
        }
    }
    if (missing.empty()) {
        return fine("host.tools");
    }
    return warning("host.tools",
                   fmt::format("NVIDIA's flash.sh needs {}, which this host lacks", missing),
                   "apt-get install" + packages);
}

Finding bsp(const Host& host, const Wanted& wanted) {
    for (const Source& source : wanted.bsp) {
        const bool archive = source.program.empty();
        const std::string program = archive ? source.path : source.path + "/" + source.program;
        if (host.hidden(program)) {
            return warning("host.bsp", fmt::format("{} is hidden from this user", source.path),
                           kAsRoot);
        }
        if (!host.exists(program)) {
            return error("host.bsp",
                         archive ? fmt::format("{} is not there", source.path)
                                 : fmt::format("{} holds no {}", source.path, source.program),
                         source.program == "flash.sh"
                             ? "tar -xpf Jetson_Linux_*.tbz2; ./apply_binaries.sh"
                             : "Put the package there, or mend the profile's bsp");
        }
    }
    return fine("host.bsp");
}

// The nearest folder above that exists.
std::string existing(const Host& host, std::string path) {
    while (path.size() > 1 && !host.exists(path)) {
        path = std::filesystem::path(path).parent_path();
    }
    return path;
}

Finding disk_of(const Host& host, const std::string& wanted) {
    const std::string folder = existing(host, wanted);
    struct statfs facts {};
    if (::statfs(host.path(folder).c_str(), &facts) != 0) {
        return error("host.disk",
                     fmt::format("{}: {}", folder, std::generic_category().message(errno)), "");
    }
    const auto kind = static_cast<long>(facts.f_type);
    if (kind == NFS_SUPER_MAGIC || kind == kCifs || kind == kSmb2 || kind == FUSE_SUPER_MAGIC) {
        return error("host.disk",
                     fmt::format("{} lies on a network or user file system, which does not keep "
                                 "what it promised when power fails",
                                 wanted),
                     "mount a local disk there");
    }
    if (kind == TMPFS_MAGIC) {
        return error("host.disk",
                     fmt::format("{} lies in memory and is gone at the next start", wanted),
                     "mount a local disk there");
    }
    const std::uint64_t room =
        static_cast<std::uint64_t>(facts.f_bavail) * static_cast<std::uint64_t>(facts.f_bsize);
    if (room < kRoom) {
        return warning(
            "host.disk", fmt::format("{} has room for {} MiB only", wanted, room >> 20),
            fmt::format("df -h {}; lineside export …; remove images that are not needed", folder));
    }
    return fine("host.disk");
}

Finding disk(const Host& host, const Wanted& wanted) {
    Finding worst = disk_of(host, wanted.data);
    const Finding lanes = disk_of(host, wanted.lanes);
    return lanes.weight > worst.weight ? lanes : worst;
}

Finding overlay(const Host& host, const Wanted& /*wanted*/) {
    const auto known = host.read("/proc/filesystems");
    if (known && (*known + "\n").find("\toverlay\n") != std::string::npos) {
        return fine("host.overlay");
    }
    const std::string release = host.read("/proc/sys/kernel/osrelease").value_or("");
    if (!release.empty() && host.exists("/lib/modules/" + release + "/kernel/fs/overlayfs")) {
        return fine("host.overlay");  // loaded when it is needed
    }
    if (host.hidden("/lib/modules/" + release)) {
        return warning(
            "host.overlay",
            "overlayfs is not loaded, and the kernel's modules are hidden from this user", kAsRoot);
    }
    return warning(
        "host.overlay",
        "this kernel has no overlayfs; each unit's work area becomes a copy of the image",
        "modprobe overlay");
}

Finding cgroups(const Host& host, const Wanted& wanted) {
    if (!wanted.cgroup_root.empty()) {
        const std::string parent = existing(host, wanted.cgroup_root);
        if (!host.exists(parent + "/cgroup.procs")) {
            return error(
                "host.cgroup",
                fmt::format("cgroup_root {} is not in a cgroup2 file system", wanted.cgroup_root),
                "mount -t cgroup2 none /sys/fs/cgroup");
        }
        return fine("host.cgroup");
    }
    if (!host.exists("/sys/fs/cgroup/cgroup.controllers")) {
        return warning(
            "host.cgroup",
            "no cgroup2 at /sys/fs/cgroup; a job is held together by its PID namespace alone", "");
    }
    return fine("host.cgroup");
}

Finding port(const Host& host, const Wanted& wanted) {
    if (connect_to(host.path(wanted.station_socket), SOCK_STREAM) == 0) {
        return fine("host.port");  // it is the station itself
    }
    const base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(wanted.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
        errno == EADDRINUSE) {
        return error("host.port", fmt::format("port {} is taken by another program", wanted.port),
                     fmt::format("ss -ltnp sport = :{}", wanted.port));
    }
    return fine("host.port");
}

Finding virtual_machine(const Host& host, const Wanted& /*wanted*/) {
    const auto cpu = host.read("/proc/cpuinfo");
    if (cpu && cpu->find(" hypervisor") != std::string::npos) {
        return warning("host.virtual",
                       "this is a virtual machine; flashing over a passed-through port fails often",
                       "use a machine without a hypervisor");
    }
    return fine("host.virtual");
}

// clang-format off
constexpr std::array kChecks{
    Check{"host.config",      &configuration},
    Check{"host.kernel",      &kernel},
    Check{"host.users",       &users},
    Check{"host.helper",      &helper},
    Check{"host.key",         &sealing_key},
    Check{"host.signing_key", &signing_key},
    Check{"host.port",        &port},
    Check{"host.disk",        &disk},
    Check{"host.bsp",         &bsp},
    Check{"host.tools",       &tools},
    Check{"host.overlay",     &overlay},
    Check{"host.cgroup",      &cgroups},
    Check{"host.usb",         &usb},
    Check{"host.autosuspend", &autosuspend},
    Check{"host.udev",        &udev},
    Check{"host.meddlers",    &meddlers},
    Check{"host.tlp",         &power_saver},
    Check{"host.power",       &power_switches},
    Check{"host.virtual",     &virtual_machine},
};
// clang-format on

}  // namespace

std::span<const Check> checks() {
    return kChecks;
}

std::vector<Finding> check_host(const Host& host, const Wanted& wanted) {
    std::vector<Finding> out;
    for (const Check& check : kChecks) {
        out.push_back(check.look(host, wanted));
    }
    return out;
}

}  // namespace lineside::doctor
