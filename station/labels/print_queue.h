// SPDX-License-Identifier: Apache-2.0
// Prints what waits in the table `label`, one at a time, and writes down what became of it. A
// printer that is away or hangs costs bounded tries with growing pauses, then the label fails and
// stays in the list; no verdict waits for it. Thread: the io_context's.
// Survives a crash: waiting labels are taken up again, but one whose bytes had begun to leave
// fails, saying that it may be printed: nobody gets two labels of one unit unawares.
#pragma once

#include "station/base/clock.h"
#include "station/db/store.h"
#include "station/labels/document.h"
#include "station/labels/label_rows.h"
#include "station/labels/printer.h"

#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace lineside::labels {

// What the labels of a station look like.
struct Drawing {
    std::string station;
    bool training = false;
    bool strip = false;                        // with the slot's number to tear off
    std::map<std::string, Template> labels;    // by profile; a profile that is not there gets none
    std::map<std::string, std::string> names;  // of profiles and models, for people
};
// Errors: request.conflict (the product gets no label), label.content.
[[nodiscard]] base::Result<Document> draw(const Drawing& drawing, Subject subject);

struct QueueParts {
    boost::asio::io_context& loop;
    db::Store& store;
    const base::Clock& clock;
    std::function<journal::Stamp()> stamp;
    PrinterPlan printer;
    Drawing drawing;
    std::function<void(const LabelRow&)> changed;  // a label is printed, failed or waits again
    std::function<void(bool failing)> failing;     // labels that failed are in the list, or none
    std::chrono::milliseconds pause{2000};         // after the first try in vain, then doubled
};

class PrintQueue {
  public:
    explicit PrintQueue(QueueParts parts);
    ~PrintQueue();
    PrintQueue(const PrintQueue&) = delete;
    PrintQueue& operator=(const PrintQueue&) = delete;

    static constexpr int kTries = 5;

    // Takes up what the life before left. Errors: db.failed.
    [[nodiscard]] base::Status start();
    // A label was asked for, or changed by a person.
    void look(const LabelRow& label);
    [[nodiscard]] const Drawing& drawing() const { return parts_.drawing; }
    [[nodiscard]] const PrinterPlan& printer() const { return parts_.printer; }
    // What is no unit's label: once, before all else, kept nowhere. At most eight wait.
    // Errors: http.busy, label.failed with the printer's message.
    void print_now(std::string bytes, std::function<void(base::Status)> done);

  private:
    struct Found {
        std::optional<LabelRow> label;
        base::Result<Subject> subject;
        std::int64_t next_due_ms = 0;  // 0: nothing waits
    };
    void pump();
    void took(Found found);
    void print(const LabelRow& label, const Subject& subject);
    void ended(const LabelRow& label, const Printed& printed, bool for_good);
    void write(std::function<base::Result<LabelRow>(db::Tx&)> work);
    void later(std::chrono::milliseconds wait);
    void count_failed();
    [[nodiscard]] std::int64_t mono_ms() const { return parts_.clock.mono_ns() / 1'000'000; }

    QueueParts parts_;
    Printer printer_;
    bool busy_ = false;
    bool look_again_ = false;
    std::map<std::int64_t, std::int64_t> due_ms_;  // of labels tried in vain, monotonic
    struct Once {
        std::string bytes;
        std::function<void(base::Status)> done;
    };
    std::deque<Once> once_;
    boost::asio::steady_timer timer_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace lineside::labels
