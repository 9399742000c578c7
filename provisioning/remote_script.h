// SPDX-License-Identifier: Apache-2.0
// Builds the command lines that go to a unit. Secrets are never in them: they are read from the
// command's stdin on the unit, one line each, so that no log of a login shell, of sudo or of sshd
// holds one. Thread: any (pure).
#pragma once

#include "station/base/secret.h"

#include <string>
#include <string_view>
#include <vector>

namespace lineside::provisioning {

struct RemoteCommand {
    std::string command;
    std::string input;
};

// Runs the POSIX sh program `program` ($1.. = `args`) as root by the profile's rule: "sudo -n",
// "sudo -S" or "none". `input` becomes its stdin.
[[nodiscard]] RemoteCommand as_root(std::string_view rule, const base::Secret& password,
                                    std::string_view program, const std::vector<std::string>& args,
                                    std::string input);

struct ScriptArg {
    std::string text;
    bool secret = false;
};

// The program that runs `script` of `tools_dir` with `args`. Secret arguments are read from stdin
// there and are `lines` (each with its '\n') of the command's input.
struct ScriptProgram {
    std::string program;
    std::string lines;
};
// `by_stdin` is an option such as "-T -" of the script that takes the *last* argument from its
// stdin; it is used when the script's own text knows it, instead of the last option and argument.
[[nodiscard]] ScriptProgram script_program(std::string_view tools_dir, std::string_view script,
                                           const std::vector<ScriptArg>& args,
                                           std::string_view by_stdin = {});

// Every secret in `text` replaced by "***": as it is and as shell_quote() writes it.
[[nodiscard]] std::string without_secrets(std::string text,
                                          const std::vector<base::Secret>& secrets);
// The last lines of `text`, at most `most` bytes, control characters but '\n' as '?'.
[[nodiscard]] std::string last_lines(std::string_view text, std::size_t most);

}  // namespace lineside::provisioning
