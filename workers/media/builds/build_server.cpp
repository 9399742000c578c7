// SPDX-License-Identifier: Apache-2.0
#include "workers/media/builds/build_server.h"

#include "station/base/text.h"
#include "workers/media/formats/report.h"
#include "workers/media/source/http_client.h"

#include <set>

namespace lineside::media {
namespace {

using base::Json;

constexpr std::size_t kMostName = 200;
constexpr std::size_t kMostWarnings = 100;
constexpr std::size_t kMostBuilders = 1000;
constexpr std::size_t kMostFiles = 1000;  // of one build
constexpr std::size_t kMostSegments = 8;
constexpr std::string_view kRootfsBuilder = "rootfs_";

void warn(BuildListing& listing, std::string text) {
    if (listing.warnings.size() < kMostWarnings) {
        listing.warnings.push_back(std::move(text));
    }
}

tl::unexpected<base::Error> not_so(std::string_view target, std::string_view what) {
    return base::fail("media.source",
                      fmt::format("the build server's answer to {}: {}; is this the JSON API of a "
                                  "buildbot 0.8?",
                                  target, what));
}

std::string_view behind_colon(std::string_view part) {
    const auto colon = part.find(": ");
    return colon == std::string_view::npos ? std::string_view() : trimmed(part.substr(colon + 2));
}

// The branch that a filter lets pass: 'raspberry-pi.*' is for raspberry-pi.
std::string_view branch_of(std::string_view filter) {
    constexpr std::string_view kAround = "'\"^$.*";
    const auto first = filter.find_first_not_of(kAround);
    return first == std::string_view::npos
               ? std::string_view()
               : filter.substr(first, filter.find_last_not_of(kAround) - first + 1);
}

std::vector<std::string_view> parts_of(std::string_view text, std::string_view separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const auto end = text.find(separator);
        parts.push_back(trimmed(text.substr(0, end)));
        if (end == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(end + separator.size());
    }
}

// A property is one of [name, value, source], or a member of an object.
const Json* property(const Json& build, std::string_view name) {
    const auto list = build.find("properties");
    if (list == build.end()) {
        return nullptr;
    }
    if (list->is_object()) {
        const auto found = list->find(name);
        return found == list->end() ? nullptr : &*found;
    }
    if (list->is_array()) {
        for (const Json& each : *list) {
            if (each.is_array() && each.size() >= 2 && each[0].is_string() &&
                each[0].get_ref<const std::string&>() == name) {
                return &each[1];
            }
        }
    }
    return nullptr;
}

std::string text_property(const Json& build, std::string_view name) {
    const Json* const value = property(build, name);
    return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

// Texts of a list, of an object's values, or the words of one text.
std::vector<std::string> texts_of(const Json* value) {
    std::vector<std::string> texts;
    if (value == nullptr) {
        return texts;
    }
    if (value->is_string()) {
        const auto& all = value->get_ref<const std::string&>();
        for (std::size_t at = all.find_first_not_of(" \t\r\n"); at != std::string::npos;) {
            const auto end = all.find_first_of(" \t\r\n", at);
            texts.push_back(all.substr(at, end - at));
            at = end == std::string::npos ? end : all.find_first_not_of(" \t\r\n", end);
        }
        return texts;
    }
    if (value->is_array() || value->is_object()) {
        for (const Json& each : *value) {
            if (each.is_string()) {
                texts.push_back(each.get<std::string>());
            }
        }
    }
    return texts;
}

bool was_successful(const Json& build) {
    const auto text = build.find("text");
    if (text == build.end()) {
        return false;
    }
    const auto words = texts_of(&*text);
    const auto says = [&](std::string_view word) {
        return std::find(words.begin(), words.end(), word) != words.end();
    };
    return says("build") && says("successful");
}

// The segments of a path or address, or none when one of them is not plain.
std::vector<std::string> segments_of(std::string_view url) {
    std::string path;
    if (url.starts_with("http://") || url.starts_with("https://")) {
        const auto parsed = parse_http_url(url);
        path = parsed ? parsed->target : "";
        url = path;
    }
    std::vector<std::string> segments;
    for (const std::string_view each : base::split(url, '/')) {
        if (each.empty()) {
            continue;
        }
        if (!is_plain_name(each) || segments.size() == kMostSegments) {
            return {};
        }
        segments.emplace_back(each);
    }
    return segments;
}

// Version and type by the name: "2015.01_raspberry-pi_20150302_7021c3c_uboot.img".
bool split_name(BuildFile& file) {
    const auto line = file.file.rfind('_');
    if (line == std::string::npos || line == 0) {
        return false;
    }
    file.version = file.file.substr(0, line);
    file.type = file.file.substr(line + 1);
    file.type = file.type.substr(0, file.type.find('.'));
    return !file.type.empty();
}

}  // namespace

struct BuildServer::Builder {
    std::string name, architecture;
    bool rootfs = false;
    std::set<std::string> platforms;
};

bool is_plain_name(std::string_view name) {
    return !name.empty() && name.size() <= kMostName && name.front() != '.' &&
           name.front() != '-' && std::all_of(name.begin(), name.end(), [](char c) {
               return c > 0x20 && c < 0x7f && c != '/' && c != '\\' && c != '?' && c != '#' &&
                      c != '%';
           });
}

base::Result<std::vector<BuildServer::Builder>> BuildServer::builders(BuildListing& listing) {
    const std::string target = "/json";
    auto answer = ask_(target);
    if (!answer) {
        return tl::unexpected<base::Error>(answer.error());
    }
    if (!*answer || !(*answer)->is_object() || !(*answer)->contains("builders")) {
        return not_so(target, "there are no builders in it");
    }
    const Json& all = (**answer)["builders"];
    if ((!all.is_object() && !all.is_array()) || all.size() > kMostBuilders) {
        return not_so(target, "builders are no list of at most 1000");
    }
    std::vector<Builder> list;
    std::map<std::string, std::string> architectures;
    for (const auto& [key, each] : all.items()) {
        const auto basedir =
            base::field_or<std::string>(each, "basedir", all.is_object() ? key : "");
        const auto schedulers = each.find("schedulers");
        if (!basedir || !is_plain_name(*basedir)) {
            warn(listing,
                 fmt::format("builder {}: its basedir is no plain name; left out", shown(key)));
            continue;
        }
        Builder builder;
        builder.name = *basedir;
        builder.rootfs = basedir->starts_with(kRootfsBuilder);
        builder.architecture = builder.rootfs ? basedir->substr(kRootfsBuilder.size()) : *basedir;
        for (const std::string& scheduler : schedulers != each.end() && schedulers->is_array()
                                                ? texts_of(&*schedulers)
                                                : std::vector<std::string>()) {
            const auto parts = parts_of(scheduler, " / ");
            if (parts.size() != 3 || (parts[0] != "default" && parts[0] != "rootfs")) {
                continue;  // of something else, such as a button on a page
            }
            if (const auto of = behind_colon(parts[1]); is_plain_name(of)) {
                builder.architecture = std::string(of);
            }
            builder.rootfs = builder.rootfs || parts[0] == "rootfs";
            const std::string platform(branch_of(behind_colon(parts[2])));
            if (parts[0] != "default") {
                continue;
            }
            if (!is_plain_name(platform)) {
                warn(listing, fmt::format("builder {}: its scheduler names no platform: {}",
                                          builder.name, shown(scheduler)));
                continue;
            }
            builder.platforms.insert(platform);
            const auto put = architectures.emplace(platform, builder.architecture);
            if (!put.second && put.first->second != builder.architecture) {
                warn(listing, fmt::format("platform {} is of {} and of {}; the first holds",
                                          platform, put.first->second, builder.architecture));
            }
        }
        if (builder.rootfs || !builder.platforms.empty()) {
            list.push_back(std::move(builder));
        }
    }
    for (const auto& [name, architecture] : architectures) {
        listing.platforms.push_back({name, architecture, {}});
    }
    return list;
}

base::Result<BuildListing> BuildServer::platforms() {
    BuildListing listing;
    const auto list = builders(listing);
    if (!list) {
        return tl::unexpected<base::Error>(list.error());
    }
    return listing;
}

base::Status BuildServer::read_builder(const Builder& builder, BuildListing& listing) {
    const std::string below = fmt::format("/json/builders/{}/builds/", url_segment(builder.name));
    auto last = ask_(below + "-1");
    if (!last) {
        return tl::unexpected<base::Error>(last.error());
    }
    if (!*last) {
        return {};  // nothing was built yet
    }
    const auto number = base::field<std::int64_t>(**last, "number");
    if (!number || *number < 0) {
        return not_so(below + "-1", "there is no number in it");
    }
    if (*number >= kMostBuilds) {
        warn(listing, fmt::format("builder {}: only its newest {} builds are looked at",
                                  builder.name, kMostBuilds));
    }
    std::size_t gone = 0;
    for (std::int64_t n = std::max<std::int64_t>(0, *number - kMostBuilds + 1); n <= *number; ++n) {
        auto answer = n == *number ? last : ask_(below + std::to_string(n));
        if (!answer) {
            return tl::unexpected<base::Error>(answer.error());
        }
        if (!*answer) {
            ++gone;
            continue;
        }
        if (!(*answer)->is_object()) {
            return not_so(below + std::to_string(n), "it is no object");
        }
        const Json& build = **answer;
        ++listing.builds;
        if (!was_successful(build)) {
            continue;
        }
        const auto left_out = [&](std::string_view why) {
            warn(listing, fmt::format("build {} of {}: {}; left out", n, builder.name, why));
        };
        const auto names = texts_of(property(build, "upload_files"));
        const auto urls = texts_of(property(build, "urls"));
        if (names.empty()) {
            continue;
        }
        if (names.size() > kMostFiles || (urls.size() > 1 && urls.size() != names.size())) {
            left_out("its files or urls are too many");
            continue;
        }
        for (std::size_t i = 0; i < names.size(); ++i) {
            BuildFile file;
            file.product = text_property(build, "product");
            file.owner = text_property(build, "platform");
            file.file = names[i];
            file.builder = builder.name;
            file.build = n;
            if (file.product.empty() && builder.rootfs) {
                file.product = "rootfs";
            }
            std::vector<std::string> path{file.product, file.owner};
            if (!urls.empty()) {
                path = segments_of(urls.size() == 1 ? urls[0] : urls[i]);
                if (path.size() < 2) {
                    left_out("its url is no path of plain names");
                    break;
                }
                file.product = file.product.empty() ? path[path.size() - 2] : file.product;
                file.owner = file.owner.empty() ? path.back() : file.owner;
            }
            if (std::find(kProductKinds.begin(), kProductKinds.end(), file.product) ==
                kProductKinds.end()) {
                left_out(fmt::format("its product {} is none of rootfs, uboot, linux, misc",
                                     shown(file.product)));
                break;
            }
            if (!is_plain_name(file.owner) || !is_plain_name(file.file)) {
                left_out(
                    fmt::format("{} of {} is no plain name", shown(file.file), shown(file.owner)));
                continue;
            }
            if (!split_name(file)) {
                left_out(fmt::format("{} is not named {{version}}_{{type}}", shown(file.file)));
                continue;
            }
            for (const std::string& segment : path) {
                file.target += "/" + url_segment(segment);
            }
            file.target += "/" + url_segment(file.file);
            bool taken = false;
            for (BuildPlatform& platform : listing.platforms) {
                const bool fits = file.product == "rootfs"
                                      ? platform.architecture == builder.architecture
                                      : platform.name == file.owner;
                if (fits) {
                    platform.files.push_back(file);
                    taken = true;
                }
            }
            if (!taken && file.product != "rootfs") {
                left_out(fmt::format("no scheduler names its platform {}", shown(file.owner)));
                break;
            }
        }
    }
    if (gone > 0) {
        warn(listing, fmt::format("builder {}: {} of its builds are not there any more",
                                  builder.name, gone));
    }
    return {};
}

base::Result<BuildListing> BuildServer::builds(const std::optional<std::string>& platform) {
    BuildListing listing;
    const auto list = builders(listing);
    if (!list) {
        return tl::unexpected<base::Error>(list.error());
    }
    if (platform) {
        std::erase_if(listing.platforms,
                      [&](const BuildPlatform& each) { return each.name != *platform; });
    }
    for (const Builder& builder : *list) {
        const bool wanted = std::any_of(listing.platforms.begin(), listing.platforms.end(),
                                        [&](const BuildPlatform& each) {
                                            return each.architecture == builder.architecture ||
                                                   builder.platforms.count(each.name) > 0;
                                        });
        if (!wanted) {
            continue;
        }
        if (auto read = read_builder(builder, listing); !read) {
            return tl::unexpected<base::Error>(read.error());
        }
    }
    for (BuildPlatform& each : listing.platforms) {
        // A file that was built again is the newer build's.
        const auto key = [](const BuildFile& f) { return std::tie(f.product, f.owner, f.file); };
        std::sort(each.files.begin(), each.files.end(),
                  [&](const BuildFile& a, const BuildFile& b) {
                      return std::tuple_cat(key(a), std::tie(b.build)) <
                             std::tuple_cat(key(b), std::tie(a.build));
                  });
        each.files.erase(
            std::unique(each.files.begin(), each.files.end(),
                        [&](const BuildFile& a, const BuildFile& b) { return key(a) == key(b); }),
            each.files.end());
    }
    return listing;
}

}  // namespace lineside::media
