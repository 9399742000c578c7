// SPDX-License-Identifier: Apache-2.0
#include "tests/real-tools/unit/packets.h"

#include "tests/real-tools/unit/words.h"

#include <algorithm>

namespace lineside::real_tools {
namespace {

constexpr std::uint32_t kVersion = 3;
constexpr std::size_t kHeader = 16;

std::uint32_t sum_of(std::string_view bytes) {
    std::uint32_t sum = 0;
    for (const char byte : bytes) {
        sum += static_cast<unsigned char>(byte);
    }
    return sum;
}

bool has_length(PacketType type) {
    return type == PacketType::command || type == PacketType::data;
}

}  // namespace

std::string make_packet(PacketType type, std::uint32_t sequence, std::string_view body) {
    std::string out;
    for (const std::uint32_t value : {kVersion, static_cast<std::uint32_t>(type), sequence, 0U}) {
        append_word(out, value);
    }
    const std::uint32_t sum = sum_of(out) + sum_of(body);
    if (has_length(type)) {
        append_word(out, static_cast<std::uint32_t>(body.size()));
    }
    out += body;
    append_word(out, 0U - sum);
    return out;
}

void PacketReader::reset() {
    *this = {};
}

std::size_t PacketReader::head_bytes() const {
    if (head_.size() < kHeader) {
        return kHeader;
    }
    const auto type = static_cast<PacketType>(word_at(head_, 4));
    return has_length(type) ? kHeader + 4 : kHeader;
}

void PacketReader::add(std::string_view bytes) {
    sum_ += sum_of(bytes);
}

void PacketReader::push(std::string_view bytes, const Events& events) {
    const auto cut = [&bytes](std::uint64_t most) {
        const auto piece =
            bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(most, bytes.size())));
        bytes.remove_prefix(piece.size());
        return piece;
    };
    while (!bytes.empty()) {
        if (!in_body_) {
            head_ += cut(head_bytes() - head_.size());
            if (head_.size() < head_bytes()) {
                continue;
            }
            header_.type = static_cast<PacketType>(word_at(head_, 4));
            header_.sequence = word_at(head_, 8);
            header_.length = header_.type == PacketType::nack ? 4
                             : has_length(header_.type)       ? word_at(head_, kHeader)
                                                              : 0;
            add(std::string_view(head_).substr(0, kHeader));
            body_left_ = header_.length;
            in_body_ = true;
        }
        if (body_left_ > 0) {
            const auto piece = cut(body_left_);
            add(piece);
            body_left_ -= piece.size();
            if (!piece.empty()) {
                events.body(header_, piece);
            }
            continue;
        }
        check_ += cut(4 - check_.size());
        if (check_.size() == 4) {
            const bool fits = sum_ + word_at(check_, 0) == 0;
            const PacketHeader header = header_;
            reset();
            events.end(header, fits);
        }
    }
}

}  // namespace lineside::real_tools
