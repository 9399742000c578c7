// SPDX-License-Identifier: Apache-2.0
#include "station/app/replay_command.h"

#include "station/base/json.h"
#include "station/replay/player.h"

#include <fmt/format.h>

#include <fstream>
#include <map>
#include <optional>
#include <ostream>

namespace lineside::app {
namespace {

using base::Json;

constexpr std::size_t kLongestLine = 4 * protocol::kMaxJobLine;

// What the station told the worker first.
struct Begin {
    std::int64_t job = 0;
    std::string name;
    int index = 1;
    int attempt = 1;
    std::string slot;
};

class Show {
  public:
    Show(bool json, std::ostream& out) : json_(json), out_(out) {}

    void tell(const rerun::Player& player, std::int64_t at_ms) {
        const auto facts = player.facts(at_ms);
        const Json tile = core::tile(facts);
        Json now{{"state", core::to_text(player.job().state)},
                 {"word", tile["word"]},
                 {"step", facts.step_index + 1},
                 {"name", player.step_name()},
                 {"phase", player.phase().empty() ? Json(nullptr) : Json(player.phase())},
                 {"percent", tile["percent"]},
                 {"serial", tile["serial"]},
                 {"action", tile["action"]}};
        if (now == told_) {
            return;
        }
        told_ = now;
        if (json_) {
            now["at_ms"] = at_ms;
            now["time_left_s"] = tile["time_left_s"];
            out_ << base::dump_json(now) << '\n';
            return;
        }
        out_ << fmt::format("{:>10.3f} s  {:<14} {:<18} {}{}{}\n",
                            static_cast<double>(at_ms) / 1000.0, core::to_text(player.job().state),
                            player.step_name(),
                            facts.percent ? fmt::format("{} % ", *facts.percent) : "",
                            player.phase(), facts.serial.empty() ? "" : " " + facts.serial);
    }
    void end(const rerun::Player& player, std::int64_t at_ms) {
        const auto& verdict = player.verdict();
        const std::string open =
            verdict ? ""
            : player.job().state == core::JobState::awaiting_boot
                ? "the recordings end before the unit has started"
            : player.job().state == core::JobState::provisioning
                ? "the recordings end before the recipe does; a PASS rests on what the station has "
                  "committed"
                : "every step ended well; a PASS rests on what the station has committed";
        const bool bad = verdict && verdict->error;
        if (json_) {
            out_ << base::dump_json(
                        {{"at_ms", at_ms},
                         {"state", core::to_text(player.job().state)},
                         {"verdict",
                          verdict ? Json(core::to_text(verdict->outcome)) : Json(nullptr)},
                         {"code", bad ? Json(verdict->error->code) : Json(nullptr)},
                         {"message", bad ? Json(verdict->error->message) : Json(nullptr)},
                         {"why_none", verdict ? Json(nullptr) : Json(open)}})
                 << '\n';
        } else if (verdict) {
            out_ << fmt::format(
                "{}{}\n", core::to_text(verdict->outcome),
                bad ? fmt::format(": {}: {}", verdict->error->code, verdict->error->message) : "");
        } else {
            out_ << "no verdict: " << open << '\n';
        }
    }

  private:
    bool json_;
    std::ostream& out_;
    Json told_;
};

std::optional<Begin> begin_of(const protocol::Recorded& recorded) {
    if (recorded.direction != protocol::Direction::out || !recorded.line.is_object() ||
        recorded.line.value("ev", Json()) != "job") {
        return std::nullopt;
    }
    const auto message = protocol::parse_from_station(base::dump_json(recorded.line));
    const auto* job = message ? std::get_if<protocol::JobLine>(&*message) : nullptr;
    return job == nullptr ? std::nullopt
                          : std::optional(Begin{job->job, job->step, std::max(1, job->step_index),
                                                std::max(1, job->step_attempt), job->slot});
}

// Calls `each` with every line; the first that is no recording is told.
template <typename Each>
std::string read_lines(const std::string& file, const Each& each) {
    std::ifstream in(file);
    if (!in) {
        return file + ": cannot be read";
    }
    std::string line;
    for (std::size_t number = 1; std::getline(in, line); ++number) {
        if (line.empty()) {
            continue;
        }
        base::Result<protocol::Recorded> recorded =
            base::fail("protocol.invalid", "the line is too long");
        if (line.size() <= kLongestLine) {
            recorded = protocol::parse_recorded(line);
        }
        if (!recorded) {
            return fmt::format("{}:{}: {}", file, number, recorded.error().message);
        }
        each(*recorded);
    }
    return in.bad() ? file + ": cannot be read to its end" : "";
}

}  // namespace

int replay(const std::vector<std::string>& files, bool json, std::ostream& out, std::ostream& err) {
    // First what there is: an attempt that has a next one was tried again by the recipe's leave.
    std::vector<Begin> begins;
    rerun::Subject subject;
    for (const std::string& file : files) {
        std::optional<Begin> begin;
        const std::string wrong = read_lines(file, [&](const protocol::Recorded& recorded) {
            begin = begin ? begin : begin_of(recorded);
        });
        if (!wrong.empty() || !begin) {
            err << "lineside replay: "
                << (wrong.empty() ? file + ": holds no job line, so it is no whole recording"
                                  : wrong)
                << '\n';
            return 2;
        }
        if (!begins.empty() && begins.front().job != begin->job) {
            err << fmt::format("lineside replay: {} is of job {}, the first file of job {}\n", file,
                               begin->job, begins.front().job);
            return 2;
        }
        subject.job = begin->job;
        subject.slot = begin->slot;
        // One more than is known: only the station knows which step is the last.
        subject.steps = std::max(subject.steps, begin->index + 1);
        auto& retries = subject.policy.retries;
        const auto at = static_cast<std::size_t>(begin->index - 1);
        retries.resize(std::max(retries.size(), at + 1));
        retries[at] = std::max(retries[at], begin->attempt - 1);
        begins.push_back(*begin);
    }
    rerun::Player player(subject);
    Show show(json, out);
    std::int64_t base_ms = 0;
    std::int64_t at_ms = 0;
    for (std::size_t i = 0; i < files.size(); ++i) {
        const Begin& begin = begins[i];
        base_ms = at_ms;
        player.step(base_ms, begin.index - 1, begin.attempt, begin.name);
        show.tell(player, base_ms);
        const std::string wrong = read_lines(files[i], [&](const protocol::Recorded& recorded) {
            at_ms = std::max(at_ms, base_ms + recorded.at_ms);
            player.line(at_ms, recorded);
            show.tell(player, at_ms);
        });
        if (!wrong.empty()) {
            err << "lineside replay: " << wrong << '\n';
            return 2;
        }
        player.step_ended(at_ms, std::nullopt);
        show.tell(player, at_ms);
    }
    show.end(player, at_ms);
    return 0;
}

}  // namespace lineside::app
