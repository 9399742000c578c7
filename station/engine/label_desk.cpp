// SPDX-License-Identifier: Apache-2.0
#include "station/engine/label_desk.h"

#include "station/base/log.h"
#include "station/engine/reason.h"
#include "station/engine/slot_actor.h"

namespace lineside::engine {

using base::JobId;
using base::Json;
using labels::LabelRow;

namespace {

Json json_of(const LabelRow& label) {
    return {{"label", label.id},
            {"job", label.job.value},
            {"copy", label.copy},
            {"state", label.state},
            {"doubt", label.doubt()}};
}

base::Result<std::string> template_of(db::Tx& tx, JobId job, const labels::Drawing& drawing) {
    auto profile = tx.one<std::string>(
        "SELECT o.profile FROM job j JOIN orders o ON o.id = j.order_id WHERE j.id = ?1", job);
    if (!profile) {
        return tl::unexpected<base::Error>(profile.error());
    }
    if (!*profile) {
        return base::fail("request.unknown", fmt::format("There is no job {}", job.value));
    }
    const auto label = drawing.labels.find(std::get<0>(**profile));
    return label == drawing.labels.end() ? std::string() : label->second.id;
}

}  // namespace

std::shared_ptr<const labels::Drawing> drawing_of(const Context& context) {
    auto drawing = std::make_shared<labels::Drawing>();
    drawing->station = context.config.station_name;
    drawing->training = context.config.use == config::Use::training;
    drawing->strip = context.config.printer.when == labels::When::at_once;
    drawing->labels = context.config.labels;
    for (const core::Profile& profile : context.config.profiles) {
        drawing->names[profile.id] = profile.name;
    }
    for (const usb::Model& model : context.models.models) {
        drawing->names[model.id] = model.name;
    }
    return drawing;
}

base::Result<std::optional<LabelRow>> ask_in(db::Tx& tx, const journal::Stamp& stamp, JobId job,
                                             const labels::Drawing& drawing,
                                             const std::string& actor) {
    auto label = template_of(tx, job, drawing);
    if (!label) {
        return tl::unexpected<base::Error>(label.error());
    }
    if (label->empty()) {
        return std::optional<LabelRow>();
    }
    auto row = labels::ask_label(tx, stamp, job, *label, actor);
    return row ? base::Result<std::optional<LabelRow>>(*row)
               : tl::unexpected<base::Error>(row.error());
}

LabelDesk::LabelDesk(LabelDeskParts parts)
    : parts_(std::move(parts)),
      queue_({parts_.context.loop, parts_.context.store, parts_.context.clock,
              [this] { return parts_.context.stamp(); }, parts_.context.config.printer,
              *parts_.context.drawing, [this](const LabelRow& label) { changed(label); },
              parts_.failing, parts_.pause}) {}

LabelDesk::~LabelDesk() {
    *alive_ = false;
}

base::Status LabelDesk::start() {
    if (!parts_.context.config.printer.there()) {
        return {};
    }
    if (auto taken_up = queue_.start(); !taken_up) {
        return taken_up;
    }
    // A verdict that still stands: its label may wait to be scanned, or was never asked for.
    std::vector<LabelRow> known;
    std::vector<JobId> without;
    auto read = parts_.context.store.read_now([&](db::Tx& tx) -> base::Status {
        auto jobs =
            tx.all<JobId>("SELECT id FROM job WHERE outcome = 'PASS' AND acknowledged_ms IS NULL");
        if (!jobs) {
            return tl::unexpected<base::Error>(jobs.error());
        }
        for (const auto& [job] : *jobs) {
            auto label = labels::newest_label(tx, job);
            if (!label) {
                return tl::unexpected<base::Error>(label.error());
            }
            if (*label) {
                known.push_back(**label);
            } else {
                without.push_back(job);
            }
        }
        return {};
    });
    for (const LabelRow& label : known) {
        changed(label);
    }
    for (const JobId job : without) {
        passed(job);
    }
    return read;
}

void LabelDesk::changed(const LabelRow& label) {
    if (SlotActor* slot = parts_.slot_of_job(label.job)) {
        slot->label_changed(label);
    }
}

void LabelDesk::asked(const LabelRow& label) {
    changed(label);
    queue_.look(label);
}

void LabelDesk::passed(JobId job) {
    const labels::PrinterPlan& printer = parts_.context.config.printer;
    if (!printer.there() || printer.when != labels::When::at_once) {
        return;
    }
    ask(job, "", [job](const base::Result<Json>& asked) {
        if (!asked && asked.error().code != "request.conflict") {
            base::log_error("label of job {}: {}", job.value, asked.error().message);
        }
    });
}

Json LabelDesk::setup() const {
    const labels::PrinterPlan& printer = parts_.context.config.printer;
    if (!printer.there()) {
        return nullptr;
    }
    return {{"print", printer.when == labels::When::at_once ? "at_once" : "acknowledge"},
            {"verify", printer.verify}};
}

void LabelDesk::preview(JobId job, labels::Language language,
                        std::function<void(base::Result<std::string>)> done) {
    parts_.context.store.read<std::string>(
        [job, language, drawing = parts_.context.drawing](db::Tx& tx) -> base::Result<std::string> {
            auto subject = labels::subject_of(tx, job);
            if (!subject) {
                return tl::unexpected<base::Error>(subject.error());
            }
            auto document = labels::draw(*drawing, std::move(*subject));
            if (!document) {
                return tl::unexpected<base::Error>(document.error());
            }
            return labels::to_bytes(*document, language);
        },
        std::move(done));
}

void LabelDesk::write(std::function<base::Result<LabelRow>(db::Tx&)> work, Done done) {
    parts_.context.store.write<LabelRow>(
        std::move(work),
        [this, alive = alive_, done = std::move(done)](const base::Result<LabelRow>& label) {
            if (!label) {
                return done(tl::unexpected<base::Error>(label.error()));
            }
            if (*alive) {
                asked(*label);
            }
            done(json_of(*label));
        });
}

void LabelDesk::ask(JobId job, std::string actor, Done done) {
    if (!parts_.context.config.printer.there()) {
        return done(base::fail("request.conflict", "This station has no label printer"));
    }
    write(
        [job, actor = std::move(actor), stamp = parts_.context.stamp(),
         drawing = parts_.context.drawing](db::Tx& tx) -> base::Result<LabelRow> {
            auto label = ask_in(tx, stamp, job, *drawing, actor);
            if (!label) {
                return tl::unexpected<base::Error>(label.error());
            }
            return *label ? base::Result<LabelRow>(**label)
                          : base::fail("request.conflict", "This product gets no label");
        },
        std::move(done));
}

void LabelDesk::check(const std::string& slot, std::string code, std::string actor, Done done) {
    SlotActor* found = parts_.slot(slot);
    if (found == nullptr) {
        return done(base::fail("request.unknown", "There is no slot " + slot));
    }
    found->check_label(std::move(code), std::move(actor), std::move(done));
}

void LabelDesk::skip(const std::string& slot, std::string reason, std::string actor, Done done) {
    SlotActor* found = parts_.slot(slot);
    if (found == nullptr) {
        return done(base::fail("request.unknown", "There is no slot " + slot));
    }
    if (auto good = good_reason(reason); !good) {
        return done(tl::unexpected<base::Error>(good.error()));
    }
    found->skip_label(std::move(reason), std::move(actor), std::move(done));
}

void LabelDesk::copy(JobId job, std::string reason, std::string actor, Done done) {
    if (!parts_.context.config.printer.there()) {
        return done(base::fail("request.conflict", "This station has no label printer"));
    }
    if (auto good = good_reason(reason); !good) {
        return done(tl::unexpected<base::Error>(good.error()));
    }
    write(
        [job, reason = std::move(reason), actor = std::move(actor), stamp = parts_.context.stamp(),
         drawing = parts_.context.drawing](db::Tx& tx) -> base::Result<LabelRow> {
            auto label = template_of(tx, job, *drawing);
            if (!label) {
                return tl::unexpected<base::Error>(label.error());
            }
            if (label->empty()) {
                return base::fail("request.conflict", "This product gets no label");
            }
            return labels::ask_copy(tx, stamp, job, *label, reason, actor);
        },
        std::move(done));
}

void LabelDesk::again(std::int64_t label, std::string actor, Done done) {
    write([label, actor = std::move(actor), stamp = parts_.context.stamp()](
              db::Tx& tx) { return labels::label_again(tx, stamp, label, actor); },
          std::move(done));
}

void LabelDesk::found(std::int64_t label, std::string actor, Done done) {
    write([label, actor = std::move(actor), stamp = parts_.context.stamp()](
              db::Tx& tx) { return labels::label_found(tx, stamp, label, actor); },
          std::move(done));
}

void LabelDesk::print_badge(const std::string& holder, const base::Secret& code,
                            std::function<void(base::Status)> done) {
    labels::Template badge;
    badge.elements = {{labels::Use::qr, "{serial}", 2, 3, 19, 0},
                      {labels::Use::text, "{profile}", 23, 5, 5, 0},
                      {labels::Use::text, "{station}", 23, 13, 3, 0}};
    labels::Values values;
    values.serial = std::string(code.reveal());
    values.profile = holder;
    values.station = parts_.context.config.station_name;
    const auto& printer = parts_.context.config.printer;
    const auto document = labels::make_document(badge, values, false);
    auto bytes = document
                     ? labels::to_bytes(*document, printer.language)
                     : base::Result<std::string>(tl::unexpected<base::Error>(document.error()));
    if (!bytes) {
        return done(base::fail("label.failed", "Badge cannot be drawn"));
    }
    // What a printer's command complains of might be what it was given.
    queue_.print_now(std::move(*bytes), [done = std::move(done)](const base::Status& printed) {
        done(printed || printed.error().code != "label.failed"
                 ? printed
                 : base::Status(base::fail("label.failed",
                                           "Badge is not printed, and is revoked: look at the "
                                           "printer, then print another")));
    });
}

}  // namespace lineside::engine
