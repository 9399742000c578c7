// SPDX-License-Identifier: Apache-2.0
#include "station/labels/print_queue.h"

#include "station/base/log.h"

#include <fmt/format.h>

#include <utility>

namespace lineside::labels {
namespace {

constexpr std::size_t kMostOnce = 8;
constexpr std::chrono::milliseconds kRecordsAgain{1000};  // after a commit that failed
constexpr std::string_view kCutOff =
    "Station stopped while this label was being printed: it may be printed";

}  // namespace

base::Result<Document> draw(const Drawing& drawing, Subject subject) {
    const auto label = drawing.labels.find(subject.profile);
    if (label == drawing.labels.end()) {
        return base::fail("request.conflict", "This product gets no label");
    }
    Values& values = subject.values;
    const auto named = [&](std::string& id) {
        if (const auto name = drawing.names.find(id); name != drawing.names.end()) {
            id = name->second;
        }
    };
    named(values.model);
    named(values.profile);
    values.station = drawing.station;
    values.training = drawing.training;
    return make_document(label->second, values, drawing.strip);
}

PrintQueue::PrintQueue(QueueParts parts)
    : parts_(std::move(parts)), printer_(parts_.loop, parts_.printer), timer_(parts_.loop) {}

PrintQueue::~PrintQueue() {
    *alive_ = false;
}

base::Status PrintQueue::start() {
    if (!parts_.printer.there()) {
        return {};
    }
    auto done = parts_.store.write_now([&](db::Tx& tx) -> base::Status {
        auto waiting = waiting_labels(tx);
        if (!waiting) {
            return tl::unexpected<base::Error>(waiting.error());
        }
        for (const LabelRow& each : *waiting) {
            if (!each.begun) {
                continue;
            }
            auto failed = label_failed(tx, parts_.stamp(), each.id, std::string(kCutOff), true);
            if (!failed) {
                return tl::unexpected<base::Error>(failed.error());
            }
        }
        return {};
    });
    if (done) {
        count_failed();
        pump();
    }
    return done;
}

void PrintQueue::look(const LabelRow& label) {
    due_ms_.erase(label.id);
    count_failed();
    pump();
}

void PrintQueue::print_now(std::string bytes, std::function<void(base::Status)> done) {
    if (!parts_.printer.there()) {
        return done(base::fail("request.conflict", "This station has no label printer"));
    }
    if (once_.size() >= kMostOnce) {
        return done(base::fail("http.busy", "Much waits for the label printer"));
    }
    once_.push_back({std::move(bytes), std::move(done)});
    pump();
}

void PrintQueue::pump() {
    if (!parts_.printer.there()) {
        return;
    }
    if (busy_) {
        look_again_ = true;
        return;
    }
    busy_ = true;
    look_again_ = false;
    if (!once_.empty()) {
        Once once = std::move(once_.front());
        once_.pop_front();
        printer_.print(std::move(once.bytes), [this, done = std::move(once.done)](Printed printed) {
            busy_ = false;
            done(printed.ok ? base::Status()
                            : base::Status(base::fail("label.failed", printed.message)));
            pump();
        });
        return;
    }
    parts_.store.read<Found>(
        [due = due_ms_, now = mono_ms()](db::Tx& tx) -> base::Result<Found> {
            auto waiting = waiting_labels(tx);
            if (!waiting) {
                return tl::unexpected<base::Error>(waiting.error());
            }
            Found found{std::nullopt, base::fail("station.bug"), 0};
            for (const LabelRow& each : *waiting) {
                const auto at = due.find(each.id);
                if (at != due.end() && at->second > now) {
                    found.next_due_ms = found.next_due_ms == 0
                                            ? at->second
                                            : std::min(found.next_due_ms, at->second);
                    continue;
                }
                found.label = each;
                found.subject = subject_of(tx, each.job);
                break;
            }
            return found;
        },
        [this, alive = alive_](base::Result<Found> found) {
            if (!*alive) {
                return;
            }
            if (!found) {
                base::log_error("labels: {}", found.error().message);
                return later(kRecordsAgain);
            }
            took(std::move(*found));
        });
}

void PrintQueue::took(Found found) {
    if (!found.label) {
        busy_ = false;
        if (look_again_ || !once_.empty()) {
            pump();
        } else if (found.next_due_ms != 0) {
            later(std::chrono::milliseconds(
                std::max<std::int64_t>(found.next_due_ms - mono_ms(), 1)));
        }
        return;
    }
    const LabelRow label = *found.label;
    if (!found.subject) {
        return ended(label, {false, false, found.subject.error().message}, true);
    }
    print(label, *found.subject);
}

void PrintQueue::print(const LabelRow& label, const Subject& subject) {
    auto document = draw(parts_.drawing, subject);
    if (!document) {
        return ended(label, {false, false, document.error().message}, true);
    }
    auto bytes = to_bytes(*document, parts_.printer.language);
    if (!bytes) {
        return ended(label, {false, false, bytes.error().message}, true);
    }
    const std::int64_t now = parts_.clock.wall_ms();
    parts_.store.write<bool>(
        [now, id = label.id](db::Tx& tx) { return begin_try(tx, now, id); },
        [this, alive = alive_, label, bytes = std::move(*bytes)](base::Result<bool> begun) mutable {
            if (!*alive) {
                return;
            }
            if (!begun) {
                base::log_error("labels: {}", begun.error().message);
                return later(kRecordsAgain);
            }
            if (!*begun) {
                busy_ = false;
                return pump();
            }
            printer_.print(std::move(bytes),
                           [this, label](const Printed& printed) { ended(label, printed, false); });
        });
}

void PrintQueue::ended(const LabelRow& label, const Printed& printed, bool for_good) {
    const auto stamp = parts_.stamp();
    const std::int64_t tries = label.tries + 1;
    const bool again = !printed.ok && !printed.doubt && !for_good && tries < kTries;
    if (printed.ok) {
        due_ms_.erase(label.id);
        return write(
            [stamp, id = label.id](db::Tx& tx) { return label_printed(tx, stamp, id, ""); });
    }
    base::log_warning("label of job {}: {}", label.job.value, printed.message);
    if (!again) {
        due_ms_.erase(label.id);
        return write([stamp, id = label.id, printed](db::Tx& tx) {
            return label_failed(tx, stamp, id, printed.message, printed.doubt);
        });
    }
    due_ms_[label.id] = mono_ms() + (parts_.pause.count() << (tries - 1));
    write([label, message = printed.message](db::Tx& tx) -> base::Result<LabelRow> {
        if (auto told = tried_in_vain(tx, label.id, message); !told) {
            return tl::unexpected<base::Error>(told.error());
        }
        LabelRow now = label;
        now.message = message;
        return now;
    });
}

// What became of a label is written until it is: else it would be printed twice.
void PrintQueue::write(std::function<base::Result<LabelRow>(db::Tx&)> work) {
    parts_.store.write<LabelRow>(work, [this, alive = alive_, work](base::Result<LabelRow> now) {
        if (!*alive) {
            return;
        }
        if (!now) {
            base::log_error("labels: {}", now.error().message);
            timer_.expires_after(kRecordsAgain);
            timer_.async_wait([this, alive, work](const boost::system::error_code& error) {
                if (!error && *alive) {
                    write(work);
                }
            });
            return;
        }
        busy_ = false;
        parts_.changed(*now);
        count_failed();
        pump();
    });
}

void PrintQueue::later(std::chrono::milliseconds wait) {
    busy_ = false;
    timer_.expires_after(wait);
    timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
        if (!error && *alive) {
            pump();
        }
    });
}

void PrintQueue::count_failed() {
    parts_.store.read<bool>(
        [](db::Tx& tx) {
            return tx.any(
                "SELECT 1 FROM label l WHERE l.state = 'failed' AND l.copy = (SELECT max(copy) "
                "FROM "
                "label WHERE job_id = l.job_id)");
        },
        [this, alive = alive_](base::Result<bool> some) {
            if (*alive && some) {
                parts_.failing(*some);
            }
        });
}

}  // namespace lineside::labels
