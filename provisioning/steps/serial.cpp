// SPDX-License-Identifier: Apache-2.0
// Gives the unit its serial and token, and reads the serial back.
#include "provisioning/steps/steps.h"
#include "station/base/crash_point.h"
#include "station/base/text.h"

namespace lineside::provisioning {
namespace {

constexpr milliseconds kAskWithin{60'000};

// A unit whose reader does not work is told so by the step whose work the reading is.
bool is_reader_trouble(const base::Error& error) {
    return error.code.starts_with("step.");
}

class SetSerial final : public Step {
  public:
    base::Status apply(StepContext& context) override {
        // Connected before asking: from the answer on, the serial is spent.
        if (auto connected = context.connect(); !connected) {
            return connected;
        }
        auto before = ask_serial(context);
        if (!before && !is_reader_trouble(before.error())) {
            return tl::unexpected(before.error());
        }
        auto identity = context.station().ask("identity.issue", base::Json::object(), kAskWithin);
        if (!identity) {
            return tl::unexpected(identity.error());
        }
        auto serial = base::field<std::string>(*identity, "serial");
        auto token = base::field_or<std::string>(*identity, "token", "");
        if (!serial || !token || !form_problem(Form::serial, std::string_view(*serial)).empty() ||
            (!token->empty() && !form_problem(Form::token, std::string_view(*token)).empty())) {
            return base::fail("worker.protocol",
                              "The station issued a serial or token of unknown form");
        }
        serial_ = *serial;
        context.add_secret(base::Secret(*token));
        // An interrupted run may have written this serial already; another one is not overwritten.
        if (before && !before->empty() && *before != serial_) {
            return base::fail("serial.mismatch",
                              fmt::format("Unit has serial {} already, it should get {}",
                                          before->substr(0, 64), serial_));
        }
        base::crash_point("worker_before_serial");
        std::vector<ScriptArg> args{{"-s"}, {serial_}};
        if (!token->empty()) {
            args.insert(args.end(), {{"-t"}, {*token, true}});
        }
        auto end = context.script("set-serial.sh", args, token->empty() ? "" : "-T -");
        if (!end) {
            return tl::unexpected(end.error());
        }
        base::crash_point("worker_serial_written");
        return {};
    }

    base::Result<base::Json> verify(StepContext& context) override {
        // What the unit says now goes to the log; the proof is the later read-back over a new
        // connection.
        auto after = ask_serial(context);
        if (!after && !is_reader_trouble(after.error())) {
            return tl::unexpected(after.error());
        }
        if (after && after->empty()) {
            return context.failed("set-serial.sh ended well, but the unit has no serial");
        }
        return base::Json{{"serial", serial_}};
    }

  private:
    std::string serial_;
};

class ReadSerial final : public Step {
  public:
    base::Status apply(StepContext& context) override {
        context.disconnect();  // over a fresh connection, from what is stored
        auto said = ask_serial(context);
        if (!said) {
            return tl::unexpected(said.error());
        }
        if (said->empty()) {
            return context.failed("the unit has no serial number");
        }
        context.station().proof("serial", {{"serial", *said}});
        return {};
    }
};

}  // namespace

base::Result<std::string> ask_serial(StepContext& context) {
    StepContext::Run run;
    const std::string file = context.text("serial_file");
    if (!file.empty()) {
        // 10: there is none, said apart from "cannot be read".
        run.program = R"([ -s "$1" ] || exit 10; head -c 200 -- "$1")";
        run.args = {file};
    } else {
        run.program =
            R"(cd -- "$1" || exit 126; [ -x "./$2" ] || exit 127; exec "./$2" </dev/null)";
        run.args = {context.text("tools_dir"), context.text("serial_script")};
    }
    auto end = context.run(run);
    if (!end) {
        return tl::unexpected(end.error());
    }
    const bool none = end->how == ExecEnd::How::exited &&
                      (end->status == 10 || (file.empty() && end->status == 1 &&
                                             end->err.find("no serial") != std::string::npos));
    if (none) {
        return std::string();
    }
    if (!end->ok()) {
        return context.failed("reading the serial", *end);
    }
    std::string_view text = end->out;
    text = base::trim_blanks(text.substr(0, text.find_first_of("\r\n")));
    if (text.size() > 200) {
        return context.failed("reading the serial gave something else");
    }
    return std::string(text);
}

std::unique_ptr<Step> make_set_serial() {
    return std::make_unique<SetSerial>();
}
std::unique_ptr<Step> make_read_serial() {
    return std::make_unique<ReadSerial>();
}

}  // namespace lineside::provisioning
