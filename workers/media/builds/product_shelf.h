// SPDX-License-Identifier: Apache-2.0
// Products of a build server on this host's disk: fetched once, used again as long as the server's
// file has the same size.
// Errors: media.source, config.missing (the server has it no more), disk.full, operator.stopped.
// Thread: one; blocks.
#pragma once

#include "workers/media/builds/build_server.h"
#include "workers/media/source/http_client.h"

namespace lineside::media {

// Asks `address` for values, each within `most` and 16 MiB. `client` outlives it.
[[nodiscard]] BuildServer::Ask ask_by_http(HttpClient& client, HttpUrl address,
                                           std::chrono::seconds most);

struct FetchedProduct {
    std::filesystem::path file;
    std::uint64_t bytes = 0;
    bool was_there = false;
};
// Into {folder}/{product}/{owner}/{file}.
[[nodiscard]] base::Result<FetchedProduct> fetch_product(HttpClient& client, const HttpUrl& address,
                                                         const BuildFile& file,
                                                         const std::filesystem::path& folder);

}  // namespace lineside::media
