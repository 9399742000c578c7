// SPDX-License-Identifier: Apache-2.0
// lineside-helper [--config FILE] [--check]: the root helper. See PROTOCOL.md and README.md.
// Exit 0 after SIGTERM, 1 when it cannot start, 2 usage.
#include "station/helper/config.h"
#include "station/helper/server.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <string_view>

namespace {

constexpr const char* kDefaultConfig = "/etc/lineside/helper.toml";

// The numbers 0 to 2 must be taken, or a socket would get one of them.
void fill_standard_descriptors() {
    int fd = -1;
    do {
        fd = ::open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= 2);
    if (fd > 2) {
        ::close(fd);
    }
}

int complain(const std::string& text) {
    std::fprintf(stderr, "lineside-helper: %s\n", text.c_str());
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    std::string file = kDefaultConfig;
    bool check_only = false;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--config" && i + 1 < argc) {
            file = argv[++i];
        } else if (argument == "--check") {
            check_only = true;
        } else {
            std::fprintf(stderr, "usage: lineside-helper [--config FILE] [--check]\n");
            return 2;
        }
    }
    fill_standard_descriptors();
    ::umask(022);
    auto config = lineside::helper::load_config(file);
    if (!config) {
        return complain(config.error().message);
    }
    if (auto folders = lineside::helper::check_folders(*config); !folders) {
        return complain(folders.error().message);
    }
    if (check_only) {
        return 0;
    }
    if (::geteuid() != 0) {
        return complain("must run as root");
    }
    (void)!::chdir("/");
    ::prctl(PR_SET_DUMPABLE, 0);
    lineside::helper::Server server(*config);
    if (auto opened = server.open(); !opened) {
        return complain(opened.error().message);
    }
    server.run();
    return 0;
}
