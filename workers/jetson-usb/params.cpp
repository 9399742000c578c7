// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/params.h"

#include "station/base/text.h"
#include "workers/jetson-usb/stages.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace lineside::jetson_usb {
namespace {

constexpr std::string_view kWordLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";

// Recovery-mode ids by model, for a profile that names none.
struct ModelIds {
    std::string_view model;
    std::vector<std::string> ids;
};
const std::array<ModelIds, 3>& models() {
    static const std::array<ModelIds, 3> table{
        {{"xavier-nx", {"0955:7e19"}},
         {"agx-xavier", {"0955:7019"}},
         {"agx-xavier-industrial", {"0955:7819", "0955:7919"}}}};
    return table;
}

tl::unexpected<base::Error> wrong(std::string_view name, std::string_view wanted) {
    return base::fail("config.invalid", fmt::format("jetson-usb: '{}' must be {}", name, wanted));
}

// A word that is safe as an argument: it can be no option and no path.
bool is_argument(std::string_view text) {
    return !text.empty() && text.size() <= 128 && text.front() != '-' && text.front() != '.' &&
           text.find_first_not_of(kWordLetters) == std::string_view::npos;
}

bool is_bus_port(std::string_view text) {
    return text.size() >= 3 && text.size() <= 32 && text.find('-') != std::string_view::npos &&
           text.front() >= '1' && text.front() <= '9' &&
           text.find_first_not_of("0123456789-.") == std::string_view::npos;
}

// A text or a list of texts.
Result<std::vector<std::string>> texts(const Json& object, std::string_view name,
                                       std::vector<std::string> otherwise) {
    const auto it = object.find(name);
    if (it == object.end() || it->is_null()) {
        return otherwise;
    }
    std::vector<std::string> out;
    const Json list = it->is_array() ? *it : Json::array({*it});
    for (const Json& item : list) {
        if (!item.is_string() || item.get_ref<const std::string&>().size() > 64) {
            return wrong(name, "a text or a list of texts");
        }
        out.push_back(item.get<std::string>());
    }
    return out;
}

Status read_board(const Json& params, ExpectedBoard& board) {
    const auto object = base::field<Json>(params, "expect_board");
    if (!object) {
        return wrong("expect_board", "given: the tool flashes a wrong module without a word");
    }
    const auto id = base::field<std::string>(*object, "id");
    auto sku = texts(*object, "sku", {});
    auto fab = texts(*object, "fab", {});
    if (!id || id->empty() || !sku || !fab) {
        return wrong("expect_board", "{ id = text, sku = [texts], fab = [texts] }");
    }
    board = {*id, std::move(*sku), std::move(*fab)};
    return {};
}

// The way, and what its tool is called with.
Status read_way(const Json& params, Params& out) {
    const auto name = base::field_or<std::string>(params, "way", "flash");
    const auto way = name ? way_of(*name) : std::nullopt;
    if (!way) {
        return wrong("way", "flash, massflash, initrd or tegraflash");
    }
    out.way = *way;
    // Packages bring their own board and root device.
    const bool named = *way == Way::flash;
    const auto board = base::field_or<std::string>(params, "board", "");
    const auto rootdev = base::field_or<std::string>(params, "rootdev", "");
    if (!board || ((named || !board->empty()) && !is_argument(*board))) {
        return wrong("board", "a board name of the BSP");
    }
    if (!rootdev || ((named || !rootdev->empty()) && !is_argument(*rootdev))) {
        return wrong("rootdev", "a root device such as mmcblk0p1");
    }
    const auto tool = base::field_or<std::string>(params, "tool", "initrd-flash");
    if (!tool || (*tool != "initrd-flash" && *tool != "doflash.sh")) {
        return wrong("tool", "initrd-flash or doflash.sh");
    }
    out.board = *board;
    out.rootdev = *rootdev;
    out.tool = *tool;
    return {};
}

Status read_ids(const protocol::JobLine& job, Params& out) {
    std::vector<std::string> of_model;
    for (const ModelIds& row : models()) {
        if (row.model == job.model) {
            of_model = row.ids;
        }
    }
    auto ids = texts(job.params, "usb_ids", of_model);
    auto boot = texts(job.params, "boot_ids", out.boot_ids);
    // NVIDIA's initrd gadget, and meta-tegra's.
    auto gadget =
        texts(job.params, "gadget_ids", {out.way == Way::tegraflash ? "1d6b:0104" : "0955:7035"});
    auto must = texts(job.params, "must_write", usual_must_write(out.way));
    if (!ids || ids->empty() || ids->size() > 8) {
        return wrong("usb_ids", "the model's USB ids in recovery mode");
    }
    if (!boot || boot->size() > 8 || !must || !gadget || gadget->size() > 8) {
        return wrong(!boot ? "boot_ids" : must ? "gadget_ids" : "must_write", "a list of texts");
    }
    out.gadget_ids = std::move(*gadget);
    out.usb_ids = std::move(*ids);
    out.boot_ids = std::move(*boot);
    out.must_write = std::move(*must);
    return {};
}

Status read_times(const protocol::JobLine& job, Params& out) {
    const auto replug = base::field_or<int>(job.params, "replug_s", 120);
    const auto boot = base::field_or<int>(job.params, "boot_s", 300);
    if (!replug || *replug < 1 || *replug > 3600 || !boot || *boot < 1 || *boot > 3600) {
        return wrong("replug_s and boot_s", "whole seconds from 1 to 3600");
    }
    out.replug = std::chrono::seconds(*replug);
    out.boot = std::chrono::seconds(*boot);
    out.silence = std::chrono::seconds(job.silence_s);
    out.total = std::chrono::seconds(job.total_s);
    const auto own = base::field_or<Json>(job.params, "silence_s", Json::object());
    if (!own) {
        return wrong("silence_s", "a table of stage = seconds");
    }
    std::set<std::string_view> names;
    for (const Stage& stage : stages(out.way)) {
        names.insert(stage.name);
    }
    for (const auto& [name, value] : own->items()) {
        if (!names.contains(name) || !value.is_number_integer() || value.get<std::int64_t>() < 1 ||
            value.get<std::int64_t>() > 86'400) {
            return wrong("silence_s." + name, "a stage of stages.cpp with seconds from 1 to 86400");
        }
        out.stage_silence[name] = std::chrono::seconds(value.get<std::int64_t>());
    }
    return {};
}

}  // namespace

std::vector<std::string> usual_must_write(Way way) {
    switch (way) {
        case Way::flash:
        case Way::massflash:
            return {"APP", "kernel-bootctrl_b"};
        case Way::tegraflash:
            return {"APP"};
        case Way::initrd:
            break;
    }
    return {};
}

Result<Params> read_params(const protocol::JobLine& job) {
    static constexpr std::array<std::string_view, 13> kKnown{
        "way",      "tool",       "gadget_ids", "board",  "rootdev",   "expect_board", "usb_ids",
        "boot_ids", "must_write", "replug_s",   "boot_s", "silence_s", "container"};
    Params out;
    for (const auto& [name, value] : job.params.items()) {
        if (std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end()) {
            const auto near = base::nearest(name, kKnown);
            return wrong(name, near.empty() ? "left out: it is not known"
                                            : fmt::format("left out, or is '{}' meant?", near));
        }
    }
    if (auto told = read_way(job.params, out); !told) {
        return tl::unexpected(told.error());
    }
    if (!is_bus_port(job.bus_port)) {
        return wrong("bus_port", "a bus and port path such as 1-2.3");
    }
    if (!job.lane || job.lane->empty() || job.lane->front() != '/') {
        return wrong("lane", "given: this method works in a lane");
    }
    out.bus_port = job.bus_port;
    out.lane = *job.lane;
    auto container = container::read_settings(job.params);
    if (!container) {
        return tl::unexpected(container.error());
    }
    out.container = std::move(*container);
    if (out.container && out.way == Way::initrd) {
        // Its export of the root file system and its udev rules are this host's own.
        return wrong("container", "left out: initrd flash runs on the host alone");
    }
    for (const Status& part :
         {read_board(job.params, out.expect_board), read_ids(job, out), read_times(job, out)}) {
        if (!part) {
            return tl::unexpected(part.error());
        }
    }
    return out;
}

}  // namespace lineside::jetson_usb
