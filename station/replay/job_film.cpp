// SPDX-License-Identifier: Apache-2.0
#include "station/replay/job_film.h"

#include "station/base/codes.h"
#include "station/base/unique_fd.h"
#include "station/records/job_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace lineside::rerun {
namespace {

using base::Json;
using Number = std::optional<std::int64_t>;
using Text = std::optional<std::string>;

constexpr std::size_t kRead = 32 * 1024;
constexpr int kMostReads = 4;
constexpr std::size_t kLongestLine = 4 * protocol::kMaxJobLine;
constexpr std::int64_t kEveryMs = 1000;      // progress alone is shown once a second
constexpr std::size_t kMostFrames = 20'000;  // then only what a person would call another state

int steps_of(const std::string& terms) {
    const Json steps = Json::parse(terms, nullptr, /*allow_exceptions=*/false);
    return steps.is_array() ? static_cast<int>(steps.size()) : 0;
}

}  // namespace

// One recording, line by line.
struct JobFilm::File {
    explicit File(const std::filesystem::path& path)
        : fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) {
        struct stat facts {};
        if (!fd || ::fstat(fd.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
            over = true;
        }
    }
    // Reads on; false: that was all, or the rest is no recording.
    bool read() {
        std::string bytes(kRead, '\0');
        const ssize_t got = over ? 0 : ::read(fd.get(), bytes.data(), bytes.size());
        if (got <= 0) {
            over = true;
            return false;
        }
        lines.push(std::string_view(bytes).substr(0, static_cast<std::size_t>(got)));
        return true;
    }
    base::UniqueFd fd;
    protocol::LineSplitter lines{kLongestLine};
    bool over = false;
};

base::Result<JobFilm> JobFilm::of(db::Tx& tx, std::int64_t job,
                                  const std::filesystem::path& folder) {
    auto row = tx.one<std::int64_t, std::string, std::string, std::int64_t, std::int64_t, Number,
                      Text, Text, Text, Text>(
        "SELECT j.unit_id, j.slot, j.port, j.attempt, j.started_ms, j.ended_ms, j.outcome, j.code, "
        "j.message, o.recipe FROM job j JOIN orders o ON o.id = j.order_id WHERE j.id = ?1",
        job);
    if (!row) {
        return tl::unexpected<base::Error>(row.error());
    }
    if (!*row) {
        return base::fail("request.unknown", fmt::format("There is no job {}", job));
    }
    const auto& [unit, slot, port, attempt, began, ended, outcome, code, message, recipe] = **row;
    const auto result = core::outcome_from_text(outcome.value_or(""));
    if (!ended || !result) {
        return base::fail("request.conflict", "This job has not ended: look at the wall");
    }
    auto log = records::joined_log(tx, job, folder);
    auto rows =
        tx.all<std::int64_t, std::int64_t, std::string, std::int64_t, Number, Text, Text, Text>(
            "SELECT idx, attempt, name, started_ms, ended_ms, outcome, code, message FROM step "
            "WHERE job_id = ?1 ORDER BY id",
            job);
    auto proofs =
        tx.all<std::string>("SELECT DISTINCT kind FROM proof WHERE job_id = ?1 AND ok = 1", job);
    auto serial = tx.one<std::string>(
        "SELECT heard FROM proof WHERE job_id = ?1 AND kind = 'serial' AND ok = 1", job);
    if (!log || !rows || !proofs || !serial) {
        return tl::unexpected<base::Error>(!log      ? log.error()
                                           : !rows   ? rows.error()
                                           : !proofs ? proofs.error()
                                                     : serial.error());
    }
    Subject subject;
    subject.slot = slot;
    subject.port = port;
    subject.unit = unit;
    subject.job = job;
    subject.attempt = static_cast<int>(attempt);
    subject.began_ms = began;
    subject.steps = steps_of(recipe.value_or(""));
    for (const auto& [kind] : *proofs) {
        subject.proven.insert(kind);
    }
    std::vector<Step> steps;
    for (std::size_t i = 0; i < rows->size(); ++i) {
        const auto& [index, tries, name, from, to, how, step_code, step_message] = (*rows)[i];
        Step step;
        step.index = static_cast<int>(index);
        step.attempt = static_cast<int>(tries);
        step.name = name;
        step.began_ms = std::max<std::int64_t>(0, from - began);
        step.ended_ms = std::max(step.began_ms, to.value_or(*ended) - began);
        step.outcome = how.value_or("");
        if (step_code) {
            step.error = base::make_error(*step_code, step_message.value_or(""));
        }
        if (i < log->segments.size() && !log->segments[i].file.empty()) {
            step.recording = log->segments[i].file;
            step.recording.replace_extension(".events.jsonl");
        }
        subject.steps = std::max(subject.steps, step.index + 1);
        auto& retries = subject.policy.retries;
        retries.resize(std::max(retries.size(), static_cast<std::size_t>(step.index) + 1));
        retries[static_cast<std::size_t>(step.index)] =
            std::max(retries[static_cast<std::size_t>(step.index)], step.attempt - 1);
        steps.push_back(std::move(step));
    }
    JobFilm film(std::move(subject));
    film.steps_ = std::move(steps);
    film.length_ms_ = std::max<std::int64_t>(0, *ended - began);
    film.verdict_ = core::Verdict{*result, std::nullopt};
    if (*result != core::Outcome::pass) {
        film.verdict_->error = base::make_error(code.value_or("station.bug"), message.value_or(""));
    }
    film.serial_ = *serial ? std::get<0>(**serial) : "";
    return film;
}

std::string JobFilm::head() const {
    Json steps = Json::array();
    for (const Step& step : steps_) {
        std::error_code ignored;
        steps.push_back({{"index", step.index + 1},
                         {"name", step.name},
                         {"attempt", step.attempt},
                         {"at", step.began_ms},
                         {"ended", step.ended_ms},
                         {"recorded", !step.recording.empty() &&
                                          std::filesystem::exists(step.recording, ignored)}});
    }
    return base::dump_json({{"job", subject_.job},
                            {"unit", subject_.unit},
                            {"slot", subject_.slot},
                            {"attempt", subject_.attempt},
                            {"began", subject_.began_ms},
                            {"length_ms", length_ms_},
                            {"steps", std::move(steps)}}) +
           "\n";
}

void JobFilm::show(std::string& out, std::int64_t at_ms) {
    const Json tile = core::tile(player_.facts(at_ms));
    Json set = Json::object();
    for (const auto& [name, value] : tile.items()) {
        if (!told_.is_object() || told_[name] != value) {
            set[name] = value;
        }
    }
    changes_told_ = player_.changes();
    const bool progress_alone = !set.contains("state") && !set.contains("serial") &&
                                !set.contains("present") && !set.contains("ticks");
    const bool soon = at_ms - told_ms_ < kEveryMs && frames_ > 0;
    if (set.empty() || (progress_alone && (soon || frames_ >= kMostFrames))) {
        return;
    }
    out += base::dump_json({{"at", at_ms}, {"set", std::move(set)}}) + "\n";
    told_ = tile;
    told_ms_ = at_ms;
    ++frames_;
}

void JobFilm::play_some(std::string& out) {
    const Step& step = steps_[at_step_];
    if (!file_) {
        player_.step(step.began_ms, step.index, step.attempt, step.name);
        show(out, step.began_ms);
        file_ = std::make_shared<File>(step.recording);
    }
    const bool more = file_->read();
    while (true) {
        auto line = file_->lines.next();
        if (!line || !*line) {
            file_->over = file_->over || !line;  // over-long: what follows cannot be trusted
            break;
        }
        const auto recorded = protocol::parse_recorded(**line);
        if (!recorded) {
            continue;
        }
        // The worker's clock began a little behind the step's; it ends with it.
        const std::int64_t at_ms = std::min(step.ended_ms, step.began_ms + recorded->at_ms);
        player_.line(at_ms, *recorded);
        if (player_.changes() != changes_told_ || at_ms - told_ms_ >= kEveryMs) {
            show(out, at_ms);
        }
    }
    if (more && !file_->over) {
        return;
    }
    file_.reset();
    ++at_step_;
    if (step.outcome == "ok") {
        player_.line(
            step.ended_ms,  // where its recording was lost
            {step.ended_ms, protocol::Direction::in, {{"ev", "result"}, {"ok", true}}, ""});
    } else {
        player_.step_ended(step.ended_ms, step.error, step.outcome == "interrupted");
    }
    show(out, step.ended_ms);
}

std::string JobFilm::next() {
    std::string out;
    if (!std::exchange(begun_, true)) {
        out = head();
        show(out, 0);
        player_.admitted(0);
        show(out, 0);
    }
    for (int reads = 0; out.empty() && at_step_ < steps_.size(); ++reads) {
        if (reads == kMostReads) {
            return "\n";  // others are waiting for this thread; an empty line says nothing
        }
        play_some(out);
    }
    if (out.empty() && !std::exchange(ended_, true)) {
        player_.judged(length_ms_, *verdict_, serial_);
        show(out, length_ms_);
        out += base::dump_json({{"end", true}, {"frames", frames_}}) + "\n";
    }
    return out;
}

}  // namespace lineside::rerun
