// SPDX-License-Identifier: Apache-2.0
#include "station/process/redactor.h"

#include "station/base/text.h"

#include <gtest/gtest.h>

#include <random>

namespace lineside::process {
namespace {

struct Case {
    const char* name;
    std::string secret;
    std::string text;
    std::string wanted;
    int count = 1;
};

const std::string kToken = "tK-9/x+Z'q\"w\\e$7&&end";

std::vector<Case> cases() {
    return {
        {"raw", "hunter22", "user hunter22 in\n", "user *** in\n"},
        {"twice", "hunter22", "hunter22hunter22", "******", 2},
        {"nothing", "hunter22", "hunter2 hunter", "hunter2 hunter", 0},
        {"false start", "aab", "aaab", "a***"},
        {"url", "a b/c", "?p=a%20b%2Fc&x", "?p=***&x"},
        {"url lower case and plus", "a b/c", "a+b%2fc", "***"},
        {"url, all of it", "abc", "%61%62%63", "***"},
        {"url twice", "a/c", "a%252Fc", "***"},
        {"json", "a\"b\\c", R"({"p":"a\"b\\c"})", R"({"p":"***"})"},
        {"json in json", "a\"b", R"("{\"p\":\"a\\\"b\"}")", R"("{\"p\":\"***\"}")"},
        {"json unicode", "abc", "\\u0061b\\u0063", "***"},
        {"json slash", "a/b", "a\\/b", "***"},
        {"shell single quotes", "it's", R"('it'\''s')", "'***'"},
        {"shell mixed quotes", "it's", R"('it'"'"'s')", "'***'"},
        {"shell backslashes", "a b$c", R"(a\ b\$c)", "***"},
        {"python bytes", "abc", R"(b'\x61\x62c')", "b'***'"},
        {"octal", "a c", R"(a\040c)", "***"},
        {"html", "a&b<c", "a&amp;b&lt;c", "***"},
        {"hex", "token1", "746f6b656e31 746F6B656E31", "*** ***", 2},
        {"utf-8 raw", "pässword", "x pässword", "x ***"},
        {"utf-8 json", "pä😀", "p\\u00e4\\ud83d\\ude00", "***"},
        {"utf-8 url", "pä", "p%C3%A4", "***"},
        {"longest of two forms", "ab", "ab abab", "*** ******", 3},
        {"one character", "x", "axb", "a***b"},
    };
}

int base64_leak(std::string_view secret, std::string_view before, std::string_view after,
                bool url) {
    std::string text =
        base::to_base64(std::string(before) + std::string(secret) + std::string(after));
    if (url) {
        for (char& c : text) {
            c = c == '+' ? '-' : c == '/' ? '_' : c;
        }
    }
    Redactor redactor;
    redactor.add(base::Secret(std::string(secret)));
    int count = 0;
    (void)redactor.redact("Authorization: Basic " + text + "\n", count);
    return count;
}

}  // namespace

TEST(Redactor, Table_of_quotings) {
    for (const Case& c : cases()) {
        Redactor redactor;
        redactor.add(base::Secret(c.secret));
        int count = 0;
        EXPECT_EQ(redactor.redact(c.text, count), c.wanted) << c.name;
        EXPECT_EQ(count, c.count) << c.name;
    }
}

TEST(Redactor, Base64_at_every_alignment_in_both_alphabets) {
    for (const std::string before : {"", "u", "us", "usr", "user:", "user::"}) {
        for (const std::string after : {"", "\n", "xy", "xyz"}) {
            EXPECT_EQ(base64_leak(kToken, before, after, false), 1) << before << '|' << after;
            EXPECT_EQ(base64_leak("~~\?\?>>~~\?\?>>", before, after, true), 1)
                << before << '|' << after;
        }
    }
}

TEST(Redactor, Base64_that_is_wrapped_into_lines) {
    const std::string secret(100, 'k');
    std::string text = base::to_base64(secret);
    text.insert(76, "\n");
    Redactor redactor;
    redactor.add(base::Secret(secret));
    int count = 0;
    EXPECT_EQ(redactor.redact("<" + text + ">", count).find("a2tr"), std::string::npos);
    EXPECT_EQ(count, 1);
}

TEST(Redactor, Stream_gives_the_same_at_every_split) {
    Redactor redactor;
    redactor.add(base::Secret(kToken));
    redactor.add(base::Secret("hunter22"));
    const std::string text = "a hunter22 b " + kToken + " c hunter2 " +
                             base::to_base64("u:" + kToken) +
                             " %68unter22 hunter\\u0032\\u0032 tK-9/x+Z'\\''q\"w\\e$7&&end hunter";
    int count = 0;
    const std::string wanted = redactor.redact(text, count);
    EXPECT_EQ(count, 6);
    for (std::size_t first = 0; first <= text.size(); ++first) {
        for (std::size_t second = first; second <= text.size(); second += 7) {
            RedactingStream stream(redactor);
            std::string got = stream.push(std::string_view(text).substr(0, first));
            got += stream.push(std::string_view(text).substr(first, second - first));
            got += stream.push(std::string_view(text).substr(second));
            got += stream.finish();
            ASSERT_EQ(got, wanted) << first << ' ' << second;
            ASSERT_EQ(stream.count(), count);
        }
    }
}

TEST(Redactor, Random_bytes_at_random_splits) {
    std::mt19937 random(7);
    const std::string letters = "ab\\'%26u0x/";
    for (int round = 0; round < 300; ++round) {
        const auto text_of = [&](std::size_t length) {
            std::string out;
            for (std::size_t i = 0; i < length; ++i) {
                out += letters[random() % letters.size()];
            }
            return out;
        };
        Redactor redactor;
        redactor.add(base::Secret(text_of(2 + random() % 5)));
        redactor.add(base::Secret(text_of(1 + random() % 8)));
        const std::string text = text_of(400);
        int count = 0;
        const std::string wanted = redactor.redact(text, count);
        RedactingStream stream(redactor);
        std::string got;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t length = std::min<std::size_t>(1 + random() % 9, text.size() - at);
            got += stream.push(std::string_view(text).substr(at, length));
            at += length;
        }
        got += stream.finish();
        ASSERT_EQ(got, wanted) << round;
        ASSERT_EQ(stream.count(), count) << round;
    }
}

TEST(Redactor, Without_secrets_nothing_is_held_back) {
    Redactor redactor;
    RedactingStream stream(redactor);
    EXPECT_EQ(stream.push("abc\\"), "abc\\");
    EXPECT_EQ(stream.held_back(), 0U);
}

TEST(Redactor, What_is_held_back_comes_out_at_the_end) {
    Redactor redactor;
    redactor.add(base::Secret("hunter22"));
    RedactingStream stream(redactor);
    EXPECT_EQ(stream.push("say hunter"), "say ");
    EXPECT_EQ(stream.finish(), "hunter");
    EXPECT_EQ(stream.count(), 0);
}

TEST(Redactor, Json_values_stay_json) {
    Redactor redactor;
    redactor.add(base::Secret("s3cret\"x"));
    base::Json value{{"a", "say s3cret\"x"}, {"b", {1, "s3cret\"x"}}, {"n", nullptr}};
    int count = 0;
    redactor.redact(value, count);
    EXPECT_EQ(value, (base::Json{{"a", "say ***"}, {"b", {1, "***"}}, {"n", nullptr}}));
    EXPECT_EQ(count, 2);
}

TEST(Redactor, Longest_token_is_found_in_good_time) {
    std::string secret;
    std::mt19937 random(3);
    for (int i = 0; i < 4096; ++i) {
        secret += static_cast<char>(33 + random() % 94);
    }
    Redactor redactor;
    redactor.add(base::Secret(secret));
    int count = 0;
    std::string text;
    for (int i = 0; i < 2000; ++i) {
        text += "[ 12.3456 ] tegradevflash_v2 --write APP system.img 44% done of it\r";
    }
    text += secret;
    const auto begin = std::chrono::steady_clock::now();
    (void)redactor.redact(text, count);
    EXPECT_EQ(count, 1);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

}  // namespace lineside::process
