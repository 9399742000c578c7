// SPDX-License-Identifier: Apache-2.0
// The page on the line's network: opened under TLS once the station has an account, with the site's
// certificate or one of its own, which is looked at each hour. What fails is told and tried again;
// loopback goes on meanwhile.
// Thread: the io_context's; blocks on disk for a moment each hour.
#pragma once

#include "station/base/clock.h"
#include "station/base/json.h"
#include "station/config/config.h"
#include "station/trust/web_certificate.h"
#include "web/server/server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <optional>
#include <string>

namespace lineside::api {

class NetworkDoor {
  public:
    // `server` must outlive it.
    NetworkDoor(boost::asio::io_context& loop, web::Server& server, config::WebConfig config);
    ~NetworkDoor();
    NetworkDoor(const NetworkDoor&) = delete;
    NetworkDoor& operator=(const NetworkDoor&) = delete;

    // The station has accounts: open, and stay so.
    void open();
    // {"listening","url","generated","sha256","key_sha256","not_after_ms","names":[…],"problem"}
    [[nodiscard]] base::Json state() const;

  private:
    void look();
    [[nodiscard]] base::Status try_now();
    [[nodiscard]] trust::WebNames names() const;

    web::Server& server_;
    config::WebConfig config_;
    boost::asio::steady_timer again_;
    std::optional<trust::WebCertificate> facts_;
    std::string problem_;
    bool opened_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace lineside::api
