// SPDX-License-Identifier: Apache-2.0
#include "provisioning/remote_script.h"

#include "provisioning/shell.h"

#include <fmt/format.h>

namespace lineside::provisioning {
namespace {

void replace_all(std::string& text, std::string_view what, std::string_view with) {
    for (auto at = text.find(what); at != std::string::npos;
         at = text.find(what, at + with.size())) {
        text.replace(at, what.size(), with);
    }
}

}  // namespace

RemoteCommand as_root(std::string_view rule, const base::Secret& password, std::string_view program,
                      const std::vector<std::string>& args, std::string input) {
    std::string plain = "sh -c " + shell_quote(program) + " lineside";
    for (const std::string& arg : args) {
        plain += " " + shell_quote(arg);
    }
    if (rule == "none") {
        return {std::move(plain), std::move(input)};
    }
    if (rule == "sudo -n") {
        return {"sudo -n -- " + plain, std::move(input)};
    }
    // sudo -S takes the password from stdin only when it needs one. Where it needs none the line
    // must be taken away, or the program would read it.
    std::string command = "if sudo -n true 2>/dev/null; then IFS= read -r _; exec sudo -n -- " +
                          plain + "; else exec sudo -k -S -p '' -- " + plain + "; fi";
    return {std::move(command), std::string(password.reveal()) + "\n" + std::move(input)};
}

ScriptProgram script_program(std::string_view tools_dir, std::string_view script,
                             const std::vector<ScriptArg>& args, std::string_view by_stdin) {
    const std::string path = "./" + std::string(script);
    ScriptProgram out;
    out.program = fmt::format("cd -- {} || exit 126\n", shell_quote(tools_dir));
    std::vector<std::string> words;
    int number = 0;
    for (const ScriptArg& arg : args) {
        if (!arg.secret) {
            words.push_back(shell_quote(arg.text));
            continue;
        }
        ++number;
        out.program += fmt::format("IFS= read -r s{} || exit 125\n", number);
        out.lines += arg.text + "\n";
        words.push_back(fmt::format("\"$s{}\"", number));
    }
    if (!by_stdin.empty() && words.size() >= 2) {
        const std::vector<std::string> most(words.begin(), words.end() - 2);
        out.program +=
            fmt::format("if grep -q -e {} {}; then printf '%s\\n' {} | {} {} {}; exit; fi\n",
                        shell_quote(by_stdin), shell_quote(path), words.back(), shell_quote(path),
                        fmt::join(most, " "), by_stdin);
    }
    out.program += fmt::format("exec {} {} </dev/null\n", shell_quote(path), fmt::join(words, " "));
    return out;
}

std::string without_secrets(std::string text, const std::vector<base::Secret>& secrets) {
    for (const base::Secret& secret : secrets) {
        if (secret.reveal().empty()) {
            continue;
        }
        replace_all(text, shell_quote(secret.reveal()), "***");
        replace_all(text, secret.reveal(), "***");
    }
    return text;
}

std::string last_lines(std::string_view text, std::size_t most) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
        text.remove_suffix(1);
    }
    if (text.size() > most) {
        text.remove_prefix(text.size() - most);
        const auto line = text.find('\n');
        text.remove_prefix(line == std::string_view::npos ? 0 : line + 1);
    }
    std::string out(text);
    for (char& c : out) {
        if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == '\x7f') {
            c = '?';
        }
    }
    return out;
}

}  // namespace lineside::provisioning
