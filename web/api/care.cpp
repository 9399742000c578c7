// SPDX-License-Identifier: Apache-2.0
// Backups and the sealing key.
#include "station/base/unique_fd.h"
#include "web/api/api.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace lineside::api {
namespace {

constexpr std::size_t kPiece = 256UL * 1024;

// A file that no longer changes.
class FileSource final : public web::BodySource {
  public:
    FileSource(base::UniqueFd fd, std::uint64_t size) : fd_(std::move(fd)), size_(size) {}
    [[nodiscard]] std::optional<std::uint64_t> length() const override { return size_; }
    void next(Then then) override {
        std::string piece(kPiece, '\0');
        const ssize_t got = ::read(fd_.get(), piece.data(), piece.size());
        if (got < 0) {
            then(base::fail("db.failed", "The backup cannot be read"));
            return;
        }
        piece.resize(static_cast<std::size_t>(got));
        then(std::move(piece));
    }

  private:
    base::UniqueFd fd_;
    std::uint64_t size_;
};

// As the station names its backups; nothing else becomes a path.
bool is_backup_name(std::string_view name) {
    return name.starts_with("station-") && name.ends_with(".db") && name.size() < 80 &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == 'T' || c == 'Z' ||
                      c == '-' || c == '.';
           });
}

bool has_no_members(const Request& request, const ReplyPtr& reply) {
    auto body = base::parse_json(request.body, 4096);
    if (body && body->is_object() && body->empty()) {
        return true;
    }
    reply->problem(base::make_error("request.invalid", "The body must be {}"));
    return false;
}

}  // namespace

void make_backup(Api& api, const Request& request, const ReplyPtr& reply) {
    if (has_no_members(request, reply)) {
        api.facade.backup(request.actor,
                          [reply](const Result<Json>& made) { reply->outcome(made, 201); });
    }
}

void download_backup(Api& api, const Request& request, const ReplyPtr& reply) {
    const std::string name = request.param("backup");
    const auto folder = api.facade.backup_folder();
    base::UniqueFd fd;
    struct stat facts {};
    if (!folder.empty() && is_backup_name(name)) {
        fd = base::UniqueFd(::open((folder / name).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    }
    if (!fd || ::fstat(fd.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
        reply->problem(base::make_error("request.unknown", "There is no such backup"));
        return;
    }
    web::Response response;
    response.content_type = "application/vnd.sqlite3";
    response.headers.push_back(api.attachment(name));
    response.source =
        std::make_shared<FileSource>(std::move(fd), static_cast<std::uint64_t>(facts.st_size));
    reply->send(std::move(response));
}

void get_keys(Api& api, const Request& /*request*/, const ReplyPtr& reply) {
    api.facade.key_status([reply](const Result<Json>& keys) { reply->outcome(keys); });
}

void rotate_key(Api& api, const Request& request, const ReplyPtr& reply) {
    if (has_no_members(request, reply)) {
        api.facade.rotate_key(request.actor,
                              [reply](const Result<Json>& key) { reply->outcome(key); });
    }
}

}  // namespace lineside::api
