// SPDX-License-Identifier: Apache-2.0
// The ZIP export, written by libarchive into a string that is handed on slice by slice.
#include "station/base/text.h"
#include "station/records/record_export.h"
#include "web/api/job_log.h"
#include "web/api/record_writer.h"

#include <archive.h>
#include <archive_entry.h>

#include <fmt/format.h>

#include <deque>
#include <set>

namespace lineside::api {
namespace {

using db::Tx;

struct FreeArchive {
    void operator()(archive* a) const { archive_write_free(a); }
};
struct FreeEntry {
    void operator()(archive_entry* e) const { archive_entry_free(e); }
};

struct LogJob {
    std::int64_t job = 0, unit = 0, attempt = 1, ended_ms = 0;
    std::string serial, lease, result;
};

class ZipWriter final : public RecordWriter {
  public:
    ZipWriter(const records::RecordFilter& filter, LogFolder log_folder)
        : filter_(filter),
          where_(records::where(filter)),
          log_folder_(std::move(log_folder)),
          archive_(archive_write_new()) {
        archive_write_set_format_zip(archive_.get());
        archive_write_set_format_option(archive_.get(), "zip", "compression-level", "1");
        archive_write_set_bytes_in_last_block(archive_.get(), 1);
        archive_write_set_bytes_per_block(archive_.get(), 0);
        archive_write_open2(archive_.get(), this, nullptr, &ZipWriter::take, nullptr, nullptr);
    }
    // An unfinished archive is closed as usual, into nowhere: libarchive loses its compressor's
    // memory when one is only freed or marked as failed.
    ~ZipWriter() override {
        dropped_ = true;
        archive_write_close(archive_.get());
    }

    base::Result<std::string> next(Tx& tx) override {
        out_.clear();
        while (out_.empty() && stage_ != Stage::ended) {
            if (auto worked = step(tx); !worked) {
                return tl::unexpected(worked.error());
            }
        }
        return std::move(out_);
    }

  private:
    enum class Stage { csv, json, logs, index, ended };

    static la_ssize_t take(archive* /*a*/, void* self, const void* bytes, size_t count) {
        if (auto& writer = *static_cast<ZipWriter*>(self); !writer.dropped_) {
            writer.out_.append(static_cast<const char*>(bytes), count);
        }
        return static_cast<la_ssize_t>(count);
    }

    base::Status step(Tx& tx) {
        switch (stage_) {
            case Stage::csv:
                return table(tx, "records.csv", csv_writer(filter_), Stage::json);
            case Stage::json:
                return table(tx, "records.json", json_writer(filter_), Stage::logs);
            case Stage::logs:
                return log_ ? log_pieces() : next_log(tx);
            case Stage::index:
                return write_index();
            case Stage::ended:
                break;
        }
        return {};
    }

    base::Status begin(const std::string& name, std::int64_t at_ms) {
        const std::unique_ptr<archive_entry, FreeEntry> entry(archive_entry_new());
        archive_entry_set_pathname_utf8(entry.get(), name.c_str());
        archive_entry_set_filetype(entry.get(), AE_IFREG);
        archive_entry_set_perm(entry.get(), 0644);
        archive_entry_set_mtime(entry.get(), at_ms / 1000, 0);
        return check(archive_write_header(archive_.get(), entry.get()));
    }
    base::Status write(std::string_view bytes) {
        if (archive_write_data(archive_.get(), bytes.data(), bytes.size()) < 0) {
            return check(ARCHIVE_FATAL);
        }
        return {};
    }
    base::Status end() { return check(archive_write_finish_entry(archive_.get())); }
    base::Status check(int result) {
        if (result >= ARCHIVE_WARN) {
            return {};
        }
        const char* why = archive_error_string(archive_.get());
        return base::fail("station.bug", fmt::format("Archive cannot be written: {}",
                                                     why != nullptr ? why : "unknown"));
    }

    base::Status table(Tx& tx, const char* name, std::shared_ptr<RecordWriter> fresh, Stage after) {
        if (!table_) {
            table_ = std::move(fresh);
            auto newest = tx.one<std::int64_t>("SELECT coalesce(max(ended_ms), 0) FROM job");
            if (!newest) {
                return tl::unexpected(newest.error());
            }
            newest_ms_ = std::get<0>(**newest);
            if (auto begun = begin(name, newest_ms_); !begun) {
                return begun;
            }
        }
        auto piece = table_->next(tx);
        if (!piece) {
            return tl::unexpected(piece.error());
        }
        if (!piece->empty()) {
            return write(*piece);
        }
        table_.reset();
        stage_ = after;
        return end();
    }

    base::Status next_log(Tx& tx) {
        if (jobs_.empty()) {
            const auto more = narrowed(where_, "job > ?", {row_.job});
            auto read = tx.each(
                fmt::format(
                    "SELECT job, unit, attempt, ended_ms, serial, lease, result FROM record_v1{}"
                    " ORDER BY job LIMIT 200",
                    more.sql),
                more.args, [&](const Tx::Row& row) {
                    jobs_.push_back({row.integer(0), row.integer(1), row.integer(2), row.integer(3),
                                     row.text(4), row.text(5), row.text(6)});
                    return true;
                });
            if (!read) {
                return read;
            }
            if (jobs_.empty()) {
                stage_ = Stage::index;
                return {};
            }
        }
        row_ = jobs_.front();
        jobs_.pop_front();
        auto log = joined_log(tx, row_.job, log_folder_(row_.job));
        if (!log) {
            return tl::unexpected(log.error());
        }
        // A released serial may be on another unit by now; its folder is that one's.
        const bool own = !row_.serial.empty() && row_.lease != "released";
        name_ = fmt::format("logs/{}/{}.log", own ? row_.serial : fmt::format("unit-{}", row_.unit),
                            row_.attempt);
        if (!used_.insert(base::to_lower_ascii(name_)).second) {
            name_ = fmt::format("logs/unit-{}/{}-job-{}.log", row_.unit, row_.attempt, row_.job);
        }
        log_ = log_source(std::move(*log));
        bytes_ = 0;
        digest_ = base::Sha256();
        return begin(name_, row_.ended_ms);
    }

    base::Status log_pieces() {
        base::Result<std::string> piece;
        log_->next([&piece](base::Result<std::string> next) { piece = std::move(next); });
        if (!piece) {
            return tl::unexpected(piece.error());
        }
        if (!piece->empty()) {
            bytes_ += piece->size();
            digest_.update(*piece);
            return write(*piece);
        }
        index_ += fmt::format("{},{},{},{},{},{},{},{}\r\n", records::csv_cell(name_),
                              digest_.hex(), bytes_, row_.job, row_.unit,
                              records::csv_cell(row_.serial), row_.attempt, row_.result);
        log_.reset();
        return end();
    }

    base::Status write_index() {
        auto done = begin("index.csv", newest_ms_);
        if (done) {
            done = write(index_);
        }
        if (done) {
            done = end();
        }
        if (done) {
            done = check(archive_write_close(archive_.get()));
        }
        stage_ = Stage::ended;
        return done;
    }

    records::RecordFilter filter_;
    records::Where where_;
    LogFolder log_folder_;
    std::string out_;
    bool dropped_ = false;
    Stage stage_ = Stage::csv;
    std::shared_ptr<RecordWriter> table_;
    std::int64_t newest_ms_ = 0;
    std::deque<LogJob> jobs_;
    LogJob row_;  // whose log is being written
    std::shared_ptr<web::BodySource> log_;
    std::string name_;
    std::uint64_t bytes_ = 0;
    base::Sha256 digest_;
    std::set<std::string> used_;
    std::string index_ = "path,sha256,bytes,job,unit,serial,attempt,result\r\n";
    std::unique_ptr<archive, FreeArchive> archive_;  // last: writes into out_ to its end
};

}  // namespace

std::shared_ptr<RecordWriter> zip_writer(const records::RecordFilter& filter,
                                         LogFolder log_folder) {
    return std::make_shared<ZipWriter>(filter, std::move(log_folder));
}

}  // namespace lineside::api
