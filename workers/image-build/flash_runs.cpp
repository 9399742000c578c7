// SPDX-License-Identifier: Apache-2.0
#include "workers/image-build/flash_runs.h"

#include "station/base/files.h"
#include "workers/image-build/image_file.h"
#include "workers/image-build/image_tool.h"
#include "workers/proof/escape.h"

#include <system_error>

namespace lineside::image_build {
namespace {

namespace fs = std::filesystem;
using worker::Station;

constexpr std::size_t kMaxLayout = 4UL * 1024 * 1024;
constexpr std::uint64_t kAll = ~std::uint64_t{0};
constexpr std::uint64_t kPadding = 16;

class Runs {
  public:
    Runs(Station& station, container::Runner& runner, fs::path lane, const BuildInputs& inputs,
         const Tick& tick)
        : station_(station),
          runner_(runner),
          lane_(std::move(lane)),
          inputs_(inputs),
          tick_(tick) {}

    base::Status run() {
        for (const char* stale : {"system.img", "system.img.raw", "signed"}) {
            std::error_code ignored;
            fs::remove_all(lane_ / "bootloader" / stale, ignored);
        }
        if (auto built = run_tool({"--no-flash"}, {}); !built) {
            return built;
        }
        const auto layout = read_layout(lane_);
        if (!layout) {
            return tl::unexpected(layout.error());
        }
        const auto sign = wants_signing(*layout);
        if (!sign) {
            return tl::unexpected(sign.error());
        }
        const auto before = hash_plain(*layout);
        if (!before) {
            return tl::unexpected(before.error());
        }
        std::vector<std::string> again{"--no-flash", "-r"};
        if (*sign) {
            again.emplace_back("--sign");
        }
        // The recovery image is there; making it anew would put new host keys into it.
        if (auto built = run_tool(again, {"SKIP_REC_IMG=1"}); !built) {
            return built;
        }
        return compare_runs(*layout, *before);
    }

  private:
    using Contents = std::map<std::string, FileContent>;  // by file

    // NVIDIA's tool writes most files in a signed form that it makes while it flashes. A proof by
    // the plain ones would fail on every good unit.
    [[nodiscard]] base::Result<bool> wants_signing(const std::vector<LayoutEntry>& layout) const {
        const auto signs = std::find_if(layout.begin(), layout.end(), [](const auto& entry) {
            return entry.oem_sign && !entry.file.empty();
        });
        if (inputs_.sign == Sign::never && signs != layout.end()) {
            return base::fail(
                "config.invalid",
                fmt::format("sign = false, but the tool signs partition {} while it flashes",
                            proof::escape_name(signs->name)));
        }
        return inputs_.sign == Sign::always || signs != layout.end();
    }

    // Of the files as they lie there. APP's is the one that the second run reuses.
    [[nodiscard]] base::Result<Contents> hash_plain(const std::vector<LayoutEntry>& layout) const {
        Contents out;
        for (const LayoutEntry& entry : layout) {
            if (entry.file.empty() || entry.is_table() || entry.file == "system.img" ||
                entry.file.find('/') != std::string::npos || out.contains(entry.file)) {
                continue;
            }
            auto content = hash_first(path_of(entry.file), kAll, tick_);
            if (!content) {
                return base::with_context(content.error(), "partition " + entry.name);
            }
            out.emplace(entry.file, std::move(*content));
        }
        return out;
    }

    // The tool pads in place what it signs, by up to 16 bytes; more than that is another file.
    [[nodiscard]] base::Status compare_runs(const std::vector<LayoutEntry>& layout,
                                            const Contents& before) const {
        for (const LayoutEntry& entry : layout) {
            const auto it = before.find(entry.file);
            if (it == before.end() ||
                std::binary_search(inputs_.unproven.begin(), inputs_.unproven.end(), entry.name)) {
                continue;
            }
            std::error_code error;
            const auto size = fs::file_size(path_of(entry.file), error);
            auto content = hash_first(path_of(entry.file), it->second.bytes, tick_);
            if (!content) {
                return tl::unexpected(content.error());
            }
            if (error || size > it->second.bytes + kPadding ||
                content->sha256 != it->second.sha256) {
                return base::fail(
                    "image.build",
                    fmt::format("every run of flash.sh makes partition {} anew: no unit can be "
                                "proven by it; list it in 'unproven' if that is right",
                                proof::escape_name(entry.name)));
            }
        }
        return {};
    }

    [[nodiscard]] fs::path path_of(const std::string& file) const {
        return lane_ / "bootloader" / file;
    }

    base::Status run_tool(const std::vector<std::string>& options, std::vector<std::string> set) {
        container::Call call;
        call.argv = {"./flash.sh"};
        call.argv.insert(call.argv.end(), options.begin(), options.end());
        call.argv.push_back(inputs_.board);
        call.argv.push_back(inputs_.rootdev);
        set.emplace_back("USER=root");
        for (const auto& [name, value] : inputs_.environment) {
            set.push_back(name + "=" + value);
        }
        call.set_env = std::move(set);
        return run_image_tool(station_, runner_, call, "flash.sh --no-flash");
    }

    Station& station_;
    container::Runner& runner_;
    fs::path lane_;
    const BuildInputs& inputs_;
    const Tick& tick_;
};

}  // namespace

base::Status run_flash_sh(Station& station, container::Runner& runner, const fs::path& lane,
                          const BuildInputs& inputs, const Tick& tick) {
    return Runs(station, runner, lane, inputs, tick).run();
}

base::Result<std::vector<LayoutEntry>> read_layout(const fs::path& lane) {
    auto text = base::read_file(lane / "bootloader/flash.xml", kMaxLayout);
    if (!text) {
        return base::fail("image.build", "flash.sh left no layout: " + text.error().message);
    }
    return parse_layout(*text);
}

}  // namespace lineside::image_build
