// SPDX-License-Identifier: Apache-2.0
// What can go wrong on purpose: the names that --faults takes, and the dice. What each does, where,
// and what a station has to make of it is the table in faults.md, which tests read; faults_test
// compares it with the names here.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace line {

struct Fault {
    std::string name;
    std::string argument;  // empty if it takes none
    // NAME or NAME:ARG, as in board.json.
    std::string text() const;
    int number() const;
};

struct FaultRule {
    Fault fault;
    std::set<int> boards;  // empty: all
    double probability = 0;
};

struct BadSpec {
    std::string sentence;
};

// Reads a --faults text.
std::variant<std::vector<FaultRule>, BadSpec> parse_faults(const std::string& spec, int boards,
                                                           int hubs);
// What the dice give one board for its next job; the same for the same seed, board and job number.
std::vector<Fault> roll_faults(const std::vector<FaultRule>& rules, std::uint64_t seed, int board,
                               int job);
// The names with their arguments, for the usage text.
std::string fault_names();

}  // namespace line
