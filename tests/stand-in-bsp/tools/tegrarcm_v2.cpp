// SPDX-License-Identifier: Apache-2.0
// Stand-in of NVIDIA's tegrarcm_v2: boot ROM, MB1 and the MB2 applet. Command lines:
// tests/virtual-line/README.md.
#include <unistd.h>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "module_link.h"
#include "tool.h"

namespace {

using standin::ModuleLink;
using standin::print;
using standin::Stop;
using Loader = ModuleLink::Loader;

// The messages of a list: every file="…" of the xml.
std::vector<std::string> message_files(const std::string& list) {
    const auto bytes = standin::read_file(list);
    const std::string text(bytes.begin(), bytes.end());
    const auto slash = list.rfind('/');
    const auto folder = slash == std::string::npos ? "" : list.substr(0, slash + 1);
    std::vector<std::string> files;
    const std::string key = "file=\"";
    for (auto at = text.find(key); at != std::string::npos; at = text.find(key, at)) {
        at += key.size();
        const auto end = text.find('"', at);
        files.push_back(folder + text.substr(at, end - at));
    }
    return files;
}

void boot_rom(ModuleLink& module, const std::string& list, bool skip_uid) {
    if (!skip_uid) {
        print("BR_CID: " + module.read_uid() + "\n");
    }
    try {
        bool first = true;
        for (const auto& file : message_files(list)) {
            module.send_rcm_message(standin::read_file(file));
            const auto word = module.read_rcm_word();
            char text[64];
            if (first) {
                std::snprintf(text, sizeof text, "RCM version 0X%06X\n", word);
                print(text);
            } else if (word != 0) {
                std::snprintf(text, sizeof text, "Bootrom returned error %u\n", word);
                print(text);
                throw Stop{standin::kUsbGone, ""};
            }
            first = false;
        }
    } catch (const Stop& stop) {
        throw Stop{stop.status, stop.text + "Boot Rom communication failed\n"};
    }
    print("Boot Rom communication completed\n");
}

void ask_loader(ModuleLink& module, Loader wanted, const char* name) {
    const auto version = module.version(false);
    if (version.loader != wanted) {
        throw Stop{standin::kUsbGone, ""};
    }
    print(std::string(name) + " version " + version.text + "\n");
}

void work(const standin::CommandLine& line) {
    ModuleLink module(line.instance);
    std::vector<std::string> values;
    if (line.has("--uid")) {
        print("BR_CID: " + module.read_uid() + "\n");
        return;
    }
    if (line.has("--rcm", 1, &values)) {
        boot_rom(module, values[0], line.has("--skipuid"));
        return;
    }
    if (line.has("--isapplet")) {
        ask_loader(module, Loader::Mb1, "Applet");
        return;
    }
    if (line.has("--ismb2")) {
        ask_loader(module, Loader::Applet, "MB2 Applet");
        return;
    }
    const auto version = module.version(true);
    if (version.loader == Loader::Bootloader) {
        throw Stop{standin::kUsbGone, ""};
    }
    print((version.loader == Loader::Mb1 ? "Applet version " : "MB2 Applet version ") +
          version.text + "\n");
    if (line.has("--download", 2, &values)) {
        standin::Progress bar;
        print("Sending " + values[0] + "\n");
        module.download(values[0], values[1],
                        [&](auto done, auto total) { bar.show(done, total); });
    } else if (line.has("--boot", 1, &values)) {
        module.boot();
    } else if (line.has("--reboot", 1, &values)) {
        module.reboot(values[0] == "recovery" ? 0 : 1);
    } else if (line.has("--oem", 3, &values) && values[0] == "platformdetails") {
        const bool eeprom = values[1] == "eeprom";
        if (eeprom && !line.has("--oem", 4, &values)) {
            throw Stop{standin::kRefused, "Error: --oem platformdetails eeprom WHICH FILE\n"};
        }
        const auto& file = values.back();
        standin::write_file(file, module.platform(eeprom                ? 2
                                                  : values[1] == "chip" ? 3
                                                                        : 1,
                                                  eeprom ? values[2] : ""));
        print("Saved platform info in " + file + "\n");
    } else {
        throw Stop{standin::kRefused, "Error: nothing to do\n"};
    }
}

}  // namespace

int main(int argc, char** argv) {
    return standin::run([&] { work(standin::read_command_line(argc, argv)); });
}
