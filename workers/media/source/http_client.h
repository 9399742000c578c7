// SPDX-License-Identifier: Apache-2.0
// Fetches over HTTP and HTTPS (certificates are checked against the host's): small answers into
// memory, whole files onto disk, a broken download going on where it stopped. Every wait has a
// deadline, every answer a bound; up to five redirects are followed, never from HTTPS to HTTP.
// Errors: request.invalid (no such address can be used), media.source (with address and cause),
// disk.full, operator.stopped.
// Thread: one; blocks. A name's look-up ends when the host's resolver gives up.
#pragma once

#include "station/base/error.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace lineside::media {

struct HttpUrl {
    bool tls = false;
    std::string host;  // as in the address: an IPv6 address stands in brackets
    std::uint16_t port = 80;
    std::string target = "/";  // path and query, encoded

    [[nodiscard]] std::string origin() const;  // http://host:port
    [[nodiscard]] std::string text() const { return origin() + target; }
};

// http:// or https://, at most 2048 bytes, without user name, password and fragment.
[[nodiscard]] base::Result<HttpUrl> parse_http_url(std::string_view text);
// `name` as one segment of a path.
[[nodiscard]] std::string url_segment(std::string_view name);

struct HttpReply {
    unsigned status = 0;
    std::string body;
    std::optional<std::uint64_t> length;  // as the server says
    // A strong entity tag or the date of the last change: what tells a file from a later one.
    std::string mark;
};

struct DownloadLimits {
    std::uint64_t most_bytes = std::uint64_t{1} << 40;
    std::chrono::seconds whole{6 * 3600};
    std::chrono::seconds silence{60};  // for each 64 KiB: slower is a server that hangs
    int attempts = 4;                  // connections that may break off
};

class HttpClient {
  public:
    explicit HttpClient(const std::atomic<bool>& stop);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    // 2xx and 404 are answers; any other status, more than `most_bytes` or more time is an error.
    [[nodiscard]] base::Result<HttpReply> get(const HttpUrl& url, std::size_t most_bytes,
                                              std::chrono::seconds whole);
    // Status and length alone.
    [[nodiscard]] base::Result<HttpReply> head(const HttpUrl& url, std::chrono::seconds whole);
    // Bytes of the file, which shows up under its name only when it is whole. Until then it is
    // `file`.part, and goes on from there when the server's file is still the same (`file`.mark).
    // Durable: yes.
    [[nodiscard]] base::Result<std::uint64_t> download(const HttpUrl& url,
                                                       const std::filesystem::path& file,
                                                       const DownloadLimits& limits);

  private:
    class Connection;
    struct Ask;
    struct Sink;
    base::Result<HttpReply> ask(Ask what, Sink& sink);
    base::Result<HttpReply> ask_once(const Ask& what, Sink& sink, std::string& location);

    const std::atomic<bool>& stop_;
    std::unique_ptr<Connection> connection_;  // kept for the next question to the same server
};

}  // namespace lineside::media
