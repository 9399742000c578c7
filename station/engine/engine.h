// SPDX-License-Identifier: Apache-2.0
// The engine: slots, orders, image, recovery, live view. It joins the layers below and is the
// facade that web server and command line see. All domain state lives on one thread, so there are
// no locks. Owned by the app. Thread: the io_context's.
#pragma once

#include "station/care/keeper.h"
#include "station/engine/batch_loads.h"
#include "station/engine/context.h"
#include "station/engine/image_keeper.h"
#include "station/engine/label_desk.h"
#include "station/engine/live_stream.h"
#include "station/engine/recipe_desk.h"
#include "station/engine/slot_actor.h"
#include "station/records/day_so_far.h"

#include <boost/asio/steady_timer.hpp>

#include <list>
#include <map>

namespace lineside::engine {

class Engine final : public Facade, private Surroundings {
  public:
    explicit Engine(const EngineParts& parts);
    ~Engine() override;

    // Recovery first, then orders, then the bus. Errors: db.failed, host.unfit.
    [[nodiscard]] base::Status start();
    // Nothing starts any more; `done` when that is written down. Open jobs are the next life's to
    // resume.
    void stop_all(std::function<void()> done);

    // Facade
    [[nodiscard]] base::Json wall() const override;
    [[nodiscard]] base::Json status() const override;
    [[nodiscard]] base::Json health() const override;
    [[nodiscard]] std::string metrics() const override;
    [[nodiscard]] std::shared_ptr<void> subscribe(std::optional<std::int64_t> last_id,
                                                  LiveSink sink) override;
    void acknowledge(std::string slot, Actor actor, Done done) override;
    void acknowledge_passed(Actor actor, Done done) override;
    void retry(std::string slot, Actor actor, Done done) override;
    void rework(std::string slot, std::string reason, Actor actor, Done done) override;
    void void_serial(std::string serial, std::string reason, Actor actor, Done done) override;
    void stop(std::string slot, Actor actor, Done done) override;
    void to_recovery(std::string slot, Actor actor, Done done) override;
    void cycle_power(std::string slot, Actor actor, Done done) override;
    void close_slot(std::string slot, std::string reason, Actor actor, Done done) override;
    void reopen_slot(std::string slot, std::string reason, Actor actor, Done done) override;
    void place_slots(std::vector<journal::Place> places, Actor actor, Done done) override;
    void show_training(std::string url, Done done) override;
    void map_ports(bool on, Actor actor, Done done) override;
    void save_ports(std::vector<journal::SlotPort> ports, Actor actor, Done done) override;
    [[nodiscard]] base::Json ports() const override;
    void load_batch(BatchLoad load, Actor actor, Done done) override;
    void end_batch(BatchEnding ending, Actor actor, Done done) override;
    void warn_pool_at(std::string pool, std::int64_t warn_at, Actor actor, Done done) override;
    void open_order(OrderOpening opening, Actor actor, Done done) override;
    void change_order(OrderChange change, Actor actor, Done done) override;
    void say_of_image(ImageSaying saying, Actor actor, Done done) override;
    [[nodiscard]] config::ReleasePolicy release_policy() const override;
    [[nodiscard]] const records::Shifts& shifts() const override;
    [[nodiscard]] base::Json profiles() const override;
    void backup(Actor actor, Done done) override;
    void rotate_key(Actor actor, Done done) override;
    void key_status(Done done) override;
    [[nodiscard]] std::filesystem::path backup_folder() const override;
    [[nodiscard]] people::People* people() override { return &people_; }
    [[nodiscard]] LabelDesk* labels() override { return labels_.get(); }
    [[nodiscard]] RecipeDesk* recipes() override { return recipes_.get(); }
    void read(std::function<base::Result<base::Json>(db::Tx&)> work, Done done) override;
    [[nodiscard]] std::shared_ptr<const audit::Signer> signer() const override;
    [[nodiscard]] std::string log_folder(std::int64_t job) const override;
    [[nodiscard]] std::filesystem::path spool_folder() const override;

  private:
    // Surroundings
    [[nodiscard]] Choice order_for(const std::string& model) override;
    [[nodiscard]] const OrderView* order(base::OrderId id) override;
    void queue_changed() override;
    void job_ended(SlotActor& slot, core::Outcome outcome, const std::string& code) override;
    void publish_tile(SlotActor& slot, std::optional<std::int64_t> seq) override;
    void publish_progress(SlotActor& slot) override;
    void records_failing(const base::Error& error) override;
    void end_job(base::JobId job, const base::Error& why) override;
    [[nodiscard]] std::string empty_slot_of(base::JobId job) const override;
    void slot_looked_at(const SlotActor& slot) override;
    void records_fine() override;
    void drain_bus() override;
    void pool_changed() override;
    void label_asked(const labels::LabelRow& label) override;

    [[nodiscard]] LabelDeskParts label_parts();
    [[nodiscard]] care::KeeperParts keeper_parts();
    void change_pool(std::function<base::Result<base::Json>(db::Tx&)> work, Done done);
    [[nodiscard]] base::Status recover();
    [[nodiscard]] base::Status load_orders(db::Tx& tx);
    [[nodiscard]] base::Status load_slots(db::Tx& tx);
    [[nodiscard]] base::Status good_places(const std::vector<journal::Place>& places) const;
    void change_closing(std::string slot, std::string reason, Done done,
                        std::function<base::Result<std::optional<journal::Closing>>(
                            db::Tx&, const journal::Stamp&, const std::string&, const std::string&)>
                            change);
    [[nodiscard]] const core::Profile* profile_of(const std::string& id) const;
    [[nodiscard]] static base::Status compare_terms(OrderView& view, const std::string& profile,
                                                    const std::string& recipe);
    void want_image(base::OrderId id);
    [[nodiscard]] std::string why_dry(const OrderView& order) const;
    void lock_image(base::OrderId id, base::ImageRow row, bool locked);
    [[nodiscard]] usb::MonitorEvents bus_events();
    void device_arrived(const usb::Device& device);
    void device_left(const usb::PortPath& port, bool is_hub);
    void hub_left(const usb::PortPath& port);
    void forget_who_left(std::int64_t mono_ns);
    void left_together(const std::string& key);
    void left_with_hub(const std::vector<std::string>& slots);
    [[nodiscard]] SlotActor* find_port(const usb::PortPath& port);
    [[nodiscard]] SlotActor* find_slot(const std::string& slot);
    void try_all();
    void admit();
    void raise_alarm(const std::string& id, const std::string& code, std::string sentence,
                     std::vector<std::string> slots);
    void clear_alarm(const std::string& id);
    void station_changed();
    void build_slots();  // from the mapping, or else the configuration; what is plugged in stays
    void mapping_lasts();
    void end_mapping();
    void show_anew(
        std::int64_t seq);  // what no tile carries has changed: every page gets a snapshot
    void beat();
    void sign_in_an_hour();
    [[nodiscard]] base::Json station_json() const;
    [[nodiscard]] base::Json order_json(const OrderView& order) const;

    struct Alarm {
        std::string id;
        std::string code;
        std::string sentence;
        std::vector<std::string> slots;
        std::int64_t since_ms = 0;
    };
    struct ImageView {
        std::string key;
        std::string state;        // building, ready, broken
        std::int64_t builds = 0;  // of the profile, all keys
        std::string message;
    };

    Context context_;
    std::int64_t started_ms_ = 0;
    std::list<SlotActor> slots_;  // in the order of the configuration, then unmapped ports
    std::map<std::string, SlotActor*> by_port_;
    std::map<std::string, SlotActor*> by_half_;  // by SuperSpeed halves, as they were mapped
    std::vector<journal::SlotPort> ports_;       // as a technician mapped them; none: station.toml
    struct Mapping {
        std::string by;
        std::int64_t since_ms = 0;
        std::int64_t until_ms = 0;
    };
    std::string training_;  // address of the page of a training station beside
    std::int64_t training_until_ms_ = 0;
    std::optional<Mapping> mapping_;           // nothing starts
    std::vector<journal::Place> places_;       // the jig as it stands, if a technician said
    std::vector<SlotActor*> queue_;            // who waits, first come first
    std::list<OrderView> orders_;              // open ones, oldest first
    std::map<std::string, ImageView> images_;  // by profile
    struct PoolView {
        std::int64_t left = 0, total = 0, low_mark = 0;
        bool known = false;
    };
    std::map<std::string, PoolView> pools_;
    records::DaySoFar day_;
    int beats_ = 0;
    std::map<std::string, Alarm> alarms_;
    std::map<std::string, std::int64_t> verdicts_;  // outcome -> count in this life, for metrics
    LiveStream stream_;
    ImageKeeper images_keeper_;
    BatchLoads loads_;
    care::Keeper keeper_;
    people::People people_;
    std::unique_ptr<LabelDesk> labels_;
    std::unique_ptr<RecipeDesk> recipes_;
    bool scanning_ = false;
    bool admitting_ = false;
    bool stopping_ = false;
    bool station_dirty_ = false;
    boost::asio::steady_timer mapping_timer_;
    boost::asio::steady_timer beat_timer_;
    boost::asio::steady_timer station_timer_;
    boost::asio::steady_timer sign_timer_;
    boost::asio::steady_timer line_timer_;  // who waits for another to be ahead
    struct JustLeft {
        std::string slot;
        std::string port;
        std::int64_t mono_ns = 0;
    };
    std::vector<JustLeft> just_left_;  // within Patience::hub_gather: they may have one cause
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace lineside::engine
