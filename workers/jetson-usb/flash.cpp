// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/flash.h"

#include "workers/container/runner.h"
#include "workers/jetson-usb/judge.h"
#include "workers/jetson-usb/lease.h"
#include "workers/jetson-usb/log_follower.h"
#include "workers/jetson-usb/preflight.h"
#include "workers/jetson-usb/usb_unit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <fstream>

namespace lineside::jetson_usb {
namespace {

using namespace std::chrono_literals;
using worker::Station;
using worker::Tool;
using worker::ToolEnd;

constexpr milliseconds kAdmitWithin{30'000};
constexpr milliseconds kGoneGrace{2'000};  // the tool ends by itself at once when its unit is gone
constexpr milliseconds kLookAfterEnd{1'500};  // for the station's word that the unit has left
constexpr double kContainerWeight = 4;  // of phase "prepare", where the tools run in a container

// Position and length in cvm.bin. Source: chkbdinfo of R32.7.4 against marked bytes.
constexpr std::streamoff kSerialAt = 74;
constexpr std::size_t kSerialLength = 13;

class Run {
  public:
    Run(Station& station, Params params, container::Runner& tool)
        : station_(station), params_(std::move(params)), tool_(tool), seen_(params_.way) {}

    Result<Json> operator()(const Plan& plan) {
        next_phase();
        log_.emplace(tool_.written());
        last_line_ = Station::Clock::now();
        const auto end = tool_.run({plan.argv, plan.set_env, plan.drop_env},
                                   {[this](worker::Stream, std::string_view line) { take(line); },
                                    [this] {
                                        follow_log();
                                        watch_port();
                                        watch_wait();
                                    }});
        if (!end) {
            return tl::unexpected(refusal_ ? *refusal_ : end.error());
        }
        if (log_) {  // what it says last is why the tool ended; there is nobody left to ask for
            log_->read([this](std::string_view line) { (void)seen_.take(line); });
        }
        if (end->orphans > 0) {
            station_.log("warn", fmt::format("The tool left {} processes behind; they were killed",
                                             end->orphans));
        }
        return conclude(*end);
    }

  private:
    void take(std::string_view line) {
        if (refusal_) {
            return;
        }
        last_line_ = Station::Clock::now();
        const Change& change = seen_.take(line);
        const bool writes =
            change.stage != nullptr && change.stage->meaning == Meaning::begins_write;
        use(change);
        if (writes && !admitted_) {
            follow_log();
        }
        if (seen_.write_begun() && !admitted_ && !refusal_) {
            refuse(base::make_error("tool.failed",
                                    "Flash tool began to write before the unit was identified"));
        }
        report();
    }

    void use(const Change& change) {
        if (change.stage != nullptr) {
            enter(*change.stage);
        }
        for (const auto& [key, value] : change.facts) {
            station_.fact(key, value);
        }
        if (change.board) {
            take_board(*change.board);
        }
        if (change.chip_id && !refusal_) {
            take_chip_id(*change.chip_id);
        }
    }

    // initrd-flash tells of the boot ROM and of signing in its log file alone.
    void follow_log() {
        if (params_.way != Way::tegraflash || refusal_) {
            return;
        }
        log_->read([this](std::string_view line) {
            if (!refusal_) {
                use(seen_.take(line));
            }
        });
    }

    // The dots of a tool that waits for its unit are no life: it waits for ever.
    void watch_wait() {
        const bool waits = params_.way == Way::tegraflash || params_.way == Way::initrd;
        if (waits && !refusal_ && !waited_ && !thinking_ &&
            Station::Clock::now() - last_line_ >= silence_) {
            waited_ = true;
            tool_.kill(Tool::Way::at_once);
        }
    }

    // What it waited for stands in the line that it had not ended.
    [[nodiscard]] base::Error waited_for() const {
        const Failure* row = seen_.failure_at_end(nullptr);
        const auto why = row != nullptr ? row->code : std::string_view("tool.silence");
        return base::make_error(
            why, fmt::format("Flash tool waited {:.1f} s for the unit ({})",
                             static_cast<double>(silence_.count()) / 1000.0, where(seen_)));
    }

    void enter(const Stage& stage) {
        silence_ = silence_of(stage);
        tool_.set_silence(silence_);
        if (stage_ == &stage) {
            return;
        }
        stage_ = &stage;
        using enum Meaning;
        if (stage.meaning == will_replug) {
            station_.expect(params_.usb_ids, params_.replug);
            window_ = true;
            back_ = false;
            changes_at_window_ = station_.port_changes();
        } else if (stage.meaning == is_back) {
            back_ = true;
        } else if (stage.meaning == will_initrd && !window_) {
            station_.expect(params_.gadget_ids, params_.replug);
            window_ = true;
            back_ = false;
            changes_at_window_ = station_.port_changes();
        } else if (stage.meaning == will_boot) {
            station_.expect(params_.boot_ids, params_.boot);
            window_ = true;
            back_ = false;
        }
    }

    [[nodiscard]] milliseconds silence_of(const Stage& stage) const {
        if (const auto own = params_.stage_silence.find(std::string(stage.name));
            own != params_.stage_silence.end()) {
            return own->second;
        }
        return std::chrono::duration_cast<milliseconds>(params_.silence * stage.silence_factor);
    }

    void take_board(const Board& board) {
        board_ = board;
        station_.fact("board.id", board.id);
        station_.fact("board.sku", board.sku);
        station_.fact("board.fab", board.fab);
        station_.fact("board.rev", board.rev);
        if (const auto serial = module_serial(); !serial.empty() && params_.way == Way::flash) {
            station_.fact("module_serial", serial);
        }
        if (auto fits = check_board(board, params_.expect_board); !fits) {
            refuse(fits.error());
        }
    }

    // The module's serial as its EEPROM holds it; "" where the tool kept no dump.
    [[nodiscard]] std::string module_serial() const {
        std::ifstream dump(tool_.written() / "bootloader/cvm.bin", std::ios::binary);
        std::string serial(kSerialLength, '\0');
        if (!dump.seekg(kSerialAt) || !dump.read(serial.data(), kSerialLength) ||
            !std::all_of(serial.begin(), serial.end(),
                         [](unsigned char c) { return std::isdigit(c) != 0; })) {
            return {};
        }
        return serial;
    }

    // The tool stands still while the station decides: nothing has been written yet.
    void take_chip_id(const std::string& chip_id) {
        if (admitted_) {
            return;
        }
        if (!board_ && params_.way == Way::flash) {
            refuse(base::make_error("tool.failed", "Flash tool did not read the module's EEPROM"));
            return;
        }
        if (auto stands = tool_.freeze(); !stands) {
            refuse(stands.error());
            return;
        }
        station_.fact("chip_id", chip_id);
        Json about{{"chip_id", chip_id}};
        if (board_) {
            about["board"] = {{"id", board_->id},
                              {"sku", board_->sku},
                              {"fab", board_->fab},
                              {"rev", board_->rev}};
        }
        thinking_ = true;
        const auto answer = station_.ask("unit.admit", about, kAdmitWithin);
        thinking_ = false;
        last_line_ = Station::Clock::now();
        if (!answer) {
            refuse(answer.error());
            return;
        }
        admitted_ = true;
        if (auto goes_on = tool_.thaw(); !goes_on) {
            refuse(goes_on.error());
        }
    }

    void refuse(base::Error why) {
        if (!refusal_) {
            refusal_ = std::move(why);
            tool_.kill(Tool::Way::at_once);
        }
    }

    // What has gone to the unit: the files whose writes are over, and of the one under way what the
    // tool's bar says.
    void count_bytes() {
        if (seen_.writes() != counted_writes_) {
            counted_writes_ = seen_.writes();
            written_ += writing_;
            writing_ = 0;
            for (const auto& place : {tool_.written(), std::filesystem::path(params_.lane)}) {
                std::error_code none;
                const auto size =
                    std::filesystem::file_size(place / "bootloader" / seen_.writing_file(), none);
                if (!none) {
                    writing_ = size;
                    break;
                }
            }
        }
        station_.carried(written_ +
                         writing_ / 100 * static_cast<std::uint64_t>(seen_.write_percent()));
    }

    void report() {
        count_bytes();
        while (phase_ + 1 < phases().size() && seen_.percent() >= phases()[phase_].to_pct) {
            ++phase_;
            next_phase();
        }
        const PhaseSpan& span = phases()[phase_];
        const double share = (seen_.percent() - span.from_pct) / (span.to_pct - span.from_pct);
        station_.progress(static_cast<std::uint64_t>(std::clamp(share, 0.0, 1.0) * 1000), 1000,
                          "permille");
    }

    void next_phase() {
        const PhaseSpan& span = phases()[phase_];
        const int more = params_.container ? 1 : 0;
        const double less = params_.container && phase_ == 0 ? kContainerWeight : 0;
        station_.phase(std::string(span.name), static_cast<int>(phase_) + 1 + more,
                       static_cast<int>(phases().size()) + more,
                       span.to_pct - span.from_pct - less);
    }

    // Closes a window once the tool and the station both see the unit again; ends a run whose unit
    // left.
    void watch_port() {
        const auto& port = station_.port();
        const bool absent = port && !port->present;
        if (window_ && back_ && port && port->present &&
            station_.port_changes() > changes_at_window_) {
            station_.expect_over();
            window_ = false;
        }
        if (!absent || window_) {
            gone_since_.reset();
        } else if (!gone_since_) {
            gone_since_ = Station::Clock::now();
        } else if (Station::Clock::now() - *gone_since_ >= kGoneGrace) {
            refuse(base::make_error(
                "usb.left", fmt::format("Unit left while it was worked on ({})", where(seen_))));
        }
    }

    // Looked at after a failed run only: the station's word, or the bus itself. The word may be
    // late in both ways: a unit that is there may have left, one that was to leave may be back.
    bool unit_gone() {
        const auto left = [this] {
            if (station_.port() && !station_.port()->present) {
                return true;
            }
            return !unit_at(params_.bus_port);
        };
        const bool usual = window_;
        const auto turned = station_.wait_until([&] { return left() != usual; }, kLookAfterEnd);
        return turned ? *turned != usual : left();
    }

    Result<Json> conclude(const ToolEnd& end) {
        if (waited_ && !refusal_) {
            refusal_ = unit_gone()
                           ? base::make_error(
                                 "usb.left",
                                 fmt::format("Unit left while it was worked on ({})", where(seen_)))
                           : waited_for();
        }
        if (refusal_) {
            return tl::unexpected(*refusal_);
        }
        if (end.how == ToolEnd::How::stopped) {
            auto why = station_.check();
            return tl::unexpected(why ? base::make_error("station.stopping") : why.error());
        }
        RunEnd run;
        using How = RunEnd::How;
        run.how = end.how == ToolEnd::How::signalled ? How::signalled
                  : end.how == ToolEnd::How::silent  ? How::silent
                  : end.how == ToolEnd::How::overdue ? How::overdue
                                                     : How::exited;
        run.status = end.status;
        run.signal = end.signal;
        run.took = end.took;
        run.silence = silence_;
        const bool failed = run.how != How::exited || run.status != 0 || seen_.failed();
        if (failed && run.how == How::exited) {
            station_.log("info",
                         fmt::format("The tool ended with exit {} after {:.1f} s", run.status,
                                     static_cast<double>(end.took.count()) / 1000.0));
        }
        run.unit_gone = failed && unit_gone();
        run.hub_gone = failed && !hub_above(params_.bus_port);
        run.without_room = failed ? place_without_room(params_) : "";
        if (auto verdict = judge(run, seen_, params_); !verdict) {
            if (!seen_.failure_line().empty()) {
                station_.log("error", fmt::format("The tool said: {}", seen_.failure_line()));
            }
            return tl::unexpected(verdict.error());
        }
        report();
        return Json{{"writes", seen_.writes()},
                    {"seconds", static_cast<double>(end.took.count()) / 1000.0}};
    }

    Station& station_;
    Params params_;
    container::Runner& tool_;
    Transcript seen_;
    std::optional<LogFollower> log_;
    Station::Clock::time_point last_line_;
    bool thinking_ = false;  // the tool stands still
    bool waited_ = false;    // it was ended because it waited for ever
    milliseconds silence_ = params_.silence;
    const Stage* stage_ = nullptr;
    std::size_t phase_ = 0;
    int counted_writes_ = 0;
    std::uint64_t written_ = 0;  // bytes of the writes that are over
    std::uint64_t writing_ = 0;  // of the file under way
    std::optional<Board> board_;
    bool admitted_ = false;
    std::optional<base::Error> refusal_;
    bool window_ = false;  // absence is announced
    bool back_ = false;    // the tool speaks with the unit again
    unsigned changes_at_window_ = 0;
    std::optional<Station::Clock::time_point> gone_since_;
};

}  // namespace

Result<Json> flash(Station& station) {
    auto params = read_params(station.job());
    if (!params) {
        return tl::unexpected(params.error());
    }
    InstanceLease lease;  // of this run until its end
    if (params->way == Way::initrd) {
        auto got = lease_instance();
        if (!got) {
            return tl::unexpected(got.error());
        }
        lease = std::move(*got);
    }
    const auto plan = plan_of(*params, lease.instance);
    if (!plan) {
        return tl::unexpected(plan.error());
    }
    for (const Status& good : {check_lane(*params, *plan), check_unit(*params)}) {
        if (!good) {
            return tl::unexpected(good.error());
        }
    }
    if (auto cleared = clear_stale(*params, *plan); !cleared) {
        return tl::unexpected(cleared.error());
    }
    worker::ToolLimits limits;
    limits.silence = params->silence;
    limits.total = params->total;
    auto tool = container::make_runner(
        station,
        {params->container, fmt::format("lineside-{}", params->bus_port), params->lane,
         container::PhasePlace{1, static_cast<int>(phases().size()) + 1, kContainerWeight}},
        limits);
    if (!tool) {
        return tl::unexpected(tool.error());
    }
    return Run(station, std::move(*params), **tool)(*plan);
}

}  // namespace lineside::jetson_usb
