// SPDX-License-Identifier: Apache-2.0
#include "board.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>

#include "identity.h"
#include "processes.h"

namespace line {
namespace {

namespace fs = std::filesystem;

// Times of the life at speed 1, in seconds.  Source: fact sheet of the flash tools, sections 1,
// 5, 8.
constexpr double kPowerOn = 2.0;  // power to 7e19 on the bus
constexpr double kGoneToRecovery = 1.5;
constexpr double kGoneToBootloader = 3.0;
constexpr double kBootFrom = 60, kBootTo = 120;
constexpr double kSlowBoot = 240;  // twice the longest, below the five minutes one waits
constexpr double kRebootFrom = 30, kRebootTo = 60;
constexpr double kPowerOffPause = 2.0;
constexpr int kMiddle = 50;  // percent of APP at which stall, kills and hub-drop strike
constexpr double kAnswerFetched =
    0.3;  // real seconds a host has to fetch the last answer before a hop

std::string hex4(unsigned number) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "%04x", number);
    return text.data();
}

void write_whole(const fs::path& path, const std::string& text) {
    const auto draft = path.string() + ".new";
    {
        std::ofstream out(draft, std::ios::trunc);
        out << text;
    }
    fs::rename(draft, path);
}

// The host's interfaces are shared by every line that runs on it, so the name carries the line's
// pid: at most 15 characters, "lsb1a2b3c-120" at the longest.
std::string interface_name(int number) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "lsb%x-%d",
                  static_cast<unsigned>(::getpid()) & 0xffffffU, number);
    return text.data();
}

}  // namespace

Board::Board(Bench& bench, int number, std::uint64_t unit)
    : bench_(bench),
      number_(number),
      unit_(unit),
      place_(bench.bus->place(number)),
      folder_(bench.options.dir / "boards" / std::to_string(number)),
      br_cid_(make_br_cid(bench.options.seed + unit, number)),
      module_serial_(make_module_serial(bench.options.seed + unit, number)),
      ifname_(interface_name(number)),
      roll_(dice(bench.options.seed + unit, number, "life")) {
    fs::create_directories(folder_);
    storage_ = std::make_shared<Storage>(folder_ / "storage.img");
    write_card();
}

Board::~Board() {
    if (node_) {
        node_->leave();
    }
}

std::string Board::module_serial() const {
    constexpr int kNoBoard = 9000;  // a number no board of a line has
    return has("twin-serial") ? make_module_serial(bench_.options.seed,
                                                   kNoBoard + static_cast<int>(product() % 1000))
                              : module_serial_;
}

Json Board::describe() const {
    Json faults = Json::array();
    for (const auto& fault : faults_) {
        faults.push_back(fault.text());
    }
    return {
        {"board", number_},
        {"port", place_.port_key()},
        {"bus_port", place_.bus_port()},
        {"seen_at", here_.bus_port()},
        {"hub", hub_of_board(number_)},
        {"ifname", ifname_},
        {"br_cid", br_cid()},
        {"ecid", linux_uid(br_cid_)},
        // A booted unit whose EEPROM cannot be read has none.
        {"module_serial", has("no-serial") || has("eeprom-crc") ? "no-serial" : module_serial()},
        {"sku", has("wrong-model") ? "0000" : "0001"},
        {"product", hex4(product())},
        {"speed", bench_.options.speed},
        {"state", state_},
        {"gone", gone()},
        {"stage", stage_},
        {"devnum", devnum_},
        {"jobs", jobs_},
        {"faults", faults},
        {"storage", (folder_ / "storage.img").string()},
    };
}

void Board::remove_storage() {
    storage_->close();
    for (const char* file : {"storage.img", "nvme.img", "os.json", "os-exit"}) {
        fs::remove(folder_ / file);
    }
}

void Board::write_card() {
    write_whole(folder_ / "board.json", describe().dump(1) + "\n");
}

void Board::set_state(const std::string& state) {
    state_ = state;
    write_card();
    bench_.journal.note(number_, "state", {{"state", state_}, {"stage", stage_}});
}

unsigned Board::product() const {
    const auto& all = bench_.options.products;
    return all[static_cast<std::size_t>(number_ - 1) % all.size()];
}

// The first digit is the fuses': 8 = open, 9 = for signed messages alone.
std::string Board::br_cid() const {
    std::string id = br_cid_;
    if (has("fused")) {
        id[2] = '9';
    }
    return id;
}

bool Board::has(const std::string& name) const {
    return std::any_of(faults_.begin(), faults_.end(),
                       [&](const Fault& one) { return one.name == name; });
}

void Board::later(double seconds, std::function<void()> task) {
    bench_.loop.after(Seconds(seconds / bench_.options.speed),
                      [this, life = life_, task = std::move(task)] {
                          if (life == life_) {
                              task();
                          }
                      });
}

void Board::away(double seconds, std::function<void()> task) {
    constexpr double kBounce = 0.5;  // real seconds; the kernel's debounce is 0.1
    const double least = bench_.options.bus == "testbed" ? 0 : kBounce * bench_.options.speed;
    later(std::max(seconds, least), std::move(task));
}

bool Board::too_soon(std::function<void()> task) {
    constexpr Seconds kLook{0.02};
    constexpr std::chrono::seconds kGiveUp{30};
    if (bench_.bus->noticed(number_)) {
        return false;
    }
    if (Clock::now() - left_at_ > kGiveUp) {
        bench_.journal.note(number_, "unnoticed");
        return false;
    }
    bench_.loop.after(kLook, [this, life = life_, task = std::move(task)] {
        if (life == life_) {
            task();
        }
    });
    return true;
}

// --- the bus
// ---------------------------------------------------------------------------------------------

void Board::leave_bus() {
    if (!present_) {
        return;
    }
    present_ = false;
    if (node_) {
        node_->leave();
    }
    bench_.bus->leave(number_);
    left_at_ = Clock::now();
    bench_.free_devnum(here_.bus, devnum_);
    bench_.journal.note(number_, "left", {{"devnum", devnum_}});
    node_.reset();
}

void Board::enter_recovery(Stage stage) {
    if (too_soon([this, stage] { enter_recovery(stage); })) {
        return;
    }
    stage_ = stage == Stage::BootRom ? "bootrom" : "bootloader";
    here_ = place_;
    devnum_ = bench_.next_devnum(here_.bus);
    const auto life = life_;
    ModuleFacts facts;
    facts.br_cid = br_cid();
    facts.module_serial = has("no-serial") ? "" : module_serial();
    facts.sku = has("wrong-model") ? "0000" : "0001";
    facts.tool_fault = has("lying-tool") ? "lying-tool" : has("wrong-model") ? "wrong-model" : "";
    facts.fused = has("fused");
    facts.bad_eeprom = has("eeprom-crc");
    facts.speed = bench_.options.speed;
    ModuleEvents events;
    events.note = [this](const std::string& what, const std::string& detail) {
        bench_.loop.post([this, what, detail] {
            bench_.journal.note(number_, what, {{"detail", detail}});
        });
    };
    events.hop = [this, life](Hop where, bool answered) {
        bench_.loop.post([this, life, where, answered] {
            const auto stays =
                Seconds(answered ? bench_.options.hop_seconds
                                 : std::max(kAnswerFetched, bench_.options.hop_seconds));
            if (stays.count() > 0) {
                bench_.loop.after(stays, [this, life, where] { hop(life, where); });
            } else {
                hop(life, where);
            }
        });
    };
    events.app_progress = [this, life](int percent) { return app_progress(life, percent); };
    const auto device = recovery_device(place_, devnum_, product());
    node_ = std::make_shared<UsbNode>(
        device.descriptors,
        std::make_shared<Module>(stage, std::move(facts), std::move(events), storage_),
        bench_.wire(place_.bus));
    present_ = true;
    const auto announced = bench_.bus->arrive(number_, device, node_);
    bench_.journal.note(number_, "arrived",
                        {{"product", hex4(product())},
                         {"devnum", devnum_},
                         {"stage", stage_},
                         {"uevent_ns", announced.time_since_epoch().count()}});
    set_state("recovery");
}

void Board::hop(std::uint64_t life, Hop where) {
    if (life != life_) {
        return;
    }
    life_++;
    leave_bus();
    if (where == Hop::ColdBoot) {
        cold_boot();
        return;
    }
    set_state("hop");
    if (where == Hop::ToBootloader && has("no-loader")) {
        return;  // MB1 or MB2 died: nothing comes until the power was off
    }
    if (where == Hop::ToRecovery) {
        away(kGoneToRecovery, [this] { enter_recovery(Stage::BootRom); });
    } else {
        away(kGoneToBootloader, [this] { enter_recovery(Stage::Bootloader); });
    }
}

// --- power
// -----------------------------------------------------------------------------------------------

void Board::start_job() {
    faults_ = roll_faults(bench_.options.faults, bench_.options.seed, number_, ++jobs_);
    fired_.clear();
    aged_ = false;
    storage_->set_half_app(has("half-app"));
    storage_->set_deaf(false);
    if (has("old-image")) {
        if (!bench_.options.image_old.empty()) {
            storage_->close();
            fs::copy_file(bench_.options.image_old, storage_->file(),
                          fs::copy_options::overwrite_existing);
        }
        // A board that never had an image takes the new one and has it aged afterwards.
        storage_->set_deaf(storage_->bootable());
        aged_ = !storage_->bootable();
    }
    Json texts = Json::array();
    for (const auto& fault : faults_) {
        texts.push_back(fault.text());
    }
    bench_.journal.note(number_, "job", {{"job", jobs_}, {"faults", texts}});
}

void Board::plug(bool recovery) {
    if (plugged()) {
        return;
    }
    life_++;
    if (recovery || !storage_->bootable()) {
        start_job();
        set_state("power-on");
        later(kPowerOn, [this] { enter_recovery(Stage::BootRom); });
    } else {
        boot(kBootFrom, kBootTo);
    }
}

void Board::moved() {
    place_ = bench_.bus->place(number_);
    bench_.journal.note(number_, "moved", {{"port", place_.port_key()}});
    write_card();
}

void Board::unplug(const std::string& why, std::function<void()> done) {
    life_++;
    leave_bus();
    storage_->close();
    stage_.clear();
    bench_.journal.note(number_, "unplugged", {{"why", why}});
    set_state("off");
    stop_os(std::move(done));
}

void Board::power_cycle(bool recovery) {
    unplug("power-cycle", [this, life = life_ + 1, recovery] {
        if (life == life_) {
            later(kPowerOffPause, [this, recovery] { plug(recovery); });
        }
    });
}

// --- boot
// ------------------------------------------------------------------------------------------------

void Board::spoil_storage() {
    if (has("one-bit")) {
        bench_.journal.note(number_, "fault",
                            {{"fault", "one-bit"}, {"partition", storage_->turn_one_bit(roll_)}});
    }
    if (aged_) {
        storage_->age(roll_);
        bench_.journal.note(number_, "fault", {{"fault", "old-image"}});
    }
    storage_->close();
}

void Board::cold_boot() {
    spoil_storage();
    if (has("strap-on") || !storage_->bootable()) {
        set_state("hop");
        later(kPowerOn, [this] { enter_recovery(Stage::BootRom); });
        return;
    }
    initrd_then([this] {
        if (has("slow-boot")) {
            boot(kSlowBoot, kSlowBoot);
        } else {
            boot(kBootFrom, kBootTo);
        }
    });
}

void Board::boot(double from, double to) {
    stage_ = "os";
    boot_time_over_ = false;
    os_up_ = false;
    if (has("no-boot")) {
        set_state("dark");
        return;
    }
    set_state("booting");
    later(std::uniform_real_distribution<double>(from, to)(roll_), [this] {
        boot_time_over_ = true;
        show_gadget();
    });
    start_os();
}

void Board::go_on_after(const std::string& why) {
    if (why == "poweroff") {
        set_state("dark");
    } else if (why == "recovery") {
        start_job();
        later(kPowerOn, [this] { enter_recovery(Stage::BootRom); });
    } else {
        boot(kRebootFrom, kRebootTo);
    }
}

// --- faults that strike in the middle of APP
// -----------------------------------------------------------------

// Thread: the node's; touches only what does not change while a node lives.
bool Board::app_progress(std::uint64_t life, int percent) {
    bool silent = false;
    for (const auto& fault : faults_) {
        const int at = fault.name == "unplug" ? fault.number() : kMiddle;
        if (percent < at || fired_.contains(fault.name)) {
            continue;
        }
        std::function<void()> strike;
        if (fault.name == "unplug") {
            silent = true;
            strike = [this] { unplug("fault unplug"); };
        } else if (fault.name == "stall") {
            silent = true;
            strike = [] {};
        } else if (fault.name == "hub-drop") {
            const int hub = fault.number();
            silent = hub == hub_of_board(number_);
            strike = [this, hub] { bench_.drop_hub(hub); };
        } else if (fault.name == "kill-tool" || fault.name == "kill-worker") {
            const bool worker = fault.name == "kill-worker";
            strike = [this, worker] { kill_process(worker); };
        } else {
            continue;
        }
        fired_.insert(fault.name);
        bench_.loop.post([this, life, percent, text = fault.text(), strike] {
            if (life == life_) {
                bench_.journal.note(number_, "fault", {{"fault", text}, {"percent", percent}});
                strike();
            }
        });
    }
    return silent;
}

void Board::kill_process(bool worker) {
    const pid_t tool = node_ ? node_->claimant() : 0;
    const auto family = ancestry(tool);
    const pid_t victim = worker ? find_worker(family, bench_.options.worker_exe) : tool;
    const bool killed = victim > 1 && ::kill(victim, SIGKILL) == 0;
    bench_.journal.note(
        number_, "kill",
        {{"what", worker ? "worker" : "tool"}, {"pid", victim}, {"killed", killed}});
}

}  // namespace line
