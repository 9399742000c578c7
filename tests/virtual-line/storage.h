// SPDX-License-Identifier: Apache-2.0
// One board's storage: a GPT disk in one file. The board's bootloader is the only writer: the
// partition table it receives says how large the disk is and where every later write goes; sparse
// images are laid out on the fly. The faults that spoil an image act here.  Thread: the board's
// node thread while flashing, main otherwise; never both.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace line {

class Storage {
  public:
    explicit Storage(std::filesystem::path file);
    ~Storage();
    Storage(const Storage&) = delete;
    Storage& operator=(const Storage&) = delete;

    // From here on writes are accepted and dropped.
    void set_deaf(bool deaf) { deaf_ = deaf; }
    // From here on nothing lands in the second half of APP.
    void set_half_app(bool half) { half_app_ = half; }

    // Erases the eMMC; the QSPI's contents live in the same file and go with it.
    void erase_emmc();
    // Starts a write by name; false when there is no partition table to say where.
    bool begin(std::uint32_t kind, const std::string& name, std::uint64_t size);
    // False when the data does not fit the partition or is no valid sparse image.
    bool data(std::span<const std::uint8_t> bytes);
    bool end();

    // Turns one bit of one raw partition that was written (never APP); returns its name.
    std::string turn_one_bit(std::mt19937_64& roll);
    // Makes the contents those of another build, for a board that has no older image to boot.
    void age(std::mt19937_64& roll);
    // True when there is a partition table on it: something might boot.
    bool bootable() const;
    // Everything written is in the file; it can be given away.
    void close();
    const std::filesystem::path& file() const { return file_; }

  private:
    struct Region {
        std::uint64_t offset = 0;
        std::uint64_t size = 0;
    };
    enum class Form { Unknown, Raw, Sparse };

    void open();
    void read_table(const std::vector<std::uint8_t>& table);
    bool put(std::uint64_t at, const std::uint8_t* bytes, std::size_t size);
    bool sparse(std::span<const std::uint8_t> bytes);
    bool sparse_header();

    std::filesystem::path file_;
    int fd_ = -1;
    bool deaf_ = false;
    bool half_app_ = false;
    std::uint64_t disk_size_ = 0;
    std::map<std::string, Region> table_;
    std::map<std::string, std::uint64_t> written_;  // name -> bytes

    // The write under way.
    std::string name_;
    Region region_;
    bool keep_ = false;
    std::uint64_t at_ = 0;
    Form form_ = Form::Unknown;
    std::vector<std::uint8_t> held_;  // the table, or a sparse header in pieces
    struct {
        bool started = false;
        std::uint32_t file_header = 0, chunk_header = 0, block = 0, chunks_left = 0;
        std::uint16_t type = 0;
        std::uint64_t data_left = 0;  // of the chunk, in the stream
        std::uint64_t out_left = 0;   // of the chunk, on the disk
    } sparse_;
};

}  // namespace line
