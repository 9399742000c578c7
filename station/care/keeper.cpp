// SPDX-License-Identifier: Apache-2.0
#include "station/care/keeper.h"

#include "serial-pool/key_ring.h"
#include "station/base/crash_point.h"
#include "station/base/log.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace lineside::care {
namespace {

using base::Json;
using base::Result;
using base::Status;
using db::Tx;

constexpr std::chrono::minutes kSettleIn{1};      // a start has other things to do first
constexpr std::chrono::seconds kSoon{3};          // one backup for batches that come together
constexpr std::chrono::minutes kBackupAgain{10};  // after one that failed
constexpr std::chrono::seconds kSealAgain{5};     // a load seals with the key before
constexpr std::chrono::hours kLogsEvery{24};

template <typename T>
Status status_of(const Result<T>& result) {
    return result ? Status() : tl::unexpected<base::Error>(result.error());
}

Json facts_json(const Backup& backup, bool copied) {
    return {{"file", backup.file.string()},
            {"seq", backup.facts.seq},
            {"head", backup.facts.head},
            {"sha256", backup.facts.sha256},
            {"made_ms", backup.facts.made_ms},
            {"schema", backup.facts.schema},
            {"copied", copied}};
}

}  // namespace

Result<std::optional<serial_pool::KeyChange>> settle_seal_keys(Tx& tx, const journal::Stamp& stamp,
                                                               const serial_pool::TokenVault& vault,
                                                               const std::string& actor) {
    auto change = serial_pool::settle_keys(tx, vault, stamp.at_ms);
    if (!change || !*change) {
        return change;
    }
    journal::Event told{"seal.key", "", {}, {}, actor, Json::object()};
    told.data = {{"key", (*change)->key_id}, {"before", (*change)->before}};
    auto seq = journal::append(tx, stamp, told);
    return seq ? change : tl::unexpected<base::Error>(seq.error());
}

Keeper::Keeper(KeeperParts parts) : parts_(std::move(parts)) {}

Keeper::~Keeper() {
    *alive_ = false;
    stop_ = true;
    {
        const std::lock_guard hold(mutex_);
        tasks_.clear();
    }
    wake_.notify_one();
    if (thread_.joinable()) {
        thread_.join();
    }
}

Status Keeper::start() {
    auto adopted =
        parts_.store.read_now([&](Tx& tx) { return serial_pool::adopt_keys(tx, parts_.vault); });
    if (!adopted) {
        return adopted;
    }
    const auto all = backups_in(parts_.data.backups());
    const auto every = std::chrono::duration_cast<Clock::duration>(parts_.backups.every);
    const std::chrono::milliseconds age(
        all.empty() ? 0 : std::max<std::int64_t>(parts_.stamp().at_ms - all[0].facts.made_ms, 0));
    backup_due_ = Clock::now() + kSettleIn;
    if (!all.empty() && age < every) {
        backup_due_ = std::max(backup_due_, Clock::now() + every - age);
    }
    logs_due_ = Clock::now() + kSettleIn;
    seal_due_ = Clock::now();
    thread_ = std::thread([this] { serve(); });
    return {};
}

void Keeper::ask(std::function<Result<Json>()> work, Done done) {
    if (!thread_.joinable()) {
        return done(base::fail("request.refused", "The station has not started yet"));
    }
    auto shared = std::make_shared<Done>(std::move(done));
    {
        const std::lock_guard hold(mutex_);
        tasks_.emplace_back([this, alive = alive_, work = std::move(work), shared] {
            auto result = std::make_shared<Result<Json>>(work());
            boost::asio::post(parts_.loop, [alive, result, shared] {
                if (*alive) {
                    (*shared)(std::move(*result));
                }
            });
        });
    }
    wake_.notify_one();
}

void Keeper::backup(std::string actor, Done done) {
    ask([this, actor = std::move(actor)] { return make_one(actor); }, std::move(done));
}

void Keeper::rotate_key(std::string actor, Done done) {
    ask([this, actor = std::move(actor)] { return rotate(actor); }, std::move(done));
}

void Keeper::key_status(Done done) {
    ask([this] { return keys(); }, std::move(done));
}

void Keeper::backup_soon() {
    {
        const std::lock_guard hold(mutex_);
        soon_ = true;
    }
    wake_.notify_one();
}

void Keeper::tell(const std::string& what, std::optional<base::Error> error) {
    if (error) {
        base::log_error("{}: {}", what, error->message);
    }
    boost::asio::post(parts_.loop, [this, alive = alive_, what, error = std::move(error)] {
        if (*alive) {
            parts_.alarm(what, error);
        }
    });
}

void Keeper::serve() {
    while (!stop_) {
        std::function<void()> task;
        {
            std::unique_lock hold(mutex_);
            auto due = std::min(backup_due_, logs_due_);
            due = seal_due_ ? std::min(due, *seal_due_) : due;
            wake_.wait_until(hold, due, [this] { return stop_ || soon_ || !tasks_.empty(); });
            if (!tasks_.empty()) {
                task = std::move(tasks_.front());
                tasks_.pop_front();
            } else if (std::exchange(soon_, false)) {
                backup_due_ = std::min(backup_due_, Clock::now() + kSoon);
            }
        }
        if (task) {
            task();
        } else if (!stop_) {
            by_the_clock();
        }
    }
}

void Keeper::by_the_clock() {
    if (seal_due_ && Clock::now() >= *seal_due_) {
        seal_anew();
    }
    if (!stop_ && Clock::now() >= backup_due_) {
        (void)make_one("");
    }
    if (!stop_ && Clock::now() >= logs_due_) {
        logs_due_ = Clock::now() + kLogsEvery;
        auto gone = retire_logs(parts_.store, parts_.data, parts_.logs, parts_.stamp,
                                [this] { return going_on(); });
        tell("logs", gone ? std::nullopt : std::optional(gone.error()));
        if (gone && *gone > 0) {
            base::log_info("the logs of {} jobs went by policy", *gone);
        }
    }
}

// ---------------------------------------------------------------- backups

Result<Json> Keeper::make_one(const std::string& actor) {
    backup_due_ = Clock::now() + std::min<Clock::duration>(parts_.backups.every, kBackupAgain);
    Status ready;
    if (parts_.signer) {  // so that the copy carries a signature of its own end
        ready = parts_.store.write_now([this](Tx& tx) {
            return status_of(parts_.signer->sign_head(tx, parts_.stamp(), "backup"));
        });
    }
    auto made = ready ? make_backup(parts_.data, parts_.backups, parts_.stamp().at_ms,
                                    [this] { return going_on(); })
                      : tl::unexpected<base::Error>(ready.error());
    if (!made) {
        if (!stop_) {
            tell("backup", made.error());
        }
        return tl::unexpected<base::Error>(made.error());
    }
    const Backup& backup = made->backup;
    auto told = parts_.store.write_now([&](Tx& tx) {
        journal::Event event{"backup.made", "", {}, {}, actor, Json::object()};
        event.data = {{"file", backup.file.filename().string()},
                      {"seq", backup.facts.seq},
                      {"sha256", backup.facts.sha256}};
        return status_of(journal::append(tx, parts_.stamp(), event));
    });
    backup_due_ = Clock::now() + parts_.backups.every;
    tell("backup", told ? std::nullopt : std::optional(told.error()));
    tell("backup-copy", made->copied ? std::nullopt : std::optional(made->copied.error()));
    return facts_json(backup, made->copied && !parts_.backups.copy_to.empty());
}

// ---------------------------------------------------------------- keys

Result<Json> Keeper::rotate(const std::string& actor) {
    // A person may have appended a line already.
    if (auto read = parts_.vault.read_again(parts_.key_file); !read) {
        return tl::unexpected<base::Error>(read.error());
    }
    if (parts_.vault.key_ids().back() == parts_.vault.key_id()) {
        if (!serial_pool::can_write_key_ring(parts_.key_file)) {
            return base::fail(
                "request.refused",
                fmt::format(
                    "{} cannot be written by the station. Append a key to the file it comes "
                    "from (lineside key append FILE) and restart the station",
                    parts_.key_file.string()));
        }
        auto appended = serial_pool::append_key(parts_.key_file);
        appended = appended ? parts_.vault.read_again(parts_.key_file) : appended;
        if (!appended) {
            return tl::unexpected<base::Error>(appended.error());
        }
    }
    base::crash_point("key_appended");
    std::optional<serial_pool::KeyChange> change;
    auto done = parts_.store.write_now([&](Tx& tx) {
        auto settled = settle_seal_keys(tx, parts_.stamp(), parts_.vault, actor);
        if (settled) {
            change = *settled;
        }
        return status_of(settled);
    });
    if (done) {
        done = parts_.store.read_now(
            [&](Tx& tx) { return serial_pool::adopt_keys(tx, parts_.vault); });
    }
    if (!done) {
        return tl::unexpected<base::Error>(done.error());
    }
    seal_due_ = Clock::now();
    return Json{{"key", parts_.vault.key_id()}, {"before", change ? change->before : ""}};
}

Result<Json> Keeper::keys() {
    auto in_file = serial_pool::TokenVault::open(parts_.key_file, /*may_create=*/false);
    if (!in_file) {
        return tl::unexpected<base::Error>(in_file.error());
    }
    const auto ids = in_file->key_ids();
    Json answer{{"keys", Json::array()},
                {"sealing_anew", false},
                {"file_writable", serial_pool::can_write_key_ring(parts_.key_file)},
                {"removable", Json::array()}};
    auto read = parts_.store.read_now([&](Tx& tx) -> Status {
        auto rows = serial_pool::keys_on_record(tx);
        if (!rows) {
            return status_of(rows);
        }
        for (const auto& row : *rows) {
            const bool here = std::find(ids.begin(), ids.end(), row.key_id) != ids.end();
            answer["keys"].push_back({{"key", row.key_id},
                                      {"state", row.state},
                                      {"made_ms", row.made_ms},
                                      {"in_file", here}});
            answer["sealing_anew"] = answer["sealing_anew"] == true || row.state == "retiring";
            if (here && row.state == "retired") {
                answer["removable"].push_back(row.key_id);
            }
        }
        return {};
    });
    return read ? Result<Json>(std::move(answer)) : tl::unexpected<base::Error>(read.error());
}

void Keeper::seal_anew() {
    seal_due_.reset();
    std::vector<std::string> retiring;
    auto asked = parts_.store.read_now([&](Tx& tx) {
        auto found = serial_pool::retiring_keys(tx);
        if (found) {
            retiring = std::move(*found);
        }
        return status_of(found);
    });
    // Whoever began to seal before the last change is waited for: only a pass that begins with
    // nobody of them at work, and finds nothing, proves that the old key is not needed.
    const bool older = parts_.vault.older_in_use();
    auto sealed = asked && !retiring.empty() ? serial_pool::reseal(parts_.store, parts_.vault,
                                                                   [this] { return going_on(); })
                                             : Result<std::int64_t>(0);
    if (stop_) {
        return;
    }
    Status done = asked ? status_of(sealed) : asked;
    if (done && !retiring.empty() && (older || *sealed > 0)) {
        base::log_info("sealed anew: {} rows", *sealed);
        seal_due_ = Clock::now() + (older ? Clock::duration(kSealAgain) : Clock::duration(0));
        return;
    }
    if (done) {
        done = retire(retiring);
    }
    if (done) {
        done = drop_retired_lines();
    }
    seal_due_ = done ? seal_due_ : std::optional(Clock::now() + kBackupAgain);
    tell("key", done ? std::nullopt : std::optional(done.error()));
}

Status Keeper::retire(const std::vector<std::string>& keys) {
    for (const std::string& key : keys) {
        auto done = parts_.store.write_now([&](Tx& tx) -> Status {
            if (auto retired = serial_pool::retire_key(tx, key); !retired) {
                return retired;
            }
            journal::Event told{"seal.key_retired", "", {}, {}, "", Json::object()};
            told.data = {{"key", key}};
            return status_of(journal::append(tx, parts_.stamp(), told));
        });
        if (!done) {
            return done;
        }
    }
    base::crash_point("key_retired");
    return {};
}

Status Keeper::drop_retired_lines() {
    bool any = false;
    auto asked = parts_.store.read_now([&](Tx& tx) -> Status {
        auto row = tx.one<std::int64_t>("SELECT 1 FROM seal_key WHERE state = 'retired' LIMIT 1");
        any = row && *row;
        return status_of(row);
    });
    if (!asked || !any) {
        return asked;
    }
    auto status = keys();
    if (!status) {
        return status_of(status);
    }
    std::set<std::string> removable;
    for (const Json& key : (*status)["removable"]) {
        removable.insert(key.get<std::string>());
    }
    if (removable.empty()) {
        return {};
    }
    if (!serial_pool::can_write_key_ring(parts_.key_file)) {
        base::log_warning(
            "nothing is sealed with key {} any more: its line may be removed from the file that {} "
            "comes from. Backups of before need it: keep it apart with them",
            fmt::join(removable, ", "), parts_.key_file.string());
        return {};
    }
    // The backups so far need the old key: one that does not comes before its line goes.
    if (auto made = make_one(""); !made) {
        return status_of(made);
    }
    return serial_pool::drop_keys(parts_.key_file, removable);
}

}  // namespace lineside::care
