// SPDX-License-Identifier: Apache-2.0
// The whole web side of the station in one call: server, API, dashboard. This is what station/app
// uses. Thread: the io_context's.
#pragma once

#include "station/config/config.h"
#include "station/engine/facade.h"
#include "web/server/server.h"

#include <filesystem>
#include <memory>

namespace lineside::api {

struct ServeConfig {
    web::ServerConfig server;
    config::WebConfig network;  // the page beyond this host
    config::ScanKeys scan;
    config::Use use = config::Use::production;
    std::function<void(engine::Done)> doctor;  // looks at the host; empty: nobody does
    std::filesystem::path ui_dir;  // the built dashboard; empty or not there: a plain status page
};
// `facade` must outlive the server.   Errors: config.invalid.
[[nodiscard]] base::Result<std::unique_ptr<web::Server>> serve(boost::asio::io_context& loop,
                                                               ServeConfig config,
                                                               engine::Facade& facade);

}  // namespace lineside::api
