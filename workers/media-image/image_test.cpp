// SPDX-License-Identifier: Apache-2.0
// The image worker with its station played: key, build, verify, and what is refused.
#include "workers/media-image/image.h"

#include "station/base/files.h"
#include "station/base/text.h"
#include "workers/protocol/line_splitter.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace lineside::media_image {
namespace {

namespace fs = std::filesystem;

class MediaImage : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string name = fs::temp_directory_path() / "lineside-media-image-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        fs::create_directory(source());
        ::setenv("LINESIDE_BSP", source().c_str(), 1);
        put("card.img", std::string(3'000'000, 'x') + std::string(2'000'000, '\0') + "end");
    }
    void TearDown() override { fs::remove_all(folder_); }

    [[nodiscard]] fs::path source() const { return folder_ / "source"; }
    void put(const std::string& name, const std::string& content) const {
        std::ofstream(source() / name, std::ios::binary) << content;
    }

    // One job of the worker; `image`: folder of a cached one.
    Result<Json> work(Result<Json> (*job)(worker::Station&), Json params,
                      const std::string& image = "") {
        std::array<int, 2> ends{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
        const base::UniqueFd ours(ends[0]);
        worker::Station station(ends[1]);
        protocol::JobLine line;
        line.job = 1;
        line.step = "key";
        line.slot = "-";
        line.params = std::move(params);
        if (!image.empty()) {
            line.image = protocol::ImageRef{"k", image};
        }
        const std::string text = protocol::format(protocol::FromStation(line));
        EXPECT_EQ(::write(ours.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
        EXPECT_TRUE(station.take_job(std::chrono::seconds(5)));
        return job(station);
    }
    std::string key(const Json& params) {
        const auto made = work(make_key, params);
        EXPECT_TRUE(made) << made.error().message;
        return made ? made->value("key", "") : "";
    }
    // A built image, in a folder of its own.
    Result<Json> build(Json params) {
        const fs::path out = folder_ / fmt::format("out{}", ++outs_);
        fs::create_directory(out);
        ::setenv("LINESIDE_OUT", out.c_str(), 1);
        if (!params.contains("key")) {
            params["key"] = key(params);
        }
        return work(build_image, params);
    }
    [[nodiscard]] std::string out() const { return folder_ / fmt::format("out{}", outs_); }

    fs::path folder_;
    int outs_ = 0;
};

TEST_F(MediaImage, Key_follows_everything_that_is_written) {
    const Json plain{{"file", "card.img"}};
    const std::string first = key(plain);
    EXPECT_TRUE(base::is_hex64(first));
    EXPECT_EQ(key(plain), first);
    EXPECT_NE(key({{"file", "card.img"}, {"verify", "sha256"}}), first);
    put("copy.bin", base::read_file(source() / "card.img", 10'000'000).value());
    EXPECT_EQ(key({{"file", "copy.bin"}}), first) << "a name that says nothing";
    put("copy.bin", "another");
    EXPECT_NE(key({{"file", "copy.bin"}}), first);
}

TEST_F(MediaImage, Build_and_verify_agree_and_a_changed_cache_does_not) {
    const auto built = build({{"file", "card.img"}});
    ASSERT_TRUE(built) << built.error().message;
    EXPECT_EQ((*built)["bytes"], 5'000'003);
    EXPECT_EQ((*built)["sha256"],
              base::sha256_hex(base::read_file(source() / "card.img", 10'000'000).value()));
    EXPECT_LT((*built)["data"], 3'100'000) << "zeros are no data";
    const auto verified = work(verify_image, {{"mode", "verify"}}, out());
    ASSERT_TRUE(verified) << verified.error().message;
    EXPECT_EQ((*verified)["digest"], (*built)["digest"]);
    std::fstream(out() + "/disk.img", std::ios::in | std::ios::out | std::ios::binary) << "!";
    EXPECT_EQ(work(verify_image, {{"mode", "verify"}}, out()).error().code, "image.broken");
}

TEST_F(MediaImage, What_does_not_fit_is_refused_and_leaves_nothing) {
    struct Case {
        Json params;
        std::string code;
    };
    put("cut.img.xz",
        "\xFD"
        "7zXZ cut");
    put("wrong.bmap", "<bmap/>");
    for (const Case& each : std::vector<Case>{
             {{{"file", "../card.img"}}, "config.invalid"},
             {{{"file", ""}}, "config.invalid"},
             {{{"file", "card.img"}, {"verify", "md5"}}, "config.invalid"},
             {{{"file", "card.img"}, {"sha256", "12"}}, "config.invalid"},
             {{{"file", "none.img"}}, "config.missing"},
             {{{"file", "card.img"}, {"sha256", std::string(64, '0')}}, "media.source"},
             {{{"file", "cut.img.xz"}}, "media.source"},
             {{{"file", "card.img"}, {"bmap", "wrong.bmap"}}, "config.invalid"},
             {{{"file", "card.img"}, {"key", std::string(64, '0')}}, "media.source"},
         }) {
        Json params = each.params;
        if (!params.contains("key")) {
            const auto made = work(make_key, params);
            params["key"] = made ? made->value("key", "") : "";
        }
        const auto built = build(params);
        ASSERT_FALSE(built) << each.params;
        EXPECT_EQ(built.error().code, each.code) << each.params << built.error().message;
        EXPECT_TRUE(fs::is_empty(out())) << each.params;
    }
}

constexpr std::string_view kRecipe = R"(type: mmc
recipe:
  partition_table: msdos
  partitions:
    - {name: boot, size: 30mb, fs_type: fat32, mount_point: , mount_opts: , flags: }
  load:
    Misc_Boot: {device: 0}
)";

TEST_F(MediaImage, A_recipe_with_its_products_is_taken_as_one) {
    put("board.yml", std::string(kRecipe));
    put("misc.txt", "first");
    const Json params{{"recipe", "board.yml"}, {"products", {{"Misc_Boot", "misc.txt"}}}};
    const std::string first = key(params);
    EXPECT_TRUE(base::is_hex64(first));
    Json other = params;
    other["keep_root_password"] = true;
    EXPECT_NE(key(other), first);
    const auto built = build(params);
    ASSERT_TRUE(built) << built.error().message;
    EXPECT_EQ((*built)["partitions"], 1);
    const auto verified = work(verify_image, {{"mode", "verify"}}, out());
    ASSERT_TRUE(verified) << verified.error().message;
    EXPECT_EQ((*verified)["digest"], (*built)["digest"]);
    put("misc.txt", "second");
    EXPECT_NE(key(params), first);
    EXPECT_NE((*build(params))["digest"], (*verified)["digest"]);
    const fs::path kept = fs::path(out()) / "products/Misc_Boot/misc.txt";
    fs::permissions(kept, fs::perms::owner_all);
    std::ofstream(kept, std::ios::binary) << "third!";
    EXPECT_EQ(work(verify_image, {{"mode", "verify"}}, out()).error().code, "image.broken");
}

TEST_F(MediaImage, A_recipe_that_cannot_go_onto_a_disk_is_refused_and_leaves_nothing) {
    put("board.yml", std::string(kRecipe));
    put("two.yml", std::string(kRecipe) + "---\n" + std::string(kRecipe));
    put("bad_a_b.yml", std::string(kRecipe));
    put("wrong.yml", "type: mmc\n");
    put("misc.txt", "x");
    put("cut.tar.xz",
        "\xFD"
        "7zXZ cut");
    const Json loads{{"Misc_Boot", "misc.txt"}};
    for (const auto& [params, code] : std::vector<std::pair<Json, std::string>>{
             {{{"recipe", "two.yml"}, {"products", loads}}, "config.invalid"},
             {{{"recipe", "bad_a_b.yml"}, {"products", loads}}, "config.invalid"},
             {{{"recipe", "wrong.yml"}, {"products", loads}}, "config.invalid"},
             {{{"recipe", "../board.yml"}, {"products", loads}}, "config.invalid"},
             {{{"recipe", "board.yml"}}, "config.invalid"},
             {{{"recipe", "board.yml"}, {"products", {{"Misc_Boot", "../misc.txt"}}}},
              "config.invalid"},
             {{{"recipe", "board.yml"},
               {"products", {{"Misc_Boot", "misc.txt"}, {"Uboot", "misc.txt"}}}},
              "config.invalid"},
             {{{"recipe", "none.yml"}, {"products", loads}}, "config.missing"},
             {{{"recipe", "board.yml"}, {"products", {{"Misc_Boot", "cut.tar.xz"}}}},
              "media.source"}}) {
        Json wanted = params;
        const auto made = work(make_key, wanted);
        wanted["key"] = made ? made->value("key", "") : "";
        const auto built = build(wanted);
        ASSERT_FALSE(built) << params;
        EXPECT_EQ(built.error().code, code) << params << built.error().message;
        EXPECT_TRUE(fs::is_empty(out())) << params;
    }
}

}  // namespace
}  // namespace lineside::media_image
