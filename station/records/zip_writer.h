// SPDX-License-Identifier: Apache-2.0
// A ZIP archive written front to back, whatever its number of members and their size, with flat
// memory: the directory that a ZIP ends with is spooled to disk meanwhile (libarchive, minizip and
// libzip keep it in memory, some hundred bytes a member). Members are deflated, sizes and checksum
// follow the bytes (APPNOTE 4.3.9) in 64 bits; names are UTF-8; zip64 records where the numbers
// need them (APPNOTE 4.3.14, 4.5.3). Without its end no reader takes it for whole. Private to
// station/records.   Errors: disk.full (the directory), station.bug.   Thread: as Spool.
#pragma once

#include "station/records/spool.h"

#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace lineside::records {

class ZipWriter {
  public:
    // `folder`: where the directory is spooled. `ahead`: bytes that stand before the archive in its
    // file.
    explicit ZipWriter(std::filesystem::path folder, std::uint64_t ahead = 0);
    ~ZipWriter();
    ZipWriter(const ZipWriter&) = delete;
    ZipWriter& operator=(const ZipWriter&) = delete;

    // One member at a time: begin, any number of write, end. `name`: relative, '/' between folders,
    // at most 65,535 bytes. `at_ms`: its time, UTC.
    [[nodiscard]] base::Status begin(std::string_view name, std::int64_t at_ms);
    [[nodiscard]] base::Status write(std::string_view bytes);
    [[nodiscard]] base::Status end();
    // The next piece of the directory goes out; false once the archive is whole.
    [[nodiscard]] base::Result<bool> finish();

    // What was made since the last call.
    [[nodiscard]] std::string take() { return std::exchange(out_, {}); }
    [[nodiscard]] std::size_t waiting() const { return out_.size(); }  // bytes of it

  private:
    [[nodiscard]] base::Status deflate(std::string_view bytes, int flush);
    void put(std::string_view bytes);
    void end_records();

    struct Member {
        std::string name;
        std::int64_t at_ms = 0;
        std::uint64_t offset = 0, plain = 0, packed = 0;
        std::uint32_t crc = 0;
    };

    z_stream stream_{};
    Spool directory_;
    std::string out_;
    std::uint64_t at_;  // bytes before the next one of out_
    std::uint64_t members_ = 0;
    std::uint64_t directory_at_ = 0;
    Member member_;  // the open one
    bool broken_ = false;
    bool finishing_ = false;
};

}  // namespace lineside::records
