// SPDX-License-Identifier: Apache-2.0
// What a cached image is (image.json) and the one digest that says "this is what is on the unit".
// The build computes the digest from the image, the proof worker computes it from what a unit sent,
// the station compares the two. README.md has the canonical text.
// Thread: any (plain values; reading blocks on disk).
#pragma once

#include "station/base/error.h"
#include "station/base/json.h"
#include "station/base/text.h"
#include "workers/proof/manifest.h"
#include "workers/proof/path_rules.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace lineside::proof {

struct PartitionRecord {
    std::string name;         // label on the unit: /dev/disk/by-partlabel/<name>
    std::uint64_t bytes = 0;  // of the content; the partition may be larger
    std::string sha256;
    std::string file;    // in bootloader/ of the tree
    bool proven = true;  // false: mounted read-write on the unit, so only its files are compared
    bool operator==(const PartitionRecord&) const = default;
};

struct ImageRecord {
    std::string id;  // the content key
    std::string profile;
    std::string board;
    std::string rootdev;
    std::string release;
    std::int64_t built_ms = 0;
    std::string tool_version;
    std::vector<PartitionRecord> partitions;  // sorted by name
    PathRules mutable_paths;
    // What was done before the flash: step -> its arguments, a secret as "set" or "none". No part
    // of the digest: the files that it made are.
    base::Json in_force = base::Json::object();
    // The container it was built in: {"image","digest"}; empty = on the host.
    base::Json container = base::Json::object();
    std::string manifest_sha256;  // of manifest.jsonl
    std::uint64_t files = 0;      // files and links the proof compares
    std::string digest;           // of the proof
    std::string tree_sha256;      // of tree/, see tree.jsonl
    std::uint64_t tree_bytes = 0;
};

[[nodiscard]] base::Json to_json(const ImageRecord& image);
// Errors: image.broken.
[[nodiscard]] base::Result<ImageRecord> image_from_json(const base::Json& json);
[[nodiscard]] base::Result<ImageRecord> read_image(const std::filesystem::path& image_dir);

// True for what the proof compares file by file: files and links outside the mutable list.
[[nodiscard]] bool is_proven(const FileRecord& record, const PathRules& mutable_paths);

// The digest over partitions and files; feed both sorted (partitions by name, files by path).
class ProofDigest {
  public:
    ProofDigest();
    void add(const PartitionRecord& partition);
    void add(const FileRecord& file);
    [[nodiscard]] std::string hex() { return hash_.hex(); }

  private:
    base::Sha256 hash_;
};

}  // namespace lineside::proof
