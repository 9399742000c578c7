// SPDX-License-Identifier: Apache-2.0
#include "station/engine/recipe_desk.h"

#include "station/base/clock.h"
#include "station/base/files.h"
#include "station/base/text.h"
#include "station/engine/order_terms.h"
#include "station/engine/reason.h"

#include <openssl/rand.h>
#include <unistd.h>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <vector>

namespace lineside::engine {
namespace {

using base::Json;

constexpr std::size_t kMostComplaints = 200;
constexpr std::size_t kKeptVersions = 20;
constexpr std::size_t kLongest = 48 * 1024;  // as JSON it has to fit into a request
constexpr mode_t kPrivate = 0600;
constexpr std::size_t kStation = 4 * 1024 * 1024;

base::Result<std::string> random_key() {
    std::array<unsigned char, 32> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
        return base::fail("station.bug", "No random bytes could be had");
    }
    return base::to_hex(bytes);
}

Json complaint_json(const config::Complaint& complaint) {
    // "no step is called 'x'; did you mean 'y'?": what is so, then what to do.
    const auto cut = complaint.message.rfind("; ");
    const bool two = cut != std::string::npos;
    return {{"file", complaint.file},
            {"line", complaint.line},
            {"column", complaint.column},
            {"field", complaint.field},
            {"message", complaint.message.substr(0, cut)},
            {"remedy", two ? Json(complaint.message.substr(cut + 2)) : Json(nullptr)}};
}

// "recipes.toml.20261129T031500.123Z", in the order of their time.
std::vector<std::filesystem::path> versions_of(const std::filesystem::path& file) {
    std::vector<std::filesystem::path> found;
    std::error_code error;
    const std::string begin = file.filename().string() + ".2";
    for (auto it = std::filesystem::directory_iterator(file.parent_path(), error);
         !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
        const std::string name = it->path().filename().string();
        if (name.starts_with(begin) && name.ends_with("Z")) {
            found.push_back(it->path());
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

base::Status keep_version(const std::filesystem::path& file, std::string_view text,
                          std::int64_t at_ms) {
    std::string time = base::iso_utc(at_ms);
    time.erase(
        std::remove_if(time.begin(), time.end(), [](char c) { return c == '-' || c == ':'; }),
        time.end());
    if (auto kept = base::replace_file(file.string() + "." + time, text, kPrivate); !kept) {
        return kept;
    }
    auto versions = versions_of(file);
    for (std::size_t i = 0; i + kKeptVersions < versions.size(); ++i) {
        std::error_code ignored;
        std::filesystem::remove(versions[i], ignored);
    }
    return {};
}

}  // namespace

RecipeDesk::RecipeDesk(Context& context) : context_(context), key_(random_key().value_or("")) {
    if (auto now = look()) {
        at_start_ = now->revision;
    }
}

RecipeDesk::~RecipeDesk() {
    *alive_ = false;
    thread_.join();
}

void RecipeDesk::work(std::function<base::Result<Json>()> work, Done done) {
    boost::asio::post(
        thread_, [this, alive = alive_, work = std::move(work), done = std::move(done)]() mutable {
            base::Result<Json> result;
            try {
                result = work();
            } catch (const std::exception& bug) {
                result = base::fail("station.bug", bug.what());
            }
            boost::asio::post(context_.loop, [alive, done = std::move(done),
                                              result = std::move(result)]() mutable {
                if (*alive) {
                    done(std::move(result));
                }
            });
        });
}

std::string RecipeDesk::revision_of(std::string_view text) const {
    return base::sha256_hex(key_ + std::string(text));
}

base::Result<RecipeDesk::Kept> RecipeDesk::look() const {
    if (key_.empty()) {
        return base::fail("station.bug", "No random bytes could be had at the start");
    }
    auto file = config::recipes_file_of(context_.config.file);
    if (!file) {
        return tl::unexpected<base::Error>(file.error());
    }
    Kept kept;
    kept.file = *file;
    kept.own = kept.file != context_.config.file;
    auto text = base::read_file(kept.file, kept.own ? config::kMaxRecipes : kStation);
    if (!text) {
        return tl::unexpected<base::Error>(text.error());
    }
    kept.revision = revision_of(*text);
    kept.text = std::move(*text);
    return kept;
}

base::Result<Json> RecipeDesk::shown() {
    auto kept = look();
    auto hidden = kept ? config::HiddenSecrets::of(kept->text)
                       : base::Result<config::HiddenSecrets>(tl::unexpected(kept.error()));
    if (!hidden) {
        base::Error error = hidden.error();
        if (error.code == "config.invalid" && kept) {
            error.message = fmt::format("{}: {}", kept->file.string(), error.message);
            error.hint = "Mend the file on the station: lineside check config " +
                         context_.config.file.string();
        }
        return tl::unexpected<base::Error>(error);
    }
    Json last;
    const auto read = context_.store.read_now([&](db::Tx& tx) -> base::Status {
        auto row = tx.one<std::int64_t, std::string, std::string>(
            "SELECT at_ms, actor, data FROM event WHERE kind = 'recipes.saved' ORDER BY seq DESC "
            "LIMIT 1");
        if (!row) {
            return tl::unexpected<base::Error>(row.error());
        }
        if (*row) {
            const auto& [at_ms, actor, data] = **row;
            const Json said = Json::parse(data, nullptr, false);
            last = {{"at", at_ms}, {"by", actor}, {"reason", said.value("reason", "")}};
        }
        return {};
    });
    if (!read) {
        return tl::unexpected<base::Error>(read.error());
    }
    const bool fits = hidden->shown().size() <= kLongest;
    const bool writable = ::access(kept->file.c_str(), W_OK) == 0 &&
                          ::access(kept->file.parent_path().c_str(), W_OK) == 0;
    std::string why;
    if (!kept->own) {
        why = "station";
    } else if (!fits) {
        why = "large";
    } else if (!writable) {
        why = "rights";
    }
    return Json{{"file", kept->file.string()},
                {"station_file", context_.config.file.string()},
                {"read_only", why.empty() ? Json(nullptr) : Json(why)},
                {"text", fits ? hidden->shown() : ""},
                {"revision", kept->revision},
                {"in_force", kept->revision == at_start_},
                {"saved", last}};
}

base::Result<RecipeDesk::Checked> RecipeDesk::checked(const Kept& kept,
                                                      const RecipeEdit& edit) const {
    if (edit.revision != kept.revision) {
        return base::fail("request.conflict",
                          "Somebody else has changed the file, or the station was restarted: load "
                          "it anew, then make your change again");
    }
    if (edit.text.size() > kLongest) {
        return base::fail("request.invalid",
                          fmt::format("text: at most {} bytes can be edited here", kLongest));
    }
    auto hidden = config::HiddenSecrets::of(kept.text);
    if (!hidden) {
        return tl::unexpected<base::Error>(hidden.error());
    }
    Checked out;
    out.meant = hidden->put_back(edit.text, kept.file.string());
    out.complaints = out.meant.complaints;
    if (!out.complaints.empty()) {
        return out;
    }
    if (kept.own) {
        auto station = base::read_file(context_.config.file, kStation);
        if (!station) {
            return tl::unexpected<base::Error>(station.error());
        }
        out.reading = config::read_config_text(*station, context_.config.file,
                                               std::string_view(out.meant.text));
    } else {
        out.reading = config::read_config_text(out.meant.text, kept.file);
    }
    for (const config::Complaint& complaint : out.reading.complaints) {
        out.complaints.push_back(
            complaint.file == kept.file.string() ? out.meant.in_edited(complaint) : complaint);
    }
    // What is in this file first: that is what can be mended here.
    std::stable_partition(out.complaints.begin(), out.complaints.end(),
                          [&](const auto& c) { return c.file == kept.file.string(); });
    return out;
}

base::Result<Json> RecipeDesk::stopped_orders(const config::Config& config) {
    using Row = std::tuple<std::string, std::string, std::string, std::optional<std::string>>;
    std::vector<Row> rows;
    const auto read = context_.store.read_now([&](db::Tx& tx) -> base::Status {
        auto found = tx.all<std::string, std::string, std::string, std::optional<std::string>>(
            "SELECT name, profile, model, recipe FROM orders WHERE state <> 'closed' ORDER BY id");
        if (!found) {
            return tl::unexpected<base::Error>(found.error());
        }
        rows = std::move(*found);
        return {};
    });
    if (!read) {
        return tl::unexpected<base::Error>(read.error());
    }
    Json stopped = Json::array();
    for (const auto& [name, id, model, terms] : rows) {
        const auto profile =
            std::find_if(config.profiles.begin(), config.profiles.end(),
                         [&wanted = id](const core::Profile& one) { return one.id == wanted; });
        std::string what;
        if (profile == config.profiles.end()) {
            what = "there is no profile " + id;
        } else if (profile->model != model) {
            what = "model was " + model + " and is " + profile->model;
        } else {
            auto now = recipe_terms(*profile);
            if (!now) {
                return tl::unexpected<base::Error>(now.error());
            }
            what = changed_terms(terms.value_or(""), *now);
        }
        if (!what.empty()) {
            stopped.push_back({{"order", name}, {"what", what}});
        }
    }
    return stopped;
}

void RecipeDesk::show(Done done) {
    work([this] { return shown(); }, std::move(done));
}

void RecipeDesk::check(RecipeEdit edit, bool orders, Done done) {
    work(
        [this, edit = std::move(edit), orders]() -> base::Result<Json> {
            auto kept = look();
            auto found =
                kept ? checked(*kept, edit) : base::Result<Checked>(tl::unexpected(kept.error()));
            if (!found) {
                return tl::unexpected<base::Error>(found.error());
            }
            const bool good = found->complaints.empty();
            Json errors = Json::array();
            for (const auto& complaint : found->complaints) {
                if (errors.size() < kMostComplaints) {
                    errors.push_back(complaint_json(complaint));
                }
            }
            Json stopped;
            if (good && orders) {
                auto listed = stopped_orders(found->reading.config);
                if (!listed) {
                    return listed;
                }
                stopped = std::move(*listed);
            }
            return Json{{"verdict", good ? "accept" : "reject"},
                        {"profiles", good ? found->reading.config.profiles.size() : 0},
                        {"errors", std::move(errors)},
                        {"errors_total", found->complaints.size()},
                        {"orders", std::move(stopped)}};
        },
        std::move(done));
}

base::Status RecipeDesk::journal(std::string kind, const std::string& actor, Json data) {
    return context_.store.write_now([&](db::Tx& tx) -> base::Status {
        auto seq = journal::append(tx, context_.stamp(),
                                   {std::move(kind), "", {}, {}, actor, std::move(data)});
        return seq ? base::Status() : tl::unexpected<base::Error>(seq.error());
    });
}

base::Result<Json> RecipeDesk::saved(const RecipeEdit& edit, const std::string& actor) {
    auto kept = look();
    if (!kept) {
        return tl::unexpected<base::Error>(kept.error());
    }
    if (!kept->own) {
        return base::fail(
            "request.refused",
            kept->file.string() + " holds the profiles: it is changed on the station, by root");
    }
    auto found = checked(*kept, edit);
    if (!found) {
        return tl::unexpected<base::Error>(found.error());
    }
    if (!found->complaints.empty()) {
        return base::fail("config.invalid", config::to_text(found->complaints.front()));
    }
    const auto before = config::HiddenSecrets::of(kept->text);
    const auto after = config::HiddenSecrets::of(found->meant.text);
    if (!before || !after) {
        return base::fail("station.bug", "What would be saved could not be shown again");
    }
    if (found->meant.text == kept->text) {
        return base::fail("request.conflict", "Nothing is changed");
    }
    // The hashes are of the texts as they are shown: who reads the journal shall not guess a short
    // password by one. Of a secret that was written anew the field is named.
    auto told = journal("recipes.saved", actor,
                        {{"file", kept->file.string()},
                         {"before_sha256", base::sha256_hex(before->shown())},
                         {"after_sha256", base::sha256_hex(after->shown())},
                         {"secrets_written", found->meant.written},
                         {"reason", edit.reason}});
    if (!told) {
        return tl::unexpected<base::Error>(told.error());
    }
    auto written = keep_version(kept->file, kept->text, context_.clock.wall_ms());
    if (written) {
        written = base::replace_file(kept->file, found->meant.text, kPrivate);
    }
    if (!written) {
        const auto undone =
            journal("recipes.not_saved", actor,
                    {{"file", kept->file.string()}, {"why", written.error().message}});
        return tl::unexpected<base::Error>(undone ? written.error() : undone.error());
    }
    return shown();
}

void RecipeDesk::save(RecipeEdit edit, std::string actor, Done done) {
    if (auto good = good_reason(edit.reason); !good) {
        return done(tl::unexpected<base::Error>(good.error()));
    }
    work([this, edit = std::move(edit), actor = std::move(actor)] { return saved(edit, actor); },
         std::move(done));
}

}  // namespace lineside::engine
