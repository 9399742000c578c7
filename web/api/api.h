// SPDX-License-Identifier: Apache-2.0
// The routes of openapi.yaml: a constant table from verb and path to a function, one file per
// resource. A route checks its input, asks the facade, and gives JSON; SQL runs only inside
// Facade::read. Thread: the io_context's; closures given to the facade's read() run on a database
// thread.
#pragma once

#include "station/db/query.h"
#include "station/engine/facade.h"
#include "station/records/record_filter.h"
#include "web/api/network_door.h"
#include "web/server/event_stream.h"
#include "web/server/http.h"
#include "web/server/router.h"
#include "web/server/server.h"
#include "web/server/static_files.h"

#include <functional>
#include <memory>
#include <span>
#include <string_view>

namespace lineside::api {

using base::Json;
using base::Result;
using db::Tx;
using engine::Facade;
using web::BodyKind;
using web::ReplyPtr;
using web::Request;
using web::Role;
using web::Verb;

// What the routes share. Lives as long as the server's router.
struct Api {
    Facade& facade;
    std::shared_ptr<web::Counters> counters;
    std::shared_ptr<web::FrameMaker> frames = std::make_shared<web::FrameMaker>();
    web::StaticFiles dashboard;
    web::StreamLimits stream_limits;
    config::ScanKeys scan;
    config::Use use = config::Use::production;
    std::function<void(engine::Done)> doctor;  // station/doctor/host_doctor.h; empty: none
    std::string url;                           // of the page, once it is served
    std::unique_ptr<NetworkDoor> network;      // likewise

    Api(Facade& facade_in, std::shared_ptr<web::Counters> counters_in,
        const std::filesystem::path& ui_dir)
        : facade(facade_in), counters(std::move(counters_in)), dashboard(ui_dir) {}

    // Header of an answer that is saved as a file. What leaves a training station says so by its
    // name, too.
    [[nodiscard]] web::Header attachment(const std::string& name) const;
    // Runs `work` on a database snapshot and answers with what it gives. Nothing it throws escapes.
    void read(const ReplyPtr& reply, std::function<Result<Json>(Tx&)> work, unsigned status = 200);
};

using Call = void (*)(Api&, const Request&, const ReplyPtr&);
struct Endpoint {
    Verb verb;
    std::string_view pattern;
    Role role;
    BodyKind body;
    std::string_view parameters;
    Call call;
};
[[nodiscard]] std::span<const Endpoint> endpoints();
// The table bound to `api`, with the dashboard or the plain status page behind it.
[[nodiscard]] web::Router make_router(std::shared_ptr<Api> api);

// The text of openapi.yaml, as built in.
[[nodiscard]] std::string_view openapi_text();

// Wraps `work` so that an exception becomes station.bug.
[[nodiscard]] std::function<Result<Json>(Tx&)> guarded(std::function<Result<Json>(Tx&)> work);

// wall.cpp
void get_wall(Api&, const Request&, const ReplyPtr&);
void get_events(Api&, const Request&, const ReplyPtr&);
void get_clock(Api&, const Request&, const ReplyPtr&);
void get_status(Api&, const Request&, const ReplyPtr&);
void get_health(Api&, const Request&, const ReplyPtr&);
void get_metrics(Api&, const Request&, const ReplyPtr&);
void get_openapi(Api&, const Request&, const ReplyPtr&);
// labels.cpp
void get_labels(Api&, const Request&, const ReplyPtr&);
void get_label_picture(Api&, const Request&, const ReplyPtr&);
void ask_label(Api&, const Request&, const ReplyPtr&);
void copy_label(Api&, const Request&, const ReplyPtr&);
void retry_label(Api&, const Request&, const ReplyPtr&);
void found_label(Api&, const Request&, const ReplyPtr&);
void check_label(Api&, const Request&, const ReplyPtr&);
void skip_label(Api&, const Request&, const ReplyPtr&);
// slots.cpp
[[nodiscard]] Json slot_tile(const Json& wall, const std::string& slot);  // null: no such slot
void acknowledge_slot(Api&, const Request&, const ReplyPtr&);
void retry_slot(Api&, const Request&, const ReplyPtr&);
void stop_slot(Api&, const Request&, const ReplyPtr&);
void send_to_recovery(Api&, const Request&, const ReplyPtr&);
void cycle_slot_power(Api&, const Request&, const ReplyPtr&);
void rework_slot(Api&, const Request&, const ReplyPtr&);
void void_serial(Api&, const Request&, const ReplyPtr&);
void acknowledge_passed(Api&, const Request&, const ReplyPtr&);
// units.cpp, jobs.cpp, job_log_routes.cpp
void get_unit(Api&, const Request&, const ReplyPtr&);
void get_job(Api&, const Request&, const ReplyPtr&);
void get_job_context(Api&, const Request&, const ReplyPtr&);
void get_job_log(Api&, const Request&, const ReplyPtr&);
void download_job_log(Api&, const Request&, const ReplyPtr&);
// pool.cpp
void get_pool(Api&, const Request&, const ReplyPtr&);
void preview_batch(Api&, const Request&, const ReplyPtr&);
void load_batch(Api&, const Request&, const ReplyPtr&);
// care.cpp
void make_backup(Api&, const Request&, const ReplyPtr&);
void download_backup(Api&, const Request&, const ReplyPtr&);
void get_keys(Api&, const Request&, const ReplyPtr&);
void rotate_key(Api&, const Request&, const ReplyPtr&);
// audit.cpp
void get_certificate(Api&, const Request&, const ReplyPtr&);
void export_journal(Api&, const Request&, const ReplyPtr&);
// What a load says, whatever came of it; complaints name `file`.
[[nodiscard]] engine::Done batch_answer(const ReplyPtr& reply, std::string file);
[[nodiscard]] engine::Done check_answer(const ReplyPtr& reply, std::string file);  // of a preview
// batches.cpp
void generate_batch(Api&, const Request&, const ReplyPtr&);
void withdraw_batch(Api&, const Request&, const ReplyPtr&);
void close_batch(Api&, const Request&, const ReplyPtr&);
void get_batch_account(Api&, const Request&, const ReplyPtr&);
void warn_pool_at(Api&, const Request&, const ReplyPtr&);
// records.cpp, export.cpp
[[nodiscard]] Result<records::RecordFilter> filter_of(const Api& api, const Request& request);
void get_records(Api&, const Request&, const ReplyPtr&);
void export_records(Api&, const Request&, const ReplyPtr&);
// numbers.cpp
void get_numbers(Api&, const Request&, const ReplyPtr&);
// numbers.cpp (slot health), slots.cpp (closing): what a technician decides about slots
void get_slots(Api&, const Request&, const ReplyPtr&);
void close_slot(Api&, const Request&, const ReplyPtr&);
void reopen_slot(Api&, const Request&, const ReplyPtr&);
// slot_setup.cpp
void show_training(Api&, const Request&, const ReplyPtr&);
void place_slots(Api&, const Request&, const ReplyPtr&);
void get_ports(Api&, const Request&, const ReplyPtr&);
void map_ports(Api&, const Request&, const ReplyPtr&);
void save_ports(Api&, const Request&, const ReplyPtr&);
void get_wall_numbers(Api&, const Request&, const ReplyPtr&);
void get_shifts(Api&, const Request&, const ReplyPtr&);
// orders.cpp
void get_orders(Api&, const Request&, const ReplyPtr&);
void open_order(Api&, const Request&, const ReplyPtr&);
void pause_order(Api&, const Request&, const ReplyPtr&);
void resume_order(Api&, const Request&, const ReplyPtr&);
void close_order(Api&, const Request&, const ReplyPtr&);
void get_images(Api&, const Request&, const ReplyPtr&);
void release_image(Api&, const Request&, const ReplyPtr&);
void release_image_in_emergency(Api&, const Request&, const ReplyPtr&);
void withdraw_image(Api&, const Request&, const ReplyPtr&);
// recipes.cpp
void get_recipes(Api&, const Request&, const ReplyPtr&);
void check_recipes(Api&, const Request&, const ReplyPtr&);
void save_recipes(Api&, const Request&, const ReplyPtr&);
// bench.cpp
void get_doctor(Api&, const Request&, const ReplyPtr&);
void replay_job(Api&, const Request&, const ReplyPtr&);
// people.cpp
void get_session(Api&, const Request&, const ReplyPtr&);
void log_in(Api&, const Request&, const ReplyPtr&);
void log_out(Api&, const Request&, const ReplyPtr&);
void change_own_password(Api&, const Request&, const ReplyPtr&);
void choose_language(Api&, const Request&, const ReplyPtr&);
void make_first_link(Api&, const Request&, const ReplyPtr&);
void use_first_link(Api&, const Request&, const ReplyPtr&);
void get_accounts(Api&, const Request&, const ReplyPtr&);
void make_account(Api&, const Request&, const ReplyPtr&);
void change_role(Api&, const Request&, const ReplyPtr&);
void give_password(Api&, const Request&, const ReplyPtr&);
void close_account(Api&, const Request&, const ReplyPtr&);
void get_screens(Api&, const Request&, const ReplyPtr&);
void ask_for_screen(Api&, const Request&, const ReplyPtr&);
void take_screen(Api&, const Request&, const ReplyPtr&);
void confirm_screen(Api&, const Request&, const ReplyPtr&);
void revoke_screen(Api&, const Request&, const ReplyPtr&);
// badges.cpp
void get_badges(Api&, const Request&, const ReplyPtr&);
void print_badge(Api&, const Request&, const ReplyPtr&);
void revoke_badge(Api&, const Request&, const ReplyPtr&);
void open_shift(Api&, const Request&, const ReplyPtr&);
void end_shift(Api&, const Request&, const ReplyPtr&);
// Finds out who asks, from the cookie; see web::Gate. `facade` must outlive it.
[[nodiscard]] web::Gate gate_of(Facade& facade);
void get_web_certificate(Api&, const Request&, const ReplyPtr&);
// status_page.cpp
[[nodiscard]] web::Response status_page(const Json& wall);
[[nodiscard]] std::string_view status_page_style();

}  // namespace lineside::api
