// SPDX-License-Identifier: Apache-2.0
#include "workers/image-build/image_file.h"

#include "station/base/text.h"
#include "station/base/unique_fd.h"
#include "workers/proof/escape.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace lineside::image_build {
namespace {

constexpr std::size_t kPiece = 1024 * 1024;
constexpr std::uint32_t kMagic = 0xED26FF3A;
constexpr std::uint64_t kMaxImage = 1ULL << 43U;  // 8 TiB: no unit has more

struct Header {  // little endian, as on disk
    std::uint32_t magic = 0;
    std::uint16_t major = 0;
    std::uint16_t minor = 0;
    std::uint16_t file_header_bytes = 0;
    std::uint16_t chunk_header_bytes = 0;
    std::uint32_t block_bytes = 0;
    std::uint32_t blocks = 0;
    std::uint32_t chunks = 0;
    std::uint32_t checksum = 0;
};
static_assert(sizeof(Header) == 28);

struct Chunk {
    std::uint16_t type = 0;
    std::uint16_t reserved = 0;
    std::uint32_t blocks = 0;
    std::uint32_t bytes = 0;
};
static_assert(sizeof(Chunk) == 12);

class Content {
  public:
    Content(const std::filesystem::path& file, const Tick& tick)
        : name_(proof::escape_name(file.string())),
          in_(file, std::ios::binary),
          meter_(tick),
          buffer_(kPiece, '\0') {}

    base::Result<FileContent> run() {
        Header header;
        if (!in_) {
            return bad("cannot be read");
        }
        in_.seekg(0, std::ios::end);
        const auto length = static_cast<std::uint64_t>(in_.tellg());
        in_.seekg(0);
        const bool sparse =
            length >= sizeof header && get(&header, sizeof header) && header.magic == kMagic;
        in_.clear();
        if (auto read = sparse ? unsparse(header) : plain(length); !read) {
            return tl::unexpected(read.error());
        }
        return FileContent{bytes_, sha_.hex()};
    }

    // Its content is written to `out`, too, but for what is all zeros.
    base::Result<FileContent> run_into(int out) {
        out_ = out;
        auto content = run();
        if (content && ftruncate(out, static_cast<off_t>(content->bytes)) != 0) {
            return base::fail_errno(errno == ENOSPC ? "disk.full" : "image.build",
                                    "cannot write the content of " + name_, errno);
        }
        return content;
    }

    base::Result<FileContent> run_first(std::uint64_t most) {
        if (!in_) {
            return bad("cannot be read");
        }
        in_.seekg(0, std::ios::end);
        const auto length = static_cast<std::uint64_t>(in_.tellg());
        if (auto read = plain(std::min(length, most)); !read) {
            return tl::unexpected(read.error());
        }
        return FileContent{bytes_, sha_.hex()};
    }

  private:
    [[nodiscard]] tl::unexpected<base::Error> bad(std::string_view what) const {
        return base::fail("image.build", fmt::format("{} {}", name_, what));
    }
    bool get(void* into, std::size_t size) {
        in_.read(static_cast<char*>(into), static_cast<std::streamsize>(size));
        return static_cast<std::size_t>(in_.gcount()) == size;
    }

    base::Status plain(std::uint64_t length) {
        in_.seekg(0);
        return copy(length);
    }

    base::Status unsparse(const Header& header) {
        if (header.major != 1 || header.block_bytes == 0 || header.block_bytes % 4 != 0 ||
            header.block_bytes > 64 * kPiece || header.file_header_bytes < sizeof(Header) ||
            header.chunk_header_bytes < sizeof(Chunk)) {
            return bad("has an unknown sparse header");
        }
        if (static_cast<std::uint64_t>(header.blocks) * header.block_bytes > kMaxImage) {
            return bad("claims to be larger than any storage");
        }
        in_.seekg(header.file_header_bytes);
        std::uint64_t blocks = 0;
        for (std::uint32_t i = 0; i < header.chunks; ++i) {
            Chunk chunk;
            if (!get(&chunk, sizeof chunk)) {
                return bad("ends within its chunks");
            }
            in_.ignore(header.chunk_header_bytes - static_cast<std::streamsize>(sizeof chunk));
            const std::uint64_t wanted =
                static_cast<std::uint64_t>(chunk.blocks) * header.block_bytes;
            if (auto taken = take_chunk(chunk, header, wanted); !taken) {
                return taken;
            }
            blocks += chunk.type == 0xCAC4 ? 0 : chunk.blocks;
            if (blocks > header.blocks) {
                return bad("has more blocks than its header says");
            }
        }
        return blocks == header.blocks ? base::Status{}
                                       : bad("has fewer blocks than its header says");
    }

    base::Status take_chunk(const Chunk& chunk, const Header& header, std::uint64_t wanted) {
        const std::uint64_t body = chunk.bytes - std::uint64_t{header.chunk_header_bytes};
        switch (chunk.type) {
            case 0xCAC1:  // raw
                return chunk.bytes == wanted + header.chunk_header_bytes
                           ? copy(wanted)
                           : bad("has a raw chunk of the wrong size");
            case 0xCAC2: {  // fill
                std::array<char, 4> pattern{};
                if (body != pattern.size() || !get(pattern.data(), pattern.size())) {
                    return bad("has a fill chunk of the wrong size");
                }
                return fill(wanted, pattern);
            }
            case 0xCAC3:  // don't care
                return body == 0 ? fill(wanted, {}) : bad("has an open chunk of the wrong size");
            case 0xCAC4:  // checksum of what came before; nothing of the content
                in_.ignore(static_cast<std::streamsize>(body));
                return body == 4 ? base::Status{} : bad("has a checksum chunk of the wrong size");
            default:
                return bad("has a chunk of an unknown kind");
        }
    }

    base::Status fill(std::uint64_t left, const std::array<char, 4>& pattern) {
        // No more than is asked for: images have thousands of chunks of a block or two.
        const auto filled = std::min<std::uint64_t>((left + 3) / 4 * 4, kPiece);
        for (std::size_t i = 0; i < filled; i += 4) {
            std::memcpy(buffer_.data() + i, pattern.data(), 4);
        }
        while (left > 0) {
            const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(left, kPiece));
            if (auto taken = take(step); !taken) {
                return taken;
            }
            left -= step;
        }
        return {};
    }

    base::Status copy(std::uint64_t left) {
        while (left > 0) {
            const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(left, kPiece));
            if (!get(buffer_.data(), step)) {
                return bad("ends too early");
            }
            if (auto taken = take(step); !taken) {
                return taken;
            }
            left -= step;
        }
        return {};
    }

    base::Status take(std::size_t length) {
        sha_.update({buffer_.data(), length});
        if (auto written = write_out(length); !written) {
            return written;
        }
        bytes_ += length;
        return meter_.add(length);
    }

    base::Status write_out(std::size_t length) const {
        const std::string_view piece(buffer_.data(), length);
        if (out_ < 0 || piece.find_first_not_of('\0') == std::string_view::npos) {
            return {};
        }
        std::size_t done = 0;
        while (done < length) {
            const auto wrote =
                pwrite(out_, piece.data() + done, length - done, static_cast<off_t>(bytes_ + done));
            if (wrote <= 0) {
                return base::fail_errno(errno == ENOSPC ? "disk.full" : "image.build",
                                        "cannot write the content of " + name_, errno);
            }
            done += static_cast<std::size_t>(wrote);
        }
        return {};
    }

    std::string name_;
    int out_ = -1;
    std::ifstream in_;
    Meter meter_;
    std::string buffer_;
    base::Sha256 sha_;
    std::uint64_t bytes_ = 0;
};

}  // namespace

base::Result<FileContent> hash_image_file(const std::filesystem::path& file, const Tick& tick) {
    return Content(file, tick).run();
}

std::string find_signed(const std::filesystem::path& folder, const std::string& file) {
    const auto dot = file.rfind('.');
    const std::string stem = file.substr(0, dot);
    const std::string ending = dot == std::string::npos ? "" : file.substr(dot);
    for (const char* way : {".encrypt", ".signed"}) {
        const std::string name = stem + "_sigheader" + ending + way;
        std::error_code ignored;
        if (std::filesystem::is_regular_file(
                std::filesystem::symlink_status(folder / name, ignored))) {
            return name;
        }
    }
    return {};
}

bool is_sparse(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::uint32_t magic = 0;
    in.read(reinterpret_cast<char*>(&magic), sizeof magic);
    return in.gcount() == sizeof magic && magic == kMagic;
}

base::Result<FileContent> unsparse_image_file(const std::filesystem::path& file,
                                              const std::filesystem::path& to, const Tick& tick) {
    const base::UniqueFd out(
        open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!out) {
        return base::fail_errno(errno == ENOSPC ? "disk.full" : "image.build",
                                "cannot write the content of " + proof::escape_name(file.string()),
                                errno);
    }
    return Content(file, tick).run_into(out.get());
}

base::Result<FileContent> hash_first(const std::filesystem::path& file, std::uint64_t most,
                                     const Tick& tick) {
    return Content(file, tick).run_first(most);
}

}  // namespace lineside::image_build
