// SPDX-License-Identifier: Apache-2.0
#include "web/server/static_files.h"

#include "station/base/files.h"
#include "station/base/log.h"
#include "station/base/text.h"
#include "web/server/problem.h"

#include <algorithm>
#include <array>

namespace lineside::web {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileBytes = 16 * 1024 * 1024;
constexpr std::size_t kFolderBytes = 64 * 1024 * 1024;
constexpr std::size_t kFiles = 4096;

constexpr std::array<std::pair<std::string_view, std::string_view>, 16> kTypes{{
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".woff", "font/woff"},
    {".txt", "text/plain; charset=utf-8"},
    {".mp3", "audio/mpeg"},
    {".wav", "audio/wav"},
}};

std::string_view type_of(const std::string& suffix) {
    const auto* found = std::find_if(kTypes.begin(), kTypes.end(),
                                     [&](const auto& row) { return row.first == suffix; });
    return found == kTypes.end() ? std::string_view{} : found->second;
}

// "/assets/app-B3f9x_1q.js": the bundler put a hash of the content into the name.
bool is_hashed(std::string_view path) {
    if (!path.starts_with("/assets/")) {
        return false;
    }
    const auto stem = path.substr(0, path.rfind('.'));
    for (auto dash = stem.find('-'); dash != std::string_view::npos;
         dash = stem.find('-', dash + 1)) {
        if (stem.size() - dash - 1 >= 8) {
            return true;
        }
    }
    return false;
}

bool matches(std::string_view if_none_match, std::string_view etag) {
    for (auto part : base::split(if_none_match, ',')) {
        part = base::trim_blanks(part);
        if (part.starts_with("W/")) {
            part.remove_prefix(2);
        }
        if (part == etag || part == "*") {
            return true;
        }
    }
    return false;
}

}  // namespace

bool accepts_coding(std::string_view accept_encoding, std::string_view coding) {
    bool star = false;
    for (const auto item : base::split(accept_encoding, ',')) {
        const auto parts = base::split(item, ';');
        const std::string name = base::to_lower_ascii(base::trim_blanks(parts.front()));
        bool zero = false;
        for (std::size_t i = 1; i < parts.size(); ++i) {
            const auto weight = base::trim_blanks(parts[i]);
            zero = zero || (weight.starts_with("q=0") &&
                            weight.find_first_not_of("0.", 2) == std::string_view::npos);
        }
        if (name == coding) {
            return !zero;
        }
        star = star || (name == "*" && !zero);
    }
    return star;
}

StaticFiles::StaticFiles(fs::path folder) : folder_(std::move(folder)) {
    read_folder();
}

bool StaticFiles::ready() {
    refresh();
    return files_.contains("/index.html");
}

void StaticFiles::refresh() {
    const auto now = std::chrono::steady_clock::now();
    if (folder_.empty() || now - checked_ < std::chrono::seconds(1)) {
        return;
    }
    checked_ = now;
    std::error_code ec;
    const auto stamp = fs::last_write_time(folder_ / "index.html", ec);
    if ((ec && !files_.empty()) || (!ec && stamp != stamp_)) {
        read_folder();
    }
}

void StaticFiles::read_folder() {
    files_.clear();
    checked_ = std::chrono::steady_clock::now();
    std::error_code ec;
    stamp_ =
        folder_.empty() ? fs::file_time_type{} : fs::last_write_time(folder_ / "index.html", ec);
    if (folder_.empty() || ec) {
        return;
    }
    std::size_t total = 0;
    std::size_t count = 0;
    for (auto it = fs::recursive_directory_iterator(folder_, ec);
         !ec && it != fs::recursive_directory_iterator(); it.increment(ec)) {
        std::error_code gone;
        if (it->is_symlink(gone) || !it->is_regular_file(gone) || ++count > kFiles) {
            continue;
        }
        auto bytes = base::read_file(it->path(), kFileBytes);
        if (!bytes || (total += bytes->size()) > kFolderBytes) {
            base::log_warning("web: dashboard file {} is too large or cannot be read",
                              it->path().native());
            continue;
        }
        std::string path = "/" + it->path().lexically_relative(folder_).generic_string();
        Form form;
        form.etag = "\"" + base::sha256_hex(*bytes).substr(0, 20) + "\"";
        form.bytes = std::make_shared<const std::string>(std::move(*bytes));
        if (path.ends_with(".br")) {
            files_[path.substr(0, path.size() - 3)].brotli = std::move(form);
        } else if (path.ends_with(".gz")) {
            files_[path.substr(0, path.size() - 3)].gzip = std::move(form);
        } else {
            File& file = files_[path];
            file.plain = std::move(form);
            file.type = type_of(fs::path(path).extension().native());
            file.hashed = is_hashed(path);
        }
    }
    std::erase_if(files_, [](const auto& entry) {
        return !entry.second.plain.bytes || entry.second.type.empty();
    });
}

Response StaticFiles::serve(const Request& request) {
    refresh();
    auto found = files_.find(request.path == "/" ? std::string_view("/index.html")
                                                 : std::string_view(request.path));
    if (found == files_.end() && type_of(fs::path(request.path).extension().native()).empty()) {
        found =
            files_.find("/index.html");  // the address of a page: the dashboard finds its own way
    }
    if (found == files_.end()) {
        return problem_response(base::make_error("http.not_found"));
    }
    const File& file = found->second;
    const Form* form = &file.plain;
    Response response;
    const auto coding = request.header("accept-encoding");
    if (file.brotli.bytes && accepts_coding(coding, "br")) {
        form = &file.brotli;
        response.headers.push_back({"Content-Encoding", "br"});
    } else if (file.gzip.bytes && accepts_coding(coding, "gzip")) {
        form = &file.gzip;
        response.headers.push_back({"Content-Encoding", "gzip"});
    }
    response.content_type = file.type;
    response.headers.push_back({"ETag", form->etag});
    response.headers.push_back(
        {"Cache-Control", file.hashed ? "public, max-age=31536000, immutable" : "no-cache"});
    if (file.brotli.bytes || file.gzip.bytes) {
        response.headers.push_back({"Vary", "Accept-Encoding"});
    }
    if (const auto known = request.header("if-none-match");
        !known.empty() && matches(known, form->etag)) {
        response.status = 304;
        std::erase_if(response.headers,
                      [](const Header& h) { return h.name == "Content-Encoding"; });
        return response;
    }
    response.shared_text = form->bytes;
    return response;
}

}  // namespace lineside::web
