// SPDX-License-Identifier: Apache-2.0
// station -> worker: parse_from_station(), format() and format_for_record(). See PROTOCOL.md,
// "Messages of the station".
#include "workers/protocol/fields.h"
#include "workers/protocol/messages.h"

#include <array>
#include <limits>

namespace lineside::protocol {
namespace {

using detail::Fields;

constexpr std::int64_t kMaxSeconds = 24 * 3600;
constexpr std::size_t kMaxPath = 4096;

// Members that are secret wherever they stand. Secrets belong into `secrets`; this is the second
// lock on the door.
constexpr std::array<std::string_view, 5> kSecretMembers{"token", "password", "passphrase",
                                                         "secret", "psk"};

std::optional<std::string> optional_text(Fields& in, std::string_view name, std::size_t most) {
    if (!in.has(name)) {
        return std::nullopt;
    }
    return in.text(name, most);
}

void read_secrets(Fields& in, JobLine& m) {
    m.secrets = in.object_or_empty("secrets");
    for (const auto& [name, value] : m.secrets.items()) {
        if (!value.is_string()) {
            in.refuse("secrets", "an object of texts");
        }
    }
}

FromStation read_job(Fields& in) {
    JobLine m;
    if (in.number("v", 0, 1'000'000) != kVersion) {
        in.refuse("v", "1, the version this worker speaks");
    }
    m.job = in.number("job", 1, std::numeric_limits<std::int64_t>::max());
    const Json step = in.object("step");
    Fields at(step);
    m.step = at.word("name");
    m.step_index = static_cast<int>(at.number_or("index", 0, 0, 1000));
    m.step_attempt = static_cast<int>(at.number_or("attempt", 1, 1, 1000));
    in.adopt(at.status());
    m.slot = in.text("slot", detail::kMaxName, false);
    m.port = in.text("port", 256, false);
    m.bus_port = in.text("bus_port", detail::kMaxName, false);
    m.model = in.text("model", detail::kMaxName, false);
    m.net = in.texts("net", 16);
    const Json unit = in.object_or_empty("unit");
    Fields of_unit(unit);
    m.chip_id = optional_text(of_unit, "chip_id", 128);
    m.module_serial = optional_text(of_unit, "module_serial", 128);
    in.adopt(of_unit.status());
    if (in.has("image")) {
        const Json image = in.object("image");
        Fields of_image(image);
        m.image = ImageRef{of_image.word("id"), of_image.text("dir", kMaxPath)};
        in.adopt(of_image.status());
    }
    m.lane = optional_text(in, "lane", kMaxPath);
    m.params = in.object_or_empty("params");
    read_secrets(in, m);
    const Json limits = in.object_or_empty("limits");
    Fields of_limits(limits);
    m.silence_s = static_cast<int>(of_limits.number_or("silence_s", 60, 1, kMaxSeconds));
    m.total_s = static_cast<int>(of_limits.number_or("total_s", 1800, 1, 7 * kMaxSeconds));
    in.adopt(of_limits.status());
    return m;
}

FromStation read_answer(Fields& in, const Json& message) {
    Answer m;
    m.id = in.number("id", 1, std::numeric_limits<std::int64_t>::max());
    detail::read_said(in, message, m);
    return m;
}

FromStation read_port(Fields& in) {
    PortState m;
    m.present = in.flag("present");
    m.id = in.text("id", detail::kMaxName, false);
    m.serial = optional_text(in, "serial", 256);
    m.net = in.texts("net", 16);
    if (in.good() && !m.id.empty() && !detail::is_usb_id(m.id)) {
        in.refuse("id", "a USB id like 0955:7e19");
    }
    return m;
}

FromStation read(const std::string& event, Fields& in, const Json& message) {
    if (event == "job") {
        return read_job(in);
    }
    if (event == "answer") {
        return read_answer(in, message);
    }
    if (event == "stop") {
        return Stop{in.text("reason", 256, false),
                    static_cast<int>(in.number_or("grace_s", 20, 0, kMaxSeconds))};
    }
    if (event == "port") {
        return read_port(in);
    }
    return Unknown{event};
}

Json text_or_null(const std::optional<std::string>& text) {
    return text ? Json(*text) : Json();
}

struct ToJson {
    Json operator()(const JobLine& m) const {
        return {{"ev", "job"},
                {"v", kVersion},
                {"job", m.job},
                {"step", {{"name", m.step}, {"index", m.step_index}, {"attempt", m.step_attempt}}},
                {"slot", m.slot},
                {"port", m.port},
                {"bus_port", m.bus_port},
                {"model", m.model},
                {"net", m.net},
                {"unit",
                 {{"chip_id", text_or_null(m.chip_id)},
                  {"module_serial", text_or_null(m.module_serial)}}},
                {"image", m.image ? Json{{"id", m.image->id}, {"dir", m.image->dir}} : Json()},
                {"lane", text_or_null(m.lane)},
                {"params", m.params.is_object() ? m.params : Json::object()},
                {"secrets", m.secrets.is_object() ? m.secrets : Json::object()},
                {"limits", {{"silence_s", m.silence_s}, {"total_s", m.total_s}}}};
    }
    Json operator()(const Answer& m) const {
        Json out{{"ev", "answer"}, {"id", m.id}};
        detail::write_said(out, m);
        return out;
    }
    Json operator()(const Stop& m) const {
        return {{"ev", "stop"}, {"reason", m.reason}, {"grace_s", m.grace_s}};
    }
    Json operator()(const PortState& m) const {
        Json out{{"ev", "port"}, {"present", m.present}, {"id", m.id}, {"net", m.net}};
        if (m.serial) {
            out["serial"] = *m.serial;
        }
        return out;
    }
    Json operator()(const Unknown& m) const {
        Json out = Json::object();
        out["ev"] = m.event;
        return out;
    }
};

bool is_secret_member(std::string_view name) {
    return std::any_of(kSecretMembers.begin(), kSecretMembers.end(), [&](std::string_view secret) {
        return name == secret || (name.ends_with(secret) && name.size() > secret.size() &&
                                  name[name.size() - secret.size() - 1] == '_');
    });
}

void hide_members(Json& value, int depth) {
    if (depth > 32) {
        value = "***";
        return;
    }
    if (value.is_object()) {
        for (auto it = value.begin(); it != value.end(); ++it) {
            if (is_secret_member(it.key()) && !it->is_null()) {
                *it = "***";
            } else {
                hide_members(*it, depth + 1);
            }
        }
    } else if (value.is_array()) {
        for (Json& item : value) {
            hide_members(item, depth + 1);
        }
    }
}

}  // namespace

base::Result<FromStation> parse_from_station(std::string_view line) {
    auto message = detail::read_line(line, kMaxJobLine);
    if (!message) {
        return tl::unexpected(message.error());
    }
    Fields in(*message);
    const auto event = in.word("ev");
    if (event != "job" && line.size() > kMaxLine) {
        return base::fail("protocol.invalid", "message longer than 64 KiB that is no job");
    }
    FromStation out = read(event, in, *message);
    if (!in.good()) {
        return base::with_context(in.status().error(), event);
    }
    return out;
}

std::string format(const FromStation& message) {
    return detail::write_line(std::visit(ToJson{}, message));
}

std::string format_for_record(const FromStation& message) {
    Json object = std::visit(ToJson{}, message);
    if (auto secrets = object.find("secrets"); secrets != object.end()) {
        for (auto it = secrets->begin(); it != secrets->end(); ++it) {
            *it = "***";
        }
    }
    hide_members(object, 0);
    return detail::write_line(object);
}

}  // namespace lineside::protocol
