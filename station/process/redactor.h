// SPDX-License-Identifier: Apache-2.0
// Finds a job's secrets in what workers and tools print and puts *** there. A secret is found as it
// is, and mixed in any way with URL (%41), JSON (\u0041, \"), shell ('\'', \$), C and Python (\x41,
// \101) and HTML quoting; in base64 of either alphabet at any of the three alignments, also wrapped
// into lines; and in hex. What is found may span any number of reads: the stream holds back what
// could still become a secret. Thread: as any value. Memory: what is held back is bounded by the
// longest quoting of a secret.
#pragma once

#include "station/base/json.h"
#include "station/base/secret.h"

#include <bitset>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::process {

class Redactor {
  public:
    Redactor();
    ~Redactor();
    Redactor(const Redactor&) = delete;
    Redactor& operator=(const Redactor&) = delete;

    // An empty secret is ignored; one that is known already too.
    void add(const base::Secret& secret);
    [[nodiscard]] bool empty() const { return patterns_.empty(); }

    // Where the next secret of `text` at or after `from` lies.
    struct Found {
        enum Kind {
            none,
            whole,
            partial
        } kind = none;  // partial: `text` ends before it is decided
        std::size_t begin = 0;
        std::size_t end = 0;
    };
    // With `final` there is no more text to come: nothing is partial.
    [[nodiscard]] Found find(std::string_view text, std::size_t from, bool final) const;

    [[nodiscard]] bool contains(std::string_view text) const {
        return find(text, 0, true).kind != Found::none;
    }
    // The whole text with every secret replaced; `count` grows by the number of replacements.
    [[nodiscard]] std::string redact(std::string_view text, int& count) const;
    // Every text of `value`, names of members too where the secret has four characters or more.
    void redact(base::Json& value, int& count) const;

  private:
    struct Pattern;
    [[nodiscard]] Found match(std::string_view text, std::size_t at, bool final) const;
    void mark(const Pattern& pattern);
    [[nodiscard]] static std::size_t pair_of(char a, char b) {
        return static_cast<std::size_t>(static_cast<unsigned char>(a)) << 8 |
               static_cast<unsigned char>(b);
    }

    std::vector<std::unique_ptr<Pattern>> patterns_;
    std::vector<base::Secret> secrets_;
    std::bitset<65536> pairs_;  // may a secret begin with these two bytes?
    std::bitset<256> last_;     // with this one, when the text ends after it?
    std::size_t shortest_ = 0;
};

// The redactor over a stream of reads.
class RedactingStream {
  public:
    explicit RedactingStream(const Redactor& redactor) : redactor_(redactor) {}
    // What can be passed on now; what may be the beginning of a secret is kept.
    [[nodiscard]] std::string push(std::string_view bytes);
    // The rest, at the end of the stream.
    [[nodiscard]] std::string finish();
    [[nodiscard]] int count() const { return count_; }
    [[nodiscard]] std::size_t held_back() const { return held_.size(); }

  private:
    [[nodiscard]] std::string take(bool final);

    const Redactor& redactor_;
    std::string held_;
    int count_ = 0;
};

}  // namespace lineside::process
