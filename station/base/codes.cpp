// SPDX-License-Identifier: Apache-2.0
#include "station/base/codes.h"

#include <algorithm>
#include <array>

namespace lineside::base {
namespace {

using enum Kind;

// clang-format off
constexpr std::array kCodes{
    // The unit is to blame: FAIL.
    CodeEntry{"image.mismatch",      unit, "F01", "What is on the unit is not the image", "Put in repair bin", true},
    CodeEntry{"serial.mismatch",     unit, "F02", "Unit reports another serial", "Put in repair bin", false},
    CodeEntry{"ssh.refused",         unit, "F03", "Unit started but lets nobody log in", "Put in repair bin", true},
    CodeEntry{"ssh.lost",            unit, "F04", "Connection to the unit broke off", "Put in repair bin", true},
    CodeEntry{"unit.eeprom",         unit, "F05", "Module's EEPROM is damaged or empty", "Put in repair bin", false},
    CodeEntry{"unit.swapped",        unit, "F06", "Unit that answers is not the one that was flashed", "Check the cables", false},
    CodeEntry{"unit.fused",          unit, "F08", "Unit's fuses do not fit this image", "Put in repair bin", false},
    CodeEntry{"unit.storage",        unit, "F09", "Unit's storage cannot be written", "Put in repair bin", true},
    CodeEntry{"unit.bootloader",     unit, "F10", "Unit's bootloader did not come up", "Put in repair bin", true},
    CodeEntry{"unit.no_proof",       unit, "F11", "Unit could not hash its storage", "Put in repair bin", true},
    CodeEntry{"boot.none",           unit, "F12", "Did not start", "Put in repair bin", true},
    CodeEntry{"unit.no_serial",      unit, "F13", "Unit has no module serial", "Put in repair bin", false},
    CodeEntry{"media.capacity",      unit, "F14", "Medium holds less than it says", "Put in repair bin", false},
    CodeEntry{"media.too_small",     unit, "F15", "Medium is too small for the image", "Put in repair bin", false},
    CodeEntry{"step.*",              unit, "F20", "A step on the unit failed", "Put in repair bin", true},
    // The station or its surroundings: ERROR.
    CodeEntry{"usb.left",            station, "E01", "Unit left while it was worked on", "Check the cable", true},
    CodeEntry{"usb.link",            station, "E02", "USB link failed", "Change the cable", true},
    CodeEntry{"usb.no_device",       station, "E03", "Tool did not find the unit", "Press Try again", true},
    CodeEntry{"usb.cycle",           station, "E04", "Unit must enter recovery mode anew", "Switch off and on", true},
    CodeEntry{"tool.silence",        station, "E05", "Flash tool went silent", "Press Try again", true},
    CodeEntry{"tool.no_proof",       station, "E06", "Flash tool ended without saying it had flashed", "Press Try again", true},
    CodeEntry{"tool.died",           station, "E07", "Flash tool was killed", "Press Try again", true},
    CodeEntry{"tool.failed",         station, "E08", "Flash tool failed", "Press Try again", true},
    CodeEntry{"tool.missing",        station, "E09", "Flash tool cannot be started", "Call technician", false},
    CodeEntry{"worker.died",         station, "E12", "Flasher stopped, unit not judged", "Press Try again", true},
    CodeEntry{"worker.protocol",     station, "E13", "Worker broke the protocol", "Call technician", false},
    CodeEntry{"worker.silence",      station, "E14", "Worker went silent", "Press Try again", true},
    CodeEntry{"worker.timeout",      station, "E15", "Worker took too long", "Press Try again", true},
    CodeEntry{"worker.spawn",        station, "E16", "Worker cannot be started", "Call technician", false},
    CodeEntry{"helper.lost",         station, "E17", "Root helper is not there", "Call technician", true},
    CodeEntry{"helper.refused",      station, "E18", "Root helper refused", "Call technician", false},
    CodeEntry{"boot.back_in_recovery", station, "E19", "Unit came back in recovery mode", "Remove the strap", true},
    CodeEntry{"boot.no_network",     station, "E20", "Unit started without a network", "Check the cable", true},
    CodeEntry{"order.wrong_model",   station, "E21", "Wrong board model for this order", "Return to stores", false},
    CodeEntry{"order.none",          station, "E22", "No open order for this model", "Call manager", false},
    CodeEntry{"pool.empty",          station, "E23", "Pool is empty", "Call manager", false},
    CodeEntry{"pool.unknown",        config,  "E24", "Order names a pool that does not exist", "Call technician", false},
    CodeEntry{"image.broken",        station, "E25", "Cached image is damaged", "Call technician", true},
    CodeEntry{"image.build",         station, "E26", "Image could not be built", "Call technician", true},
    CodeEntry{"lane.failed",         station, "E27", "Work area could not be made", "Call technician", true},
    CodeEntry{"disk.full",           station, "E28", "Station's disk is full", "Call technician", true},
    CodeEntry{"db.failed",           station, "E29", "Station's records cannot be written", "Call technician", true},
    CodeEntry{"secret.broken",       station, "E30", "Station's key does not open the tokens", "Call technician", false},
    CodeEntry{"slot.flapping",       station, "E31", "Port comes and goes", "Call technician", false},
    CodeEntry{"unit.duplicate_chip", station, "E32", "Two units report one chip id", "Call technician", false},
    CodeEntry{"unit.known",          station, "E33", "This unit has passed before", "Put it aside", false},
    CodeEntry{"unit.duplicate_module", station, "E34", "Two units report one module serial", "Call technician", false},
    CodeEntry{"pool.no_field",       station, "E35", "Batch lacks a value that a step needs", "Call manager", false},
    CodeEntry{"usb.over_current",    station, "E36", "Port draws too much current", "Change the cable", true},
    CodeEntry{"station.restarted",   station, "E40", "Station restarted while the unit was worked on", "Check unit", true},
    CodeEntry{"station.stopping",    station, "E41", "Station was stopped", "Press Try again", true},
    CodeEntry{"lease.doubt",         station, "E42", "It is not certain which serial the unit holds", "Call technician", false},
    CodeEntry{"lease.refused",       station, "E43", "Serial pool refused the move", "Call technician", false},
    CodeEntry{"ask.refused",         station, "E44", "Worker asked for what it may not have", "Call technician", false},
    CodeEntry{"signing.broken",      station, "E45", "Station's signing key cannot be used", "Call technician", false},
    CodeEntry{"label.wrong",         station, "E46", "Label of another unit", "Take right label", false},
    CodeEntry{"label.failed",        station, "E47", "Labels are not printed", "Look at the printer", true},
    CodeEntry{"label.content",       station, "E48", "Label cannot be drawn", "Call technician", false},
    CodeEntry{"order.changed",       station, "E50", "Configuration is not the order's", "Call manager", false},
    CodeEntry{"order.not_open",      station, "E51", "Order is paused or closed", "Call manager", false},
    CodeEntry{"image.not_released",  station, "E52", "Image is not released", "Call manager", true},
    CodeEntry{"container.missing",   station, "E53", "Container engine cannot be used", "Call technician", false},
    CodeEntry{"container.rights",    station, "E54", "Station may not use the container engine", "Call technician", false},
    CodeEntry{"container.pull",      station, "E55", "Container image cannot be fetched", "Call technician", true},
    CodeEntry{"container.wrong",     station, "E56", "Container image is another one", "Call technician", false},
    CodeEntry{"container.died",      station, "E57", "Container ended while it was worked in", "Press Try again", true},
    CodeEntry{"media.source",        station, "E58", "Image file cannot be read", "Call technician", false},
    CodeEntry{"media.forbidden",     station, "E59", "This disk must not be written", "Call technician", false},
    CodeEntry{"power.failed",        station, "E60", "Slot's power could not be switched", "Call technician", true},
    CodeEntry{"power.no_effect",     station, "E61", "Unit stayed on when its power was switched off", "Call technician", true},
    CodeEntry{"power.no_return",     station, "E62", "Unit did not come back when switched on", "Switch off and on", true},
    CodeEntry{"station.bug",         station, "E99", "Something the station does not know happened", "Call technician", false},
    // A person.
    CodeEntry{"operator.stopped",    operator_, "A01", "Stopped by a person", "Press Try again", true},
    CodeEntry{"power.not_done",      operator_, "A03", "Nobody switched the unit off and on", "Switch off and on", true},
    CodeEntry{"operator.removed",    operator_, "A02", "Unit was taken out before work began", "Plug in again", true},
    // Not of a job: commands, files, requests.
    CodeEntry{"config.invalid",      config, "C01", "Configuration is not valid", "Mend the file", false},
    CodeEntry{"config.missing",      config, "C02", "A file is missing", "Check the path", false},
    CodeEntry{"batch.invalid",       config, "C03", "Batch file is not valid", "Mend the named lines", false},
    CodeEntry{"request.invalid",     config, "C04", "Request is not valid", "Correct the request", false},
    CodeEntry{"request.refused",     config, "C05", "Request is refused", "", false},
    CodeEntry{"request.unknown",     config, "C06", "There is no such thing", "", false},
    CodeEntry{"request.conflict",    config, "C07", "Not possible in the present state", "", false},
    CodeEntry{"host.unfit",          config, "C08", "Host lacks something", "Run lineside doctor", false},
    CodeEntry{"protocol.invalid",    station, "C09", "Message is not valid", "", false},
    // Answers to requests; never of a job.
    CodeEntry{"slot.ack_not_ready",   config,  "C10", "There is nothing to acknowledge yet", "Take the unit out first", false},
    CodeEntry{"slot.job_changed",     config,  "C11", "Another unit is in the slot by now", "Look at the tile again", false},
    CodeEntry{"slot.no_retry",        config,  "C12", "A new attempt cannot be started here now", "Look at the tile for what to do", false},
    CodeEntry{"slot.no_job",          config,  "C13", "Nothing runs in this slot", "", false},
    CodeEntry{"batch.exists",         config,  "C14", "A batch of this name is loaded already", "Choose another name", false},
    CodeEntry{"batch.refused",        config,  "C15", "The batch was not loaded", "Mend the named lines", false},
    CodeEntry{"slot.closed",          config,  "C18", "Slot is closed", "Call technician", false},
    CodeEntry{"http.malformed",       config,  "C20", "Request cannot be read", "Correct the request", false},
    CodeEntry{"http.parameter",       config,  "C21", "A parameter is not valid", "See openapi.yaml for what this path takes", false},
    CodeEntry{"http.header",          config,  "C22", "Request did not come from this station's page", "Send the header X-Lineside: 1", false},
    CodeEntry{"http.origin",          config,  "C23", "Request comes from another site", "Open the page at this station's own address", false},
    CodeEntry{"http.not_found",       config,  "C24", "There is no such page", "See openapi.yaml for what there is", false},
    CodeEntry{"http.method",          config,  "C25", "This path does not take that method", "Use a method the header Allow names", false},
    CodeEntry{"http.timeout",         config,  "C26", "Request came too slowly", "Send it again", true},
    CodeEntry{"http.too_large",       config,  "C27", "Body is too large", "Send less", false},
    CodeEntry{"http.target",          config,  "C28", "Address is too long", "Use a shorter address", false},
    CodeEntry{"http.content_type",    config,  "C29", "Body is of the wrong kind", "Send the Content-Type that openapi.yaml names", false},
    CodeEntry{"http.host",            config,  "C30", "This address is not the station's own", "Open http://127.0.0.1 with the station's port", false},
    CodeEntry{"http.headers",         config,  "C31", "Headers are too large", "Send fewer or shorter headers", false},
    CodeEntry{"http.busy",            config,  "C32", "Station has no free connection for this", "Try again in a few seconds", true},
    CodeEntry{"http.version",         config,  "C33", "HTTP version is not supported", "Use HTTP/1.1", false},
    // Who asks, and may they.
    CodeEntry{"people.needed",        config,  "C34", "Nobody is logged in here", "Log in", false},
    CodeEntry{"people.role",          config,  "C35", "Your role may not do this", "Ask somebody who may", false},
    CodeEntry{"people.login",         config,  "C36", "Name or password is wrong", "Type both anew", true},
    CodeEntry{"people.wait",          config,  "C37", "Too many tries", "Wait, then try again", true},
    CodeEntry{"people.link",          config,  "C38", "This link is used, too old or of another start of the station", "Run: lineside admin first-link", false},
    CodeEntry{"people.badge",         config,  "C40", "This badge opens nothing here", "Ask a technician", true},
    CodeEntry{"people.password",      config,  "C39", "Password is not good enough", "Take a longer one", false},
};
// clang-format on

const CodeEntry& find(std::string_view code) {
    const auto* row = std::find_if(kCodes.begin(), kCodes.end(),
                                   [&](const CodeEntry& entry) { return entry.code == code; });
    if (row != kCodes.end()) {
        return *row;
    }
    return *std::find_if(kCodes.begin(), kCodes.end(),
                         [](const CodeEntry& entry) { return entry.code == "station.bug"; });
}

}  // namespace

std::span<const CodeEntry> all_codes() {
    return kCodes;
}

bool is_known_code(std::string_view code) {
    return code.starts_with("step.") ? code.size() > 5 : find(code).code == code;
}

const CodeEntry& code_entry(std::string_view code) {
    if (code.starts_with("step.")) {
        return find("step.*");
    }
    return find(code);
}

}  // namespace lineside::base
