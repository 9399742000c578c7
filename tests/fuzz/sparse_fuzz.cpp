// SPDX-License-Identifier: Apache-2.0
// An Android sparse image as anybody might send it, in pieces of any size. What is unpacked comes
// in order, without gaps or overlaps, and ends at the size that is told.
#include "workers/media/formats/sparse.h"

#include <algorithm>
#include <cstdlib>

namespace {

using namespace lineside;
using namespace lineside::media;

void must(bool so) {
    if (!so) {
        std::abort();
    }
}

// A fill of gigabytes is legal and says nothing new after this.
constexpr std::uint64_t kEnough = 1 << 20;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const std::size_t piece = size == 0 ? 1 : 1 + data[size - 1];
    std::size_t at = 0;
    std::uint64_t next = 0;
    auto range = [&](std::uint64_t begin, std::uint64_t end) {
        must(begin == next && end > begin);
        next = end;
        return base::Status();
    };
    const auto done = unpack_sparse(
        [&](std::size_t most) -> base::Result<std::string_view> {
            const auto part = bytes.substr(at, std::min(most, piece));
            at += part.size();
            return part;
        },
        {[&](std::uint64_t offset, std::string_view b) -> base::Status {
             auto taken = range(offset, offset + b.size());
             return next > kEnough ? base::fail("media.source", "enough") : taken;
         },
         range, range});
    if (done) {
        must(*done == next && at == size);
    } else {
        must(!done.error().message.empty());
    }
    return 0;
}
