// SPDX-License-Identifier: Apache-2.0
#include "station/helper/request.h"

#include "station/base/json.h"
#include "station/base/text.h"
#include "station/usb/port_path.h"

#include <fmt/format.h>

#include <initializer_list>

namespace lineside::helper {
namespace {

using base::fail;
using base::Json;
using base::Result;

constexpr std::int64_t kMaxId = std::int64_t{1} << 53;
constexpr int kMaxStep = 1000;

// Reads members and counts them; what was not read is unknown.
class Members {
  public:
    explicit Members(const Json& object) : object_(object) {}

    std::int64_t number(std::string_view name, std::int64_t least, std::int64_t most) {
        ++known_;
        auto value = base::field<std::int64_t>(object_, name);
        if (!value || *value < least || *value > most) {
            bad_ = name;
            return least;
        }
        return *value;
    }
    std::string word(std::string_view name, bool (*fits)(std::string_view), bool required) {
        const auto it = object_.find(name);
        if (it == object_.end() || it->is_null()) {
            known_ += it == object_.end() ? 0U : 1U;
            if (required) {
                bad_ = name;
            }
            return {};
        }
        ++known_;
        if (!it->is_string() || !fits(it->get_ref<const std::string&>())) {
            bad_ = name;
            return {};
        }
        return it->get<std::string>();
    }
    bool flag(std::string_view name) {
        const auto it = object_.find(name);
        if (it == object_.end()) {
            return false;
        }
        ++known_;
        if (!it->is_boolean()) {
            bad_ = name;
            return false;
        }
        return it->get<bool>();
    }
    std::optional<bool> flag_or_none(std::string_view name) {
        const bool there = object_.contains(name);
        const bool value = flag(name);
        return there ? std::optional(value) : std::nullopt;
    }
    [[nodiscard]] base::Status status() const {
        if (!bad_.empty()) {
            return fail("helper.refused", fmt::format("'{}' is missing or not an id", bad_));
        }
        if (known_ != object_.size()) {
            return fail("helper.refused", "request has a member this verb does not know");
        }
        return {};
    }

  private:
    const Json& object_;
    std::size_t known_ = 0;
    std::string bad_;
};

constexpr std::size_t kMaxPort = 96;
bool is_port(std::string_view text) {
    return text.size() <= kMaxPort && usb::is_port_key(text);
}

SpawnRequest read_spawn(Members& in) {
    SpawnRequest out;
    out.job = in.number("job", 1, kMaxId);
    out.step = static_cast<int>(in.number("step", 0, kMaxStep));
    out.attempt = static_cast<int>(in.number("attempt", 1, kMaxStep));
    out.method = in.word("method", base::is_name, true);
    out.profile = in.word("profile", base::is_name, false);
    out.image = in.word("image", base::is_hex64, false);
    out.lane = in.flag("lane");
    return out;
}

}  // namespace

Result<Request> parse_request(std::string_view packet) {
    auto object = base::parse_json(packet, kMaxPacket);
    if (!object || !object->is_object()) {
        return fail("helper.refused", "request is not a JSON object");
    }
    Members in(*object);
    Request out;
    out.id = in.number("id", 0, kMaxId);
    const std::string verb = in.word("do", base::is_name, true);
    if (verb == "hello") {
        out.what = HelloRequest{};
    } else if (verb == "spawn") {
        out.what = read_spawn(in);
    } else if (verb == "term") {
        out.what = TermRequest{in.number("job", 1, kMaxId)};
    } else if (verb == "kill") {
        out.what = KillRequest{in.number("job", 1, kMaxId)};
    } else if (verb == "lane-close") {
        out.what = LaneCloseRequest{in.number("job", 1, kMaxId)};
    } else if (verb == "leftovers") {
        out.what = LeftoversRequest{};
    } else if (verb == "image-publish") {
        const std::int64_t job = in.number("job", 1, kMaxId);
        out.what = ImagePublishRequest{job, in.word("image", base::is_hex64, true)};
    } else if (verb == "image-remove") {
        out.what = ImageRemoveRequest{in.word("image", base::is_hex64, true)};
    } else if (verb == "port-power") {
        std::string port = in.word("port", is_port, true);
        out.what = PortPowerRequest{std::move(port), in.flag_or_none("on")};
    } else {
        return fail("helper.refused", "unknown verb");
    }
    if (auto status = in.status(); !status) {
        return tl::unexpected(status.error());
    }
    return out;
}

std::int64_t request_id(std::string_view packet) {
    auto object = base::parse_json(packet, kMaxPacket);
    if (!object) {
        return 0;
    }
    return base::field_or<std::int64_t>(*object, "id", 0).value_or(0);
}

}  // namespace lineside::helper
