// SPDX-License-Identifier: Apache-2.0
// The ZIP export, written by libarchive into a string that is handed on slice by slice.
#include "station/base/text.h"
#include "station/records/job_log.h"
#include "station/records/row_walk.h"

#include <archive.h>
#include <archive_entry.h>

#include <fmt/format.h>

#include <deque>
#include <set>

namespace lineside::records {
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
    std::string serial, result;
};

class Zip final : public Export {
  public:
    Zip(const RecordFilter& filter, LogFolder log_folder, std::string anchor)
        : filter_(filter),
          logs_(filter, rows_),
          log_folder_(std::move(log_folder)),
          anchor_(std::move(anchor)),
          archive_(archive_write_new()) {
        archive_write_set_format_zip(archive_.get());
        archive_write_set_format_option(archive_.get(), "zip", "compression-level", "1");
        archive_write_set_bytes_in_last_block(archive_.get(), 1);
        archive_write_set_bytes_per_block(archive_.get(), 0);
        archive_write_open2(archive_.get(), this, nullptr, &Zip::take, nullptr, nullptr);
    }
    // An unfinished archive is closed as usual, into nowhere: libarchive loses its compressor's
    // memory when one is only freed or marked as failed.
    ~Zip() override {
        dropped_ = true;
        archive_write_close(archive_.get());
    }

    base::Result<std::string> next(Tx& tx) override {
        out_.clear();
        while (out_.empty() && stage_ != Stage::ended) {
            if (auto worked = step(tx); !worked) {
                return tl::unexpected<base::Error>(worked.error());
            }
        }
        return std::move(out_);
    }

  private:
    enum class Stage { anchor, csv, json, logs, index, ended };

    static la_ssize_t take(archive* /*a*/, void* self, const void* bytes, size_t count) {
        if (auto& writer = *static_cast<Zip*>(self); !writer.dropped_) {
            writer.out_.append(static_cast<const char*>(bytes), count);
        }
        return static_cast<la_ssize_t>(count);
    }

    base::Status step(Tx& tx) {
        switch (stage_) {
            case Stage::anchor:
                return write_anchor(tx);
            case Stage::csv:
                return table(tx, "records.csv", &make_csv, Stage::json);
            case Stage::json:
                return table(tx, "records.json", &make_json, Stage::logs);
            case Stage::logs:
                return log_ ? log_piece() : next_log(tx);
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

    base::Status write_anchor(Tx& tx) {
        auto newest = tx.one<std::int64_t>("SELECT coalesce(max(ended_ms), 0) FROM job");
        if (!newest) {
            return tl::unexpected<base::Error>(newest.error());
        }
        newest_ms_ = std::get<0>(**newest);
        stage_ = Stage::csv;
        if (anchor_.empty()) {
            return {};
        }
        auto done = begin("anchor.json", newest_ms_);
        if (done) {
            done = write(anchor_);
        }
        return done ? end() : done;
    }

    base::Status table(Tx& tx, const char* name, decltype(&make_csv) make, Stage after) {
        if (!table_) {
            table_ = make(filter_, rows_);
            if (auto begun = begin(name, newest_ms_); !begun) {
                return begun;
            }
        }
        auto piece = table_->next(tx);
        if (!piece) {
            return tl::unexpected<base::Error>(piece.error());
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
            if (!more_logs_) {
                stage_ = Stage::index;
                return {};
            }
            auto more = logs_.slice(
                tx, "job, unit, attempt, ended_ms, serial, result", [this](const Tx::Row& row) {
                    jobs_.push_back({row.integer(0), row.integer(1), row.integer(2), row.integer(3),
                                     row.text(4), row.text(5)});
                });
            if (!more) {
                return tl::unexpected<base::Error>(more.error());
            }
            more_logs_ = *more;
            return {};
        }
        row_ = jobs_.front();
        jobs_.pop_front();
        auto log = joined_log(tx, row_.job, log_folder_(row_.job));
        if (!log) {
            return tl::unexpected<base::Error>(log.error());
        }
        name_ = fmt::format("logs/{}/{}.log",
                            row_.serial.empty() ? fmt::format("unit-{}", row_.unit) : row_.serial,
                            row_.attempt);
        if (!used_.insert(base::to_lower_ascii(name_)).second) {
            name_ = fmt::format("logs/unit-{}/{}-job-{}.log", row_.unit, row_.attempt, row_.job);
        }
        log_.emplace(std::move(*log));
        bytes_ = 0;
        digest_ = base::Sha256();
        return begin(name_, row_.ended_ms);
    }

    base::Status log_piece() {
        auto piece = log_->next();
        if (!piece) {
            return tl::unexpected<base::Error>(piece.error());
        }
        if (!piece->empty()) {
            bytes_ += piece->size();
            digest_.update(*piece);
            return write(*piece);
        }
        index_ +=
            fmt::format("{},{},{},{},{},{},{},{}\r\n", csv_cell(name_), digest_.hex(), bytes_,
                        row_.job, row_.unit, csv_cell(row_.serial), row_.attempt, row_.result);
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

    RecordFilter filter_;
    std::shared_ptr<RowSet> rows_ = std::make_shared<RowSet>();
    RowWalk logs_;
    bool more_logs_ = true;
    LogFolder log_folder_;
    std::string anchor_;
    std::string out_;
    bool dropped_ = false;
    Stage stage_ = Stage::anchor;
    std::unique_ptr<Export> table_;
    std::int64_t newest_ms_ = 0;
    std::deque<LogJob> jobs_;
    LogJob row_;  // whose log is being written
    std::optional<LogReader> log_;
    std::string name_;
    std::uint64_t bytes_ = 0;
    base::Sha256 digest_;
    std::set<std::string> used_;
    std::string index_ = "path,sha256,bytes,job,unit,serial,attempt,result\r\n";
    std::unique_ptr<archive, FreeArchive> archive_;  // last: writes into out_ to its end
};

}  // namespace

std::unique_ptr<Export> make_zip(const RecordFilter& filter, LogFolder logs, std::string anchor) {
    return std::make_unique<Zip>(filter, std::move(logs), std::move(anchor));
}

}  // namespace lineside::records
