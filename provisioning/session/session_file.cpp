// SPDX-License-Identifier: Apache-2.0
#include "provisioning/session/session_file.h"

#include "provisioning/session/arguments.h"

#include <algorithm>
#include <array>
#include <span>

namespace lineside::provisioning::session {
namespace {

using base::Json;
using Names = std::vector<std::string_view>;

constexpr std::array kDo{Do::open, Do::pre, Do::build, Do::flash, Do::post, Do::close};

Names fields_of(Do what) {
    switch (what) {
        case Do::open:
            return {"do", "hold_before_flash", "install_mcutool"};
        case Do::pre:
            return {"do", "step", "args"};
        case Do::flash:
            return {"do", "unit", "reuse"};
        case Do::post:
            return {"do", "unit", "step", "args"};
        case Do::build:
        case Do::close:
            return {"do"};
    }
    return {};
}

class FileReader {
  public:
    explicit FileReader(std::string_view text) : text_(text), layout_(layout_of(text, "actions")) {}

    Report read() &&;

  private:
    void complain(std::optional<std::size_t> index, Refusal refusal) {
        ++report_.errors_total;
        add(report_.errors, index, std::move(refusal));
    }
    void warn(std::optional<std::size_t> index, std::string_view code, std::string what,
              std::string remedy) {
        ++report_.warnings_total;
        add(report_.warnings, index, {std::string(code), "", std::move(what), std::move(remedy)});
    }
    void add(std::vector<Complaint>& list, std::optional<std::size_t> index,
             Refusal refusal) const {
        if (list.size() < kMostListed) {
            const Place place =
                index && *index < layout_.items.size() ? layout_.items[*index] : Place();
            list.push_back({index, place, std::move(refusal)});
        }
    }
    void wrong_form(std::optional<std::size_t> index, std::string_view field,
                    std::string_view wanted) {
        complain(index,
                 {"session.form", std::string(field), fmt::format("{} must be {}", field, wanted),
                  fmt::format("Give {} as {}", field, wanted)});
    }

    [[nodiscard]] std::optional<Json> parse();
    void check_fields(std::optional<std::size_t> index, const Json& object, std::string_view what,
                      const Names& known);
    // The flag, or nothing where it is left out. Complains about another type.
    [[nodiscard]] std::optional<bool> flag(std::optional<std::size_t> index, const Json& object,
                                           std::string_view name, bool* wrong = nullptr);
    [[nodiscard]] std::optional<Do> what_to_do(std::size_t index, const Json& action);
    [[nodiscard]] bool read_unit(std::size_t index, const Json& action, std::string& unit);
    [[nodiscard]] bool read_step(std::size_t index, const Json& given, Action& action);
    void act(std::size_t index, const Json& given);
    void warn_at_the_end();

    std::string_view text_;
    Layout layout_;
    Report report_;
};

std::optional<Json> FileReader::parse() {
    if (text_.size() > kMaxFileBytes) {
        complain(
            {}, {"session.file", "", fmt::format("The file is longer than {} bytes", kMaxFileBytes),
                 "Check the sessions one by one"});
        return std::nullopt;
    }
    auto parsed = base::parse_json(text_, kMaxFileBytes);
    if (layout_.broken || !parsed) {
        // What stands there is not repeated: it may be a part of a password.
        complain({}, {"session.file", "", "The file is not JSON, or nested deeper than 32",
                      "Mend it at the named place"});
        report_.errors.back().place = layout_.broken.value_or(Place());
        return std::nullopt;
    }
    for (const Layout::Twice& each : layout_.twice) {
        const bool known = std::any_of(kDo.begin(), kDo.end(), [&](Do what) {
            const Names names = fields_of(what);
            return std::find(names.begin(), names.end(), each.key) != names.end();
        });
        complain(each.index, {"session.form", known ? each.key : "",
                              known ? fmt::format("{} is there twice", each.key)
                                    : std::string("A key is there twice"),
                              "Leave one of them out"});
        report_.errors.back().place = each.place;
    }
    if (!parsed->is_object()) {
        wrong_form({}, "the file", "an object with a list \"actions\"");
        return std::nullopt;
    }
    return std::move(*parsed);
}

void FileReader::check_fields(std::optional<std::size_t> index, const Json& object,
                              std::string_view what, const Names& known) {
    for (const auto& [name, value] : object.items()) {
        if (std::find(known.begin(), known.end(), name) == known.end()) {
            complain(index, unknown_name("session.unknown_field", "",
                                         fmt::format("no field of {}", what), name, known));
        }
    }
}

std::optional<bool> FileReader::flag(std::optional<std::size_t> index, const Json& object,
                                     std::string_view name, bool* wrong) {
    const auto found = object.find(name);
    if (found == object.end()) {
        return std::nullopt;
    }
    if (!found->is_boolean()) {
        wrong_form(index, name, "true or false");
        if (wrong != nullptr) {
            *wrong = true;
        }
        return std::nullopt;
    }
    return found->get<bool>();
}

std::optional<Do> FileReader::what_to_do(std::size_t index, const Json& action) {
    Names names;
    for (const Do each : kDo) {
        names.push_back(to_text(each));
    }
    const std::string list = fmt::format("one of {}", fmt::join(names, ", "));
    if (!action.is_object()) {
        wrong_form(index, "an action", fmt::format("an object whose \"do\" is {}", list));
        return std::nullopt;
    }
    const auto found = action.find("do");
    if (found == action.end() || !found->is_string()) {
        wrong_form(index, "do", list);
        return std::nullopt;
    }
    const std::string& text = found->get_ref<const std::string&>();
    for (const Do each : kDo) {
        if (text == to_text(each)) {
            return each;
        }
    }
    complain(index, unknown_name("session.unknown_action", "do", "no action", text, names));
    return std::nullopt;
}

bool FileReader::read_unit(std::size_t index, const Json& action, std::string& unit) {
    const auto found = action.find("unit");
    if (found == action.end() || !found->is_string() ||
        !form_problem(Form::serial, *found).empty()) {
        wrong_form(index, "unit", "a name of letters, digits, . _ and -, at most 64");
        return false;
    }
    unit = found->get<std::string>();
    return true;
}

bool FileReader::read_step(std::size_t index, const Json& given, Action& action) {
    const auto found = given.find("step");
    Names names;
    for (const StepFacts& step : step_table()) {
        names.push_back(step.name);
        if (!step.alias.empty()) {
            names.push_back(step.alias);
        }
    }
    if (found == given.end() || !found->is_string()) {
        wrong_form(index, "step", "the name of a step");
    } else {
        const std::string& name = found->get_ref<const std::string&>();
        action.step = find_step_or_alias(name);
        if (action.step == nullptr) {
            complain(index, unknown_name("session.unknown_step", "step", "no step", name, names));
        }
    }
    const auto args = given.find("args");
    const bool wrong_args = args != given.end() && !args->is_object();
    if (wrong_args) {
        wrong_form(index, "args", "an object of arguments");
    } else if (action.step != nullptr && args != given.end()) {
        action.args = make_args(*action.step, *args);
    }
    return action.step != nullptr && !wrong_args;
}

void FileReader::act(std::size_t index, const Json& given) {
    const auto what = what_to_do(index, given);
    if (!what) {
        return;
    }
    check_fields(index, given, to_text(*what), fields_of(*what));
    Action action;
    action.what = *what;
    bool wrong = false;
    if (*what == Do::open) {
        action.hold_before_flash = flag(index, given, "hold_before_flash");
        action.install_mcutool = flag(index, given, "install_mcutool");
    }
    if (*what == Do::flash) {
        action.reuse = flag(index, given, "reuse", &wrong).value_or(false);
    }
    if (*what == Do::flash || *what == Do::post) {
        const bool has_unit = read_unit(index, given, action.unit);
        if (has_unit && wrong) {
            report_.session.refuse_flash(action.unit);
        }
        wrong = wrong || !has_unit;
    }
    if (*what == Do::pre || *what == Do::post) {
        wrong = !read_step(index, given, action) || wrong;
    }
    if (wrong) {
        return;
    }
    for (Refusal& refusal : report_.session.act(action)) {
        complain(index, std::move(refusal));
    }
    if (*what == Do::build && report_.session.is_prepared() && report_.session.is_of_one_unit()) {
        warn(index, "session.one_unit",
             "A step before the flash set a serial: this image is good for one unit",
             "For many units run set-serial after the flash");
    }
}

void FileReader::warn_at_the_end() {
    if (report_.session.is_open()) {
        warn({}, "session.left_open", "The session is left open: what is prepared stays in force",
             "End with close");
    }
    for (const auto& [name, unit] : report_.session.units()) {
        if (const auto missing = unit.missing(); !missing.empty()) {
            warn({}, "session.cannot_pass",
                 fmt::format("Unit {} cannot pass: {} missing", name, fmt::join(missing, ", ")),
                 "Run what is missing before close");
        }
    }
}

Report FileReader::read() && {
    const auto file = parse();
    if (!file) {
        return std::move(report_);
    }
    check_fields({}, *file, "the file",
                 {"test_only", "hold_before_flash", "install_mcutool", "actions"});
    Settings settings;
    settings.test_only = flag({}, *file, "test_only").value_or(settings.test_only);
    settings.hold_before_flash =
        flag({}, *file, "hold_before_flash").value_or(settings.hold_before_flash);
    settings.install_mcutool =
        flag({}, *file, "install_mcutool").value_or(settings.install_mcutool);
    report_.session = Session(settings);
    const auto actions = file->find("actions");
    if (actions == file->end() || !actions->is_array() || actions->empty() ||
        actions->size() > kMaxActions) {
        wrong_form({}, "actions", fmt::format("a list of 1 to {} actions", kMaxActions));
        return std::move(report_);
    }
    report_.actions = actions->size();
    for (std::size_t index = 0; index < actions->size(); ++index) {
        act(index, (*actions)[index]);
    }
    warn_at_the_end();
    return std::move(report_);
}

Json to_json(const std::vector<Complaint>& complaints, const std::string& file) {
    Json list = Json::array();
    for (const Complaint& each : complaints) {
        list.push_back({{"index", each.index ? Json(*each.index) : Json()},
                        {"file", file},
                        {"line", each.place.line},
                        {"column", each.place.column},
                        {"code", each.refusal.code},
                        {"field", each.refusal.field},
                        {"what", each.refusal.what},
                        {"remedy", each.refusal.remedy},
                        {"message", each.refusal.what}});
    }
    return list;
}

void append(std::string& text, const std::vector<Complaint>& complaints, std::size_t total,
            const std::string& file, std::string_view kind) {
    for (const Complaint& each : complaints) {
        const std::string place =
            each.place.line > 0 ? fmt::format(":{}:{}", each.place.line, each.place.column) : "";
        const std::string action = each.index ? fmt::format(" action {}:", *each.index) : "";
        text += fmt::format("{}{}: {}:{} {}. {}{}\n", file, place, kind, action, each.refusal.what,
                            each.refusal.remedy, each.refusal.remedy.ends_with('?') ? "" : ".");
    }
    if (total > complaints.size()) {
        text += fmt::format("and {} more {}s\n", total - complaints.size(), kind);
    }
}

}  // namespace

Report check_session(std::string_view text) {
    return FileReader(text).read();
}

Json to_json(const Report& report, const std::string& file) {
    Json units = Json::object();
    for (const auto& [name, unit] : report.session.units()) {
        const auto missing = unit.missing();
        units[name] = {{"can_pass", missing.empty()},
                       {"missing", missing},
                       {"ran", unit.ran},
                       {"skipped", unit.skipped},
                       {"in_force", shown(unit.in_force)}};
    }
    return {{"verdict", report.accepted() ? "accept" : "reject"},
            {"count", report.actions},
            {"errors", to_json(report.errors, file)},
            {"errors_total", report.errors_total},
            {"warnings", to_json(report.warnings, file)},
            {"warnings_total", report.warnings_total},
            {"builds", report.session.builds()},
            {"in_force", shown(report.session.in_force())},
            {"units", std::move(units)}};
}

std::string to_text(const Report& report, const std::string& file) {
    std::string text;
    append(text, report.errors, report.errors_total, file, "error");
    append(text, report.warnings, report.warnings_total, file, "warning");
    text += report.accepted()
                ? fmt::format("accept: {} actions, {} image builds, {} units\n", report.actions,
                              report.session.builds(), report.session.units().size())
                : fmt::format("reject: {} errors\n", report.errors_total);
    return text;
}

}  // namespace lineside::provisioning::session
