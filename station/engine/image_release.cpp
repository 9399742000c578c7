// SPDX-License-Identifier: Apache-2.0
#include "station/engine/image_release.h"

#include <fmt/format.h>

#include <vector>

namespace lineside::engine {
namespace {

using base::Result;
using config::ReleasePolicy;
using db::Tx;

constexpr std::size_t kShortKey = 12;

// What was said of an image since it was withdrawn last.
struct Said {
    std::vector<std::string> people;  // who released it, first come first
    std::optional<std::pair<std::string, std::string>> emergency;  // who, why
    std::optional<std::pair<std::string, std::string>> withdrawal;
};

Result<Said> said_of(Tx& tx, base::ImageRow image) {
    auto rows = tx.all<std::string, std::string, std::optional<std::string>>(
        "SELECT kind, by_user, reason FROM image_release WHERE image_id = ?1 ORDER BY id", image);
    if (!rows) {
        return tl::unexpected<base::Error>(rows.error());
    }
    Said said;
    for (auto& [kind, by, reason] : *rows) {
        if (kind == "release") {
            said.people.push_back(std::move(by));
        } else if (kind == "emergency") {
            said.emergency = {std::move(by), reason.value_or("")};
        } else {
            said = Said{};
            said.withdrawal = {std::move(by), reason.value_or("")};
        }
    }
    return said;
}

ImageRelease decide(ReleasePolicy policy, const Said& said, const std::string& name) {
    ImageRelease release;
    const int needed = policy == ReleasePolicy::two                      ? 2
                       : policy == ReleasePolicy::one || said.withdrawal ? 1
                                                                         : 0;
    const int people = static_cast<int>(said.people.size());
    for (const std::string& person : said.people) {
        release.by += release.by.empty() ? person : ", " + person;
    }
    if (people >= needed) {
        release.may_start = true;
        release.how = people >= 2 ? "two" : people == 1 ? "one" : "none";
        return release;
    }
    release.missing = needed - people;
    if (said.emergency) {
        release.may_start = true;
        release.how = "emergency";
        std::tie(release.by, release.reason) = *said.emergency;
        return release;
    }
    release.withdrawn = said.withdrawal && people == 0;
    if (release.withdrawn) {
        release.reason = said.withdrawal->second;
        release.why = fmt::format("Image {} was withdrawn", name);
    } else if (people == 1) {
        release.why = fmt::format("Image {} waits for a second release", name);
    } else {
        release.why = fmt::format("Image {} is not released", name);
    }
    return release;
}

}  // namespace

std::string short_key(std::string_view key) {
    return std::string(key.substr(0, kShortKey));
}

Result<ImageRelease> image_release(Tx& tx, ReleasePolicy policy, base::ImageRow image) {
    auto key = tx.one<std::string>("SELECT key FROM image WHERE id = ?1", image);
    if (!key) {
        return tl::unexpected<base::Error>(key.error());
    }
    if (!*key) {
        return base::fail("request.unknown", "There is no such image");
    }
    auto said = said_of(tx, image);
    if (!said) {
        return tl::unexpected<base::Error>(said.error());
    }
    return decide(policy, *said, short_key(std::get<0>(**key)));
}

Result<std::optional<ImageRelease>> order_release(Tx& tx, ReleasePolicy policy,
                                                  base::OrderId order) {
    auto image =
        tx.one<std::optional<base::ImageRow>>("SELECT image_id FROM orders WHERE id = ?1", order);
    if (!image) {
        return tl::unexpected<base::Error>(image.error());
    }
    if (!*image || !std::get<0>(**image)) {
        return std::optional<ImageRelease>();
    }
    auto release = image_release(tx, policy, *std::get<0>(**image));
    if (!release) {
        return tl::unexpected<base::Error>(release.error());
    }
    return std::optional(std::move(*release));
}

Result<ImageRelease> may_start(Tx& tx, ReleasePolicy policy, base::OrderId order) {
    auto row =
        tx.one<std::string, std::string>("SELECT name, state FROM orders WHERE id = ?1", order);
    if (!row) {
        return tl::unexpected<base::Error>(row.error());
    }
    if (!*row) {
        return base::fail("order.none");
    }
    const auto& [name, state] = **row;
    if (state != "open") {
        return base::fail("order.not_open", fmt::format("Order {} is {}", name, state));
    }
    auto release = order_release(tx, policy, order);
    if (!release) {
        return tl::unexpected<base::Error>(release.error());
    }
    if (!*release) {
        return base::fail("image.not_released", fmt::format("Order {} has no image yet", name));
    }
    if (!(*release)->may_start) {
        return base::fail("image.not_released", (*release)->why);
    }
    return std::move(**release);
}

base::Status may_begin(Tx& tx, ReleasePolicy policy, base::JobId job) {
    auto order = tx.one<base::OrderId>("SELECT order_id FROM job WHERE id = ?1", job);
    if (!order) {
        return tl::unexpected<base::Error>(order.error());
    }
    if (!*order) {
        return base::fail("order.none");
    }
    auto release = order_release(tx, policy, std::get<0>(**order));
    if (!release) {
        return tl::unexpected<base::Error>(release.error());
    }
    if (*release && !(*release)->may_start) {
        return base::fail("image.not_released", (*release)->why);
    }
    return {};
}

}  // namespace lineside::engine
