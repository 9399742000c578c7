// SPDX-License-Identifier: Apache-2.0
// The commands of `lineside` that speak with the running service. Each returns its exit status:
// 0 done, 1 refused or not so, 2 usage, 3 no service.
// Thread: the command's.
#pragma once

#include <cstdint>
#include <string>

namespace lineside::app {

int show_status(const std::string& socket, bool json);

struct PoolLoad {
    std::string pool;
    std::string batch;
    std::string file;
    bool test_only = false;
    bool preview = false;
    std::string order;
    std::string ap_ssid;
};
int load_pool(const std::string& socket, const PoolLoad& load);

struct PoolGenerate {
    PoolLoad into;  // but for its file
    std::string prefix;
    std::int64_t from = 1;
    std::int64_t count = 0;
    std::int64_t step = 1;
    std::int64_t width = 0;
    std::string suffix;
    std::string check;
    bool check_counter_only = false;
    std::int64_t token_length = 0;
    std::string token_alphabet;
};
int generate_pool(const std::string& socket, const PoolGenerate& wanted);
// Prints where the serials of the batch went. `what`: account, close, withdraw.
int batch_account(const std::string& socket, const std::string& batch, const std::string& what,
                  const std::string& reason, bool json);
int warn_pool_at(const std::string& socket, const std::string& pool, std::int64_t warn_at);
int show_pool(const std::string& socket, bool json);

struct OrderOpen {
    std::string name;
    std::string profile;
    std::string pool;
    std::int64_t quantity = 0;
    bool close_others = false;
    bool rotate_token = false;
    bool allow_no_chip = false;
};
int open_order(const std::string& socket, const OrderOpen& order);

// `reason` goes with what asks for one.
int press_slot(const std::string& socket, const std::string& slot, const std::string& what,
               const std::string& reason = {});
int show_doubt(const std::string& socket, bool json);
int void_serial(const std::string& socket, const std::string& serial, const std::string& reason);

// The link alone on stdout, and nowhere else.
int print_first_link(const std::string& socket);
// Certificate and address of the page on the network; exit status 1 while it is not there.
int print_certificate(const std::string& socket, bool json);

struct Export {
    std::string format = "csv";
    std::string serial;  // A..B
    std::string since;
    std::string until;
    std::string result;
    std::string order;
    std::string batch;
    std::string image;
    std::string slot;
    std::string operator_;
    std::string shift;
    std::string day;
    std::string output = "-";
};
int export_records(const std::string& socket, const Export& wanted);

// What the station answers to a GET, as a file that shows up only when it is whole.
int save_answer(const std::string& socket, const std::string& target, const std::string& output);

}  // namespace lineside::app
