// SPDX-License-Identifier: Apache-2.0
#include "station/journal/journal.h"
#include "station/journal/recovery.h"

#include "station/db/store.h"

#include <gtest/gtest.h>

namespace lineside::journal {
namespace {

class Journal : public testing::Test {
  protected:
    void SetUp() override {
        file_ = std::filesystem::path(testing::TempDir()) /
                fmt::format("journal_{}_{}.db", ::getpid(),
                            testing::UnitTest::GetInstance()->current_test_info()->name());
        std::filesystem::remove(file_);
        auto store = db::Store::open(loop_, file_);
        ASSERT_TRUE(store) << store.error().message;
        store_ = std::move(*store);
        in_tx([&](Tx& tx) -> Status {
            auto recovered = recover(tx, stamp_, "test");
            EXPECT_TRUE(recovered);
            stamp_.epoch = recovered->epoch;
            EXPECT_TRUE(tx.run("INSERT INTO pool (name) VALUES ('p')"));
            EXPECT_TRUE(
                tx.run("INSERT INTO orders (name, profile, model, pool_id, quantity, state, "
                       "opened_ms, opened_by)"
                       " VALUES ('o', 'p', 'nx', 1, 10, 'open', 1, 'me')"));
            return {};
        });
    }
    void TearDown() override {
        store_.reset();
        std::filesystem::remove(file_);
    }
    void in_tx(const std::function<Status(Tx&)>& work) {
        auto done = store_->write_now(work);
        ASSERT_TRUE(done) << done.error().message;
    }
    OpenedJob open(Tx& tx, const std::string& slot) {
        auto opened =
            open_job(tx, stamp_,
                     {slot, "port-" + slot, "nx", base::OrderId(1), "", "plug-in", std::nullopt});
        EXPECT_TRUE(opened) << opened.error().message;
        return *opened;
    }

    boost::asio::io_context loop_{1};
    std::filesystem::path file_;
    std::unique_ptr<db::Store> store_;
    Stamp stamp_{1'000'000, 5, "boot", 0};
    static core::StepPlan flash_plan() {
        core::StepPlan plan;
        plan.name = "flash";
        plan.method = "jetson-usb";
        return plan;
    }
    core::StepPlan flash_ = flash_plan();
};

TEST_F(Journal, A_pass_without_proof_is_refused_by_the_schema) {
    auto refused = store_->write_now([&](Tx& tx) -> Status {
        const auto job = open(tx, "1");
        auto closed = close_job(tx, stamp_, job.job, "1", {core::Outcome::pass, std::nullopt});
        return closed ? Status{} : Status(tl::unexpected<base::Error>(closed.error()));
    });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "lease.refused");
}

TEST_F(Journal, A_known_chip_takes_the_job_over) {
    in_tx([&](Tx& tx) -> Status {
        const auto first = open(tx, "1");
        EXPECT_TRUE(bind_chip(tx, stamp_, first.job, first.unit, "1", "0xaa"));
        EXPECT_TRUE(close_job(tx, stamp_, first.job, "1",
                              {core::Outcome::error, base::make_error("usb.left")}));
        const auto second = open(tx, "2");
        EXPECT_NE(second.unit, first.unit);
        auto bound = bind_chip(tx, stamp_, second.job, second.unit, "2", "0xaa");
        EXPECT_TRUE(bound && bound->known);
        EXPECT_EQ(bound->unit, first.unit);
        // Told twice, by fact and by ask, with the unit the caller knew first.
        auto again = bind_chip(tx, stamp_, second.job, second.unit, "2", "0xaa");
        EXPECT_TRUE(again && again->known && !again->live_elsewhere);
        EXPECT_EQ(again->unit, first.unit);
        auto attempt = tx.one<int>("SELECT attempt FROM job WHERE id = ?1", second.job);
        EXPECT_EQ(std::get<0>(**attempt), 2);
        return {};
    });
}

TEST_F(Journal, Two_live_units_with_one_chip_are_noticed) {
    in_tx([&](Tx& tx) -> Status {
        const auto first = open(tx, "1");
        EXPECT_TRUE(bind_chip(tx, stamp_, first.job, first.unit, "1", "0xaa"));
        const auto second = open(tx, "2");
        auto bound = bind_chip(tx, stamp_, second.job, second.unit, "2", "0xaa");
        EXPECT_TRUE(bound && bound->live_elsewhere == first.job);
        return {};
    });
}

TEST_F(Journal, A_new_life_interrupts_what_was_open) {
    in_tx([&](Tx& tx) -> Status {
        const auto job = open(tx, "1");
        EXPECT_TRUE(start_step(tx, stamp_, job.job, "1", 0, flash_, core::JobState::flashing));
        auto recovered = recover(tx, stamp_, "test");
        EXPECT_TRUE(recovered);
        EXPECT_EQ(recovered->epoch, stamp_.epoch + 1);
        EXPECT_EQ(recovered->interrupted.size(), 1U);
        EXPECT_FALSE(recovered->interrupted[0].flashed);
        EXPECT_EQ(recovered->interrupted[0].step_attempt, 1);
        return {};
    });
}

TEST_F(Journal, A_clock_that_went_back_is_written_down) {
    in_tx([&](Tx& tx) -> Status {
        EXPECT_TRUE(append(tx, stamp_, {"a", "", {}, {}, "", base::Json::object()}));
        Stamp earlier = stamp_;
        earlier.at_ms -= 1000;
        EXPECT_TRUE(append(tx, earlier, {"b", "", {}, {}, "", base::Json::object()}));
        auto noted = tx.one<int>("SELECT count(*) FROM event WHERE kind = 'clock.went_back'");
        EXPECT_EQ(std::get<0>(**noted), 1);
        return {};
    });
}

TEST_F(Journal, Once_marks_belong_to_a_flash) {
    in_tx([&](Tx& tx) -> Status {
        const auto job = open(tx, "1");
        EXPECT_FALSE(once_begin(tx, stamp_, job.job, "set-nvme")) << "nothing is flashed yet";
        EXPECT_TRUE(start_step(tx, stamp_, job.job, "1", 0, flash_, core::JobState::flashing));
        EXPECT_TRUE(end_step(tx, stamp_, job.job, "1", 0, std::nullopt, false, 0));
        EXPECT_EQ(once_begin(tx, stamp_, job.job, "set-nvme").value(), "new");
        EXPECT_EQ(once_begin(tx, stamp_, job.job, "set-nvme").value(), "begun");
        EXPECT_TRUE(once_done(tx, stamp_, job.job, "set-nvme"));
        EXPECT_EQ(once_begin(tx, stamp_, job.job, "set-nvme").value(), "done");
        return {};
    });
}

}  // namespace
}  // namespace lineside::journal
