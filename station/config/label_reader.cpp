// SPDX-License-Identifier: Apache-2.0
#include "station/config/label_reader.h"

#include "station/base/text.h"
#include "station/config/table_reader.h"
#include "station/labels/printer.h"

#include <array>
#include <set>

namespace lineside::config {
namespace {

constexpr std::array kUses{std::pair{std::string_view("text"), labels::Use::text},
                           std::pair{std::string_view("qr"), labels::Use::qr},
                           std::pair{std::string_view("code128"), labels::Use::code128},
                           std::pair{std::string_view("datamatrix"), labels::Use::datamatrix}};
constexpr std::array<std::int64_t, 4> kDpi{152, 203, 300, 600};
constexpr double kMostMm = 300;

std::optional<labels::Element> read_element(const toml::table& table, const labels::Template& label,
                                            const std::string& file,
                                            std::vector<Complaint>& complaints) {
    const std::size_t before = complaints.size();
    TableReader in(&table, &table, "label.element", file, complaints);
    labels::Element element;
    const std::string use = in.required_text("use");
    std::vector<std::string_view> known;
    bool found = false;
    for (const auto& [name, value] : kUses) {
        known.push_back(name);
        if (use == name) {
            element.use = value;
            found = true;
        }
    }
    if (!use.empty() && !found) {
        const std::string near = base::nearest(use, known);
        in.complain("use", near.empty() ? fmt::format("must be one of {}", fmt::join(known, ", "))
                                        : fmt::format("'{}' is nothing a label shows; did you mean "
                                                      "'{}'?",
                                                      use, near));
    }
    element.text = in.required_text("text");
    if (const std::string problem = labels::template_problem(element.text); !problem.empty()) {
        in.complain("text", problem);
    }
    element.x_mm = in.real("x_mm", 0, 0, kMostMm);
    element.y_mm = in.real("y_mm", 0, 0, kMostMm);
    element.size_mm = in.real("size_mm", 3, 0.5, kMostMm);
    element.width_mm = in.real("width_mm", 0, 0, kMostMm);
    if (element.x_mm >= label.width_mm) {
        in.complain("x_mm",
                    fmt::format("lies outside the label, which is {} mm wide", label.width_mm));
    }
    if (element.y_mm + element.size_mm > label.height_mm) {
        in.complain("size_mm", fmt::format("reaches over the label's lower edge: y_mm and size_mm "
                                           "together must be at most {}",
                                           label.height_mm));
    }
    in.finish();
    return complaints.size() == before ? std::optional(std::move(element)) : std::nullopt;
}

}  // namespace

Labels read_labels(const std::vector<const toml::table*>& tables, const std::string& file,
                   std::vector<Complaint>& complaints) {
    Labels all;
    for (const toml::table* table : tables) {
        TableReader in(table, table, "label", file, complaints);
        labels::Template label;
        label.id = in.required_text("id");
        if (!label.id.empty() && (!base::is_name(label.id) || label.id == labels::kNoLabel ||
                                  label.id == labels::default_template().id)) {
            in.complain("id",
                        "must be small letters, digits and '-', at most 32, and not "
                        "\"none\" or \"default\"");
        }
        label.width_mm = in.real("width_mm", 50, 5, kMostMm);
        label.height_mm = in.real("height_mm", 25, 5, kMostMm);
        label.dpi = static_cast<int>(in.number("dpi", 203, 0, 10'000));
        if (std::find(kDpi.begin(), kDpi.end(), label.dpi) == kDpi.end()) {
            in.complain("dpi", "must be 152, 203, 300 or 600, as the printer has it");
        }
        const auto elements = in.tables("element");
        if (elements.empty()) {
            in.complain("element", "is missing: [[label.element]] with use and text");
        }
        for (const toml::table* element : elements) {
            if (auto good = read_element(*element, label, file, complaints)) {
                label.elements.push_back(std::move(*good));
            }
        }
        const std::string id = label.id;
        if (!all.emplace(id, std::move(label)).second) {
            in.complain("id", fmt::format("label {} is there twice", id));
        }
        in.finish();
    }
    return all;
}

labels::PrinterPlan read_printer(TableReader in) {
    labels::PrinterPlan plan;
    plan.address = in.text("address", "");
    if (!plan.address.empty() && !labels::is_printer_address(plan.address)) {
        in.complain("address",
                    "must be an address with its port, such as 192.168.1.9:9100 or [fd00::9]:9100");
    }
    plan.command = in.texts("command");
    if (!plan.address.empty() && !plan.command.empty()) {
        in.complain("command", "is one way, address another: take one of them");
    }
    if (!plan.command.empty() && plan.command.front().empty()) {
        in.complain("command", "must begin with a program");
    }
    const std::string language = in.text("language", "zpl");
    if (language != "zpl" && language != "svg" && language != "pdf") {
        in.complain("language", "must be \"zpl\", \"svg\" or \"pdf\"");
    }
    plan.language = language == "pdf"   ? labels::Language::pdf
                    : language == "svg" ? labels::Language::svg
                                        : labels::Language::zpl;
    const std::string print = in.text("print", "acknowledge");
    if (print != "acknowledge" && print != "at_once") {
        in.complain("print", "must be \"acknowledge\" or \"at_once\"");
    }
    plan.when = print == "at_once" ? labels::When::at_once : labels::When::acknowledge;
    plan.verify = in.flag("verify_label", false);
    plan.wait_close = in.flag("wait_close", true);
    plan.silence = in.seconds("silence_s", 15);
    if (in.there() && !plan.there()) {
        in.complain("address", "is missing: address or command");
    }
    in.finish();
    return plan;
}

}  // namespace lineside::config
