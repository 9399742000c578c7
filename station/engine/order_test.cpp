// SPDX-License-Identifier: Apache-2.0
// Orders and releases of images: what may start, what may not, and what the records say of it.
#include "station/engine/line_fixture.h"
#include "station/engine/order_terms.h"

namespace lineside::engine::testing {
namespace {

class Orders : public LineTest {
  protected:
    Json say(const std::string& kind, const std::string& who, const std::string& reason = "") {
        const auto said = ask([&](Done done) {
            engine->say_of_image({FakeLauncher::key(), kind, reason}, {who, ""}, std::move(done));
        });
        return said ? *said : Json{{"code", said.error().code}, {"message", said.error().message}};
    }
    Json change(const std::string& state, const std::string& reason = "",
                const std::string& order = "o1") {
        const auto changed = ask([&](Done done) {
            engine->change_order({order, state, reason}, {"mia", ""}, std::move(done));
        });
        return changed ? *changed
                       : Json{{"code", changed.error().code}, {"message", changed.error().message}};
    }
    std::string why(const std::string& slot) {
        return tile(slot)["reason"].is_string() ? tile(slot)["reason"] : Json("");
    }
    std::string image() { return FakeLauncher::key().substr(0, 12); }
    int jobs() { return std::stoi(sql("SELECT count(*) FROM job")); }
    void waits(const std::string& slot, const std::string& reason) {
        run_until(reason, [&] { return why(slot) == reason; });
        settle();
        EXPECT_EQ(state(slot), "waiting");
    }
};

TEST_F(Orders, Two_people_release_an_image_then_a_unit_starts) {
    config.release = config::ReleasePolicy::two;
    open_line();
    bus->plug("1");
    waits("1", "Image " + image() + " is not released");
    EXPECT_EQ(engine->wall()["station"]["state"], "blocked");
    EXPECT_EQ(engine->wall()["station"]["reason"], why("1"));
    EXPECT_EQ(say("release", "ana")["release"]["missing"], 1);
    waits("1", "Image " + image() + " waits for a second release");
    const Json again = say("release", "Ana");
    EXPECT_EQ(again["code"], "request.conflict");
    EXPECT_NE(again["message"].get<std::string>().find("another person"), std::string::npos);
    EXPECT_EQ(jobs(), 0);
    EXPECT_EQ(say("release", "ben")["release"]["may_start"], true);
    worker(1, "flash");
    EXPECT_EQ(sql("SELECT image_release || ':' || image_released_by || ':' || "
                  "coalesce(image_release_reason, '-') FROM job"),
              "two:ana, ben:-");
    EXPECT_EQ(sql("SELECT json_extract(data, '$.release') FROM event WHERE kind = 'job.queued'"),
              "two");
}

TEST_F(Orders, What_is_done_before_the_flash_is_in_force_for_every_unit_of_the_order) {
    core::PreStep ap{"set-wifi-ap", {{"address", "10.0.0.1"}, {"ssid", "Line"}}, {}};
    ap.secrets["password"] = base::Secret("hunter2-of-ap");
    config.profiles[0].prepare = {{"install-mcutool", {{"enabled", true}}, {}}, ap};
    const Json in_force{
        {"install-mcutool", {{"enabled", true}}},
        {"set-wifi-ap", {{"address", "10.0.0.1"}, {"ssid", "Line"}, {"password", "set"}}}};
    image_in_force = in_force;
    open_line();
    // The worker is told once for the key and once for the one build, the password apart.
    ASSERT_EQ(launcher->image_modes, (std::vector<std::string>{"key", "build"}));
    for (const protocol::JobLine& job : launcher->image_jobs) {
        EXPECT_EQ(
            job.params["prepare"][1],
            (Json{{"step", "set-wifi-ap"}, {"args", {{"address", "10.0.0.1"}, {"ssid", "Line"}}}}));
        EXPECT_EQ(job.secrets, (Json{{"set-wifi-ap.password", "hunter2-of-ap"}}));
    }
    EXPECT_EQ(engine->status()["orders"][0]["in_force"], in_force);
    to_pass("1");
    to_pass("2");
    EXPECT_EQ(launcher->image_modes.size(), 2U) << "built once, for all";
    EXPECT_EQ(
        sql("SELECT count(*) || ':' || min(json_extract(data, '$.steps')) FROM event WHERE kind = "
            "'job.prepared'"),
        "2:install-mcutool, set-wifi-ap");
    EXPECT_EQ(Json::parse(sql("SELECT json_extract(data, '$.in_force') FROM event WHERE kind = "
                              "'image.built'")),
              in_force);
    EXPECT_EQ(sql("SELECT count(*) FROM event WHERE data LIKE '%hunter2%'"), "0");
    restart({});
    run_until("the image is verified",
              [&] { return engine->status()["orders"][0]["image_ready"] == true; });
    EXPECT_EQ(engine->status()["orders"][0]["in_force"], in_force) << "told by the image itself";
    change("closed", "done");
    EXPECT_EQ(engine->status()["orders"], Json::array()) << "closing resets";
    // Another password is another recipe.
    const auto terms = recipe_terms(config.profiles[0]);
    config.profiles[0].prepare[1].secrets["password"] = base::Secret("hunter3-of-ap");
    EXPECT_EQ(changed_terms(*terms, *recipe_terms(config.profiles[0])),
              "step 2, set-wifi-ap: password");
}

TEST_F(Orders, An_image_that_does_not_hold_what_was_asked_for_is_not_used) {
    config.profiles[0].prepare = {{"install-mcutool", {{"enabled", true}}, {}}};
    open_order("SN-1,token-1-secret\n");
    run_until("the image is refused",
              [&] { return engine->status()["orders"][0]["image_error"].is_string(); });
    EXPECT_NE(engine->status()["orders"][0]["image_error"].get<std::string>().find("does not hold"),
              std::string::npos);
    bus->plug("1");
    settle();
    EXPECT_EQ(jobs(), 0);
}

TEST_F(Orders, One_person_is_enough_where_the_policy_says_so) {
    config.release = config::ReleasePolicy::one;
    open_line();
    bus->plug("1");
    waits("1", "Image " + image() + " is not released");
    EXPECT_EQ(say("emergency", "ana", "x")["code"], "request.conflict");
    say("release", "ana");
    worker(1, "flash");
    EXPECT_EQ(sql("SELECT image_release || ':' || image_released_by FROM job"), "one:ana");
}

TEST_F(Orders, An_emergency_says_why_on_record_and_certificate) {
    config.release = config::ReleasePolicy::two;
    open_line();
    EXPECT_EQ(say("emergency", "ana")["code"], "request.invalid");
    EXPECT_EQ(say("emergency", "ana", "line stands still")["release"]["how"], "emergency");
    to_pass("1");
    EXPECT_EQ(sql("SELECT image_release || ':' || image_released_by || ':' || "
                  "image_release_reason FROM record_v1"),
              "emergency:ana:line stands still");
    const Json certificate = Json::parse(sql("SELECT body FROM certificate"));
    EXPECT_EQ(certificate["image_release"],
              (Json{{"how", "emergency"}, {"by", "ana"}, {"reason", "line stands still"}}));
    // Two people later make it a plain release.
    say("release", "ana");
    EXPECT_EQ(say("release", "ben")["release"]["how"], "two");
}

TEST_F(Orders, A_withdrawal_stops_new_units_whatever_the_policy) {
    open_line();
    to_flash("1");
    EXPECT_EQ(say("withdrawal", "ana")["code"], "request.invalid");
    EXPECT_EQ(say("withdrawal", "ana", "wrong firmware")["release"]["withdrawn"], true);
    EXPECT_EQ(say("withdrawal", "ana", "again")["code"], "request.conflict");
    bus->plug("2");
    waits("2", "Image " + image() + " was withdrawn");
    EXPECT_EQ(state("1"), "flashing") << "a unit at work finishes";
    say("release", "ben");
    run_until("the second unit", [&] { return jobs() == 2; });
}

// The engine has not heard of it yet when the commit that opens the job reads the table.
TEST_F(Orders, A_withdrawal_and_a_start_do_not_cross) {
    open_line();
    const auto write = [&](const std::string& statement) {
        bool written = false;
        store->write<int>(
            [statement](db::Tx& tx) -> base::Result<int> {
                if (auto done = tx.run(statement); !done) {
                    return tl::unexpected<base::Error>(done.error());
                }
                return 0;
            },
            [&](const base::Result<int>& done) { written = done.has_value(); });
        run_until("the write", [&] { return written; });
    };
    write(
        "INSERT INTO image_release (image_id, kind, by_user, at_ms, reason) VALUES ((SELECT "
        "image_id FROM orders), 'withdrawal', 'eve', 1, 'bad')");
    bus->plug("1");
    settle();
    EXPECT_EQ(jobs(), 0);
    EXPECT_TRUE(engine->wall()["station"]["alarms"].empty());
    write(
        "INSERT INTO image_release (image_id, kind, by_user, at_ms) VALUES ((SELECT image_id FROM "
        "orders), 'release', 'ben', 2)");
    worker(1, "flash");
}

TEST_F(Orders, A_unit_that_waits_in_line_does_not_begin_after_a_withdrawal) {
    config.limits.jobs = 1;
    open_line();
    FakeWorker& first = to_flash("1");
    bus->plug("2");
    run_until("the line", [&] { return tile("2")["position_in_line"] == 1; });
    say("withdrawal", "ana", "wrong firmware");
    first.fail("usb.link");
    run_until("its end", [&] { return state("2") == "error"; });
    EXPECT_EQ(tile("2")["code"], "image.not_released");
    EXPECT_EQ(launcher->workers.size(), 1U);
}

TEST_F(Orders, A_paused_order_starts_nothing_and_says_so) {
    open_line();
    FakeWorker& first = to_flash("1");
    EXPECT_EQ(change("paused")["state"], "paused");
    EXPECT_EQ(change("paused")["code"], "request.conflict");
    bus->plug("2");
    waits("2", "Order o1 is paused");
    EXPECT_EQ(engine->wall()["station"]["reason"], "Order o1 is paused");
    EXPECT_EQ(state("1"), "flashing");
    restart({});
    run_until("the image", [&] { return order_is_ready(); });
    bus->plug("2");
    waits("2", "Order o1 is paused");
    (void)first;
    change("open");
    run_until("the unit", [&] { return jobs() == 2; });
    EXPECT_EQ(sql("SELECT count(*) FROM event WHERE kind IN ('order.paused', 'order.resumed')"),
              "2");
}

TEST_F(Orders, A_closed_order_is_accounted_for_and_its_units_finish) {
    open_line();
    to_pass("1");
    bus->unplug("1");
    acknowledge("1");
    to_fail("2");
    FakeWorker& last = to_reading("3");
    EXPECT_EQ(change("closed")["code"], "request.invalid");
    const Json closed = change("closed", "customer took the rest back");
    EXPECT_EQ(
        closed["account"],
        (Json{{"quantity", 100}, {"units", 3}, {"passed", 1}, {"failed", 1}, {"in_work", 1}}));
    EXPECT_EQ(sql("SELECT ended_by || ':' || end_reason FROM orders"),
              "mia:customer took the rest back");
    bus->plug("1");
    waits("1", "No order is open for Xavier NX");
    last.say(protocol::Proof{"serial", {{"serial", tile("3")["serial"]}}});
    last.ok();
    run_until("PASS", [&] { return state("3") == "pass"; });
    EXPECT_EQ(change("open")["code"], "request.conflict");
    EXPECT_EQ(change("closed", "x", "none")["code"], "request.unknown");
}

TEST_F(Orders, Each_refusal_names_its_field_and_nothing_is_done) {
    open_line();
    const auto refusal = [&](OrderOpening opening) {
        const auto opened = ask([&](Done done) {
            engine->open_order(std::move(opening), {"mia", ""}, std::move(done));
        });
        return opened ? std::string("opened")
                      : opened.error().message.substr(0, opened.error().message.find(':'));
    };
    EXPECT_EQ(refusal({"a b", "camera", "p", 1, true}), "name");
    EXPECT_EQ(refusal({"o1", "camera", "p", 1, true}), "name");
    EXPECT_EQ(refusal({"o2", "toaster", "p", 1, true}), "profile");
    EXPECT_EQ(refusal({"o2", "camera", "none", 1, true}), "pool");
    EXPECT_EQ(refusal({"o2", "camera", "p", 0, true}), "quantity");
    EXPECT_EQ(sql("SELECT count(*) || ':' || max(state) FROM orders"), "1:open");
    EXPECT_EQ(refusal({"o2", "camera", "p", 1, true}), "opened");
    EXPECT_EQ(sql("SELECT state || ':' || end_reason FROM orders WHERE name = 'o1'"),
              "closed:order o2 takes its place");
}

TEST_F(Orders, Nothing_starts_under_another_recipe_than_the_order_was_opened_with) {
    plan(2).params = {{"ssid", "Camera"}};
    plan(2).secrets.emplace("password", base::Secret("geheim-1"));
    open_line();
    EXPECT_EQ(sql("SELECT instr(recipe, 'geheim') FROM orders"), "0");
    plan(2).silence = std::chrono::seconds(7);  // how long it may take is no term
    restart({});
    run_until("the image", [&] { return order_is_ready(); });
    EXPECT_EQ(engine->status()["orders"][0]["changed"], nullptr);
    plan(2).secrets.at("password") = base::Secret("geheim-2");
    restart({{"1", kRecovery}});
    const std::string told =
        "Order o1: its recipe is another one now (step 3, set-serial: password): put it back in "
        "station.toml, or close the order and open another";
    waits("1", told);
    EXPECT_EQ(engine->wall()["station"]["reason"], told);
    plan(2).secrets.at("password") = base::Secret("geheim-1");
    config.profiles[0].model = "orin";
    restart({{"1", kRecovery}});
    run_until("the reason", [&] {
        const Json orders = engine->status()["orders"];
        return orders[0]["changed"].is_string() && orders[0]["changed"].get<std::string>().find(
                                                       "is of model orin") != std::string::npos;
    });
    config.profiles[0].model = "xavier-nx";
    restart({{"1", kRecovery}});
    worker(1, "flash");
}

TEST(OrderTerms, Say_which_step_differs) {
    core::Profile profile;
    core::StepPlan step;
    step.name = "set-wifi-ap";
    step.method = "provision-ssh";
    step.params = {{"ssid", "a"}};
    profile.steps = {step, step};
    const std::string then = recipe_terms(profile).value();
    EXPECT_EQ(changed_terms(then, then), "");
    EXPECT_EQ(changed_terms("", then), "") << "an order of before this was kept";
    profile.steps[1].params["boot_s"] = 45;  // how long it waits is no term
    EXPECT_EQ(recipe_terms(profile).value(), then);
    profile.steps[1].params["ssid"] = "b";
    EXPECT_EQ(changed_terms(then, recipe_terms(profile).value()), "step 2, set-wifi-ap: ssid");
    profile.steps[1].name = "reboot";
    EXPECT_EQ(changed_terms(then, recipe_terms(profile).value()),
              "step 2 was set-wifi-ap and is reboot");
    profile.steps.resize(1);
    EXPECT_EQ(changed_terms(then, recipe_terms(profile).value()), "it had 2 steps and has 1");
}

}  // namespace
}  // namespace lineside::engine::testing
