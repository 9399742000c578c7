// SPDX-License-Identifier: Apache-2.0
#include "station/care/backup_folder.h"

#include "station/base/files.h"
#include "station/base/unique_fd.h"
#include "station/db/connection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

namespace lineside::care {
namespace {

namespace fs = std::filesystem;
using base::Result;
using base::Status;

constexpr std::uint64_t kRoomFactor = 2;  // free space needed, in sizes of the database

std::uint64_t size_of(const fs::path& file) {
    std::error_code error;
    const auto size = fs::file_size(file, error);
    return error ? 0 : size;
}

bool is_backup_name(const std::string& name) {
    return name.starts_with("station-") && name.ends_with(".db");
}

}  // namespace

std::vector<Backup> backups_in(const fs::path& folder) {
    std::vector<Backup> found;
    std::error_code error;
    for (auto it = fs::directory_iterator(folder, error); !error && it != fs::directory_iterator();
         it.increment(error)) {
        if (!is_backup_name(it->path().filename().string())) {
            continue;
        }
        const auto facts = db::read_facts(it->path());
        if (facts && *facts) {
            found.push_back({it->path(), **facts});
        }
    }
    std::sort(found.begin(), found.end(), [](const Backup& a, const Backup& b) {
        return std::pair(a.facts.made_ms, a.facts.seq) > std::pair(b.facts.made_ms, b.facts.seq);
    });
    return found;
}

std::optional<Backup> last_good_backup(const DataFolder& data) {
    for (const Backup& backup : backups_in(data.backups())) {
        if (backup.facts.schema > db::migrations().back().version) {
            continue;
        }
        const auto digest = db::sha256_of_file(backup.file);
        if (digest && *digest == backup.facts.sha256) {
            return backup;
        }
    }
    return std::nullopt;
}

Status refuse_without_room(const fs::path& database, const fs::path& folder) {
    const std::uint64_t need =
        kRoomFactor * (size_of(database) + size_of(database.string() + "-wal"));
    std::error_code error;
    fs::create_directories(folder, error);
    const auto room = fs::space(folder, error);
    if (error) {
        return base::fail("db.failed",
                          fmt::format("backups {}: {}", folder.string(), error.message()));
    }
    if (room.available < need) {
        return base::fail("disk.full",
                          fmt::format("no backup was made: {} has {} MiB free, {} MiB are wanted",
                                      folder.string(), room.available >> 20U, (need >> 20U) + 1));
    }
    return {};
}

Status copy_backup(const Backup& backup, const fs::path& folder) {
    if (auto room = refuse_without_room(backup.file, folder); !room) {
        return room;
    }
    const fs::path into = folder / backup.file.filename();
    const fs::path temporary = into.string() + ".new";
    std::error_code error;
    fs::copy_file(backup.file, temporary, fs::copy_options::overwrite_existing, error);
    const auto digest = error ? Result<std::string>(std::string()) : db::sha256_of_file(temporary);
    if (error || !digest || *digest != backup.facts.sha256) {
        const std::string why = error ? error.message() : "the copy is not what was copied";
        fs::remove(temporary, error);
        return base::fail("db.failed",
                          fmt::format("no copy of the backup in {}: {}", folder.string(), why));
    }
    {
        const base::UniqueFd fd(::open(temporary.c_str(), O_RDONLY | O_CLOEXEC));
        if (!fd || ::fsync(fd.get()) != 0) {
            return base::fail_errno("db.failed", fmt::format("cannot sync {}", temporary.string()),
                                    errno);
        }
    }
    auto facts = base::read_file(db::facts_file(backup.file), 64UL * 1024);
    auto told = facts ? base::replace_file(db::facts_file(into), *facts, 0600)
                      : Status(tl::unexpected<base::Error>(facts.error()));
    if (!told) {
        return told;
    }
    if (::rename(temporary.c_str(), into.c_str()) != 0) {
        return base::fail_errno("db.failed", fmt::format("cannot keep {}", into.string()), errno);
    }
    return sync_folder(folder);
}

void let_old_ones_go(const fs::path& folder, int keep) {
    const auto all = backups_in(folder);
    std::error_code ignored;
    for (std::size_t i = static_cast<std::size_t>(std::max(keep, 1)); i < all.size(); ++i) {
        fs::remove(all[i].file, ignored);
        fs::remove(db::facts_file(all[i].file), ignored);
    }
}

Result<Made> make_backup(const DataFolder& data, const BackupPolicy& policy, std::int64_t made_ms,
                         const std::function<bool()>& go_on) {
    if (auto room = refuse_without_room(data.database(), data.backups()); !room) {
        return tl::unexpected<base::Error>(room.error());
    }
    auto made = db::back_up(data.database(), data.backups(), made_ms, go_on);
    if (!made) {
        return tl::unexpected<base::Error>(made.error());
    }
    let_old_ones_go(data.backups(), policy.keep);
    Made result{{made->file, made->facts}, {}};
    if (!policy.copy_to.empty()) {
        result.copied = copy_backup(result.backup, policy.copy_to);
        if (result.copied) {
            let_old_ones_go(policy.copy_to, policy.keep);
        }
    }
    return result;
}

}  // namespace lineside::care
