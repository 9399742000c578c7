// SPDX-License-Identifier: Apache-2.0
#include "web/api/serve.h"

#include "station/base/log.h"
#include "web/api/api.h"

namespace lineside::api {

base::Result<std::unique_ptr<web::Server>> serve(boost::asio::io_context& loop, ServeConfig config,
                                                 engine::Facade& facade) {
    auto counters = std::make_shared<web::Counters>();
    auto api = std::make_shared<Api>(facade, counters, config.ui_dir);
    if (!api->dashboard.ready()) {
        base::log_warning(
            "web: no dashboard in '{}', serving the plain status page; to build it: npm ci && npm "
            "run build "
            "in web/ui",
            config.ui_dir.native());
    }
    config.server.gate = gate_of(facade);
    auto server =
        web::Server::start(loop, std::move(config.server), make_router(api), std::move(counters));
    if (server) {
        api->url = (*server)->url();
        if (people::People* people = facade.people()) {
            // The engine outlives the server, so it must not call one that is gone.
            people->on_ended(
                [weak = std::weak_ptr<Api>(api), raw = server->get()](std::int64_t session) {
                    if (!weak.expired()) {
                        raw->end_session(session);
                    }
                });
        }
    }
    return server;
}

}  // namespace lineside::api
