// SPDX-License-Identifier: Apache-2.0
#include "workers/proof/image_record.h"

#include <gtest/gtest.h>

#include <fstream>

namespace lineside::proof {
namespace {

FileRecord file(std::string path, std::string content = "x") {
    FileRecord record;
    record.path = std::move(path);
    record.mode = 0644;
    record.size = content.size();
    record.sha256 = base::sha256_hex(content);
    return record;
}

PartitionRecord kernel() {
    return {"kernel", 10, base::sha256_hex("kernel"), "boot.img", true};
}

ImageRecord image() {
    ImageRecord out;
    out.id = base::sha256_hex("id");
    out.profile = "camera";
    out.board = "jetson-xavier-nx-crc";
    out.rootdev = "mmcblk0p1";
    out.tool_version = "1";
    out.built_ms = 1'700'000'000'000;
    out.partitions = {{"APP", 64, base::sha256_hex("app"), "system.img.raw", false}, kernel()};
    out.mutable_paths = PathRules::parse(std::vector<std::string>{"/var/"}).value();
    out.manifest_sha256 = base::sha256_hex("m");
    out.files = 3;
    out.digest = base::sha256_hex("d");
    out.tree_sha256 = base::sha256_hex("t");
    return out;
}

TEST(Manifest, Record_goes_there_and_back) {
    FileRecord record = file("/etc/a b\n\"\\ü");
    record.xattrs = base::sha256_hex("cap");
    const auto line = format_record(record);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    const auto back = parse_record(std::string_view(line).substr(0, line.size() - 1));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, record);

    FileRecord link;
    link.path = "/bin";
    link.type = 'l';
    link.mode = 0777;
    link.link = "usr/bin";
    link.size = 7;
    link.sha256 = base::sha256_hex("usr/bin");
    EXPECT_EQ(parse_record(format_record(link)).value(), link);
}

TEST(Manifest, Refuses_bad_lines) {
    const auto good = format_record(file("/a"));
    const auto with = [&](std::string_view from, std::string_view to) {
        std::string text = good;
        const auto at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        text.replace(at, from.size(), to);
        return text;
    };
    EXPECT_TRUE(parse_record(good));
    EXPECT_FALSE(parse_record(with("\"/a\"", "\"a\"")));
    EXPECT_FALSE(parse_record(with("\"f\"", "\"q\"")));
    EXPECT_FALSE(parse_record(with("0644", "0844")));
    EXPECT_FALSE(parse_record(with("\"uid\":0", "\"uid\":-1")));
    EXPECT_FALSE(parse_record(with("sha256", "sha257")));
    EXPECT_FALSE(parse_record("{}"));
    EXPECT_FALSE(parse_record(""));
}

TEST(Manifest, File_must_be_sorted_and_whole) {
    const auto path = std::filesystem::path(testing::TempDir()) / "manifest.jsonl";
    const auto write = [&](const std::string& text) { std::ofstream(path) << text; };
    int seen = 0;
    const auto count = [&](FileRecord) -> base::Status {
        ++seen;
        return {};
    };
    write(format_record(file("/a")) + format_record(file("/b")));
    EXPECT_TRUE(read_manifest(path, count));
    EXPECT_EQ(seen, 2);
    write(format_record(file("/b")) + format_record(file("/a")));
    EXPECT_EQ(read_manifest(path, count).error().code, "image.broken");
    write(format_record(file("/a")) + format_record(file("/b")).substr(0, 30));
    EXPECT_EQ(read_manifest(path, count).error().code, "image.broken");
    std::filesystem::remove(path);
    EXPECT_EQ(read_manifest(path, count).error().code, "image.broken");
}

TEST(ImageRecord, Goes_there_and_back) {
    const auto json = to_json(image());
    const auto back = image_from_json(json);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(to_json(*back), json);
    EXPECT_EQ(back->partitions, image().partitions);
}

TEST(ImageRecord, Broken_json_is_image_broken) {
    auto json = to_json(image());
    json["digest"] = "abc";
    EXPECT_EQ(image_from_json(json).error().code, "image.broken");
    json = to_json(image());
    json["partitions"][1]["name"] = "../x";
    EXPECT_EQ(image_from_json(json).error().code, "image.broken");
    json = to_json(image());
    json.erase("id");
    EXPECT_EQ(image_from_json(json).error().code, "image.broken");
    json = to_json(image());
    json["mutable"] = {"var"};
    EXPECT_EQ(image_from_json(json).error().code, "image.broken");
}

TEST(ProofDigest, Is_the_canonical_text_of_the_readme) {
    ProofDigest digest;
    digest.add(kernel());
    FileRecord f = file("/etc/a b");
    f.uid = 7;
    digest.add(f);
    FileRecord link;
    link.path = "/bin";
    link.type = 'l';
    link.mode = 0777;
    link.sha256 = base::sha256_hex("usr/bin");
    digest.add(link);
    EXPECT_EQ(digest.hex(),
              base::sha256_hex("lineside-proof 1\npartition kernel 10 " +
                               base::sha256_hex("kernel") + "\nfile 100644 7 0 " +
                               base::sha256_hex("x") + " /etc/a\\x20b\nfile 120777 0 0 " +
                               base::sha256_hex("usr/bin") + " /bin\n"));
}

TEST(ProofDigest, Changes_with_every_member) {
    const auto of = [](const PartitionRecord& p, const FileRecord& f) {
        ProofDigest digest;
        digest.add(p);
        digest.add(f);
        return digest.hex();
    };
    std::set<std::string> seen;
    seen.insert(of(kernel(), file("/a")));
    auto p = kernel();
    p.bytes = 11;
    seen.insert(of(p, file("/a")));
    p = kernel();
    p.name = "kernel_b";
    seen.insert(of(p, file("/a")));
    p = kernel();
    p.sha256 = base::sha256_hex("other");
    seen.insert(of(p, file("/a")));
    auto f = file("/a");
    f.mode = 0755;
    seen.insert(of(kernel(), f));
    f = file("/a");
    f.gid = 1;
    seen.insert(of(kernel(), f));
    f = file("/a");
    f.uid = 1;
    seen.insert(of(kernel(), f));
    seen.insert(of(kernel(), file("/b")));
    seen.insert(of(kernel(), file("/a", "y")));
    EXPECT_EQ(seen.size(), 9U);
}

TEST(ImageRecord, Only_files_and_links_outside_mutable_are_proven) {
    const auto rules = PathRules::parse(std::vector<std::string>{"/var/"}).value();
    auto f = file("/etc/a");
    EXPECT_TRUE(is_proven(f, rules));
    f.type = 'l';
    EXPECT_TRUE(is_proven(f, rules));
    f.type = 'd';
    EXPECT_FALSE(is_proven(f, rules));
    EXPECT_FALSE(is_proven(file("/var/x"), rules));
}

}  // namespace
}  // namespace lineside::proof
