// SPDX-License-Identifier: Apache-2.0
#include "provisioning/remote_script.h"

#include "provisioning/testing/local_shell.h"
#include "provisioning/unit_uid.h"

#include <gtest/gtest.h>

namespace lineside::provisioning {
namespace {

using base::Secret;
using testing::LocalShell;
using testing::TempDir;

TEST(ShellQuote, Plain_words_stay_plain) {
    EXPECT_EQ(shell_quote("abc-1.2/x_y"), "abc-1.2/x_y");
    EXPECT_EQ(shell_quote(""), "''");
    EXPECT_EQ(shell_quote("a b"), "'a b'");
    EXPECT_EQ(shell_quote("it's"), "'it'\\''s'");
    EXPECT_EQ(shell_quote(std::string("a\0b", 3)), "a");
}

TEST(ShellQuote, A_real_shell_gives_every_text_back) {
    TempDir dir;
    LocalShell shell(dir.path());
    std::vector<std::string> texts{
        "",         "'",     "''",    "\\",    "$(reboot)", "`id`",
        "a\nb",     "*",     "-n",    "~",     "\"x\"",     "!x",
        "a;b|c&d",  "#x",    "$HOME", "\t ",   "\xff\xfe",  "Größe カメラ",
        "'\\''$''", "{a,b}", "a=b",   "%s\\n", "\r"};
    std::string all;
    for (int c = 1; c < 256; ++c) {
        all.push_back(static_cast<char>(c));
    }
    texts.push_back(all);
    for (const std::string& text : texts) {
        ExecRequest request;
        request.command = "printf '%s' " + shell_quote(text);
        EXPECT_EQ(shell.exec(request).value().out, text);
        // And within another shell's command line, as sudo -n sh -c does it.
        request.command = "sh -c " + shell_quote("printf '%s' " + shell_quote(text));
        EXPECT_EQ(shell.exec(request).value().out, text);
    }
}

TEST(RemoteScript, Secrets_are_in_the_input_only) {
    const auto program = script_program("system-tools", "set-wifi-ap.sh",
                                        {{"-s"}, {"my net"}, {"-p"}, {"pa'ss word", true}});
    EXPECT_EQ(program.program.find("pa'ss"), std::string::npos);
    EXPECT_EQ(program.lines, "pa'ss word\n");
    const auto command = as_root("sudo -S", Secret("login"), program.program, {}, program.lines);
    EXPECT_EQ(command.command.find("login"), std::string::npos);
    EXPECT_EQ(command.input, "login\npa'ss word\n");
    EXPECT_EQ(as_root("sudo -n", Secret("login"), "x", {}, "in").input, "in");
}

class ScriptTest : public ::testing::Test {
  protected:
    void SetUp() override {
        dir_.write("system-tools/show.sh", "#!/bin/sh\nfor a; do printf '<%s>' \"$a\"; done\ncat\n",
                   true);
        // sudo that asks for a password on stdin (-S) or knows none (-n), as told by a file.
        dir_.write("bin/sudo", R"(#!/bin/sh
if [ "$1" = -n ]; then
    [ -e ~/.nopasswd ] || [ -e "$HOME/nopasswd" ] || { echo "sudo: a password is required" >&2; exit 1; }
    shift
else
    shift 4
    IFS= read -r password
    [ "$password" = login ] || { echo "sudo: 1 incorrect password attempt" >&2; exit 1; }
fi
[ "$1" != -- ] || shift
exec "$@"
)",
                   true);
    }
    ExecEnd run(const RemoteCommand& command) {
        ExecRequest request;
        request.command = "export HOME='" + dir_.path().string() + "' PATH='" +
                          dir_.path().string() + "/bin':$PATH\n" + command.command;
        request.input = command.input;
        LocalShell shell(dir_.path());
        return shell.exec(request).value();
    }
    TempDir dir_;
};

TEST_F(ScriptTest, Arguments_arrive_as_they_are) {
    const auto program = script_program(
        "system-tools", "show.sh",
        {{"-s"}, {"a b'$(id)"}, {"-p"}, {"se'c \\ret", true}, {"-q"}, {" x ", true}});
    EXPECT_EQ(run(as_root("none", Secret(), program.program, {}, program.lines)).out,
              "<-s><a b'$(id)><-p><se'c \\ret><-q>< x >");
}

TEST_F(ScriptTest, Every_sudo_rule_runs_the_same) {
    const auto program = script_program("system-tools", "show.sh", {{"-t"}, {"token", true}});
    const auto by = [&](std::string_view rule) {
        return run(as_root(rule, Secret("login"), program.program, {}, program.lines));
    };
    EXPECT_EQ(by("sudo -S").out, "<-t><token>");
    EXPECT_FALSE(by("sudo -n").ok());
    dir_.write("nopasswd", "");
    EXPECT_EQ(by("sudo -n").out, "<-t><token>");
    EXPECT_EQ(by("sudo -S").out, "<-t><token>") << "the password line must not reach the program";
}

TEST_F(ScriptTest, Last_argument_goes_by_stdin_where_the_script_knows_it) {
    const std::vector<ScriptArg> args{{"-s"}, {"RC1"}, {"-t"}, {"tok en", true}};
    const auto program = script_program("system-tools", "show.sh", args, "-T -");
    EXPECT_EQ(run(as_root("none", Secret(), program.program, {}, program.lines)).out,
              "<-s><RC1><-t><tok en>");
    dir_.write(
        "system-tools/show.sh",
        "#!/bin/sh\n# -T - reads the token\nfor a; do printf '<%s>' \"$a\"; done\ncat\nexit 7\n",
        true);
    const auto end = run(as_root("none", Secret(), program.program, {}, program.lines));
    EXPECT_EQ(end.out, "<-s><RC1><-T><->tok en\n");
    EXPECT_EQ(end.status, 7);
}

TEST(RemoteScript, Errors_are_told_without_secrets) {
    const std::vector<Secret> secrets{Secret("tok'en"), Secret(), Secret("pass")};
    EXPECT_EQ(without_secrets("called with -t tok'en -p pass 'tok'\\''en'", secrets),
              "called with -t *** -p *** ***");
    EXPECT_EQ(last_lines("a\nb\nccc\n\n", 5), "ccc");
    EXPECT_EQ(last_lines("short\x1b[1m", 100), "short?[1m");
    EXPECT_EQ(last_lines("", 10), "");
}

TEST(UnitUid, Follows_the_sample_and_the_other_kernels) {
    const auto uids = linux_uids("0x88021911645838891c00000019028200");
    ASSERT_EQ(uids.size(), 2U);
    EXPECT_EQ(uids[0], 0x716636a62b640a08U);
    EXPECT_EQ(uids[1], 0x716636a62b200a08U);
    EXPECT_EQ(linux_uids("88021911645838891C00000019028200"), uids);
}

TEST(UnitUid, Refuses_what_is_no_br_cid) {
    for (const char* bad :
         {"", "0x", "0x8802", "0x88021911645838891c0000001902820g",
          "0x88029911645838891c00000019028200", "0x88021911645838891c000000190282000"}) {
        EXPECT_TRUE(linux_uids(bad).empty()) << bad;
    }
}

TEST(UnitUid, Reads_both_forms_of_the_kernel) {
    EXPECT_EQ(parse_uid("0x716636a62b640a08\n"), 0x716636a62b640a08U);
    EXPECT_EQ(parse_uid("8171063012034447880"), 8171063012034447880U);
    EXPECT_EQ(parse_uid(""), std::nullopt);
    EXPECT_EQ(parse_uid("xyz"), std::nullopt);
    EXPECT_EQ(parse_uid("0x"), std::nullopt);
}

}  // namespace
}  // namespace lineside::provisioning
