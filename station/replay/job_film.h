// SPDX-License-Identifier: Apache-2.0
// A job on record as a film of its tile: lines of JSON, pulled piece by piece while its recordings
// are read, so memory stays flat however long they are.
//   {"job":…,"steps":[…],"length_ms":…}       first
//   {"at":1234,"set":{"percent":47}}          what changed of the tile; the first has all of it
//   {"end":true,"frames":812}                 last
// Thread: any; blocks on disk.
#pragma once

#include "station/db/query.h"
#include "station/replay/player.h"
#include "workers/protocol/line_splitter.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace lineside::rerun {

class JobFilm {
  public:
    // Errors: request.unknown (no such job), request.conflict (it has not ended), db.failed.
    [[nodiscard]] static base::Result<JobFilm> of(db::Tx& tx, std::int64_t job,
                                                  const std::filesystem::path& folder);
    // The next lines; empty: that was all.   Errors: none; a recording that cannot be read is
    // passed over, and the film goes on by the records.
    [[nodiscard]] std::string next();

  private:
    struct Step {
        int index = 0;  // from 0
        int attempt = 1;
        std::string name;
        std::int64_t began_ms = 0;  // since the job began
        std::int64_t ended_ms = 0;
        std::string outcome;  // ok, failed, interrupted …
        std::optional<base::Error> error;
        std::filesystem::path recording;
    };
    struct File;

    explicit JobFilm(Subject subject) : subject_(subject), player_(std::move(subject)) {}
    [[nodiscard]] std::string head() const;
    void play_some(std::string& out);
    void show(std::string& out, std::int64_t at_ms);

    Subject subject_;
    Player player_;
    std::vector<Step> steps_;
    std::optional<core::Verdict> verdict_;
    std::string serial_;
    std::int64_t length_ms_ = 0;
    std::size_t at_step_ = 0;
    std::shared_ptr<File> file_;  // of the step that is played
    bool begun_ = false, ended_ = false;
    base::Json told_;
    std::uint64_t changes_told_ = 0;
    std::int64_t told_ms_ = 0;
    std::size_t frames_ = 0;
};

}  // namespace lineside::rerun
