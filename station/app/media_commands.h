// SPDX-License-Identifier: Apache-2.0
// What the command line does with cards, disks and their files, without a service.
// Thread: the command's.
#pragma once

namespace CLI {
class App;
}

namespace lineside::app {

// `check recipe`, `check bmap`, `check udev` below `check`; each sets `status`.
void add_media_checks(CLI::App& check, int& status);
// `write IMAGE TARGET…`: an image onto disks or files, and the proof. 0: every target PASS, 1: one
// is not, 2: nothing was begun.
void add_write_command(CLI::App& app, int& status);
// `setup RECIPE TARGET…`: recipes onto disks or files; the same exit status as `write`.
// `check-mmc DISK`: 0: every file system is clean, 1: one is not, 2: it cannot be looked at.
void add_setup_commands(CLI::App& app, int& status);
// `init`, `config`; `recipes`, `platforms`, `builds`: where recipes and their products come from.
// 0: done, 1: refused or not to be had, 2: usage.
void add_setting_commands(CLI::App& app, int& status);
void add_shelf_commands(CLI::App& app, int& status);

}  // namespace lineside::app
