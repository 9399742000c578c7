// SPDX-License-Identifier: Apache-2.0
#include "station/base/text.h"
#include "workers/media/cards/recognition.h"

namespace lineside::media {
namespace {

using base::Json;

constexpr std::size_t kMostEntries = 10'000;  // of each list
constexpr std::size_t kMostName = 64;

class Reader {
  public:
    explicit Reader(Report& report) : report_(report) {}

    CardSighting run(const Json& root) {
        if (!root.is_object()) {
            complain("", R"(must be an object: {"present":[…],"events":[…]})");
            return {};
        }
        CardSighting sighting;
        each(root, "present", false, [&](const Json& item, const std::string& field) {
            PresentDisk disk{name(item, field), false};
            if (const auto it = item.find("system"); it != item.end() && !it->is_null()) {
                if (it->is_boolean()) {
                    disk.system = it->get<bool>();
                } else {
                    complain(field + ".system", "must be true or false");
                }
            }
            sighting.present.push_back(std::move(disk));
        });
        each(root, "events", true, [&](const Json& item, const std::string& field) {
            sighting.events.push_back({word(item, field, "action", ""), name(item, field),
                                       word(item, field, "subsystem", "block"),
                                       word(item, field, "devtype", "disk")});
        });
        return sighting;
    }

  private:
    void complain(std::string field, std::string message) {
        report_.error({1, 1, std::move(field), std::move(message)});
    }

    template <typename Take>
    void each(const Json& root, const std::string& field, bool wanted, Take take) {
        const auto list = root.find(field);
        if (list == root.end() || list->is_null()) {
            if (wanted) {
                complain(field, "it is missing: add the list, empty where nothing happened");
            }
            return;
        }
        if (!list->is_array() || list->size() > kMostEntries) {
            complain(field, fmt::format("must be a list of at most {} objects", kMostEntries));
            return;
        }
        for (std::size_t i = 0; i < list->size(); ++i) {
            const std::string where = fmt::format("{}[{}]", field, i);
            if ((*list)[i].is_object()) {
                take((*list)[i], where);
            } else {
                complain(where, "must be an object");
            }
        }
    }

    // A text, or `otherwise` where it is absent and that is not empty.
    std::string word(const Json& item, const std::string& field, const char* key,
                     std::string_view otherwise) {
        const auto it = item.find(key);
        if ((it == item.end() || it->is_null()) && !otherwise.empty()) {
            return std::string(otherwise);
        }
        if (it == item.end() || !it->is_string() || it->get_ref<const std::string&>().empty() ||
            it->get_ref<const std::string&>().size() > kMostName) {
            complain(field + "." + key, fmt::format("must be text of 1 to {} bytes", kMostName));
            return {};
        }
        return it->get<std::string>();
    }

    std::string name(const Json& item, const std::string& field) {
        std::string text = word(item, field, "dev", "");
        if (text.starts_with("/dev/")) {
            text.erase(0, 5);
        }
        const bool letters = std::none_of(text.begin(), text.end(), [](char c) {
            return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
        });
        // Below /dev, and nowhere else. (No name at all was complained about.)
        const auto steps = base::split(text, '/');
        const bool way = std::none_of(steps.begin(), steps.end(), [&](std::string_view step) {
            return (step.empty() && !text.empty()) || step == "." || step == "..";
        });
        if (!letters || !way) {
            complain(field + ".dev", fmt::format("{} is no device name", shown(text)));
        }
        return text;
    }

    Report& report_;
};

}  // namespace

CardSighting read_sighting(std::string_view text, Report& report) {
    const auto root = base::parse_json(text, kMaxSightingBytes);
    if (!root) {
        report.error({1, 1, "", root.error().message + ": mend the JSON"});
        return {};
    }
    return Reader(report).run(*root);
}

}  // namespace lineside::media
