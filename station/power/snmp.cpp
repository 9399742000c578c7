// SPDX-License-Identifier: Apache-2.0
// A socket strip that is switched by SNMP, through net-snmp's own programs: they know its versions
// and logins. Community and passwords stand in a snmp.conf that only they read.
#include "station/power/program.h"
#include "station/power/ways.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <thread>

namespace lineside::power {
namespace {

constexpr std::string_view kGet = "/usr/bin/snmpget";
constexpr std::chrono::milliseconds kLookAgain{250};  // a strip tells nobody by itself

class Snmp final : public Way {
  public:
    explicit Snmp(const SwitchPlan& plan)
        : plan_(plan),
          environment_{
              "SNMPCONFPATH=" + std::filesystem::path(plan.settings_file).parent_path().string(),
              "MIBS="} {}

    base::Status set(bool on, Until until) override {
        const std::string value = std::to_string(on ? plan_.on_value : plan_.off_value);
        auto words = asked(kSnmpSet, plan_.oid);
        words.insert(words.end(), {"i", value});
        if (auto ended = run_program(words, environment_, until); !ended) {
            return tl::unexpected<base::Error>(ended.error());
        }
        return plan_.state_oid.empty() ? base::Status() : read_back(value, until);
    }

  private:
    // Six times, a second apart, for an answer; one that does not come is told with the address.
    [[nodiscard]] std::vector<std::string> asked(std::string_view program,
                                                 const std::string& oid) const {
        const bool six = plan_.address.starts_with('[');
        return {std::string(program),
                "-Oqv",
                "-r",
                "5",
                "-t",
                "1",
                "--noPersistentLoad=yes",
                "--noPersistentSave=yes",
                fmt::format("{}:{}", six ? "udp6" : "udp", plan_.address),
                oid};
    }
    base::Status read_back(const std::string& wanted, Until until) const {
        std::string last;
        for (;;) {
            const auto told = run_program(asked(kGet, plan_.state_oid), environment_, until);
            if (told && *told == wanted) {
                return {};
            }
            last = told.value_or(last);
            if (last.empty()) {
                return tl::unexpected<base::Error>(told.error());
            }
            if (!told || left_ms(until) == 0) {
                return base::fail("power.failed",
                                  fmt::format("Power switch {} took the order and still tells {}, "
                                              "not {}",
                                              plan_.address, last, wanted));
            }
            const std::chrono::milliseconds left(left_ms(until));
            std::this_thread::sleep_for(std::min(kLookAgain, left));
        }
    }

    const SwitchPlan plan_;
    const std::vector<std::string> environment_;
};

}  // namespace

std::unique_ptr<Way> snmp_way(const SwitchPlan& plan) {
    return std::make_unique<Snmp>(plan);
}

}  // namespace lineside::power
