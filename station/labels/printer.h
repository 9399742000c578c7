// SPDX-License-Identifier: Apache-2.0
// Gives one label's bytes to the printer: a network port, or a command's standard input. Ends
// without progress for `silence`; waits for nobody else. Thread: the io_context's.
// Lifetime: a printing under way is cut off with it, and `done` is then not called.
#pragma once

#include "station/labels/template.h"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace lineside::labels {

struct Printed {
    bool ok = false;
    // Not known to be printed, but all of it left: it may lie in the printer's tray.
    bool doubt = false;
    std::string message;  // why not; for people, no byte of the label in it
};

class Printer {
  public:
    Printer(boost::asio::io_context& loop, PrinterPlan plan);
    ~Printer();
    Printer(const Printer&) = delete;
    Printer& operator=(const Printer&) = delete;

    [[nodiscard]] bool busy() const;
    [[nodiscard]] const PrinterPlan& plan() const { return plan_; }
    // One at a time: not while busy(). `done` comes later, once.
    void print(std::string bytes, std::function<void(Printed)> done);

  private:
    boost::asio::io_context& loop_;
    PrinterPlan plan_;
    class Attempt;
    class ToPort;
    class ToCommand;
    std::shared_ptr<Attempt> attempt_;
};

// "192.168.1.9:9100", "[fd00::9]:9100": an address and a port, no name to be looked up.
[[nodiscard]] bool is_printer_address(std::string_view text);

}  // namespace lineside::labels
