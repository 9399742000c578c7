// SPDX-License-Identifier: Apache-2.0
#include "provisioning/steps/steps.h"

#include "provisioning/image_proof.h"

namespace lineside::provisioning {
namespace {

class ProveImage final : public Step {
  public:
    base::Status apply(StepContext& context) override {
        auto proof = prove_image(context);
        if (!proof) {
            // Hashing the same storage again gives the same answer; only a broken connection is
            // worth a try.
            auto error = proof.error();
            error.retry = error.retry && error.code != "image.mismatch";
            return tl::unexpected(std::move(error));
        }
        context.station().proof("image", {{"image", context.station().job().image->id},
                                          {"partitions", proof->partitions},
                                          {"files", proof->files},
                                          {"digest", proof->digest}});
        return {};
    }
};

}  // namespace

std::unique_ptr<Step> make_prove_image() {
    return std::make_unique<ProveImage>();
}

}  // namespace lineside::provisioning
