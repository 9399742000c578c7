// SPDX-License-Identifier: Apache-2.0
#include "sysfs.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace line {

void write_file(const std::filesystem::path& file, const std::string& text) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
    const bool good = fd >= 0 && ::write(fd, text.data(), text.size()) >= 0;
    const int error = errno;
    if (fd >= 0) {
        ::close(fd);
    }
    if (!good) {
        throw std::runtime_error(file.string() + ": " + std::strerror(error));
    }
}

std::string read_file(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    if (!in) {
        throw std::runtime_error(file.string() + " cannot be read");
    }
    if (text.ends_with('\n')) {
        text.pop_back();
    }
    return text;
}

}  // namespace line
