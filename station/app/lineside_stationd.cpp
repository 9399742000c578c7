// SPDX-License-Identifier: Apache-2.0
// The station service: reads the configuration, opens the truth store, connects the parts, serves.
// Exit status: 0 stopped on request, 1 failed while running, 2 usage, 3 could not start.
#include "serial-pool/batch_load.h"
#include "station/audit/signer.h"
#include "station/base/log.h"
#include "station/config/config.h"
#include "station/engine/engine.h"
#include "station/process/helper_launcher.h"
#include "web/api/serve.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <iostream>

namespace {

using namespace lineside;

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

base::Result<serial_pool::TokenVault> open_vault(db::Store& store,
                                                 const std::filesystem::path& key_file) {
    bool sealed = false;
    auto asked = store.read_now([&](db::Tx& tx) -> base::Status {
        auto found = serial_pool::sealed_tokens(tx);
        if (!found) {
            return tl::unexpected<base::Error>(found.error());
        }
        sealed = *found;
        return {};
    });
    if (!asked) {
        return tl::unexpected<base::Error>(asked.error());
    }
    auto vault = serial_pool::TokenVault::open(key_file, !sealed);
    if (!vault) {
        return vault;
    }
    auto fits = store.read_now([&](db::Tx& tx) { return serial_pool::check_key(tx, *vault); });
    if (!fits) {
        return tl::unexpected<base::Error>(fits.error());
    }
    return vault;
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

int run(const config::Config& config) {
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
    auto store = db::Store::open(loop, config.data / "station.db");
    if (!store) {
        return cannot_start(store.error().message);
    }
    auto vault = open_vault(**store, config.key_file);
    if (!vault) {
        return cannot_start(vault.error().message);
    }
    auto signer = open_signer(**store, config);
    if (!signer) {
        return cannot_start(signer.error().message);
    }
    const base::SystemClock clock;
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
    serve.ui_dir = config.ui;
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

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    forbid_core_dumps();
    CLI::App app("Lineside station service");
    std::string config_file = "/etc/lineside/station.toml";
    bool verbose = false;
    app.add_option("--config", config_file, "configuration file");
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
    const auto reading = config::read_config(config_file);
    if (!reading.complaints.empty()) {
        for (const auto& complaint : reading.complaints) {
            base::log_error("{}", config::to_text(complaint));
        }
        return cannot_start("the configuration is not valid");
    }
    return run(reading.config);
}
