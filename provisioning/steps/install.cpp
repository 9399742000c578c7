// SPDX-License-Identifier: Apache-2.0
// Software that is installed on the unit by its own scripts: only where it is missing.
#include "provisioning/steps/steps.h"
#include "station/base/text.h"

namespace lineside::provisioning {
namespace {

class InstallMcutool final : public Step {
  public:
    base::Result<bool> check(StepContext& context) override { return present(context); }

    base::Status apply(StepContext& context) override {
        auto end = context.script("install-mcutool.sh", {});
        if (!end) {
            return tl::unexpected(end.error());
        }
        return {};
    }

    base::Result<base::Json> verify(StepContext& context) override {
        if (context.text("tool_path").empty()) {
            return base::Json();  // nobody told where it would be; the script's word is all there
                                  // is
        }
        auto there = present(context);
        if (!there) {
            return tl::unexpected(there.error());
        }
        return *there ? base::Result<base::Json>(base::Json())
                      : context.failed("install-mcutool.sh ended well, but the tool is not there");
    }

  private:
    static base::Result<bool> present(StepContext& context) {
        StepContext::Run run;
        run.program =
            R"(if [ -n "$1" ]; then [ -x "$1" ]; else command -v mcutool >/dev/null; fi && exit 10; exit 11)";
        run.args = {context.text("tool_path")};
        auto end = context.run(run);
        if (!end) {
            return tl::unexpected(end.error());
        }
        if (end->how != ExecEnd::How::exited || (end->status != 10 && end->status != 11)) {
            return context.failed("looking for mcutool", *end);
        }
        return end->status == 10;
    }
};

class InstallCamera final : public Step {
  public:
    base::Result<bool> check(StepContext& context) override {
        auto installed = version(context);
        if (!installed) {
            return tl::unexpected(installed.error());
        }
        return !installed->empty() && *installed == context.text("version");
    }

    base::Status apply(StepContext& context) override {
        auto end = context.script("install-camera.sh", {{context.text("version")}});
        if (!end) {
            return tl::unexpected(end.error());
        }
        return {};
    }

    base::Result<base::Json> verify(StepContext& context) override {
        const std::string wanted = context.text("version");
        auto installed = version(context);
        if (!installed) {
            return tl::unexpected(installed.error());
        }
        if (!context.text("version_file").empty() && *installed != wanted) {
            return context.failed(
                fmt::format("camera software {} was installed, the unit has \"{}\"", wanted,
                            last_lines(*installed, 100)));
        }
        context.station().fact("camera_version", wanted);
        return base::Json{{"version", wanted}};
    }

  private:
    // "" when nobody told where to look, or nothing is there.
    static base::Result<std::string> version(StepContext& context) {
        StepContext::Run run;
        run.program = R"([ -n "$1" ] && [ -r "$1" ] && head -c 200 -- "$1"; exit 0)";
        run.args = {context.text("version_file")};
        auto end = context.run(run);
        if (!end) {
            return tl::unexpected(end.error());
        }
        if (!end->ok()) {
            return context.failed("reading the installed version", *end);
        }
        return std::string(base::trim_blanks(end->out.substr(0, end->out.find('\n'))));
    }
};

}  // namespace

std::unique_ptr<Step> make_install_mcutool() {
    return std::make_unique<InstallMcutool>();
}
std::unique_ptr<Step> make_install_camera() {
    return std::make_unique<InstallCamera>();
}

}  // namespace lineside::provisioning
