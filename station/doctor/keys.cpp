// SPDX-License-Identifier: Apache-2.0
#include "station/doctor/keys.h"

#include "serial-pool/key_ring.h"
#include "station/base/files.h"
#include "station/care/data_folder.h"
#include "station/db/connection.h"
#include "station/db/query.h"
#include "station/trust/signing_key.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace lineside::doctor {
namespace {

constexpr std::size_t kMaxFile = 64 * 1024;

// What a key file is, before anybody asks what is in it.
struct KeyFile {
    int failure = 0;  // errno of the look at it
    bool open_to_others = false;
    std::optional<base::Secret> content;  // nothing: it may not be read
};

// Not base::read_key_file(): root looks here at files of the service's user.
KeyFile look_at(const std::filesystem::path& file) {
    KeyFile key;
    struct stat facts {};
    if (::stat(file.c_str(), &facts) != 0) {
        key.failure = errno;
        return key;
    }
    // systemd lets the one service read its credential by an access list, whose mask shows as the
    // group's rights; nobody else gets into that folder.
    key.open_to_others =
        (facts.st_mode & 077) != 0 && !file.native().starts_with("/run/credentials/");
    if (auto content = base::read_file(file, kMaxFile)) {
        key.content.emplace(std::move(*content));
    }
    return key;
}

Finding may_not_look(std::string code, const std::string& file) {
    return {std::move(code), Weight::warning,
            fmt::format("{} may not be looked at by this user", file), "sudo lineside doctor"};
}
Finding open_to_others(std::string code, const std::string& file) {
    return {std::move(code), Weight::error, fmt::format("{} can be read by others", file),
            fmt::format("chmod 600 {}", file)};
}

struct OnRecord {
    std::string id;
    bool retired = false;
};

// The signing keys a station's database knows; none where there is no database yet.
base::Result<std::vector<OnRecord>> keys_on_record(const std::filesystem::path& database) {
    std::vector<OnRecord> keys;
    std::error_code error;
    if (!std::filesystem::exists(database, error)) {
        return error ? base::fail("db.failed",
                                  fmt::format("{}: {}", database.string(), error.message()))
                     : base::Result<std::vector<OnRecord>>(keys);
    }
    auto connection = db::open_for_reading_only(database);
    if (!connection) {
        return tl::unexpected<base::Error>(connection.error());
    }
    db::Tx tx(connection->get());
    auto any = tx.any("SELECT 1 FROM sqlite_schema WHERE name = 'signing_key'");
    if (!any) {
        return tl::unexpected<base::Error>(any.error());
    }
    if (!*any) {  // of an earlier version: its first start with this one makes the table
        return keys;
    }
    auto rows = tx.all<std::string, std::optional<std::int64_t>>(
        "SELECT key_id, retired_ms FROM signing_key");
    if (!rows) {
        return tl::unexpected<base::Error>(rows.error());
    }
    for (auto& [id, retired] : *rows) {
        keys.push_back({std::move(id), retired.has_value()});
    }
    return keys;
}

Finding compared_with_record(std::string code, const std::string& file, const std::string& id,
                             const std::vector<OnRecord>& known) {
    std::string current;
    for (const OnRecord& key : known) {
        if (key.id == id) {
            return key.retired ? Finding{std::move(code), Weight::error,
                                         fmt::format("{} is signing key {}, which was retired; the "
                                                     "station does not start with it",
                                                     file, id),
                                         "put the key in use back from its safe copy"}
                               : Finding{std::move(code), Weight::fine, "", ""};
        }
        current = key.retired ? current : key.id;
    }
    if (known.empty()) {
        return {std::move(code), Weight::fine, "", ""};
    }
    return {std::move(code), Weight::warning,
            fmt::format("{} is signing key {}, which is not on record; the next start retires {} "
                        "for it",
                        file, id, current.empty() ? "no key" : "key " + current),
            fmt::format("put key {} back, unless a new one is meant", current)};
}

}  // namespace

Finding sealing_key(const Host& host, const Wanted& wanted) {
    const std::string code = "host.key";
    const KeyFile key = look_at(host.path(wanted.key_file));
    if (key.failure == EACCES) {
        return may_not_look(code, wanted.key_file);
    }
    if (key.failure != 0) {
        return {
            code, Weight::warning,
            fmt::format("{}: {}", wanted.key_file, std::generic_category().message(key.failure)),
            fmt::format("(umask 077; printf 'lineside-key-1 %s\\n' \"$(openssl rand -hex 32)\" "
                        "> {})",
                        wanted.key_file)};
    }
    if (key.open_to_others) {
        return open_to_others(code, wanted.key_file);
    }
    if (!key.content) {
        return may_not_look(code, wanted.key_file);
    }
    if (auto ring = serial_pool::key_ring_of(*key.content, wanted.key_file); !ring) {
        return {code, Weight::error, ring.error().message,
                "put the key file back from its safe copy"};
    }
    return {code, Weight::fine, "", ""};
}

Finding signing_key(const Host& host, const Wanted& wanted) {
    const std::string code = "host.signing_key";
    const std::string& file = wanted.signing_key;
    const KeyFile key = look_at(host.path(file));
    if (key.failure == EACCES || (key.failure == 0 && !key.open_to_others && !key.content)) {
        return may_not_look(code, file);
    }
    const auto known = keys_on_record(care::DataFolder(host.path(wanted.data)).database());
    if (key.failure != 0) {
        const bool needed = known && !known->empty();
        const std::string why = std::generic_category().message(key.failure);
        if (needed) {
            return {code, Weight::error,
                    fmt::format("{}: {}; the station has signed with a key and does not start "
                                "without it",
                                file, why),
                    fmt::format("put it back from its safe copy, or: lineside key make {}", file)};
        }
        return known ? Finding{code, Weight::fine, "", ""}  // the first start makes it
                     : Finding{code, Weight::warning,
                               fmt::format("{}: {}; whether the station needs it cannot be said: "
                                           "{}",
                                           file, why, known.error().message),
                               "sudo lineside doctor"};
    }
    if (key.open_to_others) {
        return open_to_others(code, file);
    }
    const auto opened = trust::SigningKey::of_pem(*key.content, file);
    if (!opened) {
        return {code, Weight::error, opened.error().message,
                fmt::format("put it back from its safe copy, or make a new one elsewhere: "
                            "lineside key make {}.new",
                            file)};
    }
    if (!known) {
        return {code, Weight::warning,
                fmt::format("whether key {} is on record cannot be said: {}", opened->id(),
                            known.error().message),
                "sudo lineside doctor"};
    }
    return compared_with_record(code, file, opened->id(), *known);
}

}  // namespace lineside::doctor
