// SPDX-License-Identifier: Apache-2.0
#include "workers/media/cards/recognition.h"

#include "station/base/text.h"

#include <array>
#include <set>

namespace lineside::media {
namespace {

// Kernel names that are disks of the block subsystem and never a card: what sits on other disks or
// in memory, optical drives, and the hardware partitions of an eMMC.
constexpr std::array<std::string_view, 10> kNeverCards{"loop", "ram", "zram", "dm-",  "md",
                                                       "sr",   "nbd", "fd",   "drbd", "zd"};

bool is_digits(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool can_be_card(std::string_view dev) {
    for (const std::string_view prefix : kNeverCards) {
        if (dev.starts_with(prefix) && is_digits(dev.substr(prefix.size()))) {
            return false;
        }
    }
    if (dev.starts_with("mmcblk")) {
        return is_digits(dev.substr(6));  // not mmcblk0boot0, mmcblk0rpmb, mmcblk0gp1
    }
    return true;
}

struct Counts {
    int add = 0, change = 0;
};
using Table = std::map<std::string, Counts>;

Table count(const CardSighting& sighting) {
    std::set<std::string_view> never;
    for (const PresentDisk& disk : sighting.present) {
        if (disk.system) {
            never.insert(disk.dev);
        }
    }
    Table table;
    for (const DiskEvent& event : sighting.events) {
        if (event.subsystem != "block" || event.devtype != "disk" || never.contains(event.dev) ||
            !can_be_card(event.dev)) {
            continue;
        }
        if (event.action == "remove") {
            table.erase(event.dev);  // it is gone: what it did before says nothing
        } else if (event.action == "add") {
            ++table[event.dev].add;
        } else if (event.action == "change") {
            ++table[event.dev].change;
        }
    }
    return table;
}

template <typename Wanted>
std::vector<std::string> those(const Table& table, Wanted wanted) {
    std::vector<std::string> names;
    for (const auto& [name, counts] : table) {
        if (wanted(counts)) {
            names.push_back(name);
        }
    }
    return names;
}

bool added(const Counts& c) {
    return c.add > 0;
}
bool changed(const Counts& c) {
    return c.change > 0;
}

// All disks that were added, the same number of times each.
bool equal_adds(const Table& table) {
    int first = 0;
    for (const auto& [name, counts] : table) {
        if (counts.add == 0) {
            continue;
        }
        if (first != 0 && counts.add != first) {
            return false;
        }
        first = counts.add;
    }
    return first > 0;
}

}  // namespace

CardGuess recognise_card(const CardSighting& sighting) {
    const Table table = count(sighting);
    const auto adds = those(table, added);
    const auto changes = those(table, changed);
    const auto quiet = those(table, [](const Counts& c) { return added(c) && !changed(c); });
    CardGuess guess;
    if (adds.empty() && changes.empty()) {
        return guess;
    }
    if (adds.empty()) {
        guess = {changes, 1, false};
    } else if (changes.empty()) {
        guess = {adds, 4, false};
    } else if (!equal_adds(table)) {
        guess = {those(table, [](const Counts& c) { return added(c) || changed(c); }), 0, true};
    } else if (!quiet.empty()) {
        guess = {quiet, 3, false};
    } else {
        int most = 0;
        for (const std::string& name : adds) {
            most = std::max(most, table.at(name).change);
        }
        guess = {those(table, [&](const Counts& c) { return added(c) && c.change == most; }), 2,
                 false};
    }
    guess.ask = guess.ask || guess.candidates.size() > 1;
    return guess;
}

}  // namespace lineside::media
