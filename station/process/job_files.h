// SPDX-License-Identifier: Apache-2.0
// The two files of one step: "<nn>-<step>.log", raw output with the job's secrets replaced, and
// "<nn>-<step>.events.jsonl", the recorded protocol (workers/protocol/PROTOCOL.md, "Recording").
// A file that cannot be written costs the recording, never the job: the first error is kept and
// told. Survives a crash: what was written before it; at most one read's worth is missing at the
// end. Thread: the io_context's. Writes go to the page cache and are not synced.
#pragma once

#include "station/base/unique_fd.h"
#include "station/process/redactor.h"
#include "workers/protocol/messages.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace lineside::process {

class LogWriter {
  public:
    LogWriter(const Redactor& redactor, std::uint64_t max_bytes)
        : stream_(redactor), max_bytes_(max_bytes) {}
    void open(const std::filesystem::path& file);
    void push(std::string_view bytes);
    void finish();
    [[nodiscard]] int redactions() const { return stream_.count(); }
    [[nodiscard]] std::string last_lines() const;  // at most 4 KiB, whole lines where it can
    [[nodiscard]] const std::string& error() const { return error_; }

  private:
    void write(std::string_view bytes);

    RedactingStream stream_;
    std::uint64_t max_bytes_;
    std::uint64_t written_ = 0;
    bool cut_ = false;
    base::UniqueFd fd_;
    std::string tail_;
    std::string error_;
};

class Recorder {
  public:
    explicit Recorder(const Redactor& redactor) : redactor_(redactor) {}
    void open(const std::filesystem::path& file);
    // `line` as the worker sent it, without '\n'. `is_object`: it was parsed as a JSON object;
    // `has_secret`: the redactor found something in it.
    void in(std::int64_t at_ms, std::string_view line, bool is_object, bool has_secret);
    void out(std::int64_t at_ms, const protocol::FromStation& message);
    void flush();
    [[nodiscard]] int redactions() const { return redactions_; }

  private:
    const Redactor& redactor_;
    base::UniqueFd fd_;
    std::string buffer_;
    std::uint64_t written_ = 0;
    int redactions_ = 0;
};

}  // namespace lineside::process
