// SPDX-License-Identifier: Apache-2.0
// A table of damages: each is told, with what it is, and nothing is changed by looking.
#include "station/care/soundness.h"

#include "station/base/text.h"
#include "station/care/backup_folder.h"
#include "station/care/care_fixture.h"
#include "station/db/connection.h"
#include "station/trust/signing_key.h"

#include <sstream>

namespace lineside::care {
namespace {

class SoundnessTest : public CareFixture {
  protected:
    void SetUp() override {
        CareFixture::SetUp();
        make_unit(1, {"issued", "burned"});
        for (int i = 0; i < 300; ++i) {
            event("padding.for.pages");
        }
        ASSERT_TRUE(make_backup(*data, {}, 1'790'000'100'000));
    }
    Soundness look() { return look_at(*data, std::nullopt, 0); }
    std::int64_t page_of(const char* table) {
        const auto connection = db::open_to_look(data->database()).value();
        return db::pragma_number(
                   connection.get(),
                   fmt::format("SELECT rootpage FROM sqlite_schema WHERE name = '{}'", table)
                       .c_str())
            .value();
    }
    void overwrite(const fs::path& file, std::int64_t at, const std::string& bytes) {
        std::fstream raw(file, std::ios::in | std::ios::out | std::ios::binary);
        raw.seekp(at);
        raw << bytes;
    }
    void zero_page(const char* table) {
        overwrite(data->database(), (page_of(table) - 1) * 4096, std::string(4096, '\0'));
    }
    // As a sqlite3 shell with its defaults would.
    void shell(const std::string& text) {
        sqlite3* raw = nullptr;
        ASSERT_EQ(sqlite3_open(data->database().c_str(), &raw), SQLITE_OK);
        const db::Connection connection(raw);
        ASSERT_EQ(sqlite3_exec(raw, text.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
            << sqlite3_errmsg(raw);
    }
    fs::path log() const { return data->database().string() + "-wal"; }
};

TEST_F(SoundnessTest, Fresh_running_stopped_and_killed_are_sound) {
    EXPECT_TRUE(look_at(DataFolder(folder / "nothing"), std::nullopt, 0).fresh);
    EXPECT_EQ(look().verdict, Verdict::sound) << look().what;  // running
    fs::create_directory(folder / "killed");
    for (const auto& each : fs::directory_iterator(data->path)) {
        if (each.is_regular_file()) {
            fs::copy_file(each.path(), folder / "killed" / each.path().filename());
        }
    }
    EXPECT_EQ(look_at(DataFolder(folder / "killed"), std::nullopt, 0).verdict, Verdict::sound);
    EXPECT_EQ(look_at(DataFolder(folder / "killed"), std::nullopt, 1).verdict, Verdict::sound);
    store.reset();
    EXPECT_EQ(look().verdict, Verdict::sound) << look().what;
    std::ostringstream out;
    EXPECT_EQ(run_check_only(*data, std::nullopt, out), 0);
    EXPECT_EQ(out.str(), "{\"ok\":true}\n");
}

struct Damage {
    const char* name;
    std::function<void()> make;
    const char* says;
};

TEST_F(SoundnessTest, Every_damage_is_told_with_the_last_good_backup) {
    const std::string good = last_good_backup(*data)->file.string();
    store.reset();
    const fs::path kept = folder / "kept";
    fs::copy(data->path, kept, fs::copy_options::recursive);
    const auto db = data->database();
    const auto cut = [&](std::uintmax_t to) { return [&, to] { fs::resize_file(db, to); }; };
    const auto size = fs::file_size(db);
    const std::vector<Damage> damages{
        {"missing", [&] { fs::remove(db); }, "is missing, and this station had one"},
        {"missing, with a log",
         [&] {
             fs::remove(db);
             fs::remove(data->initialised());
             std::ofstream(log()) << std::string(5000, 'w');
         },
         "its log is there"},
        {"empty", cut(0), "is empty, and this station had one"},
        {"cut in the header", cut(50), ""},
        {"cut behind the header", cut(100), ""},
        {"cut to a page", cut(4096), ""},
        {"cut in the middle", cut(size / 2), ""},
        {"cut by a byte", cut(size - 1), ""},
        {"cut by a page", cut(size - 4096), ""},
        {"zeros in front", [&] { overwrite(db, 0, std::string(4096, '\0')); },
         "does not begin like a database"},
        {"text", [&] { std::ofstream(db) << "station,serial\n"; },
         "does not begin like a database"},
        {"garbage behind a good header", [&] { overwrite(db, 100, std::string(3996, '\xA5')); },
         ""},
        {"zero page: lease", [&] { zero_page("lease"); }, ""},
        {"zero page: serial", [&] { zero_page("serial"); }, ""},
        {"zero page: event", [&] { zero_page("event"); }, ""},
        {"zero page: an index", [&] { zero_page("lease_once_per_serial"); }, ""},
        {"zero page: token", [&] { zero_page("token"); }, ""},
        {"page of another place",
         [&] {
             std::string page(4096, '\0');
             std::ifstream in(db, std::ios::binary);
             in.seekg((page_of("event") - 1) * 4096);
             in.read(page.data(), 4096);
             overwrite(db, (page_of("token") - 1) * 4096, page);
         },
         ""},
        {"garbage log", [&] { std::ofstream(log()) << std::string(10'000, 'x'); },
         "does not begin like a log"},
        {"other program's database", [&] { shell("PRAGMA application_id = 7"); },
         "is not a Lineside database"},
        {"all tables gone",
         [&] {
             fs::remove(db);
             shell("CREATE TABLE x (y); DROP TABLE x;");
         },
         "has no tables"},
        {"dropped trigger", [&] { shell("DROP TRIGGER event_kept"); },
         "trigger event_kept is missing"},
        {"dropped index", [&] { shell("DROP INDEX lease_once_per_serial"); },
         "index lease_once_per_serial is missing"},
        {"extra trigger",
         [&] { shell("CREATE TRIGGER mine AFTER INSERT ON pool BEGIN SELECT 1; END"); },
         "trigger mine is not of this program"},
        {"reference to nothing", [&] { shell("UPDATE orders SET image_id = 77 WHERE id = 1"); },
         "rows refer to rows"},
        {"newest rows of the journal gone",
         [&] {
             shell("PRAGMA recursive_triggers = 0; UPDATE station SET head_seq = head_seq + 5");
         },
         "the journal ends at row"},
        {"log of a job nobody knows", [&] { fs::create_directories(data->logs() / "9"); },
         "the newest records are missing"},
        {"restore cut off", [&] { std::ofstream(data->restoring()) << "{}"; },
         "a restore was cut off"},
    };
    for (const Damage& damage : damages) {
        fs::remove_all(data->path);
        fs::copy(kept, data->path, fs::copy_options::recursive);
        damage.make();
        std::ostringstream out;
        EXPECT_EQ(run_check_only(*data, std::nullopt, out), 4) << damage.name << ": " << out.str();
        const auto said = base::parse_json(out.str(), 10'000);
        ASSERT_TRUE(said) << damage.name << ": " << out.str();
        EXPECT_FALSE(said->value("ok", true)) << damage.name;
        EXPECT_NE(said->value("what", "").find(damage.says), std::string::npos)
            << damage.name << ": " << out.str();
        EXPECT_EQ(said->value("last_good_backup", ""), good) << damage.name;
        EXPECT_EQ(look_at(*data, std::nullopt, 10'000).verdict == Verdict::sound,
                  std::string_view(damage.name) == "reference to nothing")
            << damage.name << ": within a time, references alone are not looked at";
    }
}

TEST_F(SoundnessTest, Newer_schema_is_another_thing) {
    store.reset();
    shell("PRAGMA user_version = 99");
    std::ostringstream out;
    EXPECT_EQ(run_check_only(*data, std::nullopt, out), 5);
    EXPECT_NE(out.str().find("schema 99"), std::string::npos);
}

TEST_F(SoundnessTest, Missing_or_wrong_keys_are_told) {
    const KeyFiles keys{key_file, folder / "signing.pem"};
    const auto made = trust::SigningKey::open(keys.signing, true).value();
    EXPECT_EQ(look_at(*data, keys, 0).verdict, Verdict::sound);
    ASSERT_TRUE(write([&](db::Tx& tx) -> base::Status {
        auto row =
            tx.run("INSERT INTO signing_key (key_id, public_pem, from_ms) VALUES (?1, ?2, 0)",
                   made.id(), made.public_pem());
        return row ? base::Status() : tl::unexpected<base::Error>(row.error());
    }));
    EXPECT_EQ(look_at(*data, keys, 0).verdict, Verdict::sound);
    fs::remove(keys.signing);
    EXPECT_EQ(look_at(*data, keys, 0).verdict, Verdict::key_missing);
    EXPECT_EQ(look_at(*data, std::nullopt, 0).verdict, Verdict::sound);
    ASSERT_TRUE(trust::SigningKey::open(keys.signing, true));
    const std::string need = vault->key_id();
    fs::remove(key_file);
    EXPECT_EQ(look_at(*data, keys, 0).verdict, Verdict::key_missing);
    ASSERT_TRUE(serial_pool::TokenVault::open(key_file, true));
    const auto wrong = look_at(*data, keys, 0);
    EXPECT_EQ(wrong.verdict, Verdict::key_missing);
    EXPECT_NE(wrong.what.find("need key " + need), std::string::npos) << wrong.what;
}

}  // namespace
}  // namespace lineside::care
