// SPDX-License-Identifier: Apache-2.0
#include "workers/media/formats/sparse.h"

namespace lineside::media {
namespace {

constexpr std::size_t kPiece = 1024 * 1024;
constexpr std::size_t kFileHeader = 28;  // as the format's own header struct, little-endian
constexpr std::size_t kChunkHeader = 12;
constexpr std::uint32_t kMaxBlock = 64 * 1024 * 1024;
constexpr std::uint64_t kMaxImage = std::uint64_t{1} << 50;

enum : std::uint16_t { kRaw = 0xcac1, kFill = 0xcac2, kUnused = 0xcac3, kChecksum = 0xcac4 };

tl::unexpected<base::Error> damaged(std::string_view what) {
    return base::fail("media.source", fmt::format("sparse image: {}; fetch it again", what));
}

std::uint32_t number(std::string_view bytes, std::size_t at, std::size_t width) {
    std::uint32_t value = 0;
    for (std::size_t i = width; i-- > 0;) {
        value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    }
    return value;
}

class Unpacker {
  public:
    Unpacker(const NextBytes& bytes, const SparseSink& sink) : bytes_(bytes), sink_(sink) {}

    base::Result<std::uint64_t> run() {
        if (auto header = read_header(); !header) {
            return tl::unexpected<base::Error>(header.error());
        }
        for (std::uint32_t i = 0; i < chunks_; ++i) {
            if (auto done = read_chunk(); !done) {
                return tl::unexpected<base::Error>(done.error());
            }
        }
        if (at_ != size_) {
            return damaged("its chunks hold fewer blocks than its header says");
        }
        if (!rest_.empty()) {
            return damaged("bytes behind its last chunk");
        }
        auto more = bytes_(1);
        if (!more) {
            return tl::unexpected<base::Error>(more.error());
        }
        return more->empty() ? base::Result<std::uint64_t>(size_)
                             : damaged("bytes behind its last chunk");
    }

  private:
    // Exactly `length` small bytes.
    base::Result<std::string> take(std::size_t length) {
        std::string out;
        while (out.size() < length) {
            auto piece = some(length - out.size());
            if (!piece) {
                return tl::unexpected<base::Error>(piece.error());
            }
            out += *piece;
        }
        return out;
    }

    // Between 1 and `most` bytes.
    base::Result<std::string_view> some(std::size_t most) {
        if (rest_.empty()) {
            auto next = bytes_(kPiece);
            if (!next) {
                return next;
            }
            if (next->empty()) {
                return damaged("it is cut");
            }
            rest_ = *next;
        }
        const std::string_view piece = rest_.substr(0, most);
        rest_.remove_prefix(piece.size());
        return piece;
    }

    base::Status skip(std::uint64_t length) {
        while (length > 0) {
            auto piece = some(static_cast<std::size_t>(std::min<std::uint64_t>(length, kPiece)));
            if (!piece) {
                return tl::unexpected<base::Error>(piece.error());
            }
            length -= piece->size();
        }
        return {};
    }

    base::Status read_header() {
        auto header = take(kFileHeader);
        if (!header) {
            return tl::unexpected<base::Error>(header.error());
        }
        const std::uint32_t file_header = number(*header, 8, 2);
        chunk_header_ = number(*header, 10, 2);
        block_ = number(*header, 12, 4);
        chunks_ = number(*header, 20, 4);
        size_ = std::uint64_t{number(*header, 16, 4)} * block_;
        if (!header->starts_with(kSparseMagic)) {
            return damaged("it does not begin as one");
        }
        if (number(*header, 4, 2) != 1) {
            return damaged("its version is not 1");
        }
        if (file_header < kFileHeader || chunk_header_ < kChunkHeader) {
            return damaged("its headers are too small");
        }
        if (block_ == 0 || block_ % 4 != 0 || block_ > kMaxBlock || size_ > kMaxImage) {
            return damaged(fmt::format("blocks of {} bytes, {} bytes in all", block_, size_));
        }
        return skip(file_header - kFileHeader);
    }

    base::Status read_chunk() {
        auto header = take(kChunkHeader);
        if (!header) {
            return tl::unexpected<base::Error>(header.error());
        }
        const auto type = static_cast<std::uint16_t>(number(*header, 0, 2));
        const std::uint64_t bytes = std::uint64_t{number(*header, 4, 4)} * block_;
        const std::uint64_t total = number(*header, 8, 4);
        const std::uint64_t body = type == kRaw                         ? bytes
                                   : type == kFill || type == kChecksum ? 4
                                                                        : 0;
        if (total != chunk_header_ + body) {
            return damaged(fmt::format("a chunk at byte {} whose length is wrong", at_));
        }
        if (type != kChecksum && bytes > size_ - at_) {
            return damaged("its chunks hold more blocks than its header says");
        }
        if (auto skipped = skip(chunk_header_ - kChunkHeader); !skipped) {
            return skipped;
        }
        switch (type) {
            case kRaw:
                return copy(bytes);
            case kFill:
                return fill(bytes);
            case kUnused:
                return pass(sink_.unused, bytes);
            case kChecksum:
                return skip(4);
            default:
                return damaged(fmt::format("a chunk of type {:04x}", type));
        }
    }

    base::Status pass(const std::function<base::Status(std::uint64_t, std::uint64_t)>& call,
                      std::uint64_t bytes) {
        const std::uint64_t begin = at_;
        at_ += bytes;
        return bytes == 0 ? base::Status() : call(begin, at_);
    }

    base::Status copy(std::uint64_t bytes) {
        while (bytes > 0) {
            auto piece = some(static_cast<std::size_t>(std::min<std::uint64_t>(bytes, kPiece)));
            if (!piece) {
                return tl::unexpected<base::Error>(piece.error());
            }
            if (auto taken = sink_.data(at_, *piece); !taken) {
                return taken;
            }
            at_ += piece->size();
            bytes -= piece->size();
        }
        return {};
    }

    base::Status fill(std::uint64_t bytes) {
        auto word = take(4);
        if (!word) {
            return tl::unexpected<base::Error>(word.error());
        }
        if (*word == std::string_view("\0\0\0\0", 4)) {
            return pass(sink_.zero, bytes);
        }
        std::string pattern;
        while (pattern.size() < std::min<std::uint64_t>(bytes, 64 * 1024)) {
            pattern += *word;
        }
        while (bytes > 0) {
            const auto piece = std::string_view(pattern).substr(
                0, static_cast<std::size_t>(std::min<std::uint64_t>(bytes, pattern.size())));
            if (auto taken = sink_.data(at_, piece); !taken) {
                return taken;
            }
            at_ += piece.size();
            bytes -= piece.size();
        }
        return {};
    }

    const NextBytes& bytes_;
    const SparseSink& sink_;
    std::string_view rest_;
    std::uint32_t chunk_header_ = 0, block_ = 0, chunks_ = 0;
    std::uint64_t size_ = 0, at_ = 0;
};

}  // namespace

base::Result<std::uint64_t> unpack_sparse(const NextBytes& bytes, const SparseSink& sink) {
    return Unpacker(bytes, sink).run();
}

}  // namespace lineside::media
