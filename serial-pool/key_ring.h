// SPDX-License-Identifier: Apache-2.0
// The key file: one or more lines `lineside-key-1 <64 hex digits>`, each a master key of 32 bytes.
// The last line is the wanted one; the others open what is not sealed anew yet. Mode 0600, outside
// the data folder, or a systemd credential (which cannot be written).
// Errors: secret.broken (absent, open to others, not a key file), request.refused (cannot be
// written here), disk.full. No error text holds a key.   Thread: any; blocks on disk.
#pragma once

#include "station/base/error.h"
#include "station/base/secret.h"

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::serial_pool {

inline constexpr std::size_t kKeyBytes = 32;

[[nodiscard]] base::Result<std::vector<base::Secret>> read_key_ring(
    const std::filesystem::path& file);
// The same of what was read of it, for who looks at another user's file.
[[nodiscard]] base::Result<std::vector<base::Secret>> key_ring_of(
    const base::Secret& content, const std::filesystem::path& file);
// Durable, all three: after a crash the old or the new file is there, whole.
[[nodiscard]] base::Status make_key_ring(const std::filesystem::path& file);
// A fresh key as the last line.
[[nodiscard]] base::Status append_key(const std::filesystem::path& file);
// Takes the lines of these keys (hex ids) away, never the last one.
[[nodiscard]] base::Status drop_keys(const std::filesystem::path& file,
                                     const std::set<std::string>& key_ids);
// Can append_key and drop_keys work here?
[[nodiscard]] bool can_write_key_ring(const std::filesystem::path& file);

// HKDF-SHA-256 without salt.   Errors: station.bug.
[[nodiscard]] base::Result<std::string> derive_key(std::string_view master,
                                                   std::string_view purpose, std::size_t size);
// The name of a master key that sealed forms carry: 8 bytes; not secret.
[[nodiscard]] base::Result<std::string> key_id_of(const base::Secret& master);

}  // namespace lineside::serial_pool
