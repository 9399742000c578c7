// SPDX-License-Identifier: Apache-2.0
// Proof of image: has a booted unit hash its partitions and files, compares with what the cache
// holds, and names the first difference. The unit only ever sends hashes, modes, owners and link
// targets. The unit needs: sh, dd, head, sha256sum, sync (coreutils), find, xargs (findutils), and
// root. Thread: one.
#pragma once

#include "provisioning/step.h"
#include "workers/proof/image_record.h"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::provisioning {

// What the two programs say on the unit; pure, so that tests can feed anything.

// Lines of the partition program: C dropped|kept, then for each partition E name, or P name
// followed by S status and "<sha256>  -" in either order, last Z count.
class PartitionReport {
  public:
    explicit PartitionReport(std::vector<proof::PartitionRecord> asked)
        : asked_(std::move(asked)) {}
    // Errors: unit.no_proof (a line of the wrong form, one we did not ask for), image.mismatch.
    [[nodiscard]] base::Status push(std::string_view bytes);
    // After the last byte. Errors: unit.no_proof (cut off).
    [[nodiscard]] base::Status finish() const;
    [[nodiscard]] std::size_t compared() const { return compared_; }
    [[nodiscard]] bool caches_dropped() const { return dropped_; }

  private:
    [[nodiscard]] base::Status line(std::string_view line);
    std::vector<proof::PartitionRecord> asked_;  // in the order we asked
    std::string rest_;
    std::size_t next_ = 0;  // the partition whose report comes next or is under way
    std::size_t compared_ = 0;
    bool under_way_ = false;
    bool has_status_ = false;
    std::string sha256_;
    bool dropped_ = false;
    bool ended_ = false;
};

// What the unit said of one path.
struct Seen {
    bool there = false;
    char type = 0;
    std::uint32_t mode = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::string link;
    std::string sha256;
};

// Compares all files, in order of path; "" when none differs, else what is wrong with the first one
// that does. `digest` gets every file as the unit reported it.
[[nodiscard]] std::string first_file_difference(const std::vector<proof::FileRecord>& expected,
                                                const std::vector<Seen>& seen,
                                                proof::ProofDigest& digest);

struct ImageProof {
    std::size_t partitions = 0;
    std::size_t files = 0;
    std::string digest;
};

// Errors: image.mismatch (naming partition or file), unit.no_proof, image.broken (our own cache),
// ssh.lost.
[[nodiscard]] base::Result<ImageProof> prove_image(StepContext& context);

}  // namespace lineside::provisioning
