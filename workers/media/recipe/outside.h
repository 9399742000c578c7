// SPDX-License-Identifier: Apache-2.0
// What commands of a recipe write: the words they are run with, and the bytes outside of all file
// systems, by which it is proven that the medium kept them.
// Errors: unit.storage, operator.stopped, those of `value`.   Thread: any.
#pragma once

#include "workers/media/engine/prepared_image.h"
#include "workers/media/recipe/layout.h"

#include <functional>

namespace lineside::media {

// `word` with each ${name} replaced once; what is put in is not looked at again.
[[nodiscard]] base::Result<std::string> put_variables(
    std::string_view word,
    const std::function<base::Result<std::string>(std::string_view name)>& value);

// What lies between the slices that are not `named`, the first 64 MiB of each such gap.
[[nodiscard]] std::vector<Extent> bytes_outside(const std::vector<Slice>& slices,
                                                const std::vector<bool>& named,
                                                std::uint64_t disk_bytes);
[[nodiscard]] base::Result<HashValue> hash_ranges(int fd, const std::vector<Extent>& ranges,
                                                  const std::atomic<bool>& stop);

}  // namespace lineside::media
