// SPDX-License-Identifier: Apache-2.0
// The built dashboard. The folder is read once into memory and served by exact name, so no request
// ever becomes a path. Hashed assets may be kept for ever by the browser; .br and .gz files beside
// a file are its compressed forms. The folder is read again when its index.html changes. Thread:
// the io_context's.
#pragma once

#include "web/server/http.h"

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>

namespace lineside::web {

class StaticFiles {
  public:
    explicit StaticFiles(std::filesystem::path folder);
    // Is there a dashboard at all?
    [[nodiscard]] bool ready();
    // A file, index.html for the address of a page, or 404.
    [[nodiscard]] Response serve(const Request& request);

  private:
    struct Form {
        std::shared_ptr<const std::string> bytes;
        std::string etag;
    };
    struct File {
        std::string type;
        bool hashed = false;
        Form plain, gzip, brotli;
    };
    void refresh();
    void read_folder();

    std::filesystem::path folder_;
    std::map<std::string, File, std::less<>> files_;
    std::chrono::steady_clock::time_point checked_;
    std::filesystem::file_time_type stamp_;
};

// Does `accept_encoding` take `coding`? ("gzip;q=0" does not.)
[[nodiscard]] bool accepts_coding(std::string_view accept_encoding, std::string_view coding);

}  // namespace lineside::web
