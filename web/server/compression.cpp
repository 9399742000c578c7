// SPDX-License-Identifier: Apache-2.0
#include "web/server/compression.h"

#include "web/server/static_files.h"

#include <zlib.h>

#include <optional>

namespace lineside::web {
namespace {

constexpr std::size_t kWorthIt = 1024;  // bytes; less fits a packet anyway
constexpr int kGzip = 16 + MAX_WBITS;   // zlib's way to ask for gzip's frame
constexpr int kMemory = 8;              // zlib's default

std::optional<std::string> gzip(const std::string& text) {
    z_stream stream{};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, kMemory,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        return std::nullopt;
    }
    std::string out(deflateBound(&stream, text.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const int ended = deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return ended == Z_STREAM_END ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace

Response compressed(Response response, std::string_view accept_encoding) {
    const bool made_here = !response.source && !response.push && !response.shared_text;
    if (!made_here || !response.content_type.starts_with("application/json") ||
        response.text.size() < kWorthIt) {
        return response;
    }
    response.headers.push_back({"Vary", "Accept-Encoding"});
    if (accepts_coding(accept_encoding, "gzip")) {
        if (auto smaller = gzip(response.text)) {
            response.text = std::move(*smaller);
            response.headers.push_back({"Content-Encoding", "gzip"});
        }
    }
    return response;
}

}  // namespace lineside::web
