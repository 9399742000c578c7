// SPDX-License-Identifier: Apache-2.0
#include "provisioning/image_proof.h"

#include "station/base/files.h"
#include "station/base/text.h"
#include "workers/proof/escape.h"

#include <charconv>

namespace lineside::provisioning {
namespace {

using proof::escape_name;
using proof::FileRecord;
using proof::PartitionRecord;

// $1: folder of the partitions by name; stdin: lines "name bytes". Reads past the page cache where
// the device lets it (iflag=direct), after the caches were dropped where the kernel lets us.
constexpr std::string_view kPartitions = R"(LC_ALL=C
export LC_ALL
exec 3>&1
sync
if (echo 3 >/proc/sys/vm/drop_caches) 2>/dev/null; then echo 'C dropped'; else echo 'C kept'; fi
n=0
while read -r name bytes; do
    device=$1/$name
    if [ ! -r "$device" ]; then
        echo "E $name"
        n=$((n + 1))
        continue
    fi
    direct=
    if dd if="$device" of=/dev/null bs=4096 count=1 iflag=direct 2>/dev/null; then direct=iflag=direct; fi
    echo "P $name"
    {
        dd if="$device" bs=1048576 count=$(((bytes + 1048575) / 1048576)) $direct 2>/dev/null
        echo "S $?" >&3
    } | head -c "$bytes" | sha256sum >&3
    n=$((n + 1))
done
echo "Z $n"
)";
// stdin of both: paths, each ended by NUL. The output ends with Z and the status of xargs (123:
// some path could not be read, which the missing record tells as well).
constexpr std::string_view kStat = R"(LC_ALL=C
export LC_ALL
xargs -0 sh -c 'exec find "$@" -maxdepth 0 -printf "%y %m %U %G %p\\0%l\\0"' find 2>/dev/null
printf 'Z%s\0' "$?"
)";
constexpr std::string_view kHash = R"(LC_ALL=C
export LC_ALL
xargs -0 sha256sum -z -- 2>/dev/null
printf 'Z%s\0' "$?"
)";

constexpr int kBrokenPipe = 141;  // dd whose reader had enough
// The hashes of many large files come in one write of the unit's sha256sum.
constexpr std::chrono::seconds kHashing{300};
constexpr std::size_t kMaxRecord = 16 * 1024;

tl::unexpected<base::Error> no_proof(std::string_view why) {
    return base::fail("unit.no_proof", fmt::format("Unit could not hash its storage: {}", why));
}

tl::unexpected<base::Error> mismatch(std::string_view what) {
    return base::fail("image.mismatch",
                      fmt::format("What is on the unit is not the image: {}", what));
}

template <typename T>
bool take_number(std::string_view& text, T& value, int base = 10) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc{} || end == text.data() + text.size() || *end != ' ') {
        return false;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
    return true;
}

// Cuts a stream at NUL.
class Records {
  public:
    using Take = std::function<base::Status(std::string_view)>;
    explicit Records(Take take) : take_(std::move(take)) {}
    base::Status push(std::string_view bytes) {
        for (const char c : bytes) {
            if (c != '\0') {
                if (rest_.size() >= kMaxRecord) {
                    return no_proof("it sent a record that is too long");
                }
                rest_.push_back(c);
                continue;
            }
            auto taken = take_(rest_);
            rest_.clear();
            if (!taken) {
                return taken;
            }
        }
        return {};
    }

  private:
    Take take_;
    std::string rest_;
};

class Prover {
  public:
    explicit Prover(StepContext& context) : context_(context) {}

    base::Result<ImageProof> run() {
        for (const auto step : {&Prover::read_expected, &Prover::compare_id,
                                &Prover::ask_partitions, &Prover::ask_stat, &Prover::ask_hashes}) {
            if (auto done = (this->*step)(); !done) {
                return tl::unexpected(done.error());
            }
        }
        proof::ProofDigest digest;
        std::size_t partitions = 0;
        for (const PartitionRecord& partition : image_.partitions) {
            if (partition.proven) {
                digest.add(partition);
                ++partitions;
            }
        }
        const std::string wrong = first_file_difference(expected_, seen_, digest);
        if (!wrong.empty()) {
            return mismatch(wrong);
        }
        return ImageProof{partitions, expected_.size(), digest.hex()};
    }

  private:
    base::Status read_expected() {
        const auto& ref = context_.station().job().image;
        if (!ref) {
            return base::fail("config.invalid", "the proof of image needs an image");
        }
        auto image = proof::read_image(ref->dir);
        if (!image) {
            return tl::unexpected(image.error());
        }
        if (image->id != ref->id) {
            return base::fail("image.broken", "image.json belongs to another image");
        }
        image_ = std::move(*image);
        base::Sha256 whole;
        auto read = proof::read_manifest(std::filesystem::path(ref->dir) / "manifest.jsonl",
                                         [&](FileRecord record) -> base::Status {
                                             whole.update(format_record(record));
                                             if (is_proven(record, image_.mutable_paths)) {
                                                 total_ += record.type == 'f' ? record.size : 0;
                                                 index_.emplace(record.path, expected_.size());
                                                 expected_.push_back(std::move(record));
                                             }
                                             return {};
                                         });
        if (!read) {
            return read;
        }
        if (whole.hex() != image_.manifest_sha256 || expected_.size() != image_.files) {
            return base::fail("image.broken", "manifest.jsonl is not the one of this image");
        }
        seen_.resize(expected_.size());
        for (const PartitionRecord& partition : image_.partitions) {
            total_ += partition.proven ? partition.bytes : 0;
        }
        return {};
    }

    // Says at once, and in words that help, when another image runs on the unit.
    base::Status compare_id() {
        constexpr std::string_view kPath = "/etc/lineside/image-id";
        const auto at = index_.find(std::string(kPath));
        if (at == index_.end()) {
            return {};
        }
        StepContext::Run run;
        run.program = "xargs -0 cat --";
        run.input = std::string(kPath) + '\0';
        run.log_output = false;
        auto end = context_.run(run);
        if (!end) {
            return tl::unexpected(end.error());
        }
        const std::string said(end->out.substr(0, end->out.find('\n')));
        if (said == image_.id) {
            return {};
        }
        return mismatch(base::is_hex64(said)
                            ? fmt::format("{} says image {}, not {}", kPath, said.substr(0, 12),
                                          image_.id.substr(0, 12))
                            : fmt::format("{} is missing or not readable", kPath));
    }

    base::Status ask_partitions() {
        std::vector<PartitionRecord> asked;
        StepContext::Run run;
        for (const PartitionRecord& partition : image_.partitions) {
            if (partition.proven) {
                asked.push_back(partition);
                run.input += fmt::format("{} {}\n", partition.name, partition.bytes);
            }
        }
        PartitionReport report(asked);
        run.program = kPartitions;
        run.args = {context_.text("device_dir")};
        auto said = ask(run, [&](std::string_view bytes) {
            auto taken = report.push(bytes);
            std::uint64_t done = 0;
            for (std::size_t i = 0; i < report.compared(); ++i) {
                done += asked[i].bytes;
            }
            tell(done);
            return taken;
        });
        if (!said) {
            return said;
        }
        if (auto finished = report.finish(); !finished) {
            return finished;
        }
        context_.station().fact("proof.caches", report.caches_dropped() ? "dropped" : "kept");
        return {};
    }

    base::Status ask_stat() {
        StepContext::Run run;
        for (const FileRecord& record : expected_) {
            run.input += record.path;
            run.input += '\0';
        }
        run.program = kStat;
        std::optional<std::size_t> current;  // whose link target comes next
        return ask_records(run, [&](std::string_view record) -> base::Status {
            if (current) {
                seen_[*current].link = record;
                current.reset();
                return {};
            }
            std::string_view text = record;
            Seen seen;
            if (text.size() < 2 || text[1] != ' ') {
                return no_proof("it sent a record of the wrong form");
            }
            seen.type = text[0];
            text.remove_prefix(2);
            if (!take_number(text, seen.mode, 8) || !take_number(text, seen.uid) ||
                !take_number(text, seen.gid)) {
                return no_proof("it sent a record of the wrong form");
            }
            const auto at = index_.find(std::string(text));
            if (at == index_.end() || seen_[at->second].there) {
                return no_proof("it told of " + escape_name(text.substr(0, 200)) +
                                ", which was not asked");
            }
            seen.there = true;
            current = at->second;
            seen_[*current] = std::move(seen);
            return {};
        });
    }

    base::Status ask_hashes() {
        StepContext::Run run;
        for (std::size_t i = 0; i < expected_.size(); ++i) {
            // What is no file any more is not opened: it might be a pipe.
            if (expected_[i].type == 'f' && seen_[i].type == 'f') {
                run.input += expected_[i].path;
                run.input += '\0';
            } else if (seen_[i].type == 'l') {
                seen_[i].sha256 = base::sha256_hex(seen_[i].link);
            }
        }
        if (run.input.empty()) {
            return {};
        }
        run.program = kHash;
        std::uint64_t done = 0;
        for (const PartitionRecord& partition : image_.partitions) {
            done += partition.proven ? partition.bytes : 0;
        }
        return ask_records(run, [&](std::string_view record) -> base::Status {
            const std::string_view text = record;
            if (text.size() < 67 || !base::is_hex64(text.substr(0, 64)) || text[64] != ' ') {
                return no_proof("it sent a record of the wrong form");
            }
            const auto at = index_.find(std::string(text.substr(66)));
            if (at == index_.end() || !seen_[at->second].sha256.empty()) {
                return no_proof("it hashed " + escape_name(text.substr(66, 200)) +
                                ", which was not asked");
            }
            seen_[at->second].sha256 = text.substr(0, 64);
            tell(done += expected_[at->second].size);
            return {};
        });
    }

    // Runs one of the NUL-separated programs to its end mark.
    base::Status ask_records(StepContext::Run& run, const Records::Take& take) {
        std::optional<int> status;
        Records records([&](std::string_view record) -> base::Status {
            if (status) {
                return no_proof("it went on after the end");
            }
            if (record.starts_with('Z')) {
                status = 0;
                const auto [end, error] =
                    std::from_chars(record.data() + 1, record.data() + record.size(), *status);
                return error == std::errc{} && end == record.data() + record.size()
                           ? base::Status{}
                           : no_proof("it sent a record of the wrong form");
            }
            return take(record);
        });
        if (auto said = ask(run, [&](std::string_view bytes) { return records.push(bytes); });
            !said) {
            return said;
        }
        if (!status) {
            return no_proof("its report broke off");
        }
        // 0 and 123 are a report with and without gaps; anything else, and its tools are missing or
        // broken.
        return *status == 0 || *status == 123
                   ? base::Status{}
                   : no_proof(fmt::format("its tools ended with {}", *status));
    }

    base::Status ask(StepContext::Run& run,
                     const std::function<base::Status(std::string_view)>& take) {
        run.log_output = false;
        run.keep = 4096;
        run.least_silence = kHashing;
        run.on_output = [&](Stream stream, std::string_view bytes) {
            return stream == Stream::out ? take(bytes) : base::Status{};
        };
        auto end = context_.run(run);
        if (!end) {
            return tl::unexpected(end.error());
        }
        if (!end->ok()) {
            return no_proof(
                fmt::format("the program {}: {}", end->how_text(), last_lines(end->err, 500)));
        }
        return {};
    }

    void tell(std::uint64_t done) { context_.station().progress(done, total_, "bytes"); }

    StepContext& context_;
    proof::ImageRecord image_;
    std::vector<FileRecord> expected_;
    std::vector<Seen> seen_;  // one for each expected
    std::unordered_map<std::string, std::size_t> index_;
    std::uint64_t total_ = 0;
};

}  // namespace

base::Status PartitionReport::push(std::string_view bytes) {
    rest_ += bytes;
    std::size_t from = 0;
    for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', from)) {
        if (auto taken = line(std::string_view(rest_).substr(from, end - from)); !taken) {
            return taken;
        }
        from = end + 1;
    }
    rest_.erase(0, from);
    return rest_.size() <= kMaxRecord ? base::Status{}
                                      : no_proof("it sent a line that is too long");
}

base::Status PartitionReport::line(std::string_view line) {
    if (ended_) {
        return no_proof("it went on after the end");
    }
    const std::string_view body = line.size() > 2 ? line.substr(2) : "";
    const bool expected = next_ < asked_.size() && body == asked_[next_].name;
    if (line == "C dropped" || line == "C kept") {
        dropped_ = line == "C dropped";
        return {};
    }
    if (!under_way_ && line.starts_with("E ") && expected) {
        return mismatch(fmt::format("partition {} is not there", asked_[next_].name));
    }
    if (!under_way_ && line.starts_with("P ") && expected) {
        under_way_ = true;
        has_status_ = false;
        sha256_.clear();
        return {};
    }
    if (!under_way_ && line == fmt::format("Z {}", asked_.size()) && next_ == asked_.size()) {
        ended_ = true;
        return {};
    }
    if (under_way_ && !has_status_ && line.starts_with("S ")) {
        if (body != "0" && body != std::to_string(kBrokenPipe)) {
            return no_proof(fmt::format("partition {} cannot be read", asked_[next_].name));
        }
        has_status_ = true;
    } else if (under_way_ && sha256_.empty() && line.size() > 64 &&
               base::is_hex64(line.substr(0, 64)) && line.substr(64) == "  -") {
        sha256_ = line.substr(0, 64);
    } else {
        return no_proof("it sent the line " + escape_name(line.substr(0, 200)));
    }
    if (has_status_ && !sha256_.empty()) {
        under_way_ = false;
        if (sha256_ != asked_[next_].sha256) {
            return mismatch(fmt::format("partition {} has other content", asked_[next_].name));
        }
        ++next_;
        ++compared_;
    }
    return {};
}

base::Status PartitionReport::finish() const {
    return ended_ && rest_.empty() ? base::Status{} : no_proof("its report broke off");
}

std::string first_file_difference(const std::vector<FileRecord>& expected,
                                  const std::vector<Seen>& seen, proof::ProofDigest& digest) {
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const FileRecord& want = expected[i];
        const Seen& have = seen[i];
        const std::string name = escape_name(want.path);
        if (!have.there) {
            return fmt::format("file {} is not there", name);
        }
        if (have.type != want.type) {
            return fmt::format("file {} is of another kind", name);
        }
        if (have.uid != want.uid || have.gid != want.gid) {
            return fmt::format("file {} belongs to {}:{}, not {}:{}", name, have.uid, have.gid,
                               want.uid, want.gid);
        }
        if (have.mode != want.mode) {
            return fmt::format("file {} has mode {:04o}, not {:04o}", name, have.mode, want.mode);
        }
        if (have.sha256 != want.sha256) {
            return fmt::format("file {} {}", name,
                               have.sha256.empty() ? "cannot be read"
                               : want.type == 'l'  ? "leads elsewhere"
                                                   : "has other content");
        }
        FileRecord reported = want;
        reported.mode = have.mode;
        reported.uid = have.uid;
        reported.gid = have.gid;
        reported.sha256 = have.sha256;
        digest.add(reported);
    }
    return {};
}

base::Result<ImageProof> prove_image(StepContext& context) {
    return Prover(context).run();
}

}  // namespace lineside::provisioning
