// SPDX-License-Identifier: Apache-2.0
// The file of profiles and recipes: shown without secrets, checked whole, saved once, on record.
#include "station/base/files.h"
#include "station/base/text.h"
#include "station/engine/line_fixture.h"

namespace lineside::engine {
namespace {

namespace fs = std::filesystem;
using base::Json;

constexpr std::string_view kProducts = R"([[recipe]]
id = "camera"
step = [ { use = "flash" }, { use = "wait-unit" }, { use = "prove-image" }, { use = "set-serial" }, { use = "read-serial" } ]
[[profile]]
id = "camera"
model = "xavier-nx"
board = "b"
rootdev = "r"
bsp = "/opt/bsp"
recipe = "camera"
expect = { id = "3668" }
[profile.ssh]
user = "reeplayer"
password = "hunter2-of-the-image"
)";

class RecipeDeskTest : public testing::LineTest {
  protected:
    void SetUp() override {
        LineTest::SetUp();
        setup_ = folder / "setup";
        fs::create_directories(setup_);
        write("station.toml",
              fmt::format("[station]\nid = \"line1\"\ndata = \"{0}/data\"\nkey_file = \"{0}/key\"\n"
                          "models = \"{0}/none.toml\"\nrecipes = \"{1}/recipes.toml\"\n",
                          folder.string(), setup_.string()));
        write("recipes.toml", kProducts);
        config.file = setup_ / "station.toml";
    }
    void write(const char* name, std::string_view text) {
        ASSERT_TRUE(base::replace_file(setup_ / name, text));
    }
    [[nodiscard]] std::string file() const {
        return base::read_file(setup_ / "recipes.toml", 1 << 20).value();
    }
    base::Result<Json> asked(const std::function<void(Recipes::Done)>& ask_it) {
        std::optional<base::Result<Json>> answer;
        ask_it([&](base::Result<Json> result) { answer = std::move(result); });
        run_until("the desk", [&] { return answer.has_value(); });
        return *answer;
    }
    Json show() {
        auto shown = asked([&](Recipes::Done done) { engine->recipes()->show(std::move(done)); });
        EXPECT_TRUE(shown) << (shown ? "" : shown.error().message);
        return shown ? *shown : Json();
    }
    base::Result<Json> check(const std::string& text, const std::string& revision,
                             bool orders = false) {
        return asked([&](Recipes::Done done) {
            engine->recipes()->check({text, revision, ""}, orders, std::move(done));
        });
    }
    base::Result<Json> save(const std::string& text, const std::string& revision,
                            const std::string& reason = "new software") {
        return asked([&](Recipes::Done done) {
            engine->recipes()->save({text, revision, reason}, "tom", std::move(done));
        });
    }
    static std::string changed(std::string text, std::string_view from, std::string_view to) {
        const auto at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        return text.replace(at, from.size(), to);
    }
    fs::path setup_;
};

}  // namespace

TEST_F(RecipeDeskTest, Shows_the_file_without_its_secrets) {
    begin();
    const Json shown = show();
    EXPECT_EQ(shown["file"], (setup_ / "recipes.toml").string());
    EXPECT_EQ(shown["in_force"], true);
    EXPECT_EQ(shown["read_only"], nullptr);
    EXPECT_EQ(shown["saved"], nullptr);
    EXPECT_EQ(shown.dump().find("hunter2"), std::string::npos);
    EXPECT_NE(shown["revision"], base::sha256_hex(std::string(kProducts)))
        << "a hash of the content would let a short password be guessed";
}

TEST_F(RecipeDeskTest, Checks_as_the_command_does_with_places_of_the_edited_text) {
    begin();
    const Json shown = show();
    const auto text = shown["text"].get<std::string>();
    EXPECT_EQ(check(text, shown["revision"])->at("verdict"), "accept");
    const auto bad = check(changed(text, "\"flash\"", "\"flsh\""), shown["revision"]);
    ASSERT_TRUE(bad);
    EXPECT_EQ((*bad)["verdict"], "reject");
    const Json& first = (*bad)["errors"][0];
    EXPECT_EQ(first["line"], 3);
    EXPECT_EQ(first["field"], "recipe.step.use");
    EXPECT_EQ(first["remedy"], "did you mean 'flash'?");
    const auto station = base::read_file(setup_ / "station.toml", 1 << 20).value();
    write("station.toml", changed(station, "id = \"line1\"", "id = 3"));
    const auto other = check(text, shown["revision"]);
    EXPECT_EQ((*other)["verdict"], "reject") << "the whole configuration is checked";
    EXPECT_EQ((*other)["errors"][0]["file"], (setup_ / "station.toml").string());
}

TEST_F(RecipeDeskTest, Saves_once_keeps_what_was_and_puts_it_on_record) {
    begin();
    const Json shown = show();
    const auto text = shown["text"].get<std::string>();
    const auto next = changed(text, "bsp = \"/opt/bsp\"", "bsp = \"/opt/bsp2\"");
    const auto saved = save(next, shown["revision"]);
    ASSERT_TRUE(saved) << saved.error().message;
    EXPECT_EQ((*saved)["in_force"], false);
    EXPECT_EQ((*saved)["saved"]["by"], "tom");
    EXPECT_NE(file().find("/opt/bsp2"), std::string::npos);
    EXPECT_NE(file().find("hunter2-of-the-image"), std::string::npos) << "kept as it was";
    EXPECT_EQ(fs::status(setup_ / "recipes.toml").permissions(),
              fs::perms::owner_read | fs::perms::owner_write);
    int versions = 0;
    for (const auto& entry : fs::directory_iterator(setup_)) {
        if (entry.path().filename().string().starts_with("recipes.toml.2")) {
            ++versions;
            EXPECT_EQ(base::read_file(entry.path(), 1 << 20).value(), kProducts);
        }
    }
    EXPECT_EQ(versions, 1);
    const Json told = Json::parse(sql("SELECT data FROM event WHERE kind = 'recipes.saved'"));
    EXPECT_EQ(told["reason"], "new software");
    EXPECT_EQ(told["before_sha256"], base::sha256_hex(text)) << "of the text without secrets";
    EXPECT_EQ(told["after_sha256"], base::sha256_hex(next));
    EXPECT_EQ(told["secrets_written"], Json::array());
    const auto again = save(changed(text, "/opt/bsp", "/opt/bsp3"), shown["revision"]);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, "request.conflict") << "somebody else was faster";
    EXPECT_EQ(save(next, (*saved)["revision"]).error().code, "request.conflict")
        << "nothing is changed";
    EXPECT_EQ(sql("SELECT count(*) FROM event WHERE kind = 'recipes.saved'"), "1");
}

TEST_F(RecipeDeskTest, A_secret_is_changed_by_writing_over_it) {
    begin();
    const Json shown = show();
    const auto saved =
        save(changed(shown["text"], "\"(kept-1)\"", "\"correct-horse\""), shown["revision"]);
    ASSERT_TRUE(saved) << saved.error().message;
    EXPECT_NE(file().find("correct-horse"), std::string::npos);
    EXPECT_EQ(saved->dump().find("correct-horse"), std::string::npos);
    const std::string told = sql("SELECT data FROM event WHERE kind = 'recipes.saved'");
    EXPECT_EQ(told.find("correct-horse"), std::string::npos);
    EXPECT_EQ(Json::parse(told)["secrets_written"], Json::array({"profile.ssh.password"}));
}

TEST_F(RecipeDeskTest, What_would_not_start_is_not_saved) {
    begin();
    const Json shown = show();
    const auto text = shown["text"].get<std::string>();
    EXPECT_EQ(
        save(changed(text, "\"read-serial\"", "\"set-nvme\""), shown["revision"]).error().code,
        "config.invalid");
    EXPECT_EQ(save(changed(text, "\"reeplayer\"", "\"(kept-1)\""), shown["revision"]).error().code,
              "config.invalid")
        << "a secret may not be copied to where it is shown";
    EXPECT_EQ(save(text + "# x\n", shown["revision"], " ").error().code, "request.invalid");
    EXPECT_EQ(file(), kProducts);
    EXPECT_EQ(sql("SELECT count(*) FROM event WHERE kind LIKE 'recipes.%'"), "0");
}

TEST_F(RecipeDeskTest, Names_the_orders_that_start_nothing_any_more) {
    open_line();
    const Json shown = show();
    const auto other = check(shown["text"], shown["revision"], true);
    ASSERT_TRUE(other) << other.error().message;
    EXPECT_EQ((*other)["orders"][0]["order"], "o1") << "it was opened with other steps";
    const auto gone =
        check(changed(shown["text"], "id = \"camera\"\nmodel", "id = \"other\"\nmodel"),
              shown["revision"], true);
    EXPECT_EQ((*gone)["orders"][0]["what"], "there is no profile camera");
}

TEST_F(RecipeDeskTest, Profiles_in_station_toml_are_checked_and_not_saved) {
    const auto station = base::read_file(setup_ / "station.toml", 1 << 20).value();
    write("station.toml",
          changed(station, fmt::format("recipes = \"{}/recipes.toml\"\n", setup_.string()), "") +
              std::string(kProducts));
    begin();
    const Json shown = show();
    EXPECT_EQ(shown["read_only"], "station");
    EXPECT_EQ(shown.dump().find("hunter2"), std::string::npos);
    const auto text = shown["text"].get<std::string>();
    EXPECT_EQ(check(text, shown["revision"])->at("verdict"), "accept");
    EXPECT_EQ(save(text + "# x\n", shown["revision"]).error().code, "request.refused");
}

TEST_F(RecipeDeskTest, A_file_that_is_no_toml_is_not_shown) {
    begin();
    write("recipes.toml", "[profile.ssh]\npassword = \"hunter2-of-the-image\nx = 1\n");
    const auto shown = asked([&](Recipes::Done done) { engine->recipes()->show(std::move(done)); });
    ASSERT_FALSE(shown);
    EXPECT_EQ(shown.error().code, "config.invalid");
    EXPECT_EQ(shown.error().message.find("hunter2"), std::string::npos) << shown.error().message;
}

}  // namespace lineside::engine
