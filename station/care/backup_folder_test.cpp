// SPDX-License-Identifier: Apache-2.0
#include "station/care/backup_folder.h"

#include "station/care/care_fixture.h"
#include "station/db/connection.h"

#include <sys/statvfs.h>

namespace lineside::care {
namespace {

class BackupFolderTest : public CareFixture {};

TEST_F(BackupFolderTest, Keeps_the_newest_here_and_in_the_second_folder) {
    BackupPolicy policy;
    policy.keep = 3;
    policy.copy_to = folder / "other-disk";
    for (int i = 0; i < 5; ++i) {
        event("something");
        const auto made = make_backup(*data, policy, 1'790'000'000'000 + i * 1000);
        ASSERT_TRUE(made) << made.error().message;
        ASSERT_TRUE(made->copied) << made->copied.error().message;
    }
    for (const fs::path& where : {data->backups(), policy.copy_to}) {
        const auto kept = backups_in(where);
        ASSERT_EQ(kept.size(), 3U);
        EXPECT_EQ(kept[0].facts.made_ms, 1'790'000'004'000);
        EXPECT_EQ(kept[0].facts.seq, 6);
        EXPECT_EQ(kept[2].facts.seq, 4);
        EXPECT_EQ(std::distance(fs::directory_iterator(where), fs::directory_iterator()), 6);
        EXPECT_EQ(db::sha256_of_file(kept[0].file).value(), kept[0].facts.sha256);
    }
}

TEST_F(BackupFolderTest, Last_good_one_is_the_newest_with_its_own_bytes) {
    ASSERT_TRUE(make_backup(*data, {}, 1'790'000'000'000));
    event("something");
    const auto newer = make_backup(*data, {}, 1'790'000'001'000).value();
    EXPECT_EQ(last_good_backup(*data)->facts.made_ms, 1'790'000'001'000);
    std::ofstream(newer.backup.file, std::ios::app) << "x";
    EXPECT_EQ(last_good_backup(*data)->facts.made_ms, 1'790'000'000'000);
    fs::remove_all(data->backups());
    EXPECT_FALSE(last_good_backup(*data));
}

TEST_F(BackupFolderTest, Is_refused_while_there_is_no_room_and_leaves_nothing) {
    // A log that claims more than the disk has: a hole costs nothing.
    struct statvfs disk {};
    ASSERT_EQ(::statvfs(folder.c_str(), &disk), 0);
    const auto big = folder / "big.db";
    std::ofstream(big) << "x";
    std::error_code error;
    fs::resize_file(big, disk.f_bavail * disk.f_frsize / 2 + (64UL << 20U), error);
    if (error) {
        GTEST_SKIP() << "no holes on this file system";
    }
    const auto refused = refuse_without_room(big, data->backups());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "disk.full");
    EXPECT_TRUE(refuse_without_room(data->database(), data->backups()));
}

TEST_F(BackupFolderTest, Second_folder_that_cannot_be_written_costs_no_backup) {
    BackupPolicy policy;
    std::ofstream(folder / "a-file") << "x";
    policy.copy_to = folder / "a-file" / "below";
    const auto made = make_backup(*data, policy, 1'790'000'000'000);
    ASSERT_TRUE(made);
    EXPECT_FALSE(made->copied);
    EXPECT_TRUE(last_good_backup(*data));
}

}  // namespace
}  // namespace lineside::care
