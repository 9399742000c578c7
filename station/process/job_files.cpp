// SPDX-License-Identifier: Apache-2.0
#include "station/process/job_files.h"

#include "station/base/log.h"
#include "workers/protocol/recording.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace lineside::process {
namespace {

constexpr std::size_t kTail = 4096;
constexpr std::size_t kFlushAt = 64 * 1024;
constexpr std::uint64_t kMaxRecording = 256ULL * 1024 * 1024;

// Members that are secret wherever they stand (PROTOCOL.md, "Recording").
constexpr std::array<std::string_view, 5> kSecretMembers{"token", "password", "passphrase",
                                                         "secret", "psk"};

base::UniqueFd open_for_writing(const std::filesystem::path& file, std::string& error) {
    std::error_code ignored;
    std::filesystem::create_directories(file.parent_path(), ignored);
    base::UniqueFd fd(
        ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640));
    if (!fd) {
        error = fmt::format("{}: {}", file.string(), std::generic_category().message(errno));
        base::log_error("cannot write {}", error);
    }
    return fd;
}

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t put = ::write(fd, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return false;
        }
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
}

// One of the words, or it behind an underscore.
bool is_secret_member(std::string_view name) {
    return std::any_of(kSecretMembers.begin(), kSecretMembers.end(), [&](std::string_view word) {
        return name.ends_with(word) &&
               (name.size() == word.size() || name[name.size() - word.size() - 1] == '_');
    });
}

// Is there a quoted text that is such a name? Members and values are not told apart here.
bool may_hold_secret_member(std::string_view line) {
    for (std::size_t at = line.find('"'); at != std::string_view::npos;
         at = line.find('"', at + 1)) {
        const char before = at > 0 ? line[at - 1] : ' ';
        if (before == 'n' || before == 'd' || before == 'e' || before == 't' || before == 'k') {
            const std::string_view so_far = line.substr(0, at);
            if (std::any_of(kSecretMembers.begin(), kSecretMembers.end(),
                            [&](std::string_view word) { return so_far.ends_with(word); })) {
                return true;
            }
        }
    }
    return false;
}

void hide_members(base::Json& value) {
    for (auto it = value.begin(); it != value.end(); ++it) {
        if (value.is_object() && is_secret_member(it.key()) && !it->is_null()) {
            *it = "***";
        } else if (it->is_structured()) {
            hide_members(*it);
        }
    }
}

}  // namespace

void LogWriter::open(const std::filesystem::path& file) {
    fd_ = open_for_writing(file, error_);
}

void LogWriter::push(std::string_view bytes) {
    write(stream_.push(bytes));
}

void LogWriter::finish() {
    write(stream_.finish());
}

void LogWriter::write(std::string_view bytes) {
    if (bytes.empty()) {
        return;
    }
    tail_ += bytes.size() > kTail ? bytes.substr(bytes.size() - kTail) : bytes;
    if (tail_.size() > 2 * kTail) {
        tail_.erase(0, tail_.size() - kTail);
    }
    if (!fd_ || cut_) {
        return;
    }
    bool good = true;
    if (written_ + bytes.size() > max_bytes_) {
        cut_ = true;
        good = write_all(fd_.get(), bytes.substr(0, max_bytes_ - written_)) &&
               write_all(fd_.get(), "\n[log ends here: it has reached its greatest size]\n");
    } else {
        good = write_all(fd_.get(), bytes);
    }
    written_ += bytes.size();
    if (!good) {
        error_ = std::generic_category().message(errno);
        base::log_error("a job's log is cut: {}", error_);
        fd_.reset();
    }
}

std::string LogWriter::last_lines() const {
    if (tail_.size() <= kTail) {
        return tail_;
    }
    const std::string cut = tail_.substr(tail_.size() - kTail);
    const std::size_t line = cut.find('\n');
    return line == std::string::npos || line + 1 == cut.size() ? cut : cut.substr(line + 1);
}

void Recorder::open(const std::filesystem::path& file) {
    std::string error;
    fd_ = open_for_writing(file, error);
}

void Recorder::in(std::int64_t at_ms, std::string_view line, bool is_object, bool has_secret) {
    if (!fd_) {
        return;
    }
    const bool plain = is_object && !has_secret && !may_hold_secret_member(line);
    if (plain) {
        const fmt::format_int time(at_ms);
        buffer_ += R"({"at_ms":)";
        buffer_.append(time.data(), time.size());
        buffer_ += R"(,"dir":"in","line":)";
        buffer_ += line;
        buffer_ += "}\n";
    } else if (is_object) {
        auto object = base::parse_json(line, protocol::kMaxJobLine);
        if (object) {
            redactor_.redact(*object, redactions_);
            hide_members(*object);
            buffer_ += protocol::record_in(at_ms, base::dump_json(*object));
        }
    } else {
        buffer_ += protocol::record_in(at_ms, redactor_.redact(line, redactions_));
    }
    if (buffer_.size() > kFlushAt) {
        flush();
    }
}

void Recorder::out(std::int64_t at_ms, const protocol::FromStation& message) {
    if (!fd_) {
        return;
    }
    // Fields that are secret by name are replaced by the protocol; a secret in any other place,
    // here.
    const std::string line = protocol::record_out(at_ms, message);
    if (redactor_.contains(line)) {
        auto object = base::parse_json(line, 2 * protocol::kMaxJobLine);
        if (object) {
            redactor_.redact(*object, redactions_);
            buffer_ += base::dump_json(*object) + "\n";
        }
    } else {
        buffer_ += line;
    }
    flush();
}

void Recorder::flush() {
    if (!fd_ || buffer_.empty()) {
        return;
    }
    written_ += buffer_.size();
    const bool good = write_all(fd_.get(), buffer_);
    buffer_.clear();
    if (!good || written_ > kMaxRecording) {
        base::log_error("a job's recording is cut");
        fd_.reset();
    }
}

}  // namespace lineside::process
