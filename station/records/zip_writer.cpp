// SPDX-License-Identifier: Apache-2.0
#include "station/records/zip_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <limits>

namespace lineside::records {
namespace {

// APPNOTE.TXT 6.3.10: 4.3.7, 4.3.9, 4.3.12, 4.3.14, 4.3.15, 4.3.16.
constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kDescriptor = 0x08074b50;
constexpr std::uint32_t kDirectoryHeader = 0x02014b50;
constexpr std::uint32_t kEnd64 = 0x06064b50;
constexpr std::uint32_t kEnd64Locator = 0x07064b50;
constexpr std::uint32_t kEnd = 0x06054b50;

constexpr std::uint16_t kVersion = 45;                    // zip64
constexpr std::uint16_t kMadeOnUnix = 3 << 8 | kVersion;  // 4.4.2
constexpr std::uint16_t kFlags = 1 << 3 | 1 << 11;        // 4.4.4: descriptor follows, UTF-8
constexpr std::uint16_t kDeflated = 8;                    // 4.4.5
constexpr std::uint16_t kZip64 = 0x0001;                  // 4.5.3
constexpr std::uint16_t kUnixTime = 0x5455;               // "UT" of Info-ZIP
constexpr std::uint32_t kPlainFile = 0100644U << 16;      // Unix mode
constexpr std::uint16_t kMax16 = std::numeric_limits<std::uint16_t>::max();
constexpr std::uint32_t kMax32 = std::numeric_limits<std::uint32_t>::max();

constexpr int kRaw = -MAX_WBITS;  // zlib's way to ask for bare deflate
constexpr int kMemory = 8;        // zlib's default
constexpr std::size_t kPiece = 64 * 1024;

class Record {
  public:
    Record& u16(std::uint64_t v) { return add(v, 2); }
    Record& u32(std::uint64_t v) { return add(v, 4); }
    Record& u64(std::uint64_t v) { return add(v, 8); }
    Record& text(std::string_view v) {
        bytes_ += v;
        return *this;
    }
    [[nodiscard]] const std::string& bytes() const { return bytes_; }

  private:
    Record& add(std::uint64_t v, int count) {
        for (int i = 0; i < count; ++i) {
            bytes_ += static_cast<char>(v >> (8 * i) & 0xff);
        }
        return *this;
    }
    std::string bytes_;
};

std::uint32_t low32(std::uint64_t v) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(v, kMax32));
}
std::uint16_t low16(std::uint64_t v) {
    return static_cast<std::uint16_t>(std::min<std::uint64_t>(v, kMax16));
}

// 4.4.6: MS-DOS date and time, by the wall's clock, in steps of 2 s; nothing is before 1980.
std::uint32_t dos_time(std::int64_t at_ms) {
    const auto at = static_cast<std::time_t>(at_ms / 1000);
    std::tm local{};
    ::localtime_r(&at, &local);
    if (local.tm_year < 80) {
        return 1U << 21 | 1U << 16;
    }
    const auto part = [](int v, unsigned shift) { return static_cast<std::uint32_t>(v) << shift; };
    return part(std::min(local.tm_year - 80, 127), 25) | part(local.tm_mon + 1, 21) |
           part(local.tm_mday, 16) | part(local.tm_hour, 11) | part(local.tm_min, 5) |
           part(std::min(local.tm_sec, 59) / 2, 0);
}

// The exact time, in UTC.
std::string unix_time(std::int64_t at_ms) {
    constexpr std::int64_t kLast = std::numeric_limits<std::int32_t>::max();
    const auto seconds = std::clamp<std::int64_t>(at_ms / 1000, 0, kLast);
    return Record()
        .u16(kUnixTime)
        .u16(5)
        .text("\1")  // of its change alone
        .u32(static_cast<std::uint64_t>(seconds))
        .bytes();
}

}  // namespace

ZipWriter::ZipWriter(std::filesystem::path folder, std::uint64_t ahead)
    : directory_(std::move(folder)), at_(ahead) {
    // Level 1: a log shrinks to a tenth, as good as at six times the cost.
    broken_ =
        deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, kRaw, kMemory, Z_DEFAULT_STRATEGY) != Z_OK;
}

ZipWriter::~ZipWriter() {
    deflateEnd(&stream_);
}

void ZipWriter::put(std::string_view bytes) {
    out_ += bytes;
    at_ += bytes.size();
}

base::Status ZipWriter::begin(std::string_view name, std::int64_t at_ms) {
    if (broken_ || name.size() > kMax16 || deflateReset(&stream_) != Z_OK) {
        return base::fail("station.bug", "Archive cannot be written");
    }
    member_ = Member{
        std::string(name), at_ms, at_, 0, 0, static_cast<std::uint32_t>(crc32(0, nullptr, 0))};
    const std::string extra =
        Record().u16(kZip64).u16(16).u64(0).u64(0).text(unix_time(at_ms)).bytes();
    put(Record()
            .u32(kLocalHeader)
            .u16(kVersion)
            .u16(kFlags)
            .u16(kDeflated)
            .u32(dos_time(at_ms))
            .u32(0)       // checksum, in the descriptor
            .u32(kMax32)  // sizes likewise; in 64 bits, for there is the extra field
            .u32(kMax32)
            .u16(name.size())
            .u16(extra.size())
            .text(name)
            .text(extra)
            .bytes());
    return {};
}

base::Status ZipWriter::deflate(std::string_view bytes, int flush) {
    // zlib's lengths are 32 bits: callers' pieces are small, but nothing here relies on it.
    do {
        const std::string_view part = bytes.substr(0, kPiece);
        bytes.remove_prefix(part.size());
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
        stream_.avail_in = static_cast<uInt>(part.size());
        std::array<char, kPiece> packed;  // NOLINT: filled by zlib
        do {
            stream_.next_out = reinterpret_cast<Bytef*>(packed.data());
            stream_.avail_out = static_cast<uInt>(packed.size());
            if (::deflate(&stream_, bytes.empty() ? flush : Z_NO_FLUSH) == Z_STREAM_ERROR) {
                return base::fail("station.bug", "Archive cannot be written");
            }
            const std::size_t made = packed.size() - stream_.avail_out;
            put({packed.data(), made});
            member_.packed += made;
        } while (stream_.avail_out == 0);
    } while (!bytes.empty());
    return {};
}

base::Status ZipWriter::write(std::string_view bytes) {
    if (bytes.empty()) {
        return {};
    }
    member_.plain += bytes.size();
    member_.crc = static_cast<std::uint32_t>(
        crc32_z(member_.crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
    return deflate(bytes, Z_NO_FLUSH);
}

base::Status ZipWriter::end() {
    if (auto flushed = deflate({}, Z_FINISH); !flushed) {
        return flushed;
    }
    put(Record().u32(kDescriptor).u32(member_.crc).u64(member_.packed).u64(member_.plain).bytes());
    // 4.5.3: of the 64 bit numbers only those are there whose 32 bits say so, in this order.
    Record wide;
    for (const std::uint64_t v : {member_.plain, member_.packed, member_.offset}) {
        if (v >= kMax32) {
            wide.u64(v);
        }
    }
    Record extra;
    if (!wide.bytes().empty()) {
        extra.u16(kZip64).u16(wide.bytes().size()).text(wide.bytes());
    }
    extra.text(unix_time(member_.at_ms));
    ++members_;
    return directory_.append(Record()
                                 .u32(kDirectoryHeader)
                                 .u16(kMadeOnUnix)
                                 .u16(kVersion)
                                 .u16(kFlags)
                                 .u16(kDeflated)
                                 .u32(dos_time(member_.at_ms))
                                 .u32(member_.crc)
                                 .u32(low32(member_.packed))
                                 .u32(low32(member_.plain))
                                 .u16(member_.name.size())
                                 .u16(extra.bytes().size())
                                 .u16(0)  // comment
                                 .u16(0)  // disk
                                 .u16(0)  // internal attributes
                                 .u32(kPlainFile)
                                 .u32(low32(member_.offset))
                                 .text(member_.name)
                                 .text(extra.bytes())
                                 .bytes());
}

base::Result<bool> ZipWriter::finish() {
    if (!std::exchange(finishing_, true)) {
        directory_at_ = at_;
    }
    auto piece = directory_.next();
    if (!piece) {
        return tl::unexpected<base::Error>(piece.error());
    }
    if (piece->empty()) {
        end_records();
        return false;
    }
    put(*piece);
    return true;
}

void ZipWriter::end_records() {
    const std::uint64_t size = at_ - directory_at_;
    if (members_ >= kMax16 || size >= kMax32 || directory_at_ >= kMax32) {
        const std::uint64_t here = at_;
        constexpr std::uint64_t kRest = 44;  // bytes behind this length, without more to say
        put(Record()
                .u32(kEnd64)
                .u64(kRest)
                .u16(kMadeOnUnix)
                .u16(kVersion)
                .u32(0)
                .u32(0)
                .u64(members_)
                .u64(members_)
                .u64(size)
                .u64(directory_at_)
                .bytes());
        put(Record().u32(kEnd64Locator).u32(0).u64(here).u32(1).bytes());
    }
    put(Record()
            .u32(kEnd)
            .u16(0)
            .u16(0)
            .u16(low16(members_))
            .u16(low16(members_))
            .u32(low32(size))
            .u32(low32(directory_at_))
            .u16(0)
            .bytes());
}

}  // namespace lineside::records
