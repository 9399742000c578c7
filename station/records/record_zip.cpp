// SPDX-License-Identifier: Apache-2.0
// The ZIP export, handed on slice by slice. What grows with the number of logs, the archive's
// directory and index.csv, is spooled to disk.
#include "station/base/text.h"
#include "station/records/job_log.h"
#include "station/records/row_walk.h"
#include "station/records/zip_writer.h"

#include <fmt/format.h>

#include <chrono>
#include <deque>

namespace lineside::records {
namespace {

using db::Tx;

// What is handed on at once, so that small logs do not go out one by one; a slice ends earlier
// where that would hold the database.
constexpr std::size_t kPiece = 64 * 1024;
constexpr auto kSlice = std::chrono::milliseconds(5);

struct LogJob {
    std::int64_t job = 0, unit = 0, attempt = 1, ended_ms = 0;
    std::string serial, result, lease;
};

// Where what there is of a job lies in the archive below logs/ and certificates/, without an
// ending; unlike that of any other job, whatever becomes of leases while it is written: the name of
// a job whose unit keeps its serial for ever, or that has none, is made of serial (unit) and
// attempt; one that may yet change hands, one that looks like a unit's folder and a second one of
// its attempt have the job in it. Nothing is remembered for that.
std::string place_of(const LogJob& job, bool first_of_attempt) {
    const bool kept = job.lease == "burned" || job.lease == "voided";
    const bool like_unit = base::to_lower_ascii(job.serial).starts_with("unit-");
    const bool plain = first_of_attempt && (job.serial.empty() || (kept && !like_unit));
    return fmt::format("{}/{}{}",
                       job.serial.empty() ? fmt::format("unit-{}", job.unit) : job.serial,
                       job.attempt, plain ? "" : fmt::format("-job-{}", job.job));
}

class Zip final : public Export {
  public:
    Zip(const RecordFilter& filter, LogFolder log_folder, std::string anchor,
        const std::filesystem::path& spool_folder)
        : filter_(filter),
          logs_(filter, rows_),
          log_folder_(std::move(log_folder)),
          anchor_(std::move(anchor)),
          index_(spool_folder),
          zip_(spool_folder) {}

    base::Result<std::string> next(Tx& tx) override {
        const auto begun = std::chrono::steady_clock::now();
        while (stage_ != Stage::ended && zip_.waiting() < kPiece &&
               (zip_.waiting() == 0 || std::chrono::steady_clock::now() - begun < kSlice)) {
            if (auto worked = step(tx); !worked) {
                return tl::unexpected<base::Error>(worked.error());
            }
        }
        return zip_.take();
    }

  private:
    enum class Stage { anchor, csv, json, logs, index, directory, ended };

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
                return index_piece();
            case Stage::directory:
                return directory_piece();
            case Stage::ended:
                break;
        }
        return {};
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
        auto done = zip_.begin("anchor.json", newest_ms_);
        if (done) {
            done = zip_.write(anchor_);
        }
        return done ? zip_.end() : done;
    }

    base::Status table(Tx& tx, const char* name, decltype(&make_csv) make, Stage after) {
        if (!table_) {
            table_ = make(filter_, rows_);
            if (auto begun = zip_.begin(name, newest_ms_); !begun) {
                return begun;
            }
        }
        auto piece = table_->next(tx);
        if (!piece) {
            return tl::unexpected<base::Error>(piece.error());
        }
        if (!piece->empty()) {
            return zip_.write(*piece);
        }
        table_.reset();
        stage_ = after;
        return zip_.end();
    }

    base::Status next_log(Tx& tx) {
        if (jobs_.empty()) {
            if (!more_logs_) {
                stage_ = Stage::index;
                return begin_index();
            }
            auto more = logs_.slice(
                tx, "job, unit, attempt, ended_ms, serial, result, lease",
                [this](const Tx::Row& row) {
                    jobs_.push_back({row.integer(0), row.integer(1), row.integer(2), row.integer(3),
                                     row.text(4), row.text(5), row.text(6)});
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
        auto earlier = tx.one<std::int64_t>(
            "SELECT count(*) FROM job WHERE unit_id = ?1 AND attempt = ?2 AND id < ?3", row_.unit,
            row_.attempt, row_.job);
        if (!earlier) {
            return tl::unexpected<base::Error>(earlier.error());
        }
        const std::string place = place_of(row_, std::get<0>(**earlier) == 0);
        name_ = fmt::format("logs/{}.log", place);
        if (auto written = certificate(tx, fmt::format("certificates/{}.json", place)); !written) {
            return written;
        }
        log_.emplace(std::move(*log));
        bytes_ = 0;
        digest_ = base::Sha256();
        return zip_.begin(name_, row_.ended_ms);
    }

    // A unit that passed has one.
    base::Status certificate(Tx& tx, const std::string& path) {
        auto body = tx.one<std::string>("SELECT body FROM certificate WHERE job_id = ?1", row_.job);
        if (!body) {
            return tl::unexpected<base::Error>(body.error());
        }
        if (!*body) {
            return {};
        }
        const std::string& text = std::get<0>(**body);
        auto done = zip_.begin(path, row_.ended_ms);
        if (done) {
            done = zip_.write(text);
        }
        if (done) {
            done = zip_.end();
        }
        return done ? indexed(path, base::sha256_hex(text), text.size()) : done;
    }

    base::Status indexed(const std::string& path, const std::string& digest, std::uint64_t bytes) {
        return index_.append(fmt::format("{},{},{},{},{},{},{},{}\r\n", csv_cell(path), digest,
                                         bytes, row_.job, row_.unit, csv_cell(row_.serial),
                                         row_.attempt, row_.result));
    }

    base::Status log_piece() {
        auto piece = log_->next();
        if (!piece) {
            return tl::unexpected<base::Error>(piece.error());
        }
        if (!piece->empty()) {
            bytes_ += piece->size();
            digest_.update(*piece);
            return zip_.write(*piece);
        }
        log_.reset();
        auto done = zip_.end();
        return done ? indexed(name_, digest_.hex(), bytes_) : done;
    }

    base::Status begin_index() {
        auto done = zip_.begin("index.csv", newest_ms_);
        return done ? zip_.write("path,sha256,bytes,job,unit,serial,attempt,result\r\n") : done;
    }
    base::Status index_piece() {
        auto piece = index_.next();
        if (!piece) {
            return tl::unexpected<base::Error>(piece.error());
        }
        if (!piece->empty()) {
            return zip_.write(*piece);
        }
        stage_ = Stage::directory;
        return zip_.end();
    }
    base::Status directory_piece() {
        auto more = zip_.finish();
        if (!more) {
            return tl::unexpected<base::Error>(more.error());
        }
        stage_ = *more ? stage_ : Stage::ended;
        return {};
    }

    RecordFilter filter_;
    std::shared_ptr<RowSet> rows_ = std::make_shared<RowSet>();
    RowWalk logs_;
    bool more_logs_ = true;
    LogFolder log_folder_;
    std::string anchor_;
    Stage stage_ = Stage::anchor;
    std::unique_ptr<Export> table_;
    std::int64_t newest_ms_ = 0;
    std::deque<LogJob> jobs_;
    LogJob row_;  // whose log is being written
    std::optional<LogReader> log_;
    std::string name_;
    std::uint64_t bytes_ = 0;
    base::Sha256 digest_;
    Spool index_;
    ZipWriter zip_;
};

}  // namespace

std::unique_ptr<Export> make_zip(const RecordFilter& filter, LogFolder logs, std::string anchor,
                                 const std::filesystem::path& spool) {
    return std::make_unique<Zip>(filter, std::move(logs), std::move(anchor), spool);
}

}  // namespace lineside::records
