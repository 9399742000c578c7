// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/words.h"

#include <cctype>
#include <numeric>
#include <queue>

namespace lineside::jetson_usb {
namespace {

constexpr std::uint16_t kNone = 0xffff;

// States are numbered as they are made; the table is laid out anew at the end.
struct Draft {
    std::size_t classes;
    std::vector<std::vector<std::uint16_t>> next;
    std::vector<std::vector<std::uint16_t>> ends;

    std::uint16_t add_state() {
        next.emplace_back(classes, kNone);
        ends.emplace_back();
        return static_cast<std::uint16_t>(next.size() - 1);
    }
};

// Fills the missing transitions by way of the longest suffix that is a state as well.
void complete(Draft& draft, std::uint8_t blank) {
    std::vector<std::uint16_t> suffix(draft.next.size(), 0);
    std::queue<std::uint16_t> open;
    for (auto& to : draft.next[0]) {
        if (to == kNone) {
            to = 0;
        } else {
            open.push(to);
        }
    }
    while (!open.empty()) {
        const std::uint16_t state = open.front();
        open.pop();
        const auto& shorter = draft.ends[suffix[state]];
        draft.ends[state].insert(draft.ends[state].end(), shorter.begin(), shorter.end());
        for (std::size_t letter = 0; letter < draft.classes; ++letter) {
            const std::uint16_t below = draft.next[suffix[state]][letter];
            std::uint16_t& to = draft.next[state][letter];
            if (to == kNone) {
                to = below;
            } else {
                suffix[to] = below;
                open.push(to);
            }
        }
    }
    // After a blank inside a word further blanks change nothing.
    if (blank != 0) {
        for (std::size_t state = 0; state < draft.next.size(); ++state) {
            const std::uint16_t to = draft.next[state][blank];
            if (to != 0) {
                draft.next[to][blank] = to;
            }
        }
    }
}

}  // namespace

Words::Words(const std::vector<std::string_view>& words) {
    std::uint8_t classes = 1;
    for (const std::string_view word : words) {
        for (const char letter : word) {
            auto& known = class_[static_cast<std::uint8_t>(letter)];
            known = known == 0 ? classes++ : known;
        }
    }
    for (int letter = 'a'; letter <= 'z'; ++letter) {
        class_[static_cast<std::size_t>(std::toupper(letter))] =
            class_[static_cast<std::size_t>(letter)];
    }
    class_['\t'] = class_[' '];

    Draft draft{classes, {}, {}};
    draft.add_state();
    for (std::size_t number = 0; number < words.size(); ++number) {
        std::uint16_t state = 0;
        for (const char letter : words[number]) {
            const auto of = class_[static_cast<std::uint8_t>(letter)];
            if (draft.next[state][of] == kNone) {
                const auto made = draft.add_state();
                draft.next[state][of] = made;
            }
            state = draft.next[state][of];
        }
        draft.ends[state].push_back(static_cast<std::uint16_t>(number));
    }
    complete(draft, class_[' ']);

    while ((1U << shift_) < draft.classes) {
        ++shift_;
    }
    std::vector<std::uint16_t> place(draft.next.size());
    std::uint16_t at = 0;
    for (const bool ending : {false, true}) {
        if (ending) {
            first_end_ = static_cast<std::uint32_t>(at) << shift_;
        }
        for (std::size_t state = 0; state < draft.next.size(); ++state) {
            if (!draft.ends[state].empty() == ending) {
                place[state] = at++;
                if (ending) {
                    ends_.push_back(draft.ends[state]);
                }
            }
        }
    }
    next_.resize(draft.next.size() << shift_);
    for (std::size_t state = 0; state < draft.next.size(); ++state) {
        for (std::size_t letter = 0; letter < draft.classes; ++letter) {
            next_[(static_cast<std::size_t>(place[state]) << shift_) + letter] =
                place[draft.next[state][letter]];
        }
    }
}

}  // namespace lineside::jetson_usb
