// SPDX-License-Identifier: Apache-2.0
// The ZIP export, written by libarchive into a string that is handed on slice by slice.
#include "station/base/text.h"
#include "station/base/unique_fd.h"
#include "web/api/job_log.h"
#include "web/api/record_writer.h"

#include <archive.h>
#include <archive_entry.h>

#include <fmt/format.h>

#include <ctime>
#include <deque>

namespace lineside::api {
namespace {

using db::Tx;

constexpr std::size_t kSlice = 256 * 1024;  // of input, so that a slice stays short

struct FreeArchive {
    void operator()(archive* a) const { archive_write_free(a); }
};
struct FreeEntry {
    void operator()(archive_entry* e) const { archive_entry_free(e); }
};

struct LogJob {
    std::int64_t job = 0;
    std::int64_t attempt = 1;
    std::string folder;  // serial, or "unit-7"
};

class ZipWriter final : public RecordWriter {
  public:
    ZipWriter(RecordFilter filter, LogFolder log_folder)
        : filter_(std::move(filter)), log_folder_(std::move(log_folder)), archive_(archive_write_new()) {
        archive_write_set_format_zip(archive_.get());
        archive_write_set_bytes_in_last_block(archive_.get(), 1);
        archive_write_set_bytes_per_block(archive_.get(), 0);
        archive_write_open2(archive_.get(), this, nullptr, &ZipWriter::take, nullptr, nullptr);
    }
    ~ZipWriter() override { archive_write_fail(archive_.get()); }  // an unfinished one writes nothing more

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
        static_cast<ZipWriter*>(self)->out_.append(static_cast<const char*>(bytes), count);
        return static_cast<la_ssize_t>(count);
    }

    base::Status step(Tx& tx) {
        switch (stage_) {
            case Stage::csv:
                return table(tx, "records.csv", csv_writer(filter_), Stage::json);
            case Stage::json:
                return table(tx, "records.json", json_writer(filter_), Stage::logs);
            case Stage::logs:
                return log_ ? log_piece() : next_log(tx);
            case Stage::index:
                return write_index();
            case Stage::ended:
                break;
        }
        return {};
    }

    base::Status begin(const std::string& name) {
        const std::unique_ptr<archive_entry, FreeEntry> entry(archive_entry_new());
        archive_entry_set_pathname_utf8(entry.get(), name.c_str());
        archive_entry_set_filetype(entry.get(), AE_IFREG);
        archive_entry_set_perm(entry.get(), 0644);
        archive_entry_set_mtime(entry.get(), std::time(nullptr), 0);
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
        return base::fail("station.bug", fmt::format("Archive cannot be written: {}", why != nullptr ? why : "unknown"));
    }

    base::Status table(Tx& tx, const char* name, std::shared_ptr<RecordWriter> fresh, Stage after) {
        if (!table_) {
            table_ = std::move(fresh);
            if (auto begun = begin(name); !begun) {
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
            RecordFilter more = filter_;
            more.add("job > ?", {job_});
            auto read = tx.each(
                fmt::format("SELECT job, attempt, serial, unit FROM record_v1 WHERE {} ORDER BY job LIMIT 200", more.where),
                more.values, [&](const Tx::Row& row) {
                    jobs_.push_back({row.integer(0), row.integer(1),
                                     row.is_null(2) ? fmt::format("unit-{}", row.integer(3)) : row.text(2)});
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
        const LogJob next = jobs_.front();
        jobs_.pop_front();
        job_ = next.job;
        auto log = joined_log(tx, next.job, log_folder_(next.job));
        if (!log) {
            return tl::unexpected(log.error());
        }
        name_ = fmt::format("logs/{}/{}.log", next.folder, next.attempt);
        log_ = std::move(*log);
        at_ = 0;
        digest_ = base::Sha256();
        return begin(name_);
    }

    base::Status log_piece() {
        auto bytes = read_log(*log_, at_, kSlice);
        if (!bytes) {
            return tl::unexpected(bytes.error());
        }
        at_ += bytes->size();
        digest_.update(*bytes);
        if (!bytes->empty()) {
            return write(*bytes);
        }
        index_ += fmt::format("{},{},{},{}\r\n", job_, csv_cell(name_), digest_.hex(), at_);
        log_.reset();
        return end();
    }

    base::Status write_index() {
        auto done = begin("index.csv");
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
    LogFolder log_folder_;
    std::string out_;
    Stage stage_ = Stage::csv;
    std::shared_ptr<RecordWriter> table_;
    std::int64_t job_ = 0;
    std::deque<LogJob> jobs_;
    std::optional<JoinedLog> log_;
    std::string name_;
    std::uint64_t at_ = 0;
    base::Sha256 digest_;
    std::string index_ = "job,log,sha256,bytes\r\n";
    std::unique_ptr<archive, FreeArchive> archive_;  // last: writes into out_ to its end
};

}  // namespace

std::shared_ptr<RecordWriter> zip_writer(RecordFilter filter, LogFolder log_folder) {
    return std::make_shared<ZipWriter>(std::move(filter), std::move(log_folder));
}

}  // namespace lineside::api
