// SPDX-License-Identifier: Apache-2.0
// The packets that the loaders of a module exchange with NVIDIA's host tools ("3p"), little endian:
//   { version 3, type, sequence, 0 } [length] [body, or reason of a nack] checksum
// The checksum makes the bytes of header and body add up to 0; the length does not count.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace lineside::real_tools {

enum class PacketType : std::uint32_t { command = 1, data = 2, ack = 3, nack = 4 };

[[nodiscard]] std::string make_packet(PacketType type, std::uint32_t sequence,
                                      std::string_view body);

struct PacketHeader {
    PacketType type = PacketType::ack;
    std::uint32_t sequence = 0;
    std::uint32_t length = 0;  // of the body
};

// Cuts packets out of a stream. The body is handed on in pieces: an image has more than fits here.
class PacketReader {
  public:
    struct Events {
        std::function<void(const PacketHeader&, std::string_view piece)> body;
        std::function<void(const PacketHeader&, bool checksum_fits)> end;
    };
    void push(std::string_view bytes, const Events& events);
    void reset();

  private:
    [[nodiscard]] std::size_t head_bytes() const;
    void add(std::string_view bytes);

    std::string head_;  // header, and what of length or reason there is
    PacketHeader header_;
    std::uint64_t body_left_ = 0;
    bool in_body_ = false;
    std::string check_;
    std::uint32_t sum_ = 0;
};

}  // namespace lineside::real_tools
