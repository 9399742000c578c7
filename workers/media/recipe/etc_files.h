// SPDX-License-Identifier: Apache-2.0
// What a set-up writes below etc of the root file system: fstab, and root's password into shadow.
// Errors: unit.storage, config.invalid.   Thread: the setup's; blocks on the medium.
#pragma once

#include "station/base/secret.h"
#include "workers/media/formats/recipe.h"

namespace lineside::media {

// One line for each partition with a mount point, "/" first and parents before what lies in them.
// `uuids` by partition.
[[nodiscard]] std::string fstab_of(const Recipe& recipe, const std::vector<std::string>& uuids);
// `text` of a shadow file with root's password `hash` changed on `day` (days since 1970); a line
// for root is added where none is.
[[nodiscard]] std::string shadow_with(std::string_view text, std::string_view hash,
                                      std::int64_t day);
// SHA-512 crypt with a random salt: what every Linux since 2008 reads.
[[nodiscard]] base::Result<std::string> hash_password(const base::Secret& password);

// Below `root`: the file as it is ("" where there is none), and replaced. The owner and the rights
// of an old file stay; no symbolic link is followed.
[[nodiscard]] base::Result<std::string> read_below(int root, const std::string& path,
                                                   std::size_t most);
[[nodiscard]] base::Status write_below(int root, const std::string& path, std::string_view text,
                                       mode_t mode);

}  // namespace lineside::media
