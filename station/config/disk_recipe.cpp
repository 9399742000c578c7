// SPDX-License-Identifier: Apache-2.0
#include "station/config/disk_recipe.h"

#include "station/base/text.h"
#include "station/core/step_view.h"

namespace lineside::config {
namespace {

using base::Json;
using core::StepPlan;

constexpr std::string_view kMediaWriter = "media-writer";
constexpr std::string_view kFlash = "flash";
constexpr std::string_view kSerial = "set-serial";
constexpr std::int64_t kMostBytes = std::int64_t{1} << 50;
constexpr std::int64_t kSerialBlock = 4096;  // as the method has it
// Where the first block for a serial may be on a disk by a recipe, and the last.
constexpr std::uint64_t kBehindTables = 32 * 1024;
constexpr std::uint64_t kBeforePartitions = 1024 * 1024 - kSerialBlock;
constexpr std::array<std::string_view, 8> kDiskProducts{
    // as recipes for cards have them
    "Uboot",         "Linux_Boot",     "Linux_Root", "Linux_Config",
    "Rootfs_Rootfs", "Rootfs_Portage", "Misc_Boot",  "Misc_Root"};

// A file of the folder itself.
void check_file_name(TableReader& in, std::string_view key, const std::string& name) {
    if (name.find('/') != std::string::npos || name == "." || name == ".." || name.size() > 255) {
        in.complain(key, "must be the name of a file in the folder that bsp names");
    }
}

}  // namespace

bool writes_disk(const std::vector<const toml::table*>& steps) {
    return !steps.empty() && (*steps.front())["method"].value_or(std::string()) == kMediaWriter;
}

StepPlan read_disk_step(const toml::table& table, const std::string& file,
                        std::vector<Complaint>& complaints) {
    TableReader in(&table, &table, "recipe.step", file, complaints);
    StepPlan plan;
    plan.name = in.required_text("use");
    plan.method = kMediaWriter;
    plan.dot = core::dot_of(plan.name);
    plan.silence = in.seconds("silence_s", 60);
    if (plan.name == kFlash) {
        plan.total = in.seconds("total_s", 14'400);  // a slow card takes its time
        (void)in.text("method", "");
        plan.retries = static_cast<int>(in.number("retries", 0, 0, 5));
        const auto least = in.number("least_bytes", 0, 0, kMostBytes);
        const auto most = in.number("most_bytes", 0, 0, kMostBytes);
        if (most != 0 && most < least) {
            in.complain("most_bytes", "must not be less than least_bytes");
        }
        plan.params = {{"disk_model", in.text("disk_model", "")},
                       {"least_bytes", least},
                       {"most_bytes", most},
                       {"probe", in.flag("probe", true)},
                       {"discard", in.flag("discard", false)}};
    } else if (plan.name == kSerial) {
        plan.total = in.seconds("total_s", 300);
        plan.on_interrupt = core::OnInterrupt::hold;  // nobody can say which disk it is
        const auto at = in.number("at", -1, 0, kMostBytes);
        if (at < 0) {
            in.complain("at", "is missing: the byte of the disk where the serial's block is");
        } else if (at % kSerialBlock != 0) {
            in.complain("at", fmt::format("must be a multiple of {}", kSerialBlock));
        }
        plan.params = {{"at", at}};
    } else {
        in.complain("use", "must be \"flash\" or \"set-serial\": a disk has no other steps");
        (void)in.rest();
    }
    in.finish();
    return plan;
}

void check_disk_order(TableReader& in, const std::vector<StepPlan>& steps) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if ((i == 0) != (steps[i].name == kFlash) || i > 1) {
            in.complain("step",
                        "must be use = \"flash\", and behind it at most one use = \"set-serial\"");
            return;
        }
    }
}

namespace {

// A recipe with the files that it loads, instead of an image.
Json read_recipe_image(TableReader& in, const toml::table& table, const std::string& file,
                       std::vector<Complaint>& complaints) {
    const std::string recipe = in.required_text("recipe");
    check_file_name(in, "recipe", recipe);
    if (!recipe.empty() && !recipe.ends_with(".yml")) {
        in.complain("recipe", "must be {platform}.yml or {platform}_{identifier}.yml");
    }
    Json params{{"recipe", recipe},
                {"keep_root_password", in.flag("keep_root_password", false)},
                {"products", Json::object()}};
    TableReader products(in.table("products"), &table, "profile.image.products", file, complaints);
    for (const std::string_view name : kDiskProducts) {
        const std::string product = products.text(name, "");
        check_file_name(products, name, product);
        if (!product.empty()) {
            params["products"][std::string(name)] = product;
        }
    }
    products.finish();
    in.finish();
    return params;
}

}  // namespace

Json read_disk_image(const toml::table* table, const toml::table& profile, const std::string& file,
                     std::optional<std::uint64_t> serial_at, std::vector<Complaint>& complaints) {
    TableReader in(table, &profile, "profile.image", file, complaints);
    if (table != nullptr && table->contains("recipe")) {
        if (serial_at && (*serial_at < kBehindTables || *serial_at > kBeforePartitions)) {
            in.complain("recipe", fmt::format("leaves free what is before its first partition: let "
                                              "set-serial write \"at\" {} to {}",
                                              kBehindTables, kBeforePartitions));
        }
        return read_recipe_image(in, *table, file, complaints);
    }
    const std::string image = in.required_text("file");
    const std::string bmap = in.text("bmap", "");
    const std::string verify = in.text("verify", "xxh3");
    const std::string sha256 = base::to_lower_ascii(in.text("sha256", ""));
    check_file_name(in, "file", image);
    check_file_name(in, "bmap", bmap);
    if (verify != "xxh3" && verify != "sha256") {
        in.complain("verify", R"(must be "xxh3" or "sha256")");
    }
    if (!sha256.empty() && !base::is_hex64(sha256)) {
        in.complain("sha256", "must be the 64 hex digits of the unpacked image");
    }
    in.finish();
    Json params{{"file", image}, {"verify", verify}};
    if (!bmap.empty()) {
        params["bmap"] = bmap;
    }
    if (!sha256.empty()) {
        params["sha256"] = sha256;
    }
    return params;
}

}  // namespace lineside::config
