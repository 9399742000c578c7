// SPDX-License-Identifier: Apache-2.0
// worker -> station: parse_from_worker() and format(). See PROTOCOL.md, "Messages of the worker".
#include "workers/protocol/fields.h"
#include "workers/protocol/messages.h"

#include <algorithm>
#include <array>

namespace lineside::protocol {
namespace {

using detail::Fields;

constexpr std::int64_t kMaxSeconds = 24 * 3600;

FromWorker read_hello(Fields& in) {
    Hello m;
    m.version = static_cast<int>(in.number("v", 0, 1'000'000));
    m.method = in.word("method");
    m.method_version = in.text("version", detail::kMaxName, false);
    m.silence_s = static_cast<int>(in.number_or("silence_s", 60, 1, kMaxSeconds));
    if (in.has("chip_id")) {
        static constexpr std::array<std::string_view, 3> kChecks{"before_write", "after_boot",
                                                                 "never"};
        m.chip_id = in.word("chip_id");
        if (in.good() && std::find(kChecks.begin(), kChecks.end(), m.chip_id) == kChecks.end()) {
            in.refuse("chip_id", "before_write, after_boot or never");
        }
    }
    return m;
}

FromWorker read_phase(Fields& in) {
    Phase m;
    m.name = in.word("name");
    m.of = static_cast<int>(in.number_or("of", 1, 1, 1000));
    m.index = static_cast<int>(in.number_or("index", 1, 1, m.of));
    m.weight = in.real_or("weight", 1, 0, 1e6);
    return m;
}

FromWorker read_progress(Fields& in) {
    Progress m;
    m.done = in.count_or("done", 0);
    m.total = in.count_or("total", 0);
    m.unit = in.text("unit", detail::kMaxName, false);
    m.bytes = in.count_or("bytes", 0);
    return m;
}

FromWorker read_expect(Fields& in) {
    Expect m;
    m.replug = in.texts("replug", 8);
    for (const std::string& id : m.replug) {
        if (!detail::is_usb_id(id)) {
            in.refuse("replug", "a list of USB ids like 0955:7e19");
        }
    }
    m.within_s = static_cast<int>(in.number("within_s", 0, 3600));
    return m;
}

FromWorker read_result(Fields& in, const Json& message) {
    Outcome m;
    detail::read_said(in, message, m);
    return m;
}

LogLine read_log(Fields& in) {
    static constexpr std::array<std::string_view, 4> kLevels{"error", "warn", "info", "debug"};
    LogLine m;
    m.level = in.word("level");
    m.text = in.text("msg", detail::kMaxText);
    if (in.good() && std::find(kLevels.begin(), kLevels.end(), m.level) == kLevels.end()) {
        in.refuse("level", "error, warn, info or debug");
    }
    return m;
}

FromWorker read(const std::string& event, Fields& in, const Json& message) {
    if (event == "hello") {
        return read_hello(in);
    }
    if (event == "phase") {
        return read_phase(in);
    }
    if (event == "progress") {
        return read_progress(in);
    }
    if (event == "fact") {
        Fact m;
        m.key = in.word("key");
        m.value = in.text("value", detail::kMaxText);
        return m;
    }
    if (event == "log") {
        return read_log(in);
    }
    if (event == "expect") {
        return read_expect(in);
    }
    if (event == "ask") {
        Ask m;
        m.id = in.number("id", 1, std::numeric_limits<std::int64_t>::max());
        m.what = in.word("what");
        m.args = in.object_or_empty("args");
        return m;
    }
    if (event == "proof") {
        Proof m;
        m.kind = in.word("kind");
        m.value = in.object("value");
        return m;
    }
    if (event == "result") {
        return read_result(in, message);
    }
    return Unknown{event};
}

struct ToJson {
    Json operator()(const Hello& m) const {
        Json out{{"ev", "hello"},
                 {"v", m.version},
                 {"method", m.method},
                 {"version", m.method_version},
                 {"silence_s", m.silence_s}};
        if (!m.chip_id.empty()) {
            out["chip_id"] = m.chip_id;
        }
        return out;
    }
    Json operator()(const Phase& m) const {
        return {{"ev", "phase"},
                {"name", m.name},
                {"index", m.index},
                {"of", m.of},
                {"weight", m.weight}};
    }
    Json operator()(const Progress& m) const {
        Json out{{"ev", "progress"}, {"done", m.done}, {"total", m.total}, {"unit", m.unit}};
        if (m.bytes > 0) {
            out["bytes"] = m.bytes;
        }
        return out;
    }
    Json operator()(const Fact& m) const {
        return {{"ev", "fact"}, {"key", m.key}, {"value", m.value}};
    }
    Json operator()(const LogLine& m) const {
        return {{"ev", "log"}, {"level", m.level}, {"msg", m.text}};
    }
    Json operator()(const Expect& m) const {
        return {{"ev", "expect"},
                {"leave", m.within_s > 0},
                {"replug", m.replug},
                {"within_s", m.within_s}};
    }
    Json operator()(const Ask& m) const {
        return {{"ev", "ask"},
                {"id", m.id},
                {"what", m.what},
                {"args", m.args.is_object() ? m.args : Json::object()}};
    }
    Json operator()(const Proof& m) const {
        return {{"ev", "proof"}, {"kind", m.kind}, {"value", m.value}};
    }
    Json operator()(const Outcome& m) const {
        Json out{{"ev", "result"}};
        detail::write_said(out, m);
        return out;
    }
    Json operator()(const Unknown& m) const {
        Json out = Json::object();
        out["ev"] = m.event;
        return out;
    }
};

}  // namespace

base::Result<FromWorker> parse_from_worker(std::string_view line) {
    auto message = detail::read_line(line, kMaxLine);
    if (!message) {
        return tl::unexpected(message.error());
    }
    Fields in(*message);
    const auto event = in.word("ev");
    FromWorker out = read(event, in, *message);
    if (!in.good()) {
        return base::with_context(in.status().error(), event);
    }
    return out;
}

std::string format(const FromWorker& message) {
    return detail::write_line(std::visit(ToJson{}, message));
}

}  // namespace lineside::protocol
