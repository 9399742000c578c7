// SPDX-License-Identifier: Apache-2.0
// Stand-in of NVIDIA's tegradevflash_v2: everything that the CPU bootloader does. Command lines:
// tests/virtual-line/README.md.
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "module_link.h"
#include "tool.h"

namespace {

using standin::ModuleLink;
using standin::print;
using standin::Stop;

constexpr const char* kOtherLoader = "CPU Bootloader is not running on device.\n";

std::uint32_t kind_of(const std::string& type) {
    return type == "spi" ? 3 : type == "sdmmc_user" ? 1 : type == "sdmmc_boot" ? 0 : 2;
}

void write_one(ModuleLink& module, std::uint32_t kind, std::uint32_t instance,
               const std::string& name, const std::string& file) {
    standin::Progress bar;
    module.write(kind, instance, name, file, [&](auto done, auto total) { bar.show(done, total); });
}

// The stand-in's flash.xml.bin: a text, one action a line.
void create(ModuleLink& module, const std::string& table) {
    std::ifstream in(table);
    if (!in) {
        throw Stop{standin::kRefused, "Error: cannot open " + table + "\n"};
    }
    std::string text;
    while (std::getline(in, text)) {
        std::istringstream words(text);
        std::string verb, type, name, file;
        std::uint32_t instance = 0;
        if (!(words >> verb) || verb[0] == '#') {
            continue;
        }
        words >> type >> instance;
        if (verb == "erase") {
            print("Erasing " + type + ": " + std::to_string(instance) + " ......... ");
            module.erase(kind_of(type), instance);
            print("[Done]\n");
        } else if (verb == "write" && words >> name >> file) {
            print("Writing partition " + name + " with " + file + "\n");
            write_one(module, kind_of(type), instance, name, file);
        } else {
            throw Stop{standin::kRefused, "Error: " + table + ": " + text + "\n"};
        }
    }
}

void work(const standin::CommandLine& line) {
    std::vector<std::string> values;
    if (line.has("--standin-fault")) {
        print(ModuleLink(line.instance).standin_fault() + "\n");
        return;
    }
    std::unique_ptr<ModuleLink> link;
    try {
        link = std::make_unique<ModuleLink>(line.instance);
    } catch (const Stop&) {
        // This tool's words for a device that is not there.
        throw Stop{standin::kUsbGone, "Cannot Open USB\n"};
    }
    auto& module = *link;
    const auto version = module.version(!line.has("--iscpubl"));
    if (version.loader != ModuleLink::Loader::Bootloader) {
        throw Stop{standin::kNotRunning, kOtherLoader};
    }
    print("Bootloader version " + version.text + "\n");
    if (line.has("--iscpubl")) {
        return;
    }
    if (line.has("--create") && line.has("--pt", 1, &values)) {
        create(module, values[0]);
    } else if (line.has("--write", 2, &values)) {
        print("Writing partition " + values[0] + " with " + values[1] + "\n");
        write_one(module, 0, 0, values[0], values[1]);
    } else if (line.has("--reboot", 1, &values)) {
        module.reboot(values[0] == "recovery" ? 0 : 1);
    } else if (line.has("--oem", 3, &values) && values[1] == "storage") {
        standin::write_file(values[2], module.platform(1, ""));
        print("Saved platform info in " + values[2] + "\n");
    } else {
        throw Stop{standin::kRefused, "Error: nothing to do\n"};
    }
}

}  // namespace

int main(int argc, char** argv) {
    return standin::run([&] { work(standin::read_command_line(argc, argv)); });
}
