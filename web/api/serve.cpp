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
    api->scan = config.scan;
    api->use = config.use;
    api->doctor = std::move(config.doctor);
    auto server =
        web::Server::start(loop, std::move(config.server), make_router(api), std::move(counters));
    if (server) {
        api->url = (*server)->url();
        api->network = std::make_unique<NetworkDoor>(loop, **server, std::move(config.network));
        if (people::People* people = facade.people()) {
            // The engine outlives the server, so it must not call one that is gone.
            people->on_ended(
                [weak = std::weak_ptr<Api>(api), raw = server->get()](std::int64_t session) {
                    if (const auto alive = weak.lock()) {
                        raw->end_session(session);
                        if (session == 0) {  // there is a first account
                            alive->network->open();
                        }
                    }
                });
            if (!people->open_to_all()) {
                api->network->open();
            }
        }
    }
    return server;
}

}  // namespace lineside::api
