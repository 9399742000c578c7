// SPDX-License-Identifier: Apache-2.0
#include "provisioning/session/located_json.h"

#include "station/base/json.h"

#include <iterator>
#include <set>

namespace lineside::provisioning::session {
namespace {

using base::Json;

constexpr std::size_t kMostTwice = 100;
constexpr std::size_t kMaxDepth = 32;  // as base::parse_json()

// The parser says nothing about places, so the bytes it takes are counted.
class CountedBytes {
  public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    CountedBytes(const char* at, std::size_t* taken) : at_(at), taken_(taken) {}
    reference operator*() const { return *at_; }
    CountedBytes& operator++() {
        ++at_;
        ++*taken_;
        return *this;
    }
    CountedBytes operator++(int) {
        CountedBytes before = *this;
        ++*this;
        return before;
    }
    bool operator==(const CountedBytes& other) const { return at_ == other.at_; }
    bool operator!=(const CountedBytes& other) const { return at_ != other.at_; }

  private:
    const char* at_;
    std::size_t* taken_;
};

class Watcher final : public nlohmann::json_sax<Json> {
  public:
    Watcher(std::string_view text, std::string_view list, const std::size_t& taken, Layout& layout)
        : text_(text), list_(list), taken_(taken), layout_(layout) {}

    bool null() override { return value(); }
    bool boolean(bool /*v*/) override { return value(); }
    bool number_integer(number_integer_t /*v*/) override { return value(); }
    bool number_unsigned(number_unsigned_t /*v*/) override { return value(); }
    bool number_float(number_float_t /*v*/, const string_t& /*s*/) override { return value(); }
    bool string(string_t& /*v*/) override { return value(); }
    bool binary(binary_t& /*v*/) override { return value(); }
    bool start_object(std::size_t /*n*/) override { return begin(false); }
    bool start_array(std::size_t /*n*/) override { return begin(true); }
    bool end_object() override { return end(); }
    bool end_array() override { return end(); }

    bool key(string_t& name) override {
        Frame& frame = frames_.back();
        if (frames_.size() == 1) {
            in_list_ = name == list_;
        }
        if (!frame.keys.insert(name).second && layout_.twice.size() < kMostTwice) {
            std::optional<std::size_t> index;
            if (in_list_ && frames_.size() > 2 && !layout_.items.empty()) {
                index = layout_.items.size() - 1;
            }
            layout_.twice.push_back({name, index, place()});
        }
        return true;
    }
    bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                     const nlohmann::detail::exception& /*what*/) override {
        layout_.broken = place();
        return false;
    }

  private:
    struct Frame {
        bool is_array = false;
        std::set<std::string, std::less<>> keys;
    };

    bool value() {
        if (in_list_ && frames_.size() == 2 && frames_.back().is_array) {
            layout_.items.push_back(place());
        }
        return true;
    }
    bool begin(bool is_array) {
        (void)value();
        if (frames_.size() >= kMaxDepth) {
            layout_.broken = place();
            return false;
        }
        frames_.push_back({is_array, {}});
        return true;
    }
    bool end() {
        frames_.pop_back();
        return true;
    }
    // Of the last byte taken. Only ever asked for later ones.
    Place place() {
        const std::size_t last = taken_ == 0 ? 0 : taken_ - 1;
        for (; counted_ < last && counted_ < text_.size(); ++counted_) {
            if (text_[counted_] == '\n') {
                ++at_.line;
                at_.column = 1;
            } else if ((static_cast<unsigned char>(text_[counted_]) & 0xC0U) != 0x80U) {
                ++at_.column;
            }
        }
        return at_;
    }

    std::string_view text_;
    std::string_view list_;
    const std::size_t& taken_;
    Layout& layout_;
    std::vector<Frame> frames_;
    bool in_list_ = false;
    std::size_t counted_ = 0;
    Place at_{1, 1};
};

}  // namespace

Layout layout_of(std::string_view text, std::string_view list) {
    Layout layout;
    std::size_t taken = 0;
    Watcher watcher(text, list, taken, layout);
    const char* begin = text.data();
    const bool whole = Json::sax_parse(CountedBytes(begin, &taken),
                                       CountedBytes(begin + text.size(), &taken), &watcher);
    if (!whole && !layout.broken) {
        layout.broken = Place{};
    }
    return layout;
}

}  // namespace lineside::provisioning::session
