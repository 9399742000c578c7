// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/package.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace lineside::jetson_usb {
namespace {

namespace fs = std::filesystem;

struct Folder {
    Folder() {
        std::string name = "/tmp/package-test.XXXXXX";
        path = ::mkdtemp(name.data());
    }
    ~Folder() { fs::remove_all(path); }
    void put(const std::string& name, const std::string& text) const {
        fs::create_directories((path / name).parent_path());
        std::ofstream(path / name) << text;
    }
    fs::path path;
};

void put_massflash(const Folder& folder, const std::string& top = "") {
    for (const char* name : {"nvaflash.sh", "tegrarcm_v2", "tegradevflash_v2",
                             "rcm_list_signed.xml", "flash.xml.bin", "blob.bin", "system.img"}) {
        folder.put(top + name, "x");
    }
    folder.put(top + "qspi_bootblob_ver.txt",
               "NV3\n# R32 , REVISION: 7.4\nBOARDID=3668 BOARDSKU=0001 FAB=100\n20231128\n");
}

Package about(const fs::path& path, const std::string& board = {}) {
    const auto listing = listing_of(path);
    EXPECT_TRUE(listing) << listing.error().message;
    return listing ? inspect(*listing, board) : Package{};
}

void put_tree(const Folder& bsp) {
    for (const char* name : {"flash.sh", "bootloader/tegraflash.py", "bootloader/tegrarcm_v2",
                             "bootloader/tegradevflash_v2", "bootloader/chkbdinfo"}) {
        bsp.put(name, "x");
    }
}

}  // namespace

TEST(Package, Mass_flash_folder_and_archive_tell_the_same) {
    const Folder folder;
    put_massflash(folder, "mfi_jetson-xavier-nx-devkit-emmc/");
    const auto tree = about(folder.path / "mfi_jetson-xavier-nx-devkit-emmc");
    const auto archive = folder.path / "mfi_jetson-xavier-nx-devkit-emmc_signed.tbz2";
    ASSERT_EQ(std::system(("tar -C " + folder.path.native() + " -cjf " + archive.native() +
                           " mfi_jetson-xavier-nx-devkit-emmc")
                              .c_str()),
              0);
    for (const Package& seen : {tree, about(archive)}) {
        ASSERT_TRUE(seen.way);
        EXPECT_EQ(*seen.way, Way::massflash);
        EXPECT_EQ(seen.board, "jetson-xavier-nx-devkit-emmc");
        EXPECT_EQ(seen.board_id, "3668");
        EXPECT_EQ(seen.sku, "0001");
        EXPECT_EQ(seen.fab, "100");
        EXPECT_EQ(seen.release, "32.7.4");
        EXPECT_TRUE(seen.missing.empty());
        EXPECT_TRUE(seen.unknown.empty());
        EXPECT_EQ(seen.files, 8U);
        EXPECT_EQ(seen.sha256.size(), 64U);
    }
    EXPECT_NE(tree.sha256, about(archive).sha256);
}

TEST(Package, What_it_lacks_and_what_it_does_not_say_is_named) {
    const Folder folder;
    put_massflash(folder);
    fs::remove(folder.path / "system.img");
    folder.put("blob.bin", "");
    fs::remove(folder.path / "qspi_bootblob_ver.txt");
    const auto seen = about(folder.path);
    ASSERT_EQ(seen.missing.size(), 2U);
    EXPECT_NE(seen.missing[0].find("blob.bin"), std::string::npos);
    EXPECT_NE(seen.missing[1].find("system.img"), std::string::npos);
    EXPECT_EQ(seen.unknown,
              (std::vector<std::string>{"board", "board_id", "sku", "fab", "release"}));
}

TEST(Package, Other_kinds) {
    const Folder tegra;
    tegra.put("initrd-flash", "x");
    tegra.put("tegrarcm_v2", "x");
    tegra.put(".env.initrd-flash",
              "MACHINE=\"jetson-xavier-nx-devkit-emmc\"\nexport BOARDID=3668\nBOARDSKU='0001'\n");
    tegra.put("bsp_version", "BSP_BRANCH=32\nBSP_MAJOR=7\nBSP_MINOR=4\n");
    const auto yocto = about(tegra.path);
    EXPECT_EQ(yocto.way, Way::tegraflash);
    EXPECT_EQ(yocto.board, "jetson-xavier-nx-devkit-emmc");
    EXPECT_EQ(yocto.sku, "0001");
    EXPECT_EQ(yocto.release, "32.7.4");
    EXPECT_EQ(yocto.unknown, std::vector<std::string>{"fab"});

    const Folder bsp;
    put_tree(bsp);
    bsp.put("rootfs/etc/nv_tegra_release",
            "# R35 (release), REVISION: 3.1, GCID: 32827747, BOARD: t186ref, EABI: aarch64\n");
    bsp.put("one.conf", "");
    const auto tree = about(bsp.path);
    EXPECT_EQ(tree.way, Way::flash);
    EXPECT_EQ(tree.release, "35.3.1");
    EXPECT_EQ(tree.board, "one");
    bsp.put("tools/kernel_flash/initrdflashparam.txt", "--network usb0 jetson-orin internal\n");
    bsp.put("tools/kernel_flash/l4t_initrd_flash_internal.sh", "x");
    bsp.put("bootloader/flashcmd.txt", "x");
    const auto initrd = about(bsp.path);
    EXPECT_EQ(initrd.way, Way::initrd);
    EXPECT_EQ(initrd.board, "jetson-orin");
    EXPECT_EQ(initrd.missing.size(), 1U);
}

TEST(Package, A_tree_of_many_boards_tells_of_the_one_that_is_meant) {
    const Folder bsp;
    put_tree(bsp);
    bsp.put("nv_tegra/bsp_version", "BSP_BRANCH=32\nBSP_MAJOR=7\nBSP_MINOR=4\n");
    bsp.put("p3509-0000+p3668-0001-qspi-emmc.conf", "");
    bsp.put("p2822-0000+p2888-0008.conf", "");
    bsp.put("own.conf", "");
    fs::create_symlink("p3509-0000+p3668-0001-qspi-emmc.conf", bsp.path / "nx.conf");
    fs::create_symlink("nx.conf", bsp.path / "product.conf");
    fs::create_symlink("round.conf", bsp.path / "round.conf");
    const auto any = about(bsp.path);
    EXPECT_EQ(any.board, "");
    EXPECT_EQ(any.release, "32.7.4");
    EXPECT_EQ(any.missing,
              std::vector<std::string>{"It has no rootfs/etc/nv_tegra_release, or an empty one"});
    bsp.put("rootfs/etc/nv_tegra_release", "# R32 (release), REVISION: 7.4, GCID: 1\n");
    for (const std::string board : {"nx", "product", "p3509-0000+p3668-0001-qspi-emmc"}) {
        const auto tree = about(bsp.path, board);
        EXPECT_EQ(tree.board, board);
        EXPECT_EQ(tree.board_id, "3668") << board;
        EXPECT_EQ(tree.sku, "0001") << board;
        EXPECT_EQ(tree.unknown, std::vector<std::string>{"fab"});
        EXPECT_EQ(tree.missing, std::vector<std::string>{});
    }
    EXPECT_EQ(about(bsp.path, "p2822-0000+p2888-0008").sku, "0008");
    for (const std::string board : {"own", "round"}) {
        EXPECT_EQ(about(bsp.path, board).board_id, "") << board;
    }
    EXPECT_EQ(about(bsp.path, "nxx").missing, std::vector<std::string>{"It has no nxx.conf"});
}

TEST(Package, A_package_of_another_board_says_so) {
    const Folder folder;
    put_massflash(folder, "mfi_jetson-xavier-nx-devkit-emmc/");
    const auto package = folder.path / "mfi_jetson-xavier-nx-devkit-emmc";
    EXPECT_EQ(about(package, "jetson-xavier-nx-devkit-emmc").missing, std::vector<std::string>{});
    EXPECT_EQ(
        about(package, "jetson-tx2").missing,
        std::vector<std::string>{"It is for board jetson-xavier-nx-devkit-emmc, not jetson-tx2"});
}

TEST(Package, Bad_input_is_refused_and_named) {
    const Folder folder;
    EXPECT_EQ(listing_of(folder.path / "none").error().code, "config.missing");
    folder.put("mfi_x.tbz2", "this is no archive");
    const auto bad = listing_of(folder.path / "mfi_x.tbz2");
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().code, "config.invalid");
    EXPECT_EQ(listing_of("/dev/null").error().code, "config.invalid");
    const auto nothing = about(folder.path);
    EXPECT_FALSE(nothing.way);
    EXPECT_EQ(nothing.missing.size(), 1U);
    put_massflash(folder, "mfi_y/");
    const auto cut = folder.path / "cut.tbz2";
    ASSERT_EQ(
        std::system(
            ("cd " + folder.path.native() +
             " && head -c 200000 /dev/urandom >mfi_y/system.img && tar -cjf all.tbz2 mfi_y && "
             "head -c 100000 all.tbz2 >cut.tbz2")
                .c_str()),
        0);
    EXPECT_FALSE(listing_of(cut));
}

}  // namespace lineside::jetson_usb
