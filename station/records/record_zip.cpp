// SPDX-License-Identifier: Apache-2.0
#include "station/base/text.h"
#include "station/base/unique_fd.h"
#include "station/records/piece_writer.h"
#include "station/records/record_export.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

namespace lineside::records {
namespace {

using base::Status;

// One step's log within a job's folder.
struct LogPart {
    std::string heading;
    base::UniqueFd fd;
    std::int64_t size = 0;
};

// A ZIP that goes to a Sink while it is made.
class ZipStream {
  public:
    explicit ZipStream(const Sink& sink) : out_(sink), archive_(archive_write_new()) {
        archive_write_set_format_zip(archive_.get());
        archive_write_set_format_option(archive_.get(), "zip", "compression-level", "1");
        archive_write_set_bytes_per_block(archive_.get(), static_cast<int>(kPieceBytes));
        archive_write_set_bytes_in_last_block(archive_.get(), 1);
        opened_ = archive_write_open2(archive_.get(), this, nullptr, &ZipStream::take, nullptr,
                                      nullptr) == ARCHIVE_OK;
    }

    // Begins a file; `size` < 0 = not known before.
    [[nodiscard]] bool begin(const std::string& path, std::int64_t size, std::int64_t at_ms) {
        const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(),
                                                                             archive_entry_free);
        archive_entry_set_pathname_utf8(entry.get(), path.c_str());
        archive_entry_set_filetype(entry.get(), AE_IFREG);
        archive_entry_set_perm(entry.get(), 0644);
        archive_entry_set_mtime(entry.get(), at_ms / 1000, 0);
        if (size >= 0) {
            archive_entry_set_size(entry.get(), size);
        }
        return opened_ && archive_write_header(archive_.get(), entry.get()) == ARCHIVE_OK;
    }
    [[nodiscard]] bool write(std::string_view bytes) {
        while (!bytes.empty()) {
            const la_ssize_t put = archive_write_data(archive_.get(), bytes.data(), bytes.size());
            if (put <= 0) {
                return false;
            }
            bytes.remove_prefix(static_cast<std::size_t>(put));
        }
        return true;
    }
    [[nodiscard]] bool finish() {
        return opened_ && archive_write_close(archive_.get()) == ARCHIVE_OK && out_.finish();
    }
    [[nodiscard]] Status failure() {
        const char* text = archive_error_string(archive_.get());
        return base::fail("request.refused", fmt::format("The archive could not be written: {}",
                                                         text == nullptr ? "receiver gone" : text));
    }

  private:
    static la_ssize_t take(struct archive* /*archive*/, void* self, const void* bytes,
                           std::size_t size) {
        auto& stream = *static_cast<ZipStream*>(self);
        return stream.out_.write({static_cast<const char*>(bytes), size})
                   ? static_cast<la_ssize_t>(size)
                   : -1;
    }
    struct Free {
        void operator()(struct archive* a) const { archive_write_free(a); }
    };
    PieceWriter out_;
    std::unique_ptr<struct archive, Free> archive_;
    bool opened_ = false;
};

// The folder's *.log by name, opened, with the sizes they have now.
std::vector<LogPart> open_logs(const std::filesystem::path& folder) {
    std::vector<std::string> names;
    std::error_code ignored;
    for (std::filesystem::directory_iterator each(folder, ignored), end; !ignored && each != end;
         each.increment(ignored)) {
        if (each->path().extension() == ".log") {
            names.push_back(each->path().filename().string());
        }
    }
    std::sort(names.begin(), names.end());
    std::vector<LogPart> parts;
    for (const std::string& name : names) {
        LogPart part;
        part.fd.reset(
            ::open((folder / name).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
        struct stat facts {};
        if (part.fd && ::fstat(part.fd.get(), &facts) == 0 && S_ISREG(facts.st_mode)) {
            part.heading = fmt::format("==> {} <==\n", name);
            part.size = facts.st_size;
            parts.push_back(std::move(part));
        }
    }
    return parts;
}

struct LogRow {
    std::int64_t job = 0;
    std::int64_t unit = 0;
    std::int64_t attempt = 0;
    std::int64_t ended_ms = 0;
    std::string serial;
    std::string lease;
    std::string result;
};

class LogWriter {
  public:
    LogWriter(ZipStream& zip, const LogFolder& folder) : zip_(zip), folder_(folder) {}

    [[nodiscard]] bool add(const LogRow& row) {
        std::vector<LogPart> parts = open_logs(folder_(row.job));
        if (parts.empty()) {
            return true;
        }
        // A released serial may be on another unit by now; its folder is that one's.
        const bool own = !row.serial.empty() && row.lease != "released";
        std::string path = fmt::format(
            "logs/{}/{}.log", own ? row.serial : fmt::format("unit-{}", row.unit), row.attempt);
        if (!used_.insert(base::to_lower_ascii(path)).second) {
            path = fmt::format("logs/unit-{}/{}-job-{}.log", row.unit, row.attempt, row.job);
        }
        std::int64_t size = 0;
        for (const LogPart& part : parts) {
            size += part.size + static_cast<std::int64_t>(part.heading.size());
        }
        if (!zip_.begin(path, size, row.ended_ms)) {
            return false;
        }
        base::Sha256 digest;
        for (const LogPart& part : parts) {
            if (!write(part.heading, digest) || !copy(part, digest)) {
                return false;
            }
        }
        index_ += fmt::format("{},{},{},{},{},{},{},{}\r\n", csv_cell(path), digest.hex(), size,
                              row.job, row.unit, csv_cell(row.serial), row.attempt, row.result);
        return true;
    }
    [[nodiscard]] const std::string& index() const { return index_; }

  private:
    [[nodiscard]] bool write(std::string_view bytes, base::Sha256& digest) {
        digest.update(bytes);
        return zip_.write(bytes);
    }
    // Exactly the size promised: what grew is cut, what shrank is filled with blanks.
    [[nodiscard]] bool copy(const LogPart& part, base::Sha256& digest) {
        std::array<char, 64 * 1024> buffer{};
        std::int64_t left = part.size;
        while (left > 0) {
            const auto want = static_cast<std::size_t>(std::min<std::int64_t>(left, buffer.size()));
            ssize_t got = ::read(part.fd.get(), buffer.data(), want);
            if (got <= 0) {
                std::fill_n(buffer.begin(), want, ' ');
                got = static_cast<ssize_t>(want);
            }
            if (!write({buffer.data(), static_cast<std::size_t>(got)}, digest)) {
                return false;
            }
            left -= got;
        }
        return true;
    }
    ZipStream& zip_;
    const LogFolder& folder_;
    std::set<std::string> used_;
    std::string index_ = "path,sha256,bytes,job,unit,serial,attempt,result\r\n";
};

}  // namespace

Status export_zip(db::Tx& tx, const RecordFilter& filter, const LogFolder& logs, const Sink& sink) {
    ZipStream zip(sink);
    const Where wanted = where(filter);
    std::int64_t newest = 0;
    auto dated = tx.one<std::optional<std::int64_t>>("SELECT max(ended_ms) FROM job");
    if (!dated) {
        return tl::unexpected<base::Error>(dated.error());
    }
    newest = std::get<0>(**dated).value_or(0);
    const Sink into_zip = [&](std::string piece) { return zip.write(piece); };
    for (const Format format : {Format::csv, Format::json}) {
        if (!zip.begin(fmt::format("records.{}", file_extension(format)), -1, newest)) {
            return zip.failure();
        }
        if (auto written = export_records(tx, format, filter, logs, into_zip); !written) {
            return written;
        }
    }
    LogWriter writer(zip, logs);
    bool good = true;
    auto done =
        tx.each("SELECT job, unit, attempt, ended_ms, serial, lease, result FROM record_v1" +
                    wanted.sql + " ORDER BY job",
                wanted.args, [&](const db::Tx::Row& row) {
                    good = writer.add({row.integer(0), row.integer(1), row.integer(2),
                                       row.integer(3), row.text(4), row.text(5), row.text(6)});
                    return good;
                });
    if (!done) {
        return done;
    }
    if (!good ||
        !zip.begin("index.csv", static_cast<std::int64_t>(writer.index().size()), newest) ||
        !zip.write(writer.index()) || !zip.finish()) {
        return zip.failure();
    }
    return {};
}

}  // namespace lineside::records
