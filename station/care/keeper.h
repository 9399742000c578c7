// SPDX-License-Identifier: Apache-2.0
// What a station does for its records beside the work, on a thread of its own: backups by the
// clock, after each batch and on request; sealing anew after a rotation; logs that go by policy.
// Thread: the io_context's, callbacks too.   Lifetime: ends with the engine; what was at work then
// goes on at the next start.
#pragma once

#include "serial-pool/seal_keys.h"
#include "station/audit/signer.h"
#include "station/base/json.h"
#include "station/care/backup_folder.h"
#include "station/care/log_retention.h"

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace lineside::care {

struct KeeperParts {
    boost::asio::io_context& loop;
    db::Store& store;
    serial_pool::TokenVault vault;  // the station's own: a copy is the same vault
    std::filesystem::path key_file;
    DataFolder data;
    BackupPolicy backups;
    LogPolicy logs;
    std::shared_ptr<const audit::Signer> signer;  // none: backups carry no fresh signature
    std::function<journal::Stamp()> stamp;        // any thread
    // Something is wrong (with the error) or right again (without): `what` = backup, backup-copy,
    // key, logs. On the io_context's thread.
    std::function<void(const std::string& what, const std::optional<base::Error>&)> alarm;
};

// Puts the key in use on record, or begins the rotation that the key file asks for, with its event.
// In the first transaction of a life, and when a rotation is asked for.
[[nodiscard]] base::Result<std::optional<serial_pool::KeyChange>> settle_seal_keys(
    db::Tx& tx, const journal::Stamp& stamp, const serial_pool::TokenVault& vault,
    const std::string& actor);

class Keeper {
  public:
    using Done = std::function<void(base::Result<base::Json>)>;

    explicit Keeper(KeeperParts parts);
    ~Keeper();
    Keeper(const Keeper&) = delete;
    Keeper& operator=(const Keeper&) = delete;

    // After recovery. Errors: secret.broken.
    [[nodiscard]] base::Status start();
    // {"file","seq","head","sha256","made_ms","schema","copied"}. Errors: disk.full, db.failed.
    void backup(std::string actor, Done done);
    // One soon: a batch that no backup knows could be loaded a second time after a restore.
    void backup_soon();
    // {"key","before"}. Errors: request.refused (the key file cannot be written), secret.broken.
    void rotate_key(std::string actor, Done done);
    // {"keys":[{"key","state","made_ms","in_file"}],"sealing_anew","file_writable","removable"}
    void key_status(Done done);

  private:
    using Clock = std::chrono::steady_clock;
    void serve();
    void ask(std::function<base::Result<base::Json>()> work, Done done);
    void tell(const std::string& what, std::optional<base::Error> error);
    base::Result<base::Json> make_one(const std::string& actor);
    base::Result<base::Json> rotate(const std::string& actor);
    base::Result<base::Json> keys();
    void by_the_clock();
    void seal_anew();
    [[nodiscard]] base::Status retire(const std::vector<std::string>& keys);
    [[nodiscard]] base::Status drop_retired_lines();
    [[nodiscard]] bool going_on() const { return !stop_; }

    KeeperParts parts_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::atomic<bool> stop_{false};
    std::mutex mutex_;  // tasks_, soon_
    std::condition_variable wake_;
    std::deque<std::function<void()>> tasks_;
    bool soon_ = false;
    // Of its own thread alone.
    Clock::time_point backup_due_{};
    Clock::time_point logs_due_{};
    std::optional<Clock::time_point> seal_due_;
    std::thread thread_;
};

}  // namespace lineside::care
