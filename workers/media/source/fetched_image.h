// SPDX-License-Identifier: Apache-2.0
// An image that lies at an address, in the cache: fetched once for as long as the server's file is
// the same, gone on with where it broke off, an older one of the same address forgotten.
// Errors: those of HttpClient; config.missing (not there).
// Thread: one; blocks.
#pragma once

#include "workers/media/source/http_client.h"

namespace lineside::media {

// Does somebody mean an address, and no file?
[[nodiscard]] bool is_http_url(std::string_view text);
// The same file name behind the address with another one: "http://h/a.img?x" and "a.bmap".
[[nodiscard]] HttpUrl beside(const HttpUrl& url, std::string_view name);
// "a.img.xz" of http://h/images/a.img.xz?token: says how it is packed, and can be a file's name.
[[nodiscard]] std::string leaf_of(const HttpUrl& url);
[[nodiscard]] base::Result<std::filesystem::path> fetch_image(HttpClient& client,
                                                              const HttpUrl& url,
                                                              const std::filesystem::path& folder);

}  // namespace lineside::media
