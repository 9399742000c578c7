// SPDX-License-Identifier: Apache-2.0
// Which port is which slot: the configuration's, or as a technician mapped them at the page. While
// ports are mapped nothing starts; a new mapping is taken only when no slot has anything to lose.
#include "station/base/text.h"
#include "station/engine/engine.h"
#include "station/usb/port_peer.h"

#include <algorithm>
#include <set>

namespace lineside::engine {
namespace {

using base::Json;

constexpr std::size_t kMostSlots = 256;
constexpr std::size_t kLongestLabel = 16;  // as in station.toml
constexpr std::string_view kLabelLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

// 2 before 10, A2 before A10.
bool natural_before(const std::string& a, const std::string& b) {
    const auto split = [](const std::string& text) {
        const auto digits = text.find_last_not_of("0123456789");
        const std::size_t at = digits == std::string::npos ? 0 : digits + 1;
        return std::pair(text.substr(0, at), base::to_int(text.substr(at)).value_or(-1));
    };
    return split(a) < split(b);
}

base::Status good_ports(const std::vector<journal::SlotPort>& ports) {
    std::map<std::string, std::string> at;
    std::set<std::string> peers;
    std::set<std::string> labels;
    std::string wrong = ports.size() > kMostSlots ? fmt::format("at most {}", kMostSlots) : "";
    for (const journal::SlotPort& each : ports) {
        if (each.slot.empty() || each.slot.size() > kLongestLabel ||
            each.slot.find_first_not_of(kLabelLetters) != std::string::npos) {
            wrong = "slot: 1 to 16 letters, digits, '.', '_' or '-'";
        } else if (!labels.insert(each.slot).second) {
            wrong = fmt::format("slot {} is there twice", each.slot);
        } else if (!usb::is_port_key(each.port) ||
                   (!each.peer.empty() && !usb::is_port_key(each.peer))) {
            wrong = fmt::format("slot {}: this is not the path of a USB port", each.slot);
        } else if (const auto [other, fresh] = at.emplace(each.port, each.slot); !fresh) {
            wrong = fmt::format("slot {}: its port is slot {} already", each.slot, other->second);
        } else if (!each.peer.empty() && !peers.insert(each.peer).second) {
            wrong = fmt::format("slot {}: its USB 3 half is another slot's, too", each.slot);
        }
        if (!wrong.empty()) {
            return base::fail("request.invalid", "slots: " + wrong);
        }
    }
    return {};
}

Json or_null(const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

// Of the socket a device is in; "" where nothing tells.
std::string other_half(const usb::Device& device) {
    const usb::PortPath& port = device.port;
    if (port.half.empty()) {
        return usb::peer_of(device.syspath).value_or("");
    }
    return port.half == port.key ? "" : port.half;
}

}  // namespace

void Engine::build_slots() {
    struct Plugged {
        usb::Device device;
        std::map<std::string, usb::NetInterface> nets;
        std::map<std::string, usb::Disk> disks;
    };
    std::vector<Plugged> plugged;
    std::map<std::string, journal::Closing> closed;
    for (const SlotActor& slot : slots_) {
        if (slot.device()) {
            plugged.push_back({*slot.device(), slot.nets(), slot.disks()});
        }
        if (slot.closing()) {
            closed.emplace(slot.slot(), *slot.closing());
        }
    }
    std::list<SlotActor> before;
    before.swap(slots_);
    queue_.clear();
    just_left_.clear();
    by_port_.clear();
    by_half_.clear();
    const auto& configured = context_.config.slots;
    const auto row_of = [&](const std::string& label) {
        return std::find_if(configured.begin(), configured.end(),
                            [&](const auto& slot) { return slot.label == label; });
    };
    std::vector<journal::SlotPort> wanted = ports_;
    std::stable_sort(wanted.begin(), wanted.end(), [&](const auto& a, const auto& b) {
        const auto row_a = row_of(a.slot);
        const auto row_b = row_of(b.slot);
        return row_a != row_b ? row_a < row_b : natural_before(a.slot, b.slot);
    });
    if (ports_.empty()) {
        for (const config::SlotConfig& slot : configured) {
            wanted.push_back({slot.label, slot.port, "", 0, ""});
        }
    }
    for (const journal::SlotPort& each : wanted) {
        const auto row = row_of(each.slot);
        slots_.emplace_back(context_, each.slot, each.port, true,
                            row != configured.end() && row->skip);
        by_port_[each.port] = &slots_.back();
        if (const auto found = closed.find(each.slot); found != closed.end()) {
            slots_.back().set_closing(found->second);
        }
    }
    // Apart from the others: a SuperSpeed half often has the path of another socket's USB 2 half.
    for (SlotActor& slot : slots_) {
        const auto row = std::find_if(wanted.begin(), wanted.end(),
                                      [&](const auto& each) { return each.slot == slot.slot(); });
        if (!row->peer.empty()) {
            by_half_.emplace(row->peer, &slot);
        }
    }
    for (const Plugged& each : plugged) {
        SlotActor* slot = find_port(each.device.port);
        if (slot == nullptr) {
            const std::string& key = each.device.port.key;
            slots_.emplace_back(context_, key, key, false, false);
            slot = &slots_.back();
            by_port_[key] = slot;
        }
        slot->hold_until_unplugged();
        slot->device_arrived(each.device, true);
        for (const auto& [name, net] : each.nets) {
            slot->net_arrived(net);
        }
        for (const auto& [name, disk] : each.disks) {
            slot->disk_arrived(disk, true);
        }
    }
}

// ---------------------------------------------------------------- mapping

void Engine::mapping_lasts() {
    mapping_->until_ms = context_.clock.wall_ms() + context_.patience.mapping.count();
    mapping_timer_.expires_after(context_.patience.mapping);
    mapping_timer_.async_wait([this, alive = alive_](boost::system::error_code error) {
        if (!error && *alive && mapping_) {
            end_mapping();
        }
    });
}

void Engine::end_mapping() {
    mapping_.reset();
    mapping_timer_.cancel();
    station_changed();
    try_all();
}

void Engine::map_ports(bool on, Actor actor, Done done) {
    if (mapping_ && mapping_->by != actor.name) {
        return done(base::fail("request.conflict",
                               fmt::format("Ports are being mapped by {}", mapping_->by)));
    }
    if (on) {
        if (!mapping_) {
            mapping_ = Mapping{actor.name, context_.clock.wall_ms(), 0};
        }
        mapping_lasts();
        station_changed();
        try_all();  // what waits says why from now on
    } else if (mapping_) {
        end_mapping();
    }
    done(ports());
}

void Engine::save_ports(std::vector<journal::SlotPort> wanted, Actor actor, Done done) {
    if (!mapping_ || mapping_->by != actor.name) {
        return done(base::fail("request.conflict",
                               mapping_ ? fmt::format("Ports are being mapped by {}", mapping_->by)
                                        : "The mapping has ended: start it again"));
    }
    if (auto good = good_ports(wanted); !good) {
        return done(tl::unexpected<base::Error>(good.error()));
    }
    std::string busy;
    for (const SlotActor& slot : slots_) {
        if (!slot.clear()) {
            busy += (busy.empty() ? "" : ", ") + slot.slot();
        }
    }
    if (!busy.empty()) {
        return done(base::fail(
            "request.conflict",
            fmt::format("Slots {} have a job or a verdict: let them end, acknowledge them", busy)));
    }
    const auto stamp = context_.stamp();
    for (journal::SlotPort& each : wanted) {
        each.at_ms = stamp.at_ms;
        each.by = actor.name;
    }
    context_.store.write<std::int64_t>(
        [stamp, wanted, who = actor.name](db::Tx& tx) {
            return journal::put_ports(tx, stamp, wanted, who);
        },
        [this, alive = alive_, wanted, done = std::move(done)](base::Result<std::int64_t> seq) {
            if (!*alive || !seq) {
                return done(seq ? base::fail("station.stopping")
                                : tl::unexpected<base::Error>(seq.error()));
            }
            ports_ = wanted;
            build_slots();
            end_mapping();
            show_anew(*seq);
            done(ports());
        });
}

Json Engine::ports() const {
    Json slots = Json::array();
    Json units = Json::array();
    Json busy = Json::array();
    for (const SlotActor& slot : slots_) {
        if (!slot.clear()) {
            busy.push_back(slot.slot());
        }
        if (slot.mapped()) {
            const auto row = std::find_if(ports_.begin(), ports_.end(), [&](const auto& each) {
                return each.slot == slot.slot();
            });
            const bool here = row != ports_.end();
            slots.push_back({{"slot", slot.slot()},
                             {"port", slot.port()},
                             {"peer", here ? or_null(row->peer) : Json(nullptr)},
                             {"at", here ? Json(row->at_ms) : Json(nullptr)},
                             {"by", here ? Json(row->by) : Json(nullptr)}});
        }
        if (!slot.device()) {
            continue;
        }
        const usb::Device& device = *slot.device();
        const usb::Model* model = context_.models.in_recovery(device.vendor, device.product);
        units.push_back({{"port", device.port.key},
                         {"id", fmt::format("{:04x}:{:04x}", device.vendor, device.product)},
                         {"model", model != nullptr ? Json(model->name) : Json(nullptr)},
                         {"slot", slot.mapped() ? Json(slot.slot()) : Json(nullptr)},
                         {"peer", or_null(other_half(device))},
                         {"number", device.number},
                         {"since", slot.since_ms()}});
    }
    return {{"mapping", mapping_ ? Json{{"by", mapping_->by},
                                        {"since", mapping_->since_ms},
                                        {"until", mapping_->until_ms}}
                                 : Json(nullptr)},
            {"from", ports_.empty() ? "station.toml" : "page"},
            {"slots", std::move(slots)},
            {"units", std::move(units)},
            {"busy", std::move(busy)},
            {"at", context_.clock.wall_ms()}};
}

}  // namespace lineside::engine
