// SPDX-License-Identifier: Apache-2.0
#include "workers/image-build/flash_layout.h"

#include <expat.h>

#include <memory>

namespace lineside::image_build {
namespace {

constexpr std::size_t kMaxEntries = 512;

std::string trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    const auto first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) {
        return {};
    }
    return std::string(text.substr(first, text.find_last_not_of(kBlank) - first + 1));
}

struct Reading {
    std::vector<std::string> open;  // names of the open elements
    std::string device;
    LayoutEntry entry;
    std::string text;
    std::vector<LayoutEntry> entries;
    std::string problem;

    [[nodiscard]] bool at(std::initializer_list<std::string_view> path) const {
        return std::equal(open.begin(), open.end(), path.begin(), path.end());
    }
};

std::string attribute(const XML_Char** attributes, std::string_view name) {
    for (; *attributes != nullptr; attributes += 2) {
        if (name == attributes[0]) {
            return attributes[1];
        }
    }
    return {};
}

void on_start(void* user, const XML_Char* name, const XML_Char** attributes) {
    auto& reading = *static_cast<Reading*>(user);
    reading.open.emplace_back(name);
    reading.text.clear();
    if (reading.at({"partition_layout", "device"})) {
        reading.device = attribute(attributes, "type");
    } else if (reading.at({"partition_layout", "device", "partition"})) {
        reading.entry = {reading.device,
                         attribute(attributes, "name"),
                         attribute(attributes, "type"),
                         {},
                         attribute(attributes, "oem_sign") == "true"};
        if (reading.entry.name.empty()) {
            reading.problem = "a partition without a name";
        }
    }
}

void on_text(void* user, const XML_Char* text, int length) {
    auto& reading = *static_cast<Reading*>(user);
    if (reading.text.size() < 4096) {
        reading.text.append(text, static_cast<std::size_t>(length));
    }
}

void on_end(void* user, const XML_Char* /*name*/) {
    auto& reading = *static_cast<Reading*>(user);
    if (reading.at({"partition_layout", "device", "partition", "filename"})) {
        reading.entry.file = trimmed(reading.text);
    } else if (reading.at({"partition_layout", "device", "partition"})) {
        if (reading.entries.size() == kMaxEntries) {
            reading.problem = "too many partitions";
        } else {
            reading.entries.push_back(reading.entry);
        }
    }
    reading.open.pop_back();
}

}  // namespace

bool LayoutEntry::is_table() const {
    return name == "master_boot_record" || name == "primary_gpt" || name == "secondary_gpt" ||
           name == "BCT" || name == "MB1_BCT" || name == "MB1_BCT_b" || name == "MEM_BCT" ||
           name == "MEM_BCT_b" || type == "GP1" || type == "GPT" || type == "primary_gpt" ||
           type == "secondary_gpt" || type == "protective_master_boot_record";
}

base::Result<std::vector<LayoutEntry>> parse_layout(std::string_view xml) {
    Reading reading;
    const std::unique_ptr<XML_ParserStruct, void (*)(XML_Parser)> parser(XML_ParserCreate(nullptr),
                                                                         XML_ParserFree);
    if (!parser) {
        return base::fail("image.build", "flash.xml: no memory");
    }
    XML_SetUserData(parser.get(), &reading);
    XML_SetElementHandler(parser.get(), on_start, on_end);
    XML_SetCharacterDataHandler(parser.get(), on_text);
    if (XML_Parse(parser.get(), xml.data(), static_cast<int>(xml.size()), XML_TRUE) !=
        XML_STATUS_OK) {
        return base::fail(
            "image.build",
            fmt::format("flash.xml line {}: {}", XML_GetCurrentLineNumber(parser.get()),
                        XML_ErrorString(XML_GetErrorCode(parser.get()))));
    }
    if (reading.problem.empty() && reading.entries.empty()) {
        reading.problem = "no partition in it";
    }
    for (std::size_t i = 0; reading.problem.empty() && i < reading.entries.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            if (reading.entries[i].name == reading.entries[j].name &&
                reading.entries[i].device == reading.entries[j].device &&
                !reading.entries[i].is_table()) {
                reading.problem = "partition " + reading.entries[i].name + " occurs twice";
            }
        }
    }
    if (!reading.problem.empty()) {
        return base::fail("image.build", "flash.xml: " + reading.problem);
    }
    return std::move(reading.entries);
}

}  // namespace lineside::image_build
