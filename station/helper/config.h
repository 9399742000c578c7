// SPDX-License-Identifier: Apache-2.0
// helper.toml: everything the root helper knows beyond the ids in a request. Read once at start,
// from a file that root owns and nobody else may write; unknown keys are errors, all errors come at
// once. Errors: config.missing, config.invalid ("file:line:column: sentence", one per line).
// Thread: any (plain values).
#pragma once

#include "station/base/error.h"

#include <sys/types.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace lineside::helper {

enum class LaneMode { automatic, overlay, copy };

struct Account {
    std::string name;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;  // supplementary
};

struct Config {
    std::string socket;
    Account service;  // who may call
    Account worker;   // what workers without `root = true` become
    std::string methods;
    std::string lanes;
    std::string images;
    std::string cache;        // what build workers remember from job to job; "" = nothing
    std::string cgroup_root;  // "" = no cgroups; the PID namespace alone holds a job together
    LaneMode lane_mode = LaneMode::automatic;
    std::string tmp_size = "2g";    // of each worker's private /tmp
    std::vector<std::string> hide;  // folders and files that workers must not see
    std::vector<std::string>
        keep;  // what stays visible although it lies below /tmp or a hidden folder
    std::vector<std::string> containers;    // names of the container images that may run as root
    std::vector<std::string> switch_ports;  // whose power the service may switch
    std::vector<std::pair<std::string, std::string>> environment;
    std::map<std::string, std::string> bsp;  // profile id -> BSP tree
    std::string digest;                      // SHA-256 of the file
    std::string mark;  // tells the workers of several helpers on one host apart
};

// LINESIDE_HELPER in the environment of a helper's workers; from the path of its lanes.
[[nodiscard]] std::string mark_of(const std::string& lanes);
// A user by name, or "#1234" for a number that need not have a name.
[[nodiscard]] base::Result<Account> find_account(const std::string& name);
[[nodiscard]] base::Result<Config> parse_config(const std::string& text, const std::string& file);
// Reads `file`, refusing one that somebody other than root owns or may write.
[[nodiscard]] base::Result<Config> load_config(const std::string& file);
// What cannot be seen in the text: the folders exist, are root's, lie on one file system where they
// must, and no folder above them could be swapped by the service or a worker.
[[nodiscard]] base::Status check_folders(const Config& config);

}  // namespace lineside::helper
