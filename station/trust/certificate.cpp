// SPDX-License-Identifier: Apache-2.0
#include "station/trust/certificate.h"

#include "station/base/text.h"

#include <iterator>

namespace lineside::trust {
namespace {

using base::Json;

bool is_step_outcome(const Json& value) {
    return value == "ok" || value == "failed" || value == "interrupted" || value == "stopped";
}
bool is_proof_kind(const Json& value) {
    return value == "image" || value == "serial";
}
bool is_positive(const Json& value) {
    return is_count(value) && value.get<std::uint64_t>() > 0;
}

bool is_object_or_null(const Json& value) {
    return value.is_null() || is_object(value);
}
bool is_serial(const Json& value) {
    return is_text(value) || value == "";  // a disk that was written may have none
}
bool is_release(const Json& value) {
    return value == "two" || value == "one" || value == "none" || value == "emergency";
}

constexpr FieldRule kFields[] = {
    {"type", is_text, "text"},
    {"station", is_text, "text"},
    {"unit", is_positive, "a number from 1"},
    {"job", is_positive, "a number from 1"},
    {"attempt", is_positive, "a number from 1"},
    {"order", is_text, "text"},
    {"model", is_text, "text"},
    {"serial", is_serial, "text"},
    {"chip_id", is_text_or_null, "text or null"},
    {"chip_id_waived", is_bool, "true or false"},
    {"module_serial", is_text_or_null, "text or null"},
    {"image", is_object, "an object"},
    {"tool_version", is_text_or_null, "text or null"},
    {"operator", is_text_or_null, "text or null"},
    {"rework_reason", is_text_or_null, "text or null"},
    {"started_ms", is_count, "UTC milliseconds"},
    {"ended_ms", is_count, "UTC milliseconds"},
    {"steps", is_array, "a list"},
    {"proofs", is_array, "a list"},
    {"journal", is_object, "an object"},
    {"key", is_text, "text"},
    {"signature", is_text, "base64"},
};
constexpr FieldRule kImage[] = {
    {"key", is_hash, "64 hex digits"},
    {"digest", is_hash, "64 hex digits"},
};
constexpr FieldRule kRelease[] = {
    {"how", is_release, "two, one, none or emergency"},
    {"by", is_any_text, "text"},
    {"reason", is_text_or_null, "text or null"},
};
constexpr FieldRule kStep[] = {
    {"name", is_text, "text"},
    {"attempt", is_positive, "a number from 1"},
    {"started_ms", is_count, "UTC milliseconds"},
    {"ended_ms", is_count, "UTC milliseconds"},
    {"outcome", is_step_outcome, "ok, failed, interrupted or stopped"},
};
constexpr FieldRule kProof[] = {
    {"kind", is_proof_kind, "image or serial"}, {"ok", is_bool, "true or false"},
    {"expected", is_any_text, "text"},          {"heard", is_any_text, "text"},
    {"at_ms", is_count, "UTC milliseconds"},
};
constexpr FieldRule kJournal[] = {
    {"seq", is_positive, "a number from 1"},
    {"head", is_hash, "64 hex digits"},
};

std::optional<Fault> check_list(const Json& list, std::span<const FieldRule> rules,
                                std::string_view name) {
    std::size_t index = 0;
    for (const Json& item : list) {
        if (auto fault = check_fields(item, rules, fmt::format("{}[{}]", name, index++))) {
            return fault;
        }
    }
    return std::nullopt;
}

// The newest proof of a kind must be there, be ok, and be of what the certificate names.
std::optional<Fault> check_proof(const Json& object, std::string_view kind, const Json& proven) {
    std::size_t index = 0;
    std::optional<std::size_t> newest;
    for (const Json& proof : object.at("proofs")) {
        newest = proof.at("kind") == kind ? index : newest;
        ++index;
    }
    if (!newest) {
        return Fault{"proofs", fmt::format("holds no proof of the {}", kind)};
    }
    const Json& proof = object.at("proofs").at(*newest);
    const auto field = fmt::format("proofs[{}].", *newest);
    if (proof.at("ok") != true) {
        return Fault{field + "ok", "must be true: no unit passes without"};
    }
    for (const char* side : {"expected", "heard"}) {
        if (proof.at(side) != proven) {
            return Fault{field + side, fmt::format("is not the certificate's {}", kind)};
        }
    }
    return std::nullopt;
}

// How the image was released; an emergency says why. The first certificates do not tell.
std::optional<Fault> check_release(const Json& release) {
    if (release.is_null()) {
        return std::nullopt;
    }
    if (auto fault = check_fields(release, kRelease, "image_release")) {
        return fault;
    }
    if ((release.at("how") == "emergency") == release.at("reason").is_null()) {
        return Fault{"image_release.reason", "is there for an emergency, and for nothing else"};
    }
    return std::nullopt;
}

// Everything but the signature.
std::optional<Fault> check_content(const Json& object) {
    std::vector<FieldRule> fields(std::begin(kFields), std::end(kFields));
    if (object.value("type", Json()) != kFirstCertificateType) {
        fields.push_back({"image_release", is_object_or_null, "an object or null"});
    }
    if (auto fault = check_fields(object, fields)) {
        return fault;
    }
    if (auto fault = check_release(object.value("image_release", Json()))) {
        return fault;
    }
    if (object.at("chip_id").is_null() != object.at("chip_id_waived").get<bool>()) {
        return Fault{"chip_id", "is null only where chip_id_waived is true"};
    }
    if (auto fault = check_fields(object.at("image"), kImage, "image")) {
        return fault;
    }
    if (auto fault = check_list(object.at("steps"), kStep, "steps")) {
        return fault;
    }
    if (object.at("steps").empty() || object.at("steps").back().at("outcome") != "ok") {
        return Fault{"steps", "must end with a step that is ok"};
    }
    if (auto fault = check_list(object.at("proofs"), kProof, "proofs")) {
        return fault;
    }
    if (auto fault = check_proof(object, "image", object.at("image").at("digest"))) {
        return fault;
    }
    // A disk that was written has no serial, and nobody heard one.
    if (object.at("serial") == "") {
        const Json& proofs = object.at("proofs");
        const bool heard = std::any_of(proofs.begin(), proofs.end(), [](const Json& proof) {
            return proof.at("kind") == "serial";
        });
        if (heard) {
            return Fault{"serial", "is empty only where no serial was heard"};
        }
    } else if (auto fault = check_proof(object, "serial", object.at("serial"))) {
        return fault;
    }
    return check_fields(object.at("journal"), kJournal, "journal");
}

template <typename T>
Json or_null(const std::optional<T>& value) {
    return value ? Json(*value) : Json();
}

Json release_as_told(const std::optional<CertificateFacts::Release>& release) {
    return release ? Json{{"how", release->how},
                          {"by", release->by},
                          {"reason", or_null(release->reason)}}
                   : Json();
}

Json as_told(const CertificateFacts& f) {
    Json steps = Json::array();
    for (const auto& step : f.steps) {
        steps.push_back({{"name", step.name},
                         {"attempt", step.attempt},
                         {"started_ms", step.started_ms},
                         {"ended_ms", step.ended_ms},
                         {"outcome", step.outcome}});
    }
    Json proofs = Json::array();
    for (const auto& proof : f.proofs) {
        proofs.push_back({{"kind", proof.kind},
                          {"ok", proof.ok},
                          {"expected", proof.expected},
                          {"heard", proof.heard},
                          {"at_ms", proof.at_ms}});
    }
    return {{"station", f.station},
            {"unit", f.unit},
            {"job", f.job},
            {"attempt", f.attempt},
            {"order", f.order},
            {"model", f.model},
            {"serial", f.serial},
            {"chip_id", or_null(f.chip_id)},
            {"chip_id_waived", !f.chip_id.has_value()},
            {"module_serial", or_null(f.module_serial)},
            {"image", {{"key", f.image_key}, {"digest", f.image_digest}}},
            {"image_release", release_as_told(f.release)},
            {"tool_version", or_null(f.tool_version)},
            {"operator", or_null(f.person)},
            {"rework_reason", or_null(f.rework_reason)},
            {"started_ms", f.started_ms},
            {"ended_ms", f.ended_ms},
            {"steps", std::move(steps)},
            {"proofs", std::move(proofs)},
            {"journal", {{"seq", f.seq}, {"head", base::to_hex(f.head)}}}};
}

}  // namespace

Json certificate_object(const CertificateFacts& facts) {
    // Once to text and back: text that is no UTF-8 is mended, numbers get the type a reader sees.
    return Json::parse(base::dump_json(as_told(facts)), nullptr, /*allow_exceptions=*/false);
}

base::Result<std::string> make_certificate(const CertificateFacts& facts, const SigningKey& key) {
    auto text = sign_object(certificate_object(facts), kCertificateType, key);
    if (!text) {
        return base::with_context(text.error(), "certificate");
    }
    // A certificate nobody could check is never handed out.
    auto readable = read_canonical(*text);
    auto fault = readable ? check_content(*readable) : std::optional(readable.error());
    if (fault) {
        return base::fail("station.bug", "certificate: " + to_text(*fault));
    }
    return text;
}

Checked<Certificate> read_certificate(std::string_view text, const PublicKeys& keys) {
    auto object = read_canonical(text);
    if (!object) {
        return tl::unexpected<Fault>(object.error());
    }
    const bool first = !check_type(*object, kFirstCertificateType);
    const std::string_view type = first ? kFirstCertificateType : kCertificateType;
    auto fault = check_type(*object, type);
    fault = fault ? fault : check_content(*object);
    fault = fault ? fault : check_signature(*object, type, keys);
    if (fault) {
        return tl::unexpected<Fault>(*fault);
    }
    Certificate certificate;
    certificate.anchor.station = object->at("station");
    certificate.anchor.seq = object->at("journal").at("seq");
    certificate.anchor.head = *hash_from_hex(object->at("journal").at("head").get<std::string>());
    certificate.anchor.at_ms = object->at("ended_ms");
    certificate.anchor.key_id = object->at("key");
    certificate.object = std::move(*object);
    return certificate;
}

}  // namespace lineside::trust
