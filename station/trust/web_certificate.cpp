// SPDX-License-Identifier: Apache-2.0
#include "station/trust/web_certificate.h"

#include "station/base/files.h"
#include "station/base/freed.h"
#include "station/base/key_file.h"
#include "station/base/text.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>

namespace lineside::trust {
namespace {

using base::Freed;
using base::Result;

constexpr std::size_t kMaxFile = 256 * 1024;
constexpr std::int64_t kDayMs = std::int64_t{24} * 3600 * 1000;
constexpr std::int64_t kValidDays = 397;  // the most that browsers take
constexpr std::int64_t kRenewDays = 30;
constexpr std::size_t kMostNames = 64;
constexpr std::int64_t kBackDays = 2;  // a screen's clock may be behind ours

using Bio = std::unique_ptr<BIO, Freed<BIO_free>>;
using Pkey = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Cert = std::unique_ptr<X509, Freed<X509_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;

// A key file with a pass phrase must not stop the service at a prompt.
int no_pass_phrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) {
    return -1;
}

Bio reading(std::string_view text) {
    return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string_view content_of(const Bio& bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, size > 0 ? static_cast<std::size_t>(size) : 0};
}

tl::unexpected<base::Error> invalid(std::string message) {
    return base::fail("config.invalid", std::move(message));
}

tl::unexpected<base::Error> openssl_failed(std::string_view doing) {
    return base::fail("station.bug", fmt::format("OpenSSL failed: {}", doing));
}

std::string hex_pairs(const unsigned char* bytes, std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) {
        text += fmt::format("{}{:02X}", i == 0 ? "" : ":", bytes[i]);
    }
    return text;
}

std::int64_t to_ms(const ASN1_TIME* time) {
    std::tm tm{};
    return ASN1_TIME_to_tm(time, &tm) == 1 ? std::int64_t{timegm(&tm)} * 1000 : 0;
}

std::string address_text(const ASN1_OCTET_STRING* bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int length = ASN1_STRING_length(bytes);
    if ((length != 4 && length != 16) ||
        ::inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(bytes), text.data(),
                    text.size()) == nullptr) {
        return {};
    }
    return text.data();
}

WebNames names_of(const X509* certificate) {
    WebNames out;
    const Names all(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; all && i < sk_GENERAL_NAME_num(all.get()); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), i);
        if (name->type == GEN_DNS) {
            out.dns.emplace_back(
                reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
        } else if (name->type == GEN_IPADD) {
            out.addresses.push_back(address_text(name->d.iPAddress));
        }
    }
    return out;
}

Cert read_certificate(std::string_view pem) {
    const Bio in = reading(pem);
    return Cert(in ? PEM_read_bio_X509(in.get(), nullptr, no_pass_phrase, nullptr) : nullptr);
}

Pkey read_key(const base::Secret& pem) {
    const Bio in = reading(pem.reveal());
    return Pkey(in ? PEM_read_bio_PrivateKey(in.get(), nullptr, no_pass_phrase, nullptr) : nullptr);
}

Result<WebCertificate> facts_of(const X509* certificate) {
    WebCertificate facts;
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) {
        return openssl_failed("a fingerprint");
    }
    facts.sha256 = hex_pairs(digest.data(), size);
    unsigned char* key = nullptr;
    const int key_size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &key);
    const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owned(
        key, [](unsigned char* bytes) { OPENSSL_free(bytes); });
    if (key_size <= 0 || EVP_Digest(key, static_cast<std::size_t>(key_size), digest.data(), &size,
                                    EVP_sha256(), nullptr) != 1) {
        return openssl_failed("a key's fingerprint");
    }
    facts.key_sha256 = hex_pairs(digest.data(), size);
    facts.not_before_ms = to_ms(X509_get0_notBefore(certificate));
    facts.not_after_ms = to_ms(X509_get0_notAfter(certificate));
    facts.names = names_of(certificate);
    return facts;
}

base::Status make_key(const std::filesystem::path& file) {
    const Pkey key(EVP_EC_gen("P-256"));
    const Bio out(BIO_new(BIO_s_secmem()));
    if (!key || !out ||
        PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                      nullptr) != 1) {
        return openssl_failed("a new key");
    }
    auto written = base::replace_file(file, content_of(out), 0600);
    if (!written && written.error().code != "disk.full") {
        return invalid(
            fmt::format("the key of the page {} cannot be made ({}); it lies beside "
                        "signing_key, where the station must be able to write",
                        file.string(), written.error().message));
    }
    return written;
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    const bool added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

std::string alternative_names(const WebNames& names) {
    std::string text;
    for (const auto& name : names.dns) {
        text += fmt::format("{}DNS:{}", text.empty() ? "" : ",", name);
    }
    for (const auto& address : names.addresses) {
        text += fmt::format("{}IP:{}", text.empty() ? "" : ",", address);
    }
    return text;
}

// A number nobody can guess, as the rules for certificates ask.
bool set_number(X509* certificate) {
    std::array<unsigned char, 16> random{};
    const std::unique_ptr<BIGNUM, Freed<BN_free>> number(BN_new());
    if (RAND_bytes(random.data(), random.size()) != 1) {
        return false;
    }
    random[0] &= 0x7FU;
    return number && BN_bin2bn(random.data(), random.size(), number.get()) != nullptr &&
           BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

Result<std::string> sign_anew(const Pkey& key, const WebNames& names, std::int64_t now_ms) {
    const Cert made(X509_new());
    const auto seconds = [&](std::int64_t days) {
        return static_cast<time_t>((now_ms + days * kDayMs) / 1000);
    };
    bool good =
        made && X509_set_version(made.get(), X509_VERSION_3) == 1 && set_number(made.get()) &&
        ASN1_TIME_set(X509_getm_notBefore(made.get()), seconds(-kBackDays)) != nullptr &&
        ASN1_TIME_set(X509_getm_notAfter(made.get()), seconds(kValidDays - kBackDays)) != nullptr &&
        X509_set_pubkey(made.get(), key.get()) == 1;
    if (good) {
        X509_NAME* subject = X509_get_subject_name(made.get());
        const auto* name = reinterpret_cast<const unsigned char*>("Lineside station");
        good = X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0) == 1 &&
               X509_set_issuer_name(made.get(), subject) == 1 &&
               add_extension(made.get(), NID_basic_constraints, "critical,CA:FALSE") &&
               add_extension(made.get(), NID_key_usage, "critical,digitalSignature") &&
               add_extension(made.get(), NID_ext_key_usage, "serverAuth") &&
               add_extension(made.get(), NID_subject_key_identifier, "hash") &&
               add_extension(made.get(), NID_authority_key_identifier, "keyid:always") &&
               add_extension(made.get(), NID_subject_alt_name, alternative_names(names)) &&
               X509_sign(made.get(), key.get(), EVP_sha256()) > 0;
    }
    const Bio out(BIO_new(BIO_s_mem()));
    if (!good || !out || PEM_write_bio_X509(out.get(), made.get()) != 1) {
        return openssl_failed("a certificate of the page");
    }
    return std::string(content_of(out));
}

void add_missing(std::vector<std::string>& to, const std::vector<std::string>& from) {
    for (const std::string& name : from) {
        if (std::find(to.begin(), to.end(), name) == to.end()) {
            to.push_back(name);
        }
    }
}

WebNames both(const WebNames& some, const WebNames& more) {
    WebNames all = some;
    add_missing(all.dns, more.dns);
    add_missing(all.addresses, more.addresses);
    return all;
}

std::size_t count(const WebNames& names) {
    return names.dns.size() + names.addresses.size();
}

}  // namespace

Result<WebCertificate> certificate_facts(std::string_view pem, std::string_view name) {
    const Cert certificate = read_certificate(pem);
    if (!certificate) {
        return invalid(fmt::format("{} holds no certificate in PEM", name));
    }
    return facts_of(certificate.get());
}

Result<WebIdentity> site_identity(const std::filesystem::path& certificate,
                                  const std::filesystem::path& key, std::int64_t now_ms) {
    auto pem = base::read_file(certificate, kMaxFile);
    if (!pem) {
        return tl::unexpected(pem.error());
    }
    auto key_pem = base::read_key_file(key, kMaxFile, "config.invalid");
    if (!key_pem) {
        return tl::unexpected(key_pem.error());
    }
    const Cert read = read_certificate(*pem);
    if (!read) {
        return invalid(fmt::format("{} holds no certificate in PEM", certificate.string()));
    }
    const Pkey private_key = read_key(*key_pem);
    if (!private_key) {
        return invalid(
            fmt::format("{} holds no private key in PEM without a pass phrase", key.string()));
    }
    if (X509_check_private_key(read.get(), private_key.get()) != 1) {
        return invalid(fmt::format("{} is not the key of the certificate in {}", key.string(),
                                   certificate.string()));
    }
    auto facts = facts_of(read.get());
    if (!facts) {
        return tl::unexpected(facts.error());
    }
    if (facts->not_after_ms <= now_ms || facts->not_before_ms > now_ms) {
        return invalid(
            fmt::format("the certificate in {} {}; ask your site for a new one, or "
                        "leave certificate and key out",
                        certificate.string(),
                        facts->not_after_ms <= now_ms ? "has run out" : "is not valid yet"));
    }
    return WebIdentity{std::move(*pem), std::move(*key_pem), std::move(*facts)};
}

Result<WebIdentity> own_identity(const std::filesystem::path& certificate,
                                 const std::filesystem::path& key, const WebNames& names,
                                 std::int64_t now_ms) {
    std::error_code ignored;
    if (!std::filesystem::exists(std::filesystem::symlink_status(key, ignored))) {
        if (auto made = make_key(key); !made) {
            return tl::unexpected(made.error());
        }
    }
    auto key_pem = base::read_key_file(key, kMaxFile, "config.invalid");
    if (!key_pem) {
        return tl::unexpected(key_pem.error());
    }
    const Pkey private_key = read_key(*key_pem);
    if (!private_key) {
        return invalid(
            fmt::format("{} holds no private key in PEM; remove it, and the station "
                        "makes a new one with another fingerprint",
                        key.string()));
    }
    WebNames wanted = names;
    if (auto pem = base::read_file(certificate, kMaxFile)) {
        const Cert old = read_certificate(*pem);
        auto facts = old ? facts_of(old.get()) : Result<WebCertificate>(openssl_failed(""));
        if (facts && X509_check_private_key(old.get(), private_key.get()) == 1) {
            const WebNames all = both(facts->names, names);
            if (count(all) == count(facts->names) && facts->not_before_ms <= now_ms &&
                facts->not_after_ms > now_ms + kRenewDays * kDayMs) {
                return WebIdentity{std::move(*pem), std::move(*key_pem), std::move(*facts)};
            }
            wanted = count(all) <= kMostNames ? all : names;
        }
    }
    auto pem = sign_anew(private_key, wanted, now_ms);
    if (!pem) {
        return tl::unexpected(pem.error());
    }
    if (auto written = base::replace_file(certificate, *pem, 0644); !written) {
        return written.error().code == "disk.full"
                   ? Result<WebIdentity>(tl::unexpected(written.error()))
                   : invalid(fmt::format("the certificate of the page {} cannot be written: {}",
                                         certificate.string(), written.error().message));
    }
    auto facts = certificate_facts(*pem, certificate.string());
    if (!facts) {
        return tl::unexpected(facts.error());
    }
    return WebIdentity{std::move(*pem), std::move(*key_pem), std::move(*facts)};
}

}  // namespace lineside::trust
