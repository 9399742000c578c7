// SPDX-License-Identifier: Apache-2.0
// Formats the SSD and mounts it from now on. Exactly once after each flash: a second run would take
// the data away. The station keeps the mark; what we look at on the unit is only the second
// opinion.
#include "provisioning/steps/steps.h"

namespace lineside::provisioning {
namespace {

class SetNvme final : public Step {
  public:
    base::Result<bool> check(StepContext& context) override {
        StepContext::Run run;
        run.program = R"(grep -q "^[^#].*[[:space:]]$1[[:space:]]" /etc/fstab && exit 10; exit 11)";
        run.args = {context.text("mount_point")};
        auto end = context.run(run);
        if (!end) {
            return tl::unexpected(end.error());
        }
        if (end->how != ExecEnd::How::exited || (end->status != 10 && end->status != 11)) {
            return context.failed("looking at /etc/fstab", *end);
        }
        return end->status == 10;
    }

    base::Status apply(StepContext& context) override {
        auto end = context.script("set-nvme.sh", {});
        if (!end) {
            return tl::unexpected(end.error());
        }
        return {};
    }

    base::Result<base::Json> verify(StepContext& context) override {
        StepContext::Run run;
        run.program =
            R"(grep -q "^[^ ]* $1 " /proc/mounts && grep -q "[[:space:]]$1[[:space:]]" /etc/fstab)";
        run.args = {context.text("mount_point")};
        auto end = context.run(run);
        if (!end) {
            return tl::unexpected(end.error());
        }
        if (!end->ok()) {
            return context.failed(context.text("mount_point") +
                                  " is not mounted, or not for the next start");
        }
        return base::Json();
    }
};

}  // namespace

std::unique_ptr<Step> make_set_nvme() {
    return std::make_unique<SetNvme>();
}

}  // namespace lineside::provisioning
