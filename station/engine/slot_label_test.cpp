// SPDX-License-Identifier: Apache-2.0
// When a label is asked for, what the tile says of it, and that no verdict hangs on a printer.
#include "station/engine/label_desk.h"
#include "station/engine/line_fixture.h"
#include "station/labels/fake_printer.h"

namespace lineside::engine::testing {
namespace {

using labels::FakePrinter;

class LabelTest : public LineTest {
  protected:
    void SetUp() override {
        LineTest::SetUp();
        printer = std::make_unique<FakePrinter>(loop);
        config.printer.address = printer->address();
        config.printer.silence = std::chrono::milliseconds(200);
        config.labels["camera"] = labels::default_template();
        patience.print_again = std::chrono::milliseconds(5);
    }
    void TearDown() override {
        LineTest::TearDown();
        printer.reset();
    }
    void printed(std::size_t count) {
        run_until("the label", [&] { return printer->labels.size() == count; });
    }
    void label_state(const std::string& state) {
        run_until("a label that is " + state, [&] {
            clock.advance_ms(20);
            return sql("SELECT state FROM label ORDER BY id DESC") == state;
        });
    }
    base::Result<Json> check(const std::string& slot, const std::string& code) {
        return ask([&](Done done) { engine->labels()->check(slot, code, "ana", std::move(done)); });
    }
    base::Result<std::string> picture(labels::Language language) {
        base::Result<std::string> picture = std::string();
        ask([&](const Done& done) {
            engine->labels()->preview(base::JobId(1), language,
                                      [&picture, done](base::Result<std::string> drawn) {
                                          picture = std::move(drawn);
                                          done(Json());
                                      });
        });
        return picture;
    }
    void next_unit(const std::string& slot) {
        bus->unplug(slot);
        bus->plug(slot);
        settle();
        clock.advance_ms(5000);
    }
    std::unique_ptr<FakePrinter> printer;
};

TEST_F(LabelTest, TheLabelOfATrainingStationSaysSo) {
    config.use = config::Use::training;
    open_line();
    to_pass("1");
    bus->unplug("1");
    ASSERT_TRUE(acknowledge("1"));
    printed(1);
    EXPECT_NE(printer->labels[0].find("TRAINING"), std::string::npos);
}

TEST_F(LabelTest, AcknowledgingAPassPrintsItsLabel) {
    open_line();
    to_pass("1");
    settle();
    EXPECT_EQ(printer->labels.size(), 0U);
    bus->unplug("1");
    ASSERT_TRUE(acknowledge("1"));
    EXPECT_EQ(state("1"), "empty");
    printed(1);
    EXPECT_NE(printer->labels[0].find("SN-1"), std::string::npos);
    label_state("printed");
    EXPECT_EQ(sql("SELECT asked_by FROM label"), "ana");
}

TEST_F(LabelTest, AcknowledgingAFailPrintsNone) {
    open_line();
    to_fail("1");
    bus->unplug("1");
    ASSERT_TRUE(acknowledge("1"));
    settle();
    EXPECT_EQ(sql("SELECT count(*) FROM label"), "0");
    const auto asked =
        ask([&](Done done) { engine->labels()->ask(base::JobId(1), "ana", std::move(done)); });
    ASSERT_FALSE(asked);
    EXPECT_EQ(asked.error().message, "A label is printed after PASS");
    EXPECT_FALSE(picture(labels::Language::svg));
}

TEST_F(LabelTest, AllPassedAtOncePrintAll) {
    open_line();
    to_pass("1");
    to_pass("2");
    bus->unplug("1");
    bus->unplug("2");
    ask([&](Done done) { engine->acknowledge_passed({"ana", ""}, std::move(done)); });
    printed(2);
}

TEST_F(LabelTest, TheNextUnitInTheSlotAsksForTheLabelBeforeIt) {
    open_line();
    to_pass("1");
    clock.advance_ms(5000);
    next_unit("1");
    printed(1);
    EXPECT_EQ(sql("SELECT asked_by FROM label"), "next unit");
}

TEST_F(LabelTest, AtOnceItIsPrintedWithTheSlotsStrip) {
    config.printer.when = labels::When::at_once;
    open_line();
    to_pass("2");
    printed(1);
    EXPECT_NE(printer->labels[0].find("SLOT 2"), std::string::npos);
    EXPECT_EQ(state("2"), "pass");
    bus->unplug("2");
    ASSERT_TRUE(acknowledge("2"));
    settle();
    EXPECT_EQ(sql("SELECT count(*) FROM label"), "1");
}

TEST_F(LabelTest, APrinterThatIsAwayChangesNoVerdictAndTryAgainPrints) {
    open_line();
    const std::string there = config.printer.address;
    printer.reset();
    to_pass("1");
    bus->unplug("1");
    ASSERT_TRUE(acknowledge("1"));
    EXPECT_EQ(state("1"), "empty");
    label_state("failed");
    EXPECT_EQ(sql("SELECT outcome || acknowledged_by FROM job"), "PASSana");
    run_until("the alarm", [&] {
        const Json alarms = engine->wall()["station"]["alarms"];
        return !alarms.empty() && alarms[0]["code"] == "label.failed";
    });
    printer = std::make_unique<FakePrinter>(loop);
    config.printer.address = printer->address();
    restart({});
    settle();
    EXPECT_EQ(printer->labels.size(), 0U) << "what failed waits for a person";
    ASSERT_TRUE(ask([&](Done done) { engine->labels()->again(1, "ana", std::move(done)); }));
    printed(1);
    run_until("the alarm's end", [&] { return engine->wall()["station"]["alarms"].empty(); });
}

TEST_F(LabelTest, AHangingPrinterHoldsUpNoUnit) {
    printer->hangs = true;
    open_line();
    to_pass("1");
    bus->unplug("1");
    ASSERT_TRUE(acknowledge("1"));
    to_pass("2");
    EXPECT_EQ(state("2"), "pass");
    label_state("failed");
}

TEST_F(LabelTest, WhereItIsCheckedTheTileClearsWithTheRightLabelOnly) {
    config.printer.verify = true;
    open_line();
    to_pass("1");
    to_pass("2");
    bus->unplug("1");
    bus->unplug("2");
    EXPECT_FALSE(check("1", "SN-1")) << "none was printed yet";
    ASSERT_TRUE(acknowledge("1"));
    run_until("the label", [&] { return tile("1")["reason"] == "Label is printed"; });
    EXPECT_EQ(tile("1")["ack"], "label");
    EXPECT_EQ(tile("1")["outcome"], "PASS");
    EXPECT_FALSE(acknowledge("1"));
    const auto wrong = check("1", "SN-2");
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, "label.wrong");
    EXPECT_EQ(tile("1")["code"], "label.wrong");
    EXPECT_EQ(tile("1")["display_code"], "E46");
    EXPECT_EQ(tile("1")["action"], "Take right label");
    EXPECT_EQ(tile("1")["outcome"], "PASS");
    ASSERT_TRUE(check("1", " SN-1 "));
    EXPECT_EQ(state("1"), "empty");
    EXPECT_EQ(state("2"), "pass") << "another slot's label is its own matter";
    EXPECT_EQ(sql("SELECT checked_by FROM label WHERE job_id = 1"), "ana");
    EXPECT_EQ(
        sql("SELECT group_concat(kind) FROM (SELECT kind FROM event WHERE job_id = 1 AND (kind "
            "LIKE 'label.%' OR kind = 'job.acknowledged') ORDER BY seq)"),
        "label.asked,label.printed,label.wrong,label.checked,job.acknowledged");
}

TEST_F(LabelTest, WhereItIsCheckedTheNextUnitWaitsForIt) {
    config.printer.verify = true;
    open_line();
    to_pass("1");
    clock.advance_ms(5000);
    next_unit("1");
    printed(1);
    run_until("the label", [&] { return tile("1")["reason"] == "Label is printed"; });
    EXPECT_EQ(tile("1")["note"], "Slot 1: scan the label first");
    ASSERT_TRUE(check("1", "SN-1"));
    run_until("the next unit", [&] { return state("1") == "flashing"; });
}

TEST_F(LabelTest, WhereItIsCheckedARestartStillWaitsForIt) {
    config.printer.verify = true;
    open_line();
    to_pass("1");
    bus->unplug("1");
    ASSERT_TRUE(acknowledge("1"));
    label_state("printed");
    restart({});
    EXPECT_EQ(tile("1")["reason"], "Label is printed");
    ASSERT_TRUE(check("1", "SN-1"));
    EXPECT_EQ(state("1"), "empty");
    EXPECT_EQ(printer->labels.size(), 1U);
}

TEST_F(LabelTest, ALabelThatCannotBePrintedIsSkippedWithAReason) {
    config.printer.verify = true;
    open_line();
    printer.reset();
    to_pass("1");
    bus->unplug("1");
    ASSERT_TRUE(acknowledge("1"));
    label_state("failed");
    run_until("the tile", [&] { return tile("1")["code"] == "label.failed"; });
    const auto skip = [&](const char* reason) {
        return ask([&](Done done) { engine->labels()->skip("1", reason, "max", std::move(done)); });
    };
    EXPECT_EQ(skip(" ").error().code, "request.invalid");
    ASSERT_TRUE(skip("printer in repair"));
    EXPECT_EQ(state("1"), "empty");
    EXPECT_EQ(sql("SELECT json_extract(data, '$.reason') FROM event WHERE kind = 'label.skipped'"),
              "printer in repair");
}

TEST_F(LabelTest, AnotherCopyHasItsReasonAndThePictureIsTheLabels) {
    open_line();
    to_pass("1");
    bus->unplug("1");
    ASSERT_TRUE(acknowledge("1"));
    label_state("printed");
    const auto copy = [&](const char* reason) {
        return ask([&](Done done) {
            engine->labels()->copy(base::JobId(1), reason, "quy", std::move(done));
        });
    };
    EXPECT_EQ(copy("").error().code, "request.invalid");
    EXPECT_EQ(copy("torn").value()["copy"], 2);
    printed(2);
    const std::string svg = picture(labels::Language::svg).value();
    EXPECT_NE(svg.find(">SN-1</text>"), std::string::npos);
    EXPECT_EQ(svg.find("token"), std::string::npos);
    EXPECT_EQ(picture(labels::Language::pdf).value().substr(0, 5), "%PDF-");
}

TEST_F(LabelTest, WithoutAPrinterNothingIsAskedFor) {
    config.printer = {};
    open_line();
    to_pass("1");
    bus->unplug("1");
    ASSERT_TRUE(acknowledge("1"));
    settle();
    EXPECT_EQ(sql("SELECT count(*) FROM label"), "0");
    EXPECT_TRUE(engine->labels()->setup().is_null());
}

}  // namespace
}  // namespace lineside::engine::testing
