// SPDX-License-Identifier: Apache-2.0
#include "storage.h"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace line {
namespace {

constexpr std::uint64_t kSector = 512;
constexpr std::uint32_t kEmmc = 1;  // kinds of the write command: 1 eMMC, 3 QSPI, 0 by name only
constexpr std::uint32_t kSparseMagic = 0xed26ff3a;  // Source: Android sparse image, version 1.0
constexpr std::uint16_t kRaw = 0xcac1, kFill = 0xcac2, kSkip = 0xcac3, kCrc = 0xcac4;

std::uint64_t little(const std::uint8_t* at, unsigned bytes) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        value |= static_cast<std::uint64_t>(at[i]) << (8 * i);
    }
    return value;
}

bool is_table(const std::vector<std::uint8_t>& bytes, std::size_t at) {
    return bytes.size() >= at + 92 && std::memcmp(bytes.data() + at, "EFI PART", 8) == 0;
}

}  // namespace

Storage::Storage(std::filesystem::path file) : file_(std::move(file)) {}

Storage::~Storage() {
    close();
}

void Storage::open() {
    if (fd_ < 0) {
        fd_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (fd_ < 0) {
            throw std::runtime_error("cannot open " + file_.string() + ": " + std::strerror(errno));
        }
    }
}

void Storage::close() {
    if (fd_ >= 0) {
        ::close(fd_);
        fd_ = -1;
    }
}

void Storage::erase_emmc() {
    table_.clear();
    written_.clear();
    if (deaf_) {
        return;
    }
    open();
    const auto size = ::lseek(fd_, 0, SEEK_END);
    if (::ftruncate(fd_, 0) != 0 || ::ftruncate(fd_, size) != 0) {
        throw std::runtime_error("cannot erase " + file_.string());
    }
}

// The primary table begins with its header, or with the protective MBR before it.
void Storage::read_table(const std::vector<std::uint8_t>& bytes) {
    const std::size_t header = is_table(bytes, 0) ? 0 : kSector;
    if (!is_table(bytes, header)) {
        return;
    }
    const auto* at = bytes.data() + header;
    const auto first_lba = little(at + 24, 8);
    const auto entries_lba = little(at + 72, 8);
    const auto count = little(at + 80, 4);
    const auto entry_size = little(at + 84, 4);
    disk_size_ = (little(at + 32, 8) + 1) * kSector;
    const auto entries = header + (entries_lba - first_lba) * kSector;
    for (std::uint64_t i = 0; i < count && entry_size >= 128; i++) {
        const auto from = entries + i * entry_size;
        if (from + entry_size > bytes.size()) {
            break;
        }
        const auto* entry = bytes.data() + from;
        const auto first = little(entry + 32, 8);
        const auto last = little(entry + 40, 8);
        std::string name;
        for (unsigned k = 0; k < 36; k++) {
            const auto c = little(entry + 56 + 2 * k, 2);
            if (c == 0) {
                break;
            }
            name += c < 128 ? static_cast<char>(c) : '?';
        }
        if (!name.empty() && last >= first) {
            table_[name] = {first * kSector, (last - first + 1) * kSector};
        }
    }
    if (!deaf_) {
        open();
        if (::ftruncate(fd_, static_cast<off_t>(disk_size_)) != 0) {
            throw std::runtime_error("cannot size " + file_.string());
        }
    }
}

bool Storage::begin(std::uint32_t kind, const std::string& name, std::uint64_t size) {
    name_ = name;
    at_ = 0;
    keep_ = true;
    form_ = Form::Unknown;
    held_.clear();
    sparse_ = {};
    if (name == "master_boot_record") {
        region_ = {0, kSector};
        keep_ = kind == kEmmc;
    } else if (name == "primary_gpt") {
        // With an MBR in front it is 35 sectors or more; without, it starts at the second.
        region_ = {kSector, size};
        keep_ = kind == kEmmc;
    } else if (name == "secondary_gpt") {
        keep_ = kind == kEmmc;
        if (keep_ && disk_size_ < size) {
            return false;
        }
        region_ = {disk_size_ - size, size};
    } else if (const auto it = table_.find(name); it != table_.end()) {
        region_ = it->second;
    } else {
        keep_ = false;
        // A name that only the QSPI's table would have is fine, but some table there must be.
        return kind == 0 || !table_.empty();
    }
    return true;
}

bool Storage::put(std::uint64_t at, const std::uint8_t* bytes, std::size_t size) {
    if (at + size > region_.size) {
        return false;
    }
    if (deaf_) {
        return true;
    }
    if (half_app_ && name_ == "APP") {
        const auto half = region_.size / 2;
        if (at >= half) {
            return true;
        }
        size = std::min<std::uint64_t>(size, half - at);
    }
    open();
    while (size != 0) {
        const auto done = ::pwrite(fd_, bytes, size, static_cast<off_t>(region_.offset + at));
        if (done <= 0) {
            throw std::runtime_error("cannot write " + file_.string() + ": " +
                                     std::strerror(errno));
        }
        at += static_cast<std::uint64_t>(done);
        bytes += done;
        size -= static_cast<std::size_t>(done);
    }
    return true;
}

bool Storage::data(std::span<const std::uint8_t> bytes) {
    if (!keep_) {
        return true;
    }
    if (name_ == "primary_gpt") {
        held_.insert(held_.end(), bytes.begin(), bytes.end());
        return true;
    }
    if (form_ == Form::Unknown) {
        held_.insert(held_.end(), bytes.begin(), bytes.end());
        if (held_.size() < 4) {
            return true;
        }
        form_ = little(held_.data(), 4) == kSparseMagic ? Form::Sparse : Form::Raw;
        const auto all = std::move(held_);
        held_.clear();
        return data(all);
    }
    if (form_ == Form::Sparse) {
        return sparse(bytes);
    }
    const bool fits = put(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
    return fits;
}

// Reads the file's or a chunk's header from held_; false when it is malformed.
bool Storage::sparse_header() {
    const auto* at = held_.data();
    if (!sparse_.started) {
        sparse_.started = true;
        sparse_.chunk_header = static_cast<std::uint32_t>(little(at + 10, 2));
        sparse_.block = static_cast<std::uint32_t>(little(at + 12, 4));
        sparse_.chunks_left = static_cast<std::uint32_t>(little(at + 20, 4));
        sparse_.file_header = static_cast<std::uint32_t>(little(at + 8, 2));
        return sparse_.file_header == 28 && sparse_.chunk_header == 12 && sparse_.block != 0;
    }
    if (sparse_.chunks_left-- == 0) {
        return false;
    }
    sparse_.type = static_cast<std::uint16_t>(little(at, 2));
    sparse_.out_left = little(at + 4, 4) * sparse_.block;
    sparse_.data_left = little(at + 8, 4) - sparse_.chunk_header;
    if (sparse_.type == kSkip) {
        at_ += sparse_.out_left;
        sparse_.out_left = 0;
    }
    return sparse_.type == kRaw || sparse_.type == kFill || sparse_.type == kSkip ||
           sparse_.type == kCrc;
}

bool Storage::sparse(std::span<const std::uint8_t> bytes) {
    while (!bytes.empty()) {
        if (sparse_.data_left == 0) {
            const std::size_t need = sparse_.started ? sparse_.chunk_header : 28;
            const auto take = std::min(need - held_.size(), bytes.size());
            held_.insert(held_.end(), bytes.begin(),
                         bytes.begin() + static_cast<std::ptrdiff_t>(take));
            bytes = bytes.subspan(take);
            if (held_.size() == need) {
                if (!sparse_header()) {
                    return false;
                }
                held_.clear();
            }
            continue;
        }
        const auto take =
            static_cast<std::size_t>(std::min<std::uint64_t>(sparse_.data_left, bytes.size()));
        const auto part = bytes.first(take);
        bytes = bytes.subspan(take);
        sparse_.data_left -= take;
        if (sparse_.type == kRaw) {
            if (!put(at_, part.data(), take)) {
                return false;
            }
            at_ += take;
        } else if (sparse_.type == kFill) {
            held_.insert(held_.end(), part.begin(), part.end());
            if (sparse_.data_left != 0) {
                continue;
            }
            std::vector<std::uint8_t> block(sparse_.block);
            for (std::size_t i = 0; i < block.size(); i++) {
                block[i] = held_[i % 4];
            }
            held_.clear();
            for (; sparse_.out_left != 0; sparse_.out_left -= sparse_.block, at_ += sparse_.block) {
                if (!put(at_, block.data(), block.size())) {
                    return false;
                }
            }
        }
    }
    return true;
}

bool Storage::end() {
    if (form_ == Form::Unknown && !held_.empty() && name_ != "primary_gpt") {
        form_ = Form::Raw;  // shorter than a magic number
        const auto all = std::move(held_);
        held_.clear();
        if (!data(all)) {
            return false;
        }
    }
    if (keep_ && name_ == "primary_gpt") {
        const auto table = std::move(held_);
        held_.clear();
        read_table(table);
        const std::size_t skip = is_table(table, 0) ? 0 : kSector;
        if (table_.empty() || table.size() <= skip) {
            return false;
        }
        region_.size = table.size() - skip;
        return put(0, table.data() + skip, table.size() - skip);
    }
    if (keep_ && form_ == Form::Sparse && (sparse_.data_left != 0 || sparse_.chunks_left != 0)) {
        return false;
    }
    if (keep_ && table_.contains(name_)) {
        written_[name_] = at_;
    }
    return true;
}

std::string Storage::turn_one_bit(std::mt19937_64& roll) {
    std::vector<std::string> names;
    for (const auto& [name, size] : written_) {
        if (name != "APP" && size != 0) {
            names.push_back(name);
        }
    }
    if (names.empty()) {
        return "";
    }
    open();
    const auto& name = names[roll() % names.size()];
    const auto at = static_cast<off_t>(table_[name].offset + roll() % written_[name]);
    std::uint8_t byte = 0;
    if (::pread(fd_, &byte, 1, at) != 1) {
        return "";
    }
    byte = static_cast<std::uint8_t>(byte ^ 1U << roll() % 8);
    return ::pwrite(fd_, &byte, 1, at) == 1 ? name : "";
}

void Storage::age(std::mt19937_64& roll) {
    open();
    std::vector<std::uint8_t> other(4096);
    for (const auto& [name, size] : written_) {
        if (name == "APP" || size == 0) {
            continue;
        }
        std::generate(other.begin(), other.end(),
                      [&] { return static_cast<std::uint8_t>(roll()); });
        const auto length = std::min<std::uint64_t>(size, other.size());
        [[maybe_unused]] const auto done =
            ::pwrite(fd_, other.data(), length, static_cast<off_t>(table_[name].offset));
    }
}

bool Storage::bootable() const {
    const int fd = ::open(file_.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    char magic[8] = {};
    const bool read = ::pread(fd, magic, 8, kSector) == 8;
    ::close(fd);
    return read && std::memcmp(magic, "EFI PART", 8) == 0;
}

}  // namespace line
