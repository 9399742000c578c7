// SPDX-License-Identifier: Apache-2.0
#include "workers/media/recipe/fat_files.h"

#include <cerrno>
#include <cstdlib>

namespace lineside::media {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFilesACall = 500;  // far below what one command line may hold

// A full file system is told in words only.
base::Status judged(base::Result<std::string> ended) {
    if (ended) {
        return {};
    }
    if (ended.error().code == "tool.failed" &&
        ended.error().message.find("Disk full") != std::string::npos) {
        return base::fail("media.too_small", ended.error().message + "; make the partition larger");
    }
    return tl::unexpected<base::Error>(ended.error());
}

}  // namespace

base::Result<TemporaryFolder> TemporaryFolder::make(const fs::path& parent) {
    std::string name = parent / "lineside-setup-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
        return base::fail_writing("config.invalid", "cannot make a folder in " + parent.string(),
                                  errno);
    }
    return TemporaryFolder(name);
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) {
        fs::remove_all(path_, ignored);
    }
}

base::Status put_on_fat(const fs::path& folder, const fs::path& device, const Programs& programs) {
    const std::vector<std::string> call{"mcopy", "-i", device.string(), "-s", "-m", "-Q", "-o"};
    std::vector<std::string> argv = call;
    std::error_code failed;
    auto send = [&] {
        argv.emplace_back("::/");
        return judged(programs.run(argv));
    };
    for (const auto& entry : fs::directory_iterator(folder, failed)) {
        argv.push_back(entry.path().string());
        if (argv.size() < kFilesACall) {
            continue;
        }
        if (auto sent = send(); !sent) {
            return sent;
        }
        argv = call;
    }
    if (failed) {
        return base::fail("disk.full", "cannot read " + folder.string());
    }
    return argv.size() > call.size() ? send() : base::Status();
}

base::Status get_from_fat(const fs::path& device, const fs::path& folder,
                          const Programs& programs) {
    return judged(
        programs.run({"mcopy", "-i", device.string(), "-s", "-m", "-Q", "::/", folder.string()}));
}

}  // namespace lineside::media
