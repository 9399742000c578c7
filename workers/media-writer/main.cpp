// SPDX-License-Identifier: Apache-2.0
// The worker of method media-writer: see README.md.
#include "workers/media-writer/by_recipe.h"
#include "workers/media-writer/card.h"
#include "workers/media-writer/serial.h"
#include "workers/sdk/worker.h"

namespace {

using lineside::base::Json;
using lineside::base::Result;

Result<Json> work(lineside::worker::Station& station) {
    const std::string& step = station.job().step;
    if (step == "flash") {
        return lineside::media_writer::holds_recipe(station.job())
                   ? lineside::media_writer::set_up_card(station)
                   : lineside::media_writer::write_card(station);
    }
    if (step == "set-serial") {
        return lineside::media_writer::write_serial(station);
    }
    return lineside::base::fail("config.invalid", "media-writer has no step '" + step + "'");
}

}  // namespace

int main() {
    return lineside::worker::run({"media-writer", LINESIDE_VERSION, 60, "never"}, work);
}
