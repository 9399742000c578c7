// SPDX-License-Identifier: Apache-2.0
// A long answer that is read from the database slice by slice, the next one only when the one
// before has been written to the client: memory stays flat, a slow client holds nothing, and pages
// are served in between.
// Thread: the io_context's; `slice` runs on a database thread.
#pragma once

#include "web/api/api.h"

#include <functional>
#include <memory>
#include <string>

namespace lineside::api {

class ReadSource final : public web::BodySource {
  public:
    using Slice = std::function<Result<std::string>(Tx&)>;  // empty text: that was all
    // `first` goes before what `slice` gives.
    ReadSource(Facade& facade, Slice slice, std::string first = {})
        : facade_(facade), slice_(std::move(slice)), first_(std::move(first)) {}

    void next(Then then) override {
        if (!first_.empty()) {
            then(std::exchange(first_, {}));
            return;
        }
        auto piece = std::make_shared<std::string>();
        facade_.read(guarded([slice = slice_, piece](Tx& tx) -> Result<Json> {
                         auto made = slice(tx);
                         if (!made) {
                             return tl::unexpected(made.error());
                         }
                         *piece = std::move(*made);
                         return Json();
                     }),
                     [piece, then = std::move(then)](const Result<Json>& done) {
                         if (done) {
                             then(std::move(*piece));
                         } else {
                             then(tl::unexpected(done.error()));
                         }
                     });
    }

  private:
    Facade& facade_;
    Slice slice_;
    std::string first_;
};

}  // namespace lineside::api
