// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/batch_csv.h"

#include "station/base/text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace lineside::serial_pool {
namespace {

using namespace std::string_literals;

// One file and what must come of it. `errors` are "line:column field".
struct Case {
    std::string name;
    std::string bytes;
    std::int64_t count = 0;
    std::vector<std::string> errors;
    std::int64_t warnings = 0;
    bool test_only = false;
    std::string ap_ssid = {};  // template
};
std::ostream& operator<<(std::ostream& out, const Case& c) {
    return out << c.name;
}

const std::string kToken4096(4096, 't');

std::vector<Case> cases() {
    const std::string s64(64, 'S');
    return {
        // Form of the file.
        {"plain", "A1,t1\nA2,t2\n", 2, {}},
        {"no_last_newline", "A1,t1\nA2,t2", 2, {}},
        {"crlf", "A1,t1\r\nA2,t2\r\n", 2, {}},
        {"crlf_and_lf_mixed", "A1,t1\r\nA2,t2\nA3,t3\r\n", 3, {}},
        {"bom",
         "\xEF\xBB\xBF"
         "A1,t1\n",
         1,
         {}},
        {"bom_before_header",
         "\xEF\xBB\xBF"
         "serial,token\nA1,t1\n",
         1,
         {}},
        {"bom_then_error_column",
         "\xEF\xBB\xBF"
         "A1,t 1\n",
         0,
         {"1:4 token"}},
        {"second_bom",
         "\xEF\xBB\xBF\xEF\xBB\xBF"
         "A1,t1\n",
         0,
         {"1:1 serial"}},
        {"semicolon", "A1;t1\nA2;t,2\n", 2, {}},
        {"tab", "A1\tt1\nA2\tt;2\n", 2, {}},
        {"comments_and_blank_lines", "# made by x\n\nA1,t1\n   \n\t\n#A9,t9\n\r\nA2,t2\n", 2, {}},
        {"separator_after_comments", "# a,b,c\n\n;;\nA1;t1\n", 0, {"3:3 "}},
        {"blank_before_hash_is_data", " #A1,t1\n", 0, {"1:2 serial"}},
        {"hash_in_token", "A1,#t1\n", 1, {}},
        {"blanks_around_fields", "  A1\t , t1  \nA2 ,\tt2\t\n", 2, {}},
        {"empty_file", "", 0, {"1:1 "}},
        {"only_bom", "\xEF\xBB\xBF", 0, {"1:1 "}},
        {"only_newlines", "\n\r\n\n", 0, {"1:1 "}},
        {"only_comments", "# nothing\n", 0, {"1:1 "}},
        {"only_header", "serial,token\n", 0, {"1:1 "}},
        // Bytes that are no text.
        {"utf16_le",
         "\xFF\xFE"
         "A\0,\0t\0\n\0"s,
         0,
         {"1:1 "}},
        {"utf16_be", "\xFE\xFF\0A\0,\0t\0\n"s, 0, {"1:1 "}},
        {"utf16_without_mark", "A\0001\0,\0t\0\n\0"s, 0, {"1:1 "}},
        {"nul",
         "A1,t1\nA2,t\0"
         "2\n"s,
         0,
         {"2:5 "}},
        {"nul_in_comment", "# \0\nA1,t1\n"s, 0, {"1:3 "}},
        {"latin1", "A1,t1\nA2,t\xE9\nA3,\xFC\n", 0, {"2:5 ", "3:4 "}},
        {"overlong", "A1,t\xC0\xAF\n", 0, {"1:5 "}},
        {"surrogate", "A1,t\xED\xA0\x80\n", 0, {"1:5 "}},
        {"cut_sequence_at_end", "A1,t1\n# \xE2\x82", 0, {"2:3 "}},
        {"utf8_in_comment", "# caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\nA1,t1\n", 1, {}},
        {"non_ascii_serial", "A\xC3\xA9,t1\n", 0, {"1:1 serial"}},
        {"non_ascii_token", "A1,t\xC3\xA9\n", 0, {"1:4 token"}},
        {"nbsp_is_not_trimmed", "A1,\xC2\xA0t1\n", 0, {"1:4 token"}},
        {"column_counts_characters", "x,serial,token\n\xC3\xA9,A1,t 1\n", 0, {"2:6 token"}, 1},
        // Lone carriage returns.
        {"cr_only_file", "A1,t1\rA2,t2\r", 0, {"1:6 token"}},
        {"cr_at_end_of_file", "A1,t1\nA2,t2\r", 0, {"2:6 token"}},
        {"cr_cr_lf", "A1,t1\r\r\nA2,t2\n", 0, {"1:6 token"}},
        {"cr_in_comment_hides_rows", "#x\rA1,t1\nA2,t2\n", 0, {"1:3 serial"}},
        {"cr_after_quote", "A1,\"t1\"\rA2,t2\n", 0, {"1:8 token"}},
        // Quotes.
        {"quoted", "\"A1\",\"t1\"\r\n", 1, {}},
        {"blanks_around_quotes", " \"A1\" ,\t\"t1\" \n", 1, {}},
        {"blanks_inside_quotes", "\" A1 \",\"t1\t\"\n", 1, {}},
        {"separator_in_quotes", "A1,\"t,1\"\n", 1, {}},
        {"doubled_quotes", "A1,\"t\"\"1\"\n", 1, {}},
        {"only_doubled_quotes", "A1,\"\"\"\"\n", 1, {}},
        {"hash_in_quotes_is_data", "\"#A1\",t1\n", 0, {"1:1 serial"}},
        {"empty_quotes", "A1,\"\"\n", 0, {"1:4 token"}},
        {"newline_in_ignored_column",
         "serial,note,token\nA1,\"a\nb\r\n#c\",t1\nA2,x,t 2\n",
         0,
         {"5:6 token"},
         1},
        {"newline_in_token", "A1,\"t\n1\"\nA2,t 2\n", 0, {"1:4 token", "3:4 token"}},
        {"newline_in_serial", "\"A\n1\",t1\nA2,t2\n", 0, {"1:1 serial"}},
        {"complaints_stand_in_order",
         "token,x,serial\n\"t\n1\"\nt2,x,A 2\n",
         0,
         {"2:1 token", "3:3 serial", "4:6 serial"},
         1},
        {"text_after_quote", "A1,\"t1\"x\nA2,t2\n", 0, {"1:8 token"}},
        {"quote_inside_plain_field", "A1,t\"1\"\nA2,t 2\n", 0, {"1:5 token", "2:4 token"}},
        {"never_closed", "A1,t1\nA2,\"t2\nA3,t3\n", 0, {"2:4 token"}},
        {"closed_lines_later", "A1,\"t1\nA2,\"t2\"\nA3,t 3\n", 0, {"1:4 token", "3:4 token"}},
        {"quote_at_end_of_file", "A1,\"", 0, {"1:4 token"}},
        // Headers.
        {"header", "serial,token\nA1,t1\n", 1, {}},
        {"header_other_order_and_case", "Token;SERIAL\nt1;A1\n", 1, {}},
        {"header_quoted_and_blank", " \"serial\" , \"token\" \nA1,t1\n", 1, {}},
        {"header_after_comment", "#x\n\nserial\ttoken\nA1\tt1\n", 1, {}},
        {"unknown_columns", "model,serial,token,note\nNX,A1,t1,hello world\n", 1, {}, 2},
        {"unknown_column_missing_at_end", "serial,token,note\nA1,t1\n", 1, {}, 1},
        {"token_column_missing_in_row", "serial,note,token\nA1,x\n", 0, {"2:5 token"}, 1},
        {"header_trailing_separator", "serial,token,\nA1,t1,\n", 1, {}, 1},
        {"two_serial_columns", "serial,token,Serial\nA1,t1,A2\n", 0, {"1:14 serial"}},
        {"two_token_columns", "serial,token,token\nA1,t1,t2\n", 0, {"1:14 token"}},
        {"header_without_serial", "id,token\nA1,t1\n", 0, {"1:9 serial"}, 1},
        {"header_without_token", "serial,note\nA1,x\n", 0, {"1:12 token"}, 1},
        {"header_without_token_test_only", "serial,note\nA1,x\nA2,\n", 2, {}, 1, true},
        {"header_of_one_column_test_only", "serial\nA1\nA2\n", 2, {}, 0, true},
        {"header_again_later_is_a_pair", "serial,token\nA1,t1\nserial,token\n", 2, {}, 1},
        {"header_like_words_are_a_pair", "sn,key\nA1,t1\n", 2, {}, 1},
        {"header_broken_quote", "serial,\"token\nA1,t1\n", 0, {"1:8 "}},
        {"header_separator_wins_over_blank_tab", "serial\t,token\nA1\t,t1\n", 1, {}},
        // Number of fields.
        {"three_fields", "A1,t1,x\n", 0, {"1:7 "}},
        {"trailing_separator", "A1,t1,\n", 0, {"1:7 "}},
        {"more_fields_than_header", "serial,token\nA1,t1,x\n", 0, {"2:7 "}},
        {"other_separator_in_one_row", "A1,t1\nA2;t2\n", 0, {"2:1 serial", "2:6 token"}},
        {"one_column", "A1\nA2\n", 0, {"1:3 token", "2:3 token"}},
        {"one_column_test_only", "A1\nA2\n", 2, {}, 0, true},
        {"separator_later_than_first_row", "A1\nA2;t2\n", 0, {"2:1 serial"}, 0, true},
        {"comma_later_than_first_row", "A1\nA2,t2\n", 2, {}, 0, true},
        {"only_separators", ",\n", 0, {"1:1 serial", "1:2 token"}},
        {"thousands_of_fields",
         "A1,t1" + std::string(5000, ',') + "\nA2,t 2\n",
         0,
         {"1:1005 ", "2:4 token"}},
        // Serials.
        {"leading_zeros", "00042,t1\n042,t2\n42,t3\n", 3, {}},
        {"serial_64", s64 + ",t1\n", 1, {}},
        {"serial_65", s64 + "S,t1\n", 0, {"1:1 serial"}},
        {"serial_all_kinds", "a.b_c-D9,t1\n", 1, {}},
        {"serial_bad_start",
         "-A1,t1\n.A2,t2\n_A3,t3\n",
         0,
         {"1:1 serial", "2:1 serial", "3:1 serial"}},
        {"serial_bad_character",
         "A+1,t1\nA/1,t2\nA 1,t3\n",
         0,
         {"1:1 serial", "2:1 serial", "3:1 serial"}},
        {"serial_formula", "=A1,t1\n", 0, {"1:1 serial"}},
        {"serial_missing", ",t1\n", 0, {"1:1 serial"}},
        {"serial_control", "A\x01,t1\n", 0, {"1:1 serial"}},
        {"ctrl_z_at_end", "A1,t1\n\x1A", 0, {"2:1 serial", "2:2 token"}},
        // Tokens.
        {"token_printable", "A1,!#$%&'()*+-./:<=>?@[]^_`{|}~\n", 1, {}},
        {"token_4096", "A1," + kToken4096 + "\n", 1, {}},
        {"token_4097", "A1," + kToken4096 + "x\n", 0, {"1:4 token"}},
        {"token_blank_inside", "A1,t 1\n", 0, {"1:4 token"}},
        {"token_tab_inside", "A1,t\t1\n", 0, {"1:4 token"}},
        {"token_del", "A1,t\x7F\n", 0, {"1:4 token"}},
        {"token_missing", "A1,\nA2,t2\n", 0, {"1:4 token"}},
        {"token_missing_test_only", "A1,\nA2,t2\nA3\n", 3, {}, 0, true},
        {"token_bad_test_only", "A1,t 1\n", 0, {"1:4 token"}, 0, true},
        {"token_formula_is_a_token", "A1,=cmd|x\n", 1, {}},
        // Repeats.
        {"exact_repeat", "A1,t1\nA2,t2\nA1,t1\n", 2, {}, 1},
        {"exact_repeat_quoted", "A1,t1\n\"A1\", \"t1\"\n", 1, {}, 1},
        {"exact_repeat_without_token", "A1\nA1\n", 1, {}, 1, true},
        {"serial_with_other_token", "A1,t1\nA1,t2\n", 0, {"2:1 serial"}},
        {"serial_with_and_without_token", "A1,t1\nA1\n", 0, {"2:1 serial"}, 0, true},
        {"token_with_other_serial", "A1,t1\nA2,t1\n", 0, {"2:4 token"}},
        {"tokens_differ_by_case", "A1,t1\nA2,T1\n", 2, {}},
        {"serial_in_other_case", "a1,t1\nA1,t2\n", 0, {"2:1 serial"}},
        {"pair_in_other_case", "a1,t1\nA1,t1\n", 0, {"2:1 serial"}},
        {"both_taken_crosswise", "A1,t1\nA2,t2\nA1,t2\n", 0, {"3:1 serial", "3:4 token"}},
        {"quoted_token_equals_plain", "A1,\"t\"\"1\"\nA2,\"t\"\"1\"\n", 0, {"2:4 token"}},
        // The access point.
        {"ap_columns", "serial,token,ap_ssid,ap_password\nA1,t1,Cam A1,pass word\n", 1, {}},
        {"ap_columns_in_any_order_and_case",
         "AP_Password;Serial;AP_SSID;Token\n12345678;A1;x;t1\n",
         1,
         {}},
        {"ap_password_alone", "serial,token,ap_password\nA1,t1,12345678\n", 1, {}},
        {"ap_ssid_twice", "serial,token,ap_ssid,ap_ssid\nA1,t1,a,b\n", 0, {"1:22 ap_ssid"}},
        {"ap_without_header_is_surplus", "A1,t1,ssid,12345678\n", 0, {"1:7 "}},
        {"ap_missing",
         "serial,token,ap_ssid,ap_password\nA1,t1,,\nA2,t2\n",
         0,
         {"2:7 ap_ssid", "2:8 ap_password", "3:6 ap_ssid", "3:6 ap_password"}},
        {"ap_ssid_32_bytes",
         "serial,token,ap_ssid\nA1,t1," + s64.substr(32) + "\nA2,t2,\xC3\xA9\n",
         2,
         {}},
        {"ap_ssid_33_bytes",
         "serial,token,ap_ssid\nA1,t1," + s64.substr(31) + "\nA2,t2,\xC3\xA9" + s64.substr(33) +
             "\n",
         0,
         {"2:7 ap_ssid", "3:7 ap_ssid"}},
        {"ap_ssid_control", "serial,token,ap_ssid\nA1,t1,a\x01\n", 0, {"2:7 ap_ssid"}},
        {"ap_ssid_line_break", "serial,token,ap_ssid\nA1,t1,\"a\nb\"\n", 0, {"2:7 ap_ssid"}},
        {"ap_password_lengths",
         "serial,ap_password,token\nA1,1234567,t1\nA2,12345678,t2\nA3," + s64.substr(1) +
             ",t3\nA4," + s64 + ",t4\n",
         0,
         {"2:4 ap_password", "5:4 ap_password"}},
        {"ap_password_not_ascii",
         "serial,token,ap_password\nA1,t1,p\xC3\xA9"
         "ssword\nA2,t2,\"pass\tword\"\n",
         0,
         {"2:7 ap_password", "3:7 ap_password"}},
        {"ap_password_quoted", "serial,token,ap_password\nA1,t1,\"a,\"\"b c;d\"\n", 1, {}},
        {"ap_password_broken_quote",
         "serial,token,ap_password\nA1,t1,\"12345678\n",
         0,
         {"2:7 ap_password"}},
        {"spare_tokens", "serial,token,spare_token\nA1,t1,u1\nA2,t2,\nA3,t3\n", 3, {}},
        {"spare_token_bad", "serial,token,spare_token\nA1,t1,u 1\n", 0, {"2:7 spare_token"}},
        {"spare_token_is_a_token_before",
         "serial,token,spare_token\nA1,t1,\nA2,t2,t1\n",
         0,
         {"3:7 spare_token"}},
        {"spare_token_is_a_token_behind",
         "serial,token,spare_token\nA1,t1,t2\nA2,t2,\n",
         0,
         {"3:4 token"}},
        {"spare_token_twice",
         "serial,token,spare_token\nA1,t1,u1\nA2,t2,u1\n",
         0,
         {"3:7 spare_token"}},
        {"spare_token_is_its_own", "serial,token,spare_token\nA1,t1,t1\n", 0, {"2:7 spare_token"}},
        {"spare_exact_repeat", "serial,token,spare_token\nA1,t1,u1\nA1,t1,u1\n", 1, {}, 1},
        {"spare_other_repeat", "serial,token,spare_token\nA1,t1,u1\nA1,t1,u2\n", 0, {"3:1 serial"}},
        {"ap_exact_repeat", "serial,token,ap_password\nA1,t1,12345678\nA1,t1,12345678\n", 1, {}, 1},
        {"ap_pair_with_another_password",
         "serial,token,ap_password\nA1,t1,12345678\nA1,t1,12345679\n",
         0,
         {"3:1 serial"}},
        {"ap_of_many_units_may_be_one", "serial,token,ap_ssid\nA1,t1,guest\nA2,t2,guest\n", 2, {}},
        {"ap_template", "A1,t1\nA2,t2\n", 2, {}, 0, false, "Cam-{serial}"},
        {"ap_template_and_column",
         "serial,token,ap_ssid\nA1,t1,x\n",
         0,
         {"1:14 ap_ssid"},
         0,
         false,
         "Cam-{serial}"},
        {"ap_template_too_long",
         "A1,t1\n" + s64.substr(35) + ",t2\n",
         0,
         {"2:1 ap_ssid"},
         0,
         false,
         "Cam-{serial}"},
        {"ap_template_cut", s64 + ",t1\n", 1, {}, 0, false, "Cam-{serial:-28}"},
        {"ap_template_and_bad_serial", "A 1,t1\n", 0, {"1:1 serial"}, 0, false, "{serial}"},
        // Many at once.
        {"all_bad_lines_are_named", "A1,t1\nA 2,t2\nA3,t3\nA4,\n", 0, {"2:1 serial", "4:4 token"}},
        {"both_fields_bad", "A 1,t 1\n", 0, {"1:1 serial", "1:5 token"}},
    };
}

class BatchCsv : public testing::TestWithParam<Case> {};

TEST_P(BatchCsv, Is_judged_by_the_contract) {
    const Case& wanted = GetParam();
    BatchOptions options{wanted.test_only, 1000, std::nullopt};
    if (!wanted.ap_ssid.empty()) {
        options.ap_ssid = SsidTemplate::parse(wanted.ap_ssid).value();
    }
    const BatchReport report = check_batch(wanted.bytes, options);
    std::vector<std::string> errors;
    for (const Complaint& each : report.errors) {
        errors.push_back(std::to_string(each.line) + ":" + std::to_string(each.column) + " " +
                         each.field);
        EXPECT_FALSE(each.message.empty());
    }
    EXPECT_EQ(errors, wanted.errors) << to_text(report, "file");
    EXPECT_EQ(report.accepted(), wanted.errors.empty());
    EXPECT_EQ(report.count(), wanted.count) << to_text(report, "file");
    EXPECT_EQ(report.warnings_total, wanted.warnings) << to_text(report, "file");
}

INSTANTIATE_TEST_SUITE_P(Files, BatchCsv, testing::ValuesIn(cases()),
                         [](const testing::TestParamInfo<Case>& one) { return one.param.name; });

TEST(BatchCsvValues, Rows_hold_what_the_file_says) {
    const std::string bytes = "token,serial\n\" t\"\"1,;\", 0042 \nt2,A-b\n";
    const BatchReport report = check_batch(bytes, {});
    ASSERT_EQ(report.rows.size(), 2U) << to_text(report, "f");
    EXPECT_EQ(report.rows[0].serial, "0042");
    EXPECT_EQ(report.rows[0].token, "t\"1,;");
    EXPECT_EQ(report.rows[0].line, 2);
    EXPECT_EQ(report.rows[1].serial, "A-b");
    EXPECT_TRUE(report.header);
    EXPECT_EQ(report.separator, ',');
    EXPECT_EQ(report.data_lines, 2);
}

TEST(BatchCsvValues, Report_may_be_moved) {
    const std::string bytes = "A1,\"t\"\"1\"\n";
    BatchReport report = check_batch(bytes, {});
    const BatchReport moved = std::move(report);
    EXPECT_EQ(moved.rows.at(0).token, "t\"1");
}

TEST(BatchCsvLimits, Errors_are_cut_and_the_rest_is_counted) {
    std::string bytes;
    for (int i = 0; i < 5000; ++i) {
        bytes += "A " + std::to_string(i) + ",t" + std::to_string(i) + "\n";
    }
    const BatchReport report = check_batch(bytes, {});
    EXPECT_EQ(report.errors.size(), 1000U);
    EXPECT_EQ(report.errors_total, 5000);
    EXPECT_NE(to_text(report, "f").find("and 4000 more errors"), std::string::npos);
    const auto json = to_json(report, "f");
    EXPECT_EQ(json.size(), 4U) << "the members are the contract, also for a cut list: "
                               << json.dump();
    EXPECT_EQ(json["errors"].size(), 1001U);
    EXPECT_EQ(json["errors"].back()["message"], "4000 more are not listed");
}

TEST(BatchCsv, A_complaint_names_a_separator_also_where_the_first_line_has_none) {
    const BatchReport report = check_batch("A1\nA2,t2,x\n", {});
    const std::string text = to_json(report, "f").dump();
    EXPECT_NE(text.find("a token that holds ',' must be quoted"), std::string::npos) << text;
    EXPECT_EQ(text.find("\\u0000"), std::string::npos) << text;
}

TEST(BatchCsvLimits, Broken_files_cost_linear_time) {
    std::string bytes;
    for (int i = 0; i < 200'000; ++i) {
        bytes += "A" + std::to_string(i) + ",\"t\n";
    }
    EXPECT_EQ(check_batch(bytes, {}).errors_total, 200'000);
    EXPECT_FALSE(check_batch(std::string(4'000'000, 'x'), {}).accepted());
    EXPECT_FALSE(check_batch(std::string(4'000'000, ','), {}).accepted());
    EXPECT_FALSE(check_batch("A1," + std::string(4'000'000, '"'), {}).accepted());
    EXPECT_FALSE(check_batch("A1,t1\n" + std::string(4'000'000, '\r'), {}).accepted());
}

// Short files of the characters that matter: whatever they say, a report holds together.
TEST(BatchCsvLimits, Random_files_give_sound_reports) {
    const std::vector<std::string> bits{
        "A",     "a",    "1",  "t",        ",",    ",",   ";",           "\t", "\"",
        "\"",    "\"\"", "\n", "\n",       "\r\n", "\r",  " ",           "#",  "serial",
        "token", "=",    "-",  "\xC3\xA9", "\xC3", "\0"s, "\xEF\xBB\xBF"};
    std::mt19937 random(20261120);
    for (int round = 0; round < 50'000; ++round) {
        std::string bytes;
        for (auto left = random() % 24; left > 0; --left) {
            bytes += bits[random() % bits.size()];
        }
        const bool test_only = random() % 2 == 0;
        const BatchReport report = check_batch(bytes, {test_only, 1000});
        const auto lines = 1 + std::count(bytes.begin(), bytes.end(), '\n');
        std::int64_t line = 0;
        for (const Complaint& each : report.errors) {
            ASSERT_GE(each.line, line == 0 ? 1 : line) << testing::PrintToString(bytes);
            ASSERT_LE(each.line, lines) << testing::PrintToString(bytes);
            ASSERT_GE(each.column, 1);
            line = each.line;
        }
        ASSERT_TRUE(!report.accepted() || report.count() > 0) << testing::PrintToString(bytes);
        std::set<std::string> seen;
        for (const BatchRow& row : report.rows) {
            ASSERT_TRUE(is_serial(row.serial)) << testing::PrintToString(bytes);
            ASSERT_TRUE(is_token(row.token) ||
                        (row.token.empty() && (test_only || !report.accepted())))
                << testing::PrintToString(bytes);
            ASSERT_TRUE(seen.insert("s" + base::to_lower_ascii(row.serial)).second);
            ASSERT_TRUE(row.token.empty() || seen.insert("t" + std::string(row.token)).second);
        }
    }
}

TEST(BatchCsvSecrecy, No_complaint_holds_a_token) {
    const std::string secret = "S3cr3tTok3n";
    const std::vector<std::string> files{
        "A1," + secret + "\nA2," + secret + "\n",   // same token twice
        "A1," + secret + "\nA1," + secret + "x\n",  // same serial twice
        secret + ",A1\n" + secret + ",A2\n",        // columns swapped
        "A1," + secret + "\xC3\xA9\n",              // not ASCII
        "A1,\"" + secret + "\"x\n",                 // bad quotes
        "A1,\"" + secret + "\n",                    // open quote
        "A1,x," + secret + "\n",                    // surplus field
        "serial," + secret + "\nA1,x\n",            // a token where a column name should be
        "A1 " + secret + "\n",                      // separator forgotten
        "A1;" + secret + "\nA2," + secret + "\n",   // other separator
        secret + "\n",                              // one column
        "A1," + secret + "\nA1," + secret + "\n",   // exact repeat: a warning
        "serial,token,ap_password\nA1,t1," + secret + "\xC3\xA9\n",
        "serial,token,ap_ssid\nA1,t1," + secret + secret + secret + secret + "\n",
        "serial,token,ap_password\nA1,t1," + secret + "\nA1,t1," + secret + "2\n",
        "serial,ap_password\nA1," + secret + "\n",
    };
    for (const std::string& file : files) {
        const BatchReport report = check_batch(file, {});
        EXPECT_GT(report.errors_total + report.warnings_total, 0) << file;
        EXPECT_EQ(to_text(report, "f").find(secret), std::string::npos) << file;
        EXPECT_EQ(to_json(report, "f").dump().find(secret), std::string::npos) << file;
    }
}

TEST(BatchCsvSecrecy, A_complaint_tells_the_serial_only_where_it_is_known_to_be_one) {
    const auto told = [](const std::string& file) {
        std::vector<std::string> serials;
        const base::Json json = to_json(check_batch(file, {}), "f");
        for (const char* list : {"errors", "warnings"}) {
            for (const base::Json& each : json[list]) {
                serials.push_back(each.value("serial", "-"));
            }
        }
        return serials;
    };
    using Serials = std::vector<std::string>;
    EXPECT_EQ(
        told("token,serial,ap_password\nt 1,A1,12345678\nt2,A2,1\nt3,a2,1\nt4,A 4,12345678\n"),
        (Serials{"A1", "A2", "a2", "-"}));
    EXPECT_EQ(told("serial,token\nA1,t1\nA1,t1\nA1,t2\nA2,t1\n"), (Serials{"A1", "A2", "A1"}));
    EXPECT_EQ(told("serial,token\nA1,t1\nA2,t2,x\nA3,\"t\n"), (Serials{"-", "-"}))
        << "a row that was not read as one has none";
    EXPECT_EQ(told("serial,token\nA1,A1\nA1,t1\nA1,A1\n"), (Serials{"A1", "-"}))
        << "it is the token";
    EXPECT_EQ(told("A1,t1\nA1,t2\n"), (Serials{"-"})) << "the columns may be swapped";
}

TEST(BatchCsvKnown, Rows_the_pool_has_are_named_in_order) {
    const std::string bytes = "A1,t1\nA2,t2\nA 3,t3\nA4,t4\n";
    BatchReport report = check_batch(bytes, {});
    KnownPairs known;
    known.has_serial = [](std::string_view key) { return base::Result<bool>(key == "a4"); };
    known.has_token = [&](std::size_t row) {
        return base::Result<bool>(report.rows[row].token == "t2");
    };
    ASSERT_TRUE(complain_about_known(report, known));
    ASSERT_EQ(report.errors.size(), 3U);
    EXPECT_EQ(report.errors[0].line, 2);
    EXPECT_EQ(report.errors[0].field, "token");
    EXPECT_EQ(report.errors[0].column, 4);
    EXPECT_EQ(report.errors[1].line, 3);
    EXPECT_EQ(report.errors[2].line, 4);
    EXPECT_EQ(report.errors[2].field, "serial");
    EXPECT_EQ(report.errors[2].serial, "A4");
    EXPECT_EQ(report.errors[0].serial, "") << "no header says which column it is";
    known.has_serial = [](std::string_view) -> base::Result<bool> {
        return base::fail("db.failed");
    };
    EXPECT_FALSE(complain_about_known(report, known));
}

TEST(BatchCsvJson, Has_the_fields_of_the_contract) {
    const base::Json json = to_json(check_batch("A1,t1\nA1,t1\n", {}), "x.csv", true);
    EXPECT_EQ(json["verdict"], "accept");
    EXPECT_EQ(json["count"], 1);
    EXPECT_TRUE(json["errors"].empty());
    EXPECT_EQ(json["warnings"][0]["file"], "x.csv");
    EXPECT_EQ(json["warnings"][0]["line"], 2);
    EXPECT_EQ(json["sample"][0]["token_length"], 2);
    EXPECT_EQ(json["separator"], ",");
    EXPECT_EQ(to_json(check_batch("", {}), "x.csv")["verdict"], "reject");
}

}  // namespace
}  // namespace lineside::serial_pool
