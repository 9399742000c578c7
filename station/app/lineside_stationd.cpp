// SPDX-License-Identifier: Apache-2.0
// The station service: reads the configuration, opens the truth store, connects the parts, serves.
// Exit status: 0 stopped on request, 1 failed while running, 2 usage, 3 could not start.
// With --check-only: 0 sound, 4 damaged, 5 of a newer program, 6 a key is missing.
#include "serial-pool/seal_keys.h"
#include "station/audit/signer.h"
#include "station/base/log.h"
#include "station/care/backup_folder.h"
#include "station/care/soundness.h"
#include "station/config/config.h"
#include "station/doctor/host_doctor.h"
#include "station/engine/engine.h"
#include "station/process/helper_launcher.h"
#include "web/api/serve.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <algorithm>
#include <csignal>
#include <iostream>

namespace {

using namespace lineside;

constexpr rlim_t kFiles = 8192;  // connections, streams, logs, workers' pipes

int cannot_start(std::string_view why) {
    base::log_error("cannot start: {}", why);
    return 3;
}

// A crash must not write tokens to a core file.
void forbid_core_dumps() {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
}

// A shell's usual limit of 1024 files is less than the pages a station serves at once; what it may
// have at most is the host's word.
void allow_many_files() {
    rlimit files{};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = std::min<rlim_t>(files.rlim_max, kFiles);
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

base::Result<serial_pool::TokenVault> open_vault(db::Store& store,
                                                 const std::filesystem::path& key_file) {
    bool known = false;  // then the key file must be there: a new one would open nothing
    auto asked = store.read_now([&](db::Tx& tx) -> base::Status {
        auto found = serial_pool::any_key_known(tx);
        if (!found) {
            return tl::unexpected<base::Error>(found.error());
        }
        known = *found;
        return {};
    });
    auto vault = asked ? serial_pool::TokenVault::open(key_file, !known)
                       : tl::unexpected<base::Error>(asked.error());
    if (!vault) {
        return vault;
    }
    auto fits = store.read_now([&](db::Tx& tx) { return serial_pool::check_keys(tx, *vault); });
    if (!fits) {
        return tl::unexpected<base::Error>(fits.error());
    }
    return vault;
}

// Looks before it opens: SQLite itself takes a missing or emptied file for a new database.
base::Result<std::unique_ptr<db::Store>> open_store(boost::asio::io_context& loop,
                                                    const care::DataFolder& data) {
    constexpr std::int64_t kCheckMs = 5'000;  // a line waits; --check-only looks at all of it
    const auto found = care::look_at(data, std::nullopt, kCheckMs);
    if (found.verdict != care::Verdict::sound) {
        return base::fail("db.failed", fmt::format("{}. {}", found.what, found.remedy));
    }
    auto store = db::Store::open(loop, data.database(), [&](sqlite3* source, int) -> base::Status {
        if (auto room = care::refuse_without_room(data.database(), data.backups()); !room) {
            return room;
        }
        auto made = db::back_up_from(source, data.backups(), base::SystemClock().wall_ms());
        return made ? base::Status() : tl::unexpected<base::Error>(made.error());
    });
    if (!store) {
        return store;
    }
    if (auto marked = care::mark_initialised(data, base::SystemClock().wall_ms()); !marked) {
        return tl::unexpected<base::Error>(marked.error());
    }
    return store;
}

// The signing key is made when the database knows none yet; afterwards its loss is told.
base::Result<std::shared_ptr<const audit::Signer>> open_signer(db::Store& store,
                                                               const config::Config& config) {
    bool known = false;
    auto asked = store.read_now([&](db::Tx& tx) -> base::Status {
        auto found = audit::has_signing_key(tx);
        if (!found) {
            return tl::unexpected<base::Error>(found.error());
        }
        known = *found;
        return {};
    });
    if (!asked) {
        return tl::unexpected<base::Error>(asked.error());
    }
    auto key = trust::SigningKey::open(config.signing_key, !known);
    if (!key) {
        return tl::unexpected<base::Error>(key.error());
    }
    return std::make_shared<const audit::Signer>(std::move(*key), config.station_id);
}

// Serves until it is told to stop. `mark` goes only after all of it is closed.
int serve(const config::Config& config, std::optional<care::RunningMark>& running) {
    auto models = usb::read_models(config.models_file);
    if (!models) {
        return cannot_start(models.error().message);
    }
    for (const core::Profile& profile : config.profiles) {
        if (models->by_id(profile.model) == nullptr) {
            return cannot_start(fmt::format("profile {}: no model '{}' in {}", profile.id,
                                            profile.model, config.models_file.string()));
        }
    }
    std::error_code made;
    std::filesystem::create_directories(config.data / "logs", made);
    if (made) {
        return cannot_start(
            fmt::format("data folder {}: {}", config.data.string(), made.message()));
    }
    boost::asio::io_context loop(1);
    const care::DataFolder data(config.data);
    auto store = open_store(loop, data);
    if (!store) {
        return cannot_start(store.error().message);
    }
    const base::SystemClock clock;
    auto mark = care::RunningMark::set(data, clock.wall_ms());
    if (!mark) {
        return cannot_start(mark.error().message);
    }
    running.emplace(std::move(*mark));
    auto vault = open_vault(**store, config.key_file);
    if (!vault) {
        return cannot_start(vault.error().message);
    }
    auto signer = open_signer(**store, config);
    if (!signer) {
        return cannot_start(signer.error().message);
    }
    process::HelperOptions helper;
    helper.socket = config.helper_socket.string();
    process::HelperLauncher launcher(loop.get_executor(), std::move(helper));
    usb::Monitor bus(loop);
    engine::Engine engine({loop, config, *models, clock, **store, launcher, *vault, bus, *signer});
    if (auto started = engine.start(); !started) {
        return cannot_start(started.error().message);
    }
    // For who checks certificates; the keys on record are the truth, so a failure is no disaster.
    const auto published = (*store)->read_now(
        [&](db::Tx& tx) { return audit::publish_keys(tx, config.data / "public-keys"); });
    if (!published) {
        base::log_warning("public keys: {}", published.error().message);
    }
    api::ServeConfig serve;
    serve.server.port = config.port;
    serve.server.unix_socket = config.unix_socket;
    serve.network = config.web;
    serve.scan = config.scan;
    serve.use = config.use;
    serve.ui_dir = config.ui;
    doctor::Options look;
    look.config = config.file.string();
    look.of_service = true;
    doctor::HostDoctor host_doctor(loop, look);
    serve.doctor = [&host_doctor](engine::Done done) { host_doctor.look(std::move(done)); };
    auto server = api::serve(loop, std::move(serve), engine);
    if (!server) {
        return cannot_start(server.error().message);
    }
    std::cout << base::dump_json({{"ready", true}, {"url", (*server)->url()}}) << std::endl;

    boost::asio::signal_set signals(loop, SIGTERM, SIGINT);
    int asked = 0;
    std::function<void()> wait = [&] {
        signals.async_wait([&](boost::system::error_code error, int) {
            if (error) {
                return;
            }
            if (++asked > 1) {
                return loop.stop();  // impatience is safe: the journal calls the rest interrupted
            }
            engine.stop_all([&] { (*server)->stop([&] { loop.stop(); }); });
            wait();
        });
    };
    wait();
    loop.run();
    return 0;
}

int run(const config::Config& config) {
    std::optional<care::RunningMark> running;
    const int status = serve(config, running);
    if (running) {  // the database is closed by now
        if (auto left = running->leave(); !left) {
            base::log_warning("{}", left.error().message);
        }
    }
    return status;
}

int check_only(const std::string& data, const std::string& config_file) {
    std::optional<care::KeyFiles> keys;
    std::filesystem::path where = data;
    if (!config_file.empty()) {
        const auto reading = config::read_config(config_file);
        for (const auto& complaint : reading.complaints) {
            base::log_error("{}", config::to_text(complaint));
        }
        if (!reading.complaints.empty()) {
            return 2;
        }
        keys = care::KeyFiles{reading.config.key_file, reading.config.signing_key};
        where = data.empty() ? reading.config.data : where;
    }
    if (where.empty()) {
        std::cerr << "lineside-stationd: --check-only needs --data DIR or --config FILE\n";
        return 2;
    }
    return care::run_check_only(care::DataFolder(where), keys, std::cout);
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    forbid_core_dumps();
    allow_many_files();
    CLI::App app("Lineside station service");
    std::string config_file = "/etc/lineside/station.toml";
    bool verbose = false;
    bool only_check = false;
    std::string data;
    auto* given = app.add_option("--config", config_file, "configuration file");
    auto* checking = app.add_flag("--check-only", only_check,
                                  "look at the data folder, change nothing: exit status 0 sound, 4 "
                                  "damaged, 5 of a newer Lineside, 6 a key is missing");
    app.add_option("--data", data, "data folder to look at")->needs(checking);
    app.add_flag("--verbose", verbose, "tell more");
    app.set_version_flag("--version", LINESIDE_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    if (verbose) {
        base::set_log_level(base::Level::debug);
    }
    if (only_check) {
        return check_only(data, given->count() > 0 ? config_file : "");
    }
    const auto reading = config::read_config(config_file);
    if (!reading.complaints.empty()) {
        for (const auto& complaint : reading.complaints) {
            base::log_error("{}", config::to_text(complaint));
        }
        return cannot_start("the configuration is not valid");
    }
    return run(reading.config);
}
