// SPDX-License-Identifier: Apache-2.0
// A file as a disk of the host's kernel, by its loop driver. Taken away it fails as a pulled card
// does: who still has it open gets errors. Errors: std::runtime_error.  Thread: main.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace line {

class LoopDisk {
  public:
    explicit LoopDisk(const std::filesystem::path& file);
    ~LoopDisk() { pull(); }
    LoopDisk(const LoopDisk&) = delete;
    LoopDisk& operator=(const LoopDisk&) = delete;

    void pull();
    const std::string& name() const { return name_; }      // "loop17"
    const std::string& number() const { return number_; }  // "7:17"
    std::uint64_t bytes() const { return bytes_; }
    const std::string& sequence() const { return sequence_; }  // diskseq, of the kernel itself

  private:
    int fd_ = -1;
    std::string name_, number_, sequence_;
    std::uint64_t bytes_ = 0;
};

}  // namespace line
