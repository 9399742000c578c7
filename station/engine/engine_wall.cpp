// SPDX-License-Identifier: Apache-2.0
// What the engine shows: tiles, top bar, live events, status, metrics.
#include "station/engine/engine.h"

#include "station/base/codes.h"

#include <boost/asio/post.hpp>

namespace lineside::engine {

using base::Json;

namespace {

constexpr std::chrono::milliseconds kStationTick{
    200};  // the top bar is told at most five times a second
constexpr std::chrono::seconds kBeat{1};
constexpr int kBeatsToLook = 60;

Json or_null(const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

}  // namespace

void Engine::publish_tile(SlotActor& slot, std::optional<std::int64_t> seq) {
    const Json event{{"tile", core::tile(slot.facts())},
                     {"seq", seq ? Json(*seq) : Json(nullptr)},
                     {"mono_ns", context_.clock.mono_ns()},
                     {"at", context_.clock.wall_ms()},
                     {"replay", false},
                     {"gone", !slot.mapped() && !slot.present() && slot.idle()}};
    stream_.publish(seq, "tile", event);
    station_changed();
}

void Engine::publish_progress(SlotActor& slot) {
    const core::SlotFacts facts = slot.facts();
    stream_.publish(std::nullopt, "progress",
                    {{"slot", slot.slot()},
                     {"job", facts.job},
                     {"stage", facts.stage},
                     {"percent", facts.percent ? Json(*facts.percent) : Json(nullptr)},
                     {"time_left_s", facts.time_left_s ? Json(*facts.time_left_s) : Json(nullptr)},
                     {"fact", nullptr},
                     {"mono_ns", context_.clock.mono_ns()}});
}

void Engine::station_changed() {
    if (station_dirty_) {
        return;
    }
    station_dirty_ = true;
    station_timer_.expires_after(kStationTick);
    station_timer_.async_wait([this, alive = alive_](boost::system::error_code error) {
        if (error || !*alive) {
            return;
        }
        station_dirty_ = false;
        stream_.publish(std::nullopt, "station",
                        {{"station", station_json()},
                         {"seq", nullptr},
                         {"mono_ns", context_.clock.mono_ns()},
                         {"at", context_.clock.wall_ms()}});
    });
}

void Engine::show_anew(std::int64_t seq) {
    Json picture = wall();
    picture["seq"] = std::max(seq, stream_.newest());
    stream_.publish(seq, "reset", picture);
}

void Engine::beat() {
    if (++beats_ % kBeatsToLook == 0) {  // midnight comes, and a quiet line has no pace
        pool_changed();
    }
    stream_.publish(std::nullopt, "beat",
                    {{"mono_ns", context_.clock.mono_ns()}, {"at", context_.clock.wall_ms()}});
    if (!queue_.empty()) {
        queue_changed();  // a wire may have been learned to carry more
    }
    beat_timer_.expires_after(kBeat);
    beat_timer_.async_wait([this, alive = alive_](boost::system::error_code error) {
        if (!error && *alive) {
            beat();
        }
    });
}

Json Engine::order_json(const OrderView& order) const {
    const usb::Model* model = context_.models.by_id(order.model);
    const std::string name = order.profile != nullptr ? order.profile->name : order.name;
    return {{"id", order.id.value},
            {"name", order.name},
            {"model", model != nullptr ? model->name : order.model},
            {"image", name},
            {"image_id", or_null(order.image_key)},
            {"made", order.made()},
            {"quantity", order.quantity}};
}

Json Engine::station_json() const {
    std::map<std::string, std::vector<std::string>> slots_by;
    int running = 0;
    int configured = 0;
    std::optional<std::pair<std::string, int>> next;
    for (const SlotActor& slot : slots_) {
        const core::SlotFacts facts = slot.facts();
        configured += slot.mapped() ? 1 : 0;
        running += slot.live() && !slot.queued() ? 1 : 0;
        if (facts.outcome) {
            slots_by[std::string(core::to_text(*facts.outcome))].push_back(slot.slot());
        }
        if (facts.label != core::LabelWait::none) {
            slots_by["your turn"].push_back(slot.slot());
        }
        if (slot.live() && facts.dot == core::Dot::test && facts.time_left_s &&
            (!next || *facts.time_left_s < next->second)) {
            next = {slot.slot(), *facts.time_left_s};
        }
    }
    const auto count = [&](const char* outcome) {
        const auto& slots = slots_by[outcome];
        return Json{{"count", slots.size()}, {"slots", slots}};
    };
    const OrderView* shown = nullptr;
    const OrderView* paused = nullptr;
    for (const OrderView& order : orders_) {
        if (order.open) {
            shown = &order;
        } else if (order.paused) {
            paused = &order;
        }
    }
    Json pool = nullptr;
    std::string state = running > 0 ? "running" : "ready";
    Json reason = nullptr;
    if (shown != nullptr) {
        if (const auto it = pools_.find(shown->pool); it != pools_.end() && it->second.known) {
            const PoolView& view = it->second;
            const bool low = view.left <= view.low_mark;
            pool = {{"name", shown->pool},
                    {"left", view.left},
                    {"total", view.total},
                    {"low", low},
                    {"warn_at", view.low_mark},
                    {"hours_left",
                     day_.takt_s ? Json(*day_.takt_s / 3600.0 * static_cast<double>(view.left))
                                 : Json(nullptr)}};
            if (low) {
                state = "pool_low";
                reason = fmt::format("{} serials left", view.left);
            }
        }
        if (shown->dry && running == 0 && shown->made() < shown->quantity) {
            state = "blocked";
            reason = why_dry(*shown) + ": nothing can start. Load a batch.";
        }
        if (shown->image_error && running == 0) {
            state = "blocked";
            reason = shown->image_error->message;
        }
        if (shown->release && !shown->release->may_start) {  // also while others still finish
            state = "blocked";
            reason = shown->release->why;
        }
        if (shown->changed) {
            state = "blocked";
            reason = shown->changed->message;
        }
    } else if (paused != nullptr) {
        state = "blocked";
        reason = fmt::format("Order {} is paused", paused->name);
    } else if (running == 0) {
        state = "blocked";
        reason = "No order is open.";
    }
    if (mapping_) {
        state = "blocked";
        reason = fmt::format("Ports are being mapped by {}", mapping_->by);
    }
    Json building = nullptr;
    if (const auto work = images_keeper_.work()) {
        building = {{"word", work->word},
                    {"percent", work->percent ? Json(*work->percent) : Json(nullptr)}};
    }
    Json alarms = Json::array();
    for (const auto& [id, alarm] : alarms_) {
        const base::CodeEntry& entry = base::code_entry(alarm.code);
        alarms.push_back({{"id", alarm.id},
                          {"code", alarm.code},
                          {"display_code", entry.display},
                          {"sentence", alarm.sentence},
                          {"action", or_null(std::string(entry.action))},
                          {"slots", alarm.slots},
                          {"since", alarm.since_ms}});
    }
    constexpr auto kWord = [](const std::string& s) {
        return s == "running"    ? "Running"
               : s == "pool_low" ? "Pool low"
               : s == "blocked"  ? "Blocked"
                                 : "Ready";
    };
    return {{"id", context_.config.station_id},
            {"name", context_.config.station_name},
            {"version", LINESIDE_VERSION},
            {"started_at", started_ms_},
            {"state", state},
            {"word", kWord(state)},
            {"reason", reason},
            {"running", running},
            {"slots", configured},
            {"order", shown != nullptr ? order_json(*shown) : Json(nullptr)},
            {"pool", pool},
            {"today",
             {{"made", day_.made},
              {"first_judged", day_.first_judged},
              {"first_passed", day_.first_passed},
              {"takt_s", day_.takt_s ? Json(*day_.takt_s) : Json(nullptr)}}},
            {"counts",
             {{"pass", count("PASS")},
              {"fail", count("FAIL")},
              {"error", count("ERROR")},
              {"aborted", count("ABORTED")},
              {"your_turn", count("your turn")}}},
            {"next_verdict",
             next ? Json{{"slot", next->first}, {"in_s", next->second}} : Json(nullptr)},
            {"building", building},
            {"training", !training_.empty() && context_.clock.wall_ms() < training_until_ms_
                             ? Json(training_)
                             : Json(nullptr)},
            {"alarms", std::move(alarms)}};
}

Json Engine::wall() const {
    Json tiles = Json::array();
    for (const SlotActor& slot : slots_) {
        if (slot.mapped() || slot.present() || !slot.idle()) {
            tiles.push_back(core::tile(slot.facts()));
        }
    }
    Json layout = Json::array();
    for (const journal::Place& each : places_) {
        layout.push_back(
            {{"slot", each.slot}, {"line", each.line}, {"place", each.place}, {"hub", each.hub}});
    }
    return {{"station", station_json()},           {"tiles", std::move(tiles)},
            {"layout", std::move(layout)},         {"seq", stream_.newest()},
            {"mono_ns", context_.clock.mono_ns()}, {"at", context_.clock.wall_ms()}};
}

Json Engine::status() const {
    Json images = Json::array();
    for (const auto& [profile, image] : images_) {
        images.push_back({{"profile", profile},
                          {"id", or_null(image.key)},
                          {"state", image.state},
                          {"builds", image.builds},
                          {"message", or_null(image.message)}});
    }
    Json orders = Json::array();
    for (const OrderView& order : orders_) {
        if (order.open || order.paused) {
            Json row = order_json(order);
            row["pool"] = order.pool;
            row["image_ready"] = order.image_ready;
            row["in_force"] = order.image_ready ? order.in_force : Json(nullptr);
            row["changed"] = order.changed ? Json(order.changed->message) : Json(nullptr);
            row["image_error"] =
                order.image_error ? Json(order.image_error->message) : Json(nullptr);
            orders.push_back(std::move(row));
        }
    }
    Json slots = Json::array();
    for (const SlotActor& slot : slots_) {
        slots.push_back(core::tile(slot.facts()));
    }
    return {{"station", station_json()},   {"epoch", context_.epoch},
            {"seq", stream_.newest()},     {"images", std::move(images)},
            {"orders", std::move(orders)}, {"slots", std::move(slots)}};
}

Json Engine::health() const {
    const bool fine = !alarms_.contains("records");
    return {{"status", fine ? "ok" : "failing"},
            {"version", LINESIDE_VERSION},
            {"epoch", context_.epoch}};
}

std::string Engine::metrics() const {
    int running = 0;
    for (const SlotActor& slot : slots_) {
        running += slot.live() ? 1 : 0;
    }
    std::string text =
        "# HELP lineside_jobs_running Jobs that have no outcome yet.\n# TYPE lineside_jobs_running "
        "gauge\n" +
        fmt::format("lineside_jobs_running {}\n", running) +
        "# HELP lineside_verdicts_total Jobs ended in this life of the service.\n# TYPE "
        "lineside_verdicts_total counter\n";
    for (const char* outcome : {"PASS", "FAIL", "ERROR", "ABORTED"}) {
        const auto it = verdicts_.find(outcome);
        text += fmt::format("lineside_verdicts_total{{outcome=\"{}\"}} {}\n", outcome,
                            it == verdicts_.end() ? 0 : it->second);
    }
    text +=
        "# HELP lineside_serials_left Serials that can still be given out.\n# TYPE "
        "lineside_serials_left gauge\n";
    for (const auto& [name, pool] : pools_) {
        text += fmt::format("lineside_serials_left{{pool=\"{}\"}} {}\n", name, pool.left);
    }
    text += "# HELP lineside_pages Pages that follow the live view.\n# TYPE lineside_pages gauge\n";
    text += fmt::format("lineside_pages {}\n", stream_.subscribers());
    text +=
        "# HELP lineside_journal_seq Newest journal row.\n# TYPE lineside_journal_seq counter\n";
    text += fmt::format("lineside_journal_seq {}\n", stream_.newest());
    return text;
}

std::shared_ptr<void> Engine::subscribe(std::optional<std::int64_t> last_id, LiveSink sink) {
    return stream_.subscribe(last_id, std::move(sink), [this] { return wall(); });
}

}  // namespace lineside::engine
