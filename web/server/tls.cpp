// SPDX-License-Identifier: Apache-2.0
#include "web/server/door.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <string_view>

namespace lineside::web {
namespace {

namespace ssl = boost::asio::ssl;

// For TLS 1.2; those of 1.3 are all good. Source: "intermediate" of Mozilla's server guidelines
// without its DHE suites.
constexpr const char* kSuites =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

int choose_http11(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_size,
                  const unsigned char* in, unsigned in_size, void* /*data*/) {
    static constexpr unsigned char kHttp11[] = "\x08http/1.1";
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(&chosen, out_size, kHttp11, sizeof(kHttp11) - 1, in, in_size) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_NOACK;  // a client that speaks something else as well is let in
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

}  // namespace

base::Result<std::shared_ptr<ssl::context>> tls_context(const std::string& certificate_pem,
                                                        const base::Secret& key_pem) {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
    SSL_CTX* raw = context->native_handle();
    SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
    SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(raw, 0);
    SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);  // a thousand pages mostly wait
    SSL_CTX_set_alpn_select_cb(raw, choose_http11, nullptr);
    boost::system::error_code ec;
    if (SSL_CTX_set_cipher_list(raw, kSuites) != 1) {
        return base::fail("station.bug", "OpenSSL knows none of the cipher suites");
    }
    context->use_certificate_chain(boost::asio::buffer(certificate_pem), ec);
    if (ec) {
        return base::fail("config.invalid",
                          fmt::format("The page's certificate is no good: {}", ec.message()));
    }
    const std::string_view key = key_pem.reveal();
    context->use_private_key(boost::asio::buffer(key.data(), key.size()), ssl::context::pem, ec);
    if (ec) {
        return base::fail("config.invalid",
                          fmt::format("The page's key is no good: {}", ec.message()));
    }
    return context;
}

}  // namespace lineside::web
