// SPDX-License-Identifier: Apache-2.0
// The access point the camera offers, the network it joins, and the service it talks to. Writing
// the same again changes nothing, so there is nothing to look at first.
#include "provisioning/steps/steps.h"

namespace lineside::provisioning {
namespace {

base::Status done(base::Result<ExecEnd> end) {
    if (!end) {
        return tl::unexpected(end.error());
    }
    return {};
}

class SetWifiAp final : public Step {
  public:
    base::Status apply(StepContext& context) override {
        return done(context.script(
            "set-wifi-ap.sh", {{"-a"},
                               {context.text("ap_address")},
                               {"-s"},
                               {context.text("ssid")},
                               {"-p"},
                               {std::string(context.secret("wifi_ap_password").reveal()), true}}));
    }
};

class SetWifiStation final : public Step {
  public:
    base::Status apply(StepContext& context) override {
        return done(context.script(
            "set-wifi-station.sh",
            {{"-s"},
             {context.text("ssid")},
             {"-p"},
             {std::string(context.secret("wifi_station_password").reveal()), true}}));
    }
};

class SetService final : public Step {
  public:
    base::Status apply(StepContext& context) override {
        return done(context.script(
            "set-service.sh",
            {{"-d"}, {context.flag("develop") ? "true" : "false"}, {"-u"}, {context.text("url")}}));
    }
};

}  // namespace

std::unique_ptr<Step> make_set_wifi_ap() {
    return std::make_unique<SetWifiAp>();
}
std::unique_ptr<Step> make_set_wifi_station() {
    return std::make_unique<SetWifiStation>();
}
std::unique_ptr<Step> make_set_service() {
    return std::make_unique<SetService>();
}

}  // namespace lineside::provisioning
