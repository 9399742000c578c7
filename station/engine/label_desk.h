// SPDX-License-Identifier: Apache-2.0
// When a label is asked for, checked, copied: joins slots, the table `label` and its print queue.
// JSON shapes are those of web/api/openapi.yaml. Owned by the engine.
// Thread: the io_context's, callbacks too.
#pragma once

#include "station/engine/facade.h"
#include "station/engine/label_facade.h"
#include "station/labels/print_queue.h"

#include <functional>
#include <memory>
#include <string>

namespace lineside::engine {

class SlotActor;
struct Context;

struct LabelDeskParts {
    Context& context;
    std::function<SlotActor*(const std::string& slot)> slot;
    std::function<SlotActor*(base::JobId job)> slot_of_job;
    std::function<void(bool failing)> failing;
    std::chrono::milliseconds pause{2000};
};

class LabelDesk final : public Labels {
  public:
    explicit LabelDesk(LabelDeskParts parts);
    ~LabelDesk() override;
    LabelDesk(const LabelDesk&) = delete;
    LabelDesk& operator=(const LabelDesk&) = delete;

    // After the slots were restored. Errors: db.failed.
    [[nodiscard]] base::Status start();
    // Rows that a slot wrote in a transaction of its own.
    void asked(const labels::LabelRow& label);
    // A unit passed: where labels are printed at once, its own is asked for.
    void passed(base::JobId job);

    [[nodiscard]] base::Json setup() const override;
    void preview(base::JobId job, labels::Language language,
                 std::function<void(base::Result<std::string>)> done) override;
    void ask(base::JobId job, std::string actor, Done done) override;
    void check(const std::string& slot, std::string code, std::string actor, Done done) override;
    void skip(const std::string& slot, std::string reason, std::string actor, Done done) override;
    void copy(base::JobId job, std::string reason, std::string actor, Done done) override;
    void again(std::int64_t label, std::string actor, Done done) override;
    void found(std::int64_t label, std::string actor, Done done) override;
    void print_badge(const std::string& holder, const base::Secret& code,
                     std::function<void(base::Status)> done) override;
    // What is no unit's label; kept nowhere.
    [[nodiscard]] labels::PrintQueue& queue() { return queue_; }

  private:
    void write(std::function<base::Result<labels::LabelRow>(db::Tx&)> work, Done done);
    void changed(const labels::LabelRow& label);

    LabelDeskParts parts_;
    labels::PrintQueue queue_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// The drawing of a station's labels, from its configuration.
[[nodiscard]] std::shared_ptr<const labels::Drawing> drawing_of(const Context& context);
// Asks for the job's label in the caller's transaction; nothing: it gets none.
[[nodiscard]] base::Result<std::optional<labels::LabelRow>> ask_in(db::Tx& tx,
                                                                   const journal::Stamp& stamp,
                                                                   base::JobId job,
                                                                   const labels::Drawing& drawing,
                                                                   const std::string& actor);

}  // namespace lineside::engine
