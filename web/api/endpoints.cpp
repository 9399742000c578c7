// SPDX-License-Identifier: Apache-2.0
#include "station/base/log.h"
#include "web/api/api.h"

#include <fmt/format.h>

#include <array>

namespace lineside::api {
namespace {

constexpr std::string_view kPageFilters =
    "serial_from serial_to since until result order batch image slot operator code shift day limit "
    "cursor";
constexpr std::string_view kExportFilters =
    "serial_from serial_to since until result order batch image slot operator code shift day "
    "format";

// clang-format off
constexpr std::array kEndpoints{
    Endpoint{Verb::get,  "/api/v1/wall",                     Role::display,   BodyKind::none, "", &get_wall},
    Endpoint{Verb::get,  "/api/v1/events",                   Role::display,   BodyKind::none, "last_event_id", &get_events},
    Endpoint{Verb::get,  "/api/v1/clock",                    Role::display,   BodyKind::none, "", &get_clock},
    Endpoint{Verb::post, "/api/v1/slots/{slot}/acknowledge", Role::operator_, BodyKind::json, "", &acknowledge_slot},
    Endpoint{Verb::post, "/api/v1/slots/{slot}/retry",       Role::operator_, BodyKind::json, "", &retry_slot},
    Endpoint{Verb::post, "/api/v1/slots/{slot}/stop",        Role::operator_, BodyKind::json, "", &stop_slot},
    Endpoint{Verb::post, "/api/v1/slots/{slot}/recovery",    Role::operator_, BodyKind::json, "", &send_to_recovery},
    Endpoint{Verb::post, "/api/v1/slots/{slot}/power",       Role::technician, BodyKind::json, "", &cycle_slot_power},
    Endpoint{Verb::post, "/api/v1/slots/{slot}/rework",      Role::operator_, BodyKind::json, "", &rework_slot},
    Endpoint{Verb::post, "/api/v1/serials/{serial}/void",    Role::manager,   BodyKind::json, "", &void_serial},
    Endpoint{Verb::post, "/api/v1/acknowledge-passed",       Role::operator_, BodyKind::json, "", &acknowledge_passed},
    Endpoint{Verb::get,  "/api/v1/units/{unit}",             Role::qa,        BodyKind::none, "", &get_unit},
    Endpoint{Verb::get,  "/api/v1/jobs/{job}",               Role::qa,        BodyKind::none, "", &get_job},
    Endpoint{Verb::get,  "/api/v1/jobs/{job}/context",       Role::qa,        BodyKind::none, "", &get_job_context},
    Endpoint{Verb::get,  "/api/v1/jobs/{job}/log",           Role::qa,        BodyKind::none, "from max", &get_job_log},
    Endpoint{Verb::get,  "/api/v1/jobs/{job}/log/download",  Role::qa,        BodyKind::none, "", &download_job_log},
    Endpoint{Verb::get,  "/api/v1/jobs/{job}/replay",        Role::qa,         BodyKind::none, "", &replay_job},
    Endpoint{Verb::get,  "/api/v1/jobs/{job}/certificate",   Role::qa,        BodyKind::none, "", &get_certificate},
    Endpoint{Verb::get,  "/api/v1/audit/journal",            Role::qa,        BodyKind::none, "", &export_journal},
    Endpoint{Verb::post, "/api/v1/backups",                  Role::manager,   BodyKind::json, "", &make_backup},
    Endpoint{Verb::get,  "/api/v1/backups/{backup}",         Role::manager,   BodyKind::none, "", &download_backup},
    Endpoint{Verb::get,  "/api/v1/keys",                     Role::manager,   BodyKind::none, "", &get_keys},
    Endpoint{Verb::post, "/api/v1/keys/rotate",              Role::manager,   BodyKind::json, "", &rotate_key},
    Endpoint{Verb::get,  "/api/v1/pool",                     Role::qa,        BodyKind::none, "", &get_pool},
    Endpoint{Verb::post, "/api/v1/pool/preview",             Role::manager,   BodyKind::csv,  "pool batch test_only file order ap_ssid", &preview_batch},
    Endpoint{Verb::post, "/api/v1/pool/batches",             Role::manager,   BodyKind::csv,  "pool batch test_only file order ap_ssid", &load_batch},
    Endpoint{Verb::post, "/api/v1/pool/generate",            Role::manager,   BodyKind::json, "", &generate_batch},
    Endpoint{Verb::get,  "/api/v1/pool/batches/{batch}/account",  Role::qa,      BodyKind::none, "", &get_batch_account},
    Endpoint{Verb::post, "/api/v1/pool/batches/{batch}/withdraw", Role::manager, BodyKind::json, "", &withdraw_batch},
    Endpoint{Verb::post, "/api/v1/pool/batches/{batch}/close",    Role::manager, BodyKind::json, "", &close_batch},
    Endpoint{Verb::post, "/api/v1/pool/warn",                Role::manager,   BodyKind::json, "", &warn_pool_at},
    Endpoint{Verb::get,  "/api/v1/records",                  Role::qa,        BodyKind::none, kPageFilters, &get_records},
    Endpoint{Verb::get,  "/api/v1/records/export",           Role::qa,        BodyKind::none, kExportFilters, &export_records},
    Endpoint{Verb::get,  "/api/v1/numbers",                  Role::qa,        BodyKind::none, "since until order image shift", &get_numbers},
    Endpoint{Verb::get,  "/api/v1/wall/numbers",             Role::display,   BodyKind::none, "", &get_wall_numbers},
    Endpoint{Verb::get,  "/api/v1/shifts",                   Role::display,   BodyKind::none, "", &get_shifts},
    Endpoint{Verb::get,  "/api/v1/slots",                    Role::operator_, BodyKind::none, "since until order image", &get_slots},
    Endpoint{Verb::post, "/api/v1/slots/{slot}/close",       Role::technician, BodyKind::json, "", &close_slot},
    Endpoint{Verb::post, "/api/v1/slots/{slot}/reopen",      Role::technician, BodyKind::json, "", &reopen_slot},
    Endpoint{Verb::post, "/api/v1/layout",                   Role::technician, BodyKind::json, "", &place_slots},
    Endpoint{Verb::get,  "/api/v1/ports",                    Role::technician, BodyKind::none, "", &get_ports},
    Endpoint{Verb::post, "/api/v1/ports",                    Role::technician, BodyKind::json, "", &save_ports},
    Endpoint{Verb::post, "/api/v1/ports/mapping",            Role::technician, BodyKind::json, "", &map_ports},
    Endpoint{Verb::get,  "/api/v1/recipes",                  Role::technician, BodyKind::none, "", &get_recipes},
    Endpoint{Verb::post, "/api/v1/recipes",                  Role::technician, BodyKind::json, "", &save_recipes},
    Endpoint{Verb::post, "/api/v1/recipes/check",            Role::technician, BodyKind::json, "", &check_recipes},
    Endpoint{Verb::get,  "/api/v1/doctor",                   Role::technician, BodyKind::none, "", &get_doctor},
    Endpoint{Verb::post, "/api/v1/training",                 Role::technician, BodyKind::json, "", &show_training},
    Endpoint{Verb::get,  "/api/v1/orders",                   Role::operator_, BodyKind::none, "", &get_orders},
    Endpoint{Verb::post, "/api/v1/orders",                   Role::manager,   BodyKind::json, "", &open_order},
    Endpoint{Verb::post, "/api/v1/orders/{order}/pause",     Role::manager,   BodyKind::json, "", &pause_order},
    Endpoint{Verb::post, "/api/v1/orders/{order}/resume",    Role::manager,   BodyKind::json, "", &resume_order},
    Endpoint{Verb::post, "/api/v1/orders/{order}/close",     Role::manager,   BodyKind::json, "", &close_order},
    Endpoint{Verb::post, "/api/v1/images/{image}/release",   Role::manager,   BodyKind::json, "", &release_image},
    Endpoint{Verb::post, "/api/v1/images/{image}/emergency", Role::manager,   BodyKind::json, "", &release_image_in_emergency},
    Endpoint{Verb::post, "/api/v1/images/{image}/withdraw",  Role::manager,   BodyKind::json, "", &withdraw_image},
    Endpoint{Verb::get,  "/api/v1/images",                   Role::operator_, BodyKind::none, "", &get_images},
    Endpoint{Verb::get,  "/api/v1/status",                   Role::operator_, BodyKind::none, "", &get_status},
    Endpoint{Verb::get,  "/api/v1/session",                  Role::anyone,    BodyKind::none, "", &get_session},
    Endpoint{Verb::post, "/api/v1/session",                  Role::anyone,    BodyKind::json, "", &log_in},
    Endpoint{Verb::del,  "/api/v1/session",                  Role::display,   BodyKind::none, "", &log_out},
    Endpoint{Verb::post, "/api/v1/session/password",         Role::operator_, BodyKind::json, "", &change_own_password},
    Endpoint{Verb::post, "/api/v1/session/language",         Role::operator_, BodyKind::json, "", &choose_language},
    Endpoint{Verb::post, "/api/v1/session/first",            Role::anyone,    BodyKind::json, "", &use_first_link},
    Endpoint{Verb::post, "/api/v1/first-link",               Role::admin,     BodyKind::json, "", &make_first_link},
    Endpoint{Verb::get,  "/api/v1/accounts",                 Role::admin,     BodyKind::none, "", &get_accounts},
    Endpoint{Verb::post, "/api/v1/accounts",                 Role::admin,     BodyKind::json, "", &make_account},
    Endpoint{Verb::post, "/api/v1/accounts/{account}/role",  Role::admin,     BodyKind::json, "", &change_role},
    Endpoint{Verb::post, "/api/v1/accounts/{account}/password", Role::admin,  BodyKind::json, "", &give_password},
    Endpoint{Verb::post, "/api/v1/accounts/{account}/close", Role::admin,     BodyKind::json, "", &close_account},
    Endpoint{Verb::get,  "/api/v1/screens",                  Role::technician, BodyKind::none, "", &get_screens},
    Endpoint{Verb::post, "/api/v1/screens",                  Role::technician, BodyKind::json, "", &confirm_screen},
    Endpoint{Verb::post, "/api/v1/screens/ask",              Role::anyone,    BodyKind::json, "", &ask_for_screen},
    Endpoint{Verb::post, "/api/v1/screens/take",             Role::anyone,    BodyKind::json, "", &take_screen},
    Endpoint{Verb::post, "/api/v1/screens/{screen}/revoke",  Role::technician, BodyKind::json, "", &revoke_screen},
    Endpoint{Verb::get,  "/api/v1/web-certificate",          Role::technician, BodyKind::none, "", &get_web_certificate},
    // badges
    Endpoint{Verb::get,  "/api/v1/badges",                   Role::technician, BodyKind::none, "", &get_badges},
    Endpoint{Verb::post, "/api/v1/accounts/{account}/badge", Role::technician, BodyKind::json, "", &print_badge},
    Endpoint{Verb::post, "/api/v1/accounts/{account}/badge/revoke", Role::technician, BodyKind::json, "", &revoke_badge},
    Endpoint{Verb::post, "/api/v1/session/badge",            Role::display,   BodyKind::json, "", &open_shift},
    Endpoint{Verb::del,  "/api/v1/session/badge",            Role::display,   BodyKind::none, "", &end_shift},
    // labels
    Endpoint{Verb::get,  "/api/v1/labels",                   Role::operator_, BodyKind::none, "", &get_labels},
    Endpoint{Verb::post, "/api/v1/labels/{label}/retry",     Role::operator_, BodyKind::json, "", &retry_label},
    Endpoint{Verb::post, "/api/v1/labels/{label}/found",     Role::operator_, BodyKind::json, "", &found_label},
    Endpoint{Verb::get,  "/api/v1/jobs/{job}/label",         Role::qa,        BodyKind::none, "format", &get_label_picture},
    Endpoint{Verb::post, "/api/v1/jobs/{job}/label",         Role::operator_, BodyKind::json, "", &ask_label},
    Endpoint{Verb::post, "/api/v1/jobs/{job}/label/copy",    Role::qa,        BodyKind::json, "", &copy_label},
    Endpoint{Verb::post, "/api/v1/slots/{slot}/label",       Role::operator_, BodyKind::json, "", &check_label},
    Endpoint{Verb::post, "/api/v1/slots/{slot}/label/skip",  Role::qa,        BodyKind::json, "", &skip_label},
    Endpoint{Verb::get,  "/api/v1/openapi.yaml",             Role::anyone,    BodyKind::none, "", &get_openapi},
    Endpoint{Verb::get,  "/healthz",                         Role::anyone,    BodyKind::none, "", &get_health},
    Endpoint{Verb::get,  "/metrics",                         Role::anyone,    BodyKind::none, "", &get_metrics},
};
// clang-format on

constexpr std::string_view kStylePath = "/plain.css";

// Everything that is no route: the dashboard's files, or a plain page where it is not built.
void serve_page(Api& api, const Request& request, const ReplyPtr& reply) {
    if (api.dashboard.ready()) {
        reply->send(api.dashboard.serve(request));
        return;
    }
    if (request.path == kStylePath) {
        reply->send(
            web::text_response(200, "text/css; charset=utf-8", std::string(status_page_style())));
        return;
    }
    if (request.path == "/favicon.ico") {
        reply->send(web::text_response(204, "", ""));
        return;
    }
    reply->send(status_page(api.facade.wall()));
}

}  // namespace

std::span<const Endpoint> endpoints() {
    return kEndpoints;
}

web::Router make_router(std::shared_ptr<Api> api) {
    std::vector<web::Route> routes;
    routes.reserve(std::size(kEndpoints));
    for (const Endpoint& endpoint : kEndpoints) {
        routes.push_back(
            {endpoint.verb, std::string(endpoint.pattern), endpoint.role, endpoint.body,
             std::string(endpoint.parameters),
             [api, call = endpoint.call](const Request& request, const ReplyPtr& reply) {
                 call(*api, request, reply);
             }});
    }
    return web::Router(std::move(routes), [api](const Request& request, const ReplyPtr& reply) {
        serve_page(*api, request, reply);
    });
}

std::function<Result<Json>(Tx&)> guarded(std::function<Result<Json>(Tx&)> work) {
    return [work = std::move(work)](Tx& tx) -> Result<Json> {
        try {
            return work(tx);
        } catch (const std::exception& bug) {
            base::log_error("api: {}", bug.what());
            return base::fail("station.bug");
        }
    };
}

web::Header Api::attachment(const std::string& name) const {
    const std::string_view mark = use == config::Use::training ? "TRAINING-" : "";
    return {"Content-Disposition", fmt::format("attachment; filename=\"{}{}\"", mark, name)};
}

void Api::read(const ReplyPtr& reply, std::function<Result<Json>(Tx&)> work, unsigned status) {
    facade.read(guarded(std::move(work)),
                [reply, status](Result<Json> result) { reply->outcome(result, status); });
}

}  // namespace lineside::api
