// SPDX-License-Identifier: Apache-2.0
// `lineside write`: the write engine from the command line. Every target has its own thread; this
// one tells the rates and hears the signals.
#include "station/app/image_choice.h"
#include "station/app/media_commands.h"
#include "station/app/media_words.h"
#include "station/base/text.h"
#include "workers/media/engine/disk_rules.h"
#include "workers/media/engine/writer.h"

#include <CLI/CLI.hpp>

#include <sys/stat.h>

#include <iostream>

namespace lineside::app {
namespace {

using base::Json;

constexpr int kAllPassed = 0;
constexpr int kNotAll = 1;
constexpr std::size_t kMostTargets = 64;

struct WriteArguments {
    std::string image, bmap, cache = "/var/cache/lineside/images", verify = "xxh3", sha256;
    std::vector<std::string> targets;
    bool json = false, progress = false, probe = false, discard = false, no_check = false;
    bool threads = false, no_bmap = false, used_blocks = false;
};

struct Target {
    std::unique_ptr<media::Medium> medium;
    media::WriteProgress progress;
    media::WriteResult result;
};

Json to_json(const Target& target) {
    const media::WriteResult& result = target.result;
    Json differs = Json::array();
    for (const media::Difference& each : result.differences) {
        differs.push_back({{"begin", each.begin}, {"end", each.end}});
    }
    Json json{
        {"target", target.medium->name()}, {"verdict", verdict_of(result.status, result.proven)},
        {"bytes", result.bytes},           {"verified", result.verified},
        {"write_s", result.write_s},       {"verify_s", result.verify_s},
        {"differs", std::move(differs)}};
    if (!result.status) {
        json["error"] = error_json(result.status.error());
    }
    return json;
}

std::string to_text(const Target& target) {
    const media::WriteResult& result = target.result;
    std::string text =
        fmt::format("{}: {}", target.medium->name(), verdict_of(result.status, result.proven));
    if (!result.status) {
        return fmt::format("{}: {}: {}\n", text, result.status.error().code,
                           result.status.error().message);
    }
    const double mib = static_cast<double>(result.bytes) / (1 << 20);
    return fmt::format("{}: {:.0f} MiB in {:.2f} s ({:.0f} MiB/s), read back in {:.2f} s\n", text,
                       mib, result.write_s, result.write_s > 0 ? mib / result.write_s : 0.0,
                       result.verify_s);
}

// Opens all targets, or none: a mistake in the last one must not cost the first one's content.
base::Status open_all(const WriteArguments& arguments, std::uint64_t image_size,
                      std::vector<std::unique_ptr<Target>>& targets) {
    std::vector<std::uint64_t> sequences;
    for (const std::string& path : arguments.targets) {
        struct stat status {};
        std::uint64_t sequence = 0;
        if (::stat(path.c_str(), &status) == 0 && S_ISBLK(status.st_mode)) {
            auto facts = media::read_disk_facts(path);
            if (!facts) {
                return tl::unexpected<base::Error>(facts.error());
            }
            media::DiskPolicy policy;
            policy.least_bytes = image_size;
            if (const std::string why = media::why_not_written(*facts, policy); !why.empty()) {
                return base::fail("media.forbidden", why);
            }
            sequence = facts->diskseq;
        }
        sequences.push_back(sequence);
    }
    for (std::size_t i = 0; i < arguments.targets.size(); ++i) {
        auto medium =
            media::open_medium({arguments.targets[i], image_size, sequences[i],
                                arguments.threads ? media::IoKind::threads : media::IoKind::best});
        if (!medium) {
            return tl::unexpected<base::Error>(medium.error());
        }
        targets.push_back(std::make_unique<Target>());
        targets.back()->medium = std::move(*medium);
    }
    return {};
}

// One line a second: what each target did, and its rate since the last line.
void tell_progress(const std::vector<std::unique_ptr<Target>>& targets,
                   std::vector<std::uint64_t>& before, bool json) {
    Json rates = Json::array();
    for (std::size_t i = 0; i < targets.size(); ++i) {
        const media::WriteProgress& each = targets[i]->progress;
        const std::uint64_t now = each.written + each.verified;
        rates.push_back({{"target", targets[i]->medium->name()},
                         {"written", each.written.load()},
                         {"verified", each.verified.load()},
                         {"bytes_per_s", now - before[i]}});
        before[i] = now;
    }
    if (json) {
        std::cerr << base::dump_json({{"progress", std::move(rates)}}) << '\n';
        return;
    }
    for (const Json& each : rates) {
        std::cerr << fmt::format(
            "{}: {} MiB written, {} MiB read back, {} MiB/s\n", each["target"].get<std::string>(),
            each["written"].get<std::uint64_t>() >> 20, each["verified"].get<std::uint64_t>() >> 20,
            each["bytes_per_s"].get<std::uint64_t>() >> 20);
    }
}

void run_all(const media::PreparedImage& image, const WriteArguments& arguments,
             const std::vector<std::unique_ptr<Target>>& targets, const std::atomic<bool>& stop) {
    media::WriteOptions options;
    options.verify = arguments.verify != "none";
    options.probe_capacity = arguments.probe;
    options.discard = arguments.discard;
    options.first_megabyte = !arguments.no_check;
    std::vector<std::function<void()>> works;
    for (const auto& each : targets) {
        Target* const target = each.get();
        works.emplace_back([&, target] {
            target->result =
                media::write_image(image, *target->medium, options, target->progress, stop);
        });
    }
    std::vector<std::uint64_t> before(targets.size());
    side_by_side(works, [&] {
        if (arguments.progress) {
            tell_progress(targets, before, arguments.json);
        }
    });
}

int run_write(const WriteArguments& arguments) {
    const std::atomic<bool>& stop = stop_on_signals();
    const auto files =
        choose_image(arguments.image, arguments.bmap, !arguments.no_bmap && !arguments.used_blocks,
                     arguments.cache, stop);
    if (!files) {
        return nothing_begun("write", files.error(), arguments.json);
    }
    media::ImagePlan plan;
    plan.file = files->image;
    plan.bmap = files->bmap;
    plan.used_blocks = arguments.used_blocks;
    plan.ignore_packed_bmap = arguments.no_bmap || arguments.used_blocks;
    plan.cache = arguments.cache;
    plan.hash = arguments.verify == "sha256" ? media::PieceHash::sha256 : media::PieceHash::xxh3;
    plan.sha256 = base::to_lower_ascii(arguments.sha256);
    const auto image = media::PreparedImage::prepare(plan, stop);
    if (!image) {
        return nothing_begun("write", image.error(), arguments.json);
    }
    std::vector<std::unique_ptr<Target>> targets;
    if (auto opened = open_all(arguments, (*image)->map().size(), targets); !opened) {
        return nothing_begun("write", opened.error(), arguments.json);
    }
    run_all(**image, arguments, targets, stop);
    Answers answers(arguments.json);
    for (const auto& each : targets) {
        answers.add(each->result.proven, to_json(*each), to_text(*each));
    }
    answers.give({{"image",
                   {{"sha256", (*image)->sha256()},
                    {"bytes", (*image)->map().size()},
                    {"data", (*image)->map().bytes_of(media::Fill::data)},
                    {"known", (*image)->was_known()}}}});
    // Without a read-back it was asked for nothing else than writing.
    const bool wanted =
        arguments.verify == "none"
            ? std::all_of(targets.begin(), targets.end(),
                          [](const auto& t) { return t->result.status.has_value(); })
            : answers.all_passed();
    return wanted ? kAllPassed : kNotAll;
}

}  // namespace

void add_write_command(CLI::App& app, int& status) {
    auto arguments = std::make_shared<WriteArguments>();
    auto* write = app.add_subcommand(
        "write", "write an image onto disks or files and prove it by reading back");
    write
        ->add_option("image", arguments->image,
                     "file or http(s):// address: raw or Android sparse; .gz .xz .zst .bz2 .zip")
        ->required();
    write->add_option("target", arguments->targets, "block devices or plain files")
        ->required()
        ->expected(1, kMostTargets);
    auto* const bmap = write->add_option("--bmap", arguments->bmap,
                                         "block map, file or address: only its ranges are written; "
                                         "without it, the one beside or packed with the image");
    auto* const no_bmap = write->add_flag("--no-bmap", arguments->no_bmap,
                                          "all of the image, whatever maps there are");
    write
        ->add_flag("--used-blocks", arguments->used_blocks,
                   "leave out what the ext4 file systems of the image have free")
        ->excludes(bmap, no_bmap);
    bmap->excludes(no_bmap);
    write->add_option("--cache", arguments->cache, "folder for fetched, unpacked and known images");
    write->add_option("--verify", arguments->verify, "how the read-back is compared")
        ->check(CLI::IsMember({"xxh3", "sha256", "none"}));
    write->add_option("--sha256", arguments->sha256, "what the unpacked image must be");
    write->add_flag("--probe", arguments->probe, "find media that hold less than they say");
    write->add_flag("--discard", arguments->discard, "discard the image's range first");
    write->add_flag("--no-check", arguments->no_check, "leave out the first megabyte's check");
    write->add_flag("--threads", arguments->threads, "threads even where io_uring is to be had");
    write->add_flag("--progress", arguments->progress, "a line a second on standard error");
    write->add_flag("--json", arguments->json);
    write->callback([&status, arguments] { status = run_write(*arguments); });
}

}  // namespace lineside::app
