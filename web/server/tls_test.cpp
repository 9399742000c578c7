// SPDX-License-Identifier: Apache-2.0
// The door on the network: the same server under TLS, and who knocks at it in other ways.
#include "station/trust/web_certificate.h"
#include "web/server/guard.h"
#include "web/server/server_fixture.h"

#include <openssl/ssl.h>

#include <memory>

namespace lineside::web {
namespace {

using namespace std::chrono_literals;
using testing::Answer;
using testing::Client;
using testing::ServerTest;

constexpr std::int64_t kNow = 1'790'000'000'000;

class TlsClient final : public Client {
  public:
    explicit TlsClient(std::uint16_t port, int most = TLS1_3_VERSION)
        : Client(port), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
        SSL_CTX_set_security_level(context_.get(), 0);
        SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
        SSL_CTX_set_max_proto_version(context_.get(), most);
        ssl_.reset(SSL_new(context_.get()));
        SSL_set_fd(ssl_.get(), fd());
        met_ = SSL_connect(ssl_.get()) == 1;
    }
    [[nodiscard]] bool met() const { return met_; }
    // The end was told under TLS, so that nobody in between can have cut the answer short.
    [[nodiscard]] bool told_the_end() const {
        return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
    }
    [[nodiscard]] std::string version() const { return SSL_get_version(ssl_.get()); }
    [[nodiscard]] std::string fingerprint() const {
        const std::unique_ptr<X509, decltype(&X509_free)> certificate(
            SSL_get1_peer_certificate(ssl_.get()), X509_free);
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned size = 0;
        X509_digest(certificate.get(), EVP_sha256(), digest, &size);
        std::string text;
        for (unsigned i = 0; i < size; ++i) {
            text += fmt::format("{}{:02X}", i == 0 ? "" : ":", digest[i]);
        }
        return text;
    }

  protected:
    ssize_t put(const char* bytes, std::size_t size) override {
        return SSL_write(ssl_.get(), bytes, static_cast<int>(size));
    }
    ssize_t take(char* bytes, std::size_t size) override {
        const int n = SSL_read(ssl_.get(), bytes, static_cast<int>(size));
        if (n > 0) {
            return n;
        }
        errno = 0;
        return SSL_get_error(ssl_.get(), n) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
    }

  private:
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, SSL_free};
    bool met_ = false;
};

class TlsTest : public ServerTest {
  protected:
    trust::WebIdentity identity(const std::string& name, std::int64_t now = kNow) {
        auto made = trust::own_identity(folder / "web.pem", folder / "web.key", {{name}, {}}, now);
        EXPECT_TRUE(made) << made.error().message;
        return std::move(*made);
    }
    void open(bool strict = false) {
        start();
        const auto made = identity("st3.example");
        tls.listen = {"127.0.0.1"};
        tls.names = {"st3.example", "st3.example:443"};
        tls.certificate_pem = made.certificate_pem;
        tls.key_pem = made.key_pem;
        tls.strict_transport = strict;
        fingerprint = made.facts.sha256;
        const auto opened = thread.on_loop([this] { return server->open_tls(tls); });
        ASSERT_TRUE(opened) << opened.error().message;
        tls_port = server->tls_port();
        own = fmt::format("127.0.0.1:{}", tls_port);
    }
    [[nodiscard]] std::string get(std::string_view target, std::string_view host) const {
        return fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", target, host);
    }
    [[nodiscard]] std::string press(std::string_view origin) const {
        return fmt::format(
            "POST /api/v1/slots/3/press HTTP/1.1\r\nHost: {}\r\nOrigin: {}\r\nX-Lineside: 1\r\n"
            "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}",
            own, origin);
    }
    Answer ask_tls(const std::string& text) {
        TlsClient client(tls_port);
        client.send(text);
        return client.read_answer();
    }

    TlsConfig tls;
    std::uint16_t tls_port = 0;
    std::string own;
    std::string fingerprint;
};

TEST_F(TlsTest, Same_routes_and_rules_with_an_origin_of_its_own) {
    open();
    TlsClient client(tls_port);
    ASSERT_TRUE(client.met());
    EXPECT_EQ(client.version(), "TLSv1.3");
    EXPECT_EQ(client.fingerprint(), fingerprint);
    for (int i = 0; i < 3; ++i) {  // one connection, several requests
        client.send(get("/api/v1/hello", own));
        const auto answer = client.read_answer();
        EXPECT_EQ(answer.status, 200);
        EXPECT_TRUE(answer.complete);
        EXPECT_FALSE(answer.headers.contains("strict-transport-security"));
    }
    EXPECT_EQ(ask_tls(press("https://" + own)).status, 200);
    EXPECT_EQ(ask_tls(press("http://" + own)).status, 403);
    EXPECT_EQ(ask_tls(press(fmt::format("http://127.0.0.1:{}", port))).status, 403);
    EXPECT_EQ(pressed, 1);
    TlsClient older(tls_port, TLS1_2_VERSION);
    EXPECT_TRUE(older.met());
    EXPECT_FALSE(TlsClient(tls_port, TLS1_1_VERSION).met());
}

TEST_F(TlsTest, Goes_by_its_own_names_and_the_address_that_was_reached) {
    open();
    for (const std::string& host :
         {own, fmt::format("st3.example:{}", tls_port), std::string("ST3.example:443")}) {
        EXPECT_EQ(ask_tls(get("/api/v1/hello", host)).status, 200) << host;
    }
    for (const std::string& host :
         {std::string("st3.example"), fmt::format("evil.example:{}", tls_port),
          fmt::format("127.0.0.2:{}", tls_port), fmt::format("127.0.0.1:{}", port),
          fmt::format("localhost:{}", tls_port), fmt::format("[::1]:{}", tls_port),
          fmt::format("st3.example.evil.example:{}", tls_port), std::string()}) {
        EXPECT_EQ(ask_tls(get("/api/v1/hello", host)).status, 421) << host;
    }
    Door six;
    six.tls = *tls_context(tls.certificate_pem, tls.key_pem);
    six.port = 443;
    EXPECT_TRUE(is_own_host("[fd00::5]", six, "fd00::5"));
    EXPECT_TRUE(is_own_host("[FD00:0::5]:443", six, "fd00::5"));
    EXPECT_FALSE(is_own_host("[fd00::6]", six, "fd00::5"));
    EXPECT_FALSE(is_own_host("[fd00::5]", six, "unknown"));
}

TEST_F(TlsTest, Only_a_certificate_of_the_site_binds_browsers_to_it) {
    open(true);
    EXPECT_EQ(ask_tls(get("/api/v1/hello", own)).headers["strict-transport-security"],
              "max-age=31536000");
    EXPECT_FALSE(
        ask(testing::get("/api/v1/hello", port)).headers.contains("strict-transport-security"));
}

TEST_F(TlsTest, Who_comes_in_the_clear_is_sent_on_and_served_nothing) {
    open();
    const auto asked = [&](const std::string& text) {
        Client client(tls_port);
        client.send(text);
        auto answer = client.read_answer();
        EXPECT_TRUE(client.at_end());
        return answer;
    };
    auto sent_on = asked(get("/units/7?x=1", own));
    EXPECT_EQ(sent_on.status, 308);
    EXPECT_EQ(sent_on.headers["location"], fmt::format("https://{}/units/7?x=1", own));
    EXPECT_EQ(asked(get("/", "evil.example")).status, 421);
    EXPECT_EQ(
        asked(fmt::format("GET http://evil.example/ HTTP/1.1\r\nHost: {}\r\n\r\n", own)).status,
        421);
    EXPECT_EQ(asked(press("http://" + own)).status, 308);
    EXPECT_EQ(pressed, 0);
}

TEST_F(TlsTest, Rubbish_and_silence_end_by_themselves_while_others_are_served) {
    open();
    Client silent(tls_port);
    Client half(tls_port);
    half.send(std::string("\x16\x03\x01\x02\x00\x01", 6));
    Client rubbish(tls_port);
    rubbish.send("\x16rubbish rubbish rubbish rubbish");
    EXPECT_EQ(ask_tls(get("/api/v1/hello", own)).status, 200);
    EXPECT_TRUE(silent.at_end());
    EXPECT_TRUE(half.at_end());
    EXPECT_TRUE(rubbish.at_end());
    EXPECT_TRUE(
        eventually([this] { return counters->tls_failed >= 2 && counters->open_tcp == 0; }));
}

TEST_F(TlsTest, Words_in_the_clear_behind_a_first_record_are_no_request) {
    open();
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(
        SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
    BIO* out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), out);
    EXPECT_NE(SSL_connect(ssl.get()), 1);  // leaves its first record in `out`
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out, &bytes);
    ASSERT_GT(size, 100);
    Client client(tls_port);
    client.send(std::string(bytes, static_cast<std::size_t>(size)) + get("/api/v1/hello", own));
    EXPECT_TRUE(client.at_end());
    EXPECT_TRUE(eventually([this] { return counters->tls_failed == 1; }));
    EXPECT_EQ(counters->answers[2], 0U);
}

TEST_F(TlsTest, Who_only_shakes_hands_makes_room_for_the_next) {
    config.limits.connections = 4;
    config.limits.reserved = 1;
    config.limits.header_timeout = 5s;
    open();
    std::list<Client> idle;
    for (int i = 0; i < 12; ++i) {
        idle.emplace_back(tls_port).send(std::string("\x16\x03\x01\x02\x00\x01", 6));
    }
    EXPECT_EQ(ask_tls(get("/api/v1/hello", own)).status, 200);
}

TEST_F(TlsTest, Long_answers_and_bodies_pass_and_a_cut_one_is_seen) {
    open();
    TlsClient whole(tls_port);
    whole.send(get("/api/v1/pieces", own));
    EXPECT_EQ(whole.read_answer().body, "one two");
    const std::string body(700'000, 'x');
    whole.send(fmt::format("POST /api/v1/file HTTP/1.1\r\nHost: {0}\r\nOrigin: https://{0}\r\n"
                           "X-Lineside: 1\r\nContent-Type: text/csv\r\nConnection: close\r\n"
                           "Content-Length: {1}\r\n\r\n",
                           own, body.size()) +
               body);
    const auto answer = whole.read_answer();
    EXPECT_EQ(base::Json::parse(answer.body)["bytes"], body.size());
    EXPECT_TRUE(whole.at_end());
    EXPECT_TRUE(whole.told_the_end());

    TlsClient cut(tls_port);
    cut.send(get("/api/v1/pieces?fail=1", own));
    EXPECT_FALSE(cut.read_answer().complete);
    EXPECT_FALSE(cut.told_the_end());

    TlsClient slow(tls_port);  // reads nothing: its writer gives up, and holds one piece until then
    slow.send(get("/api/v1/endless", own));
    EXPECT_TRUE(eventually([this] { return *pulled > 3; }));
    EXPECT_TRUE(eventually([this] { return counters->open_tcp <= 1; }));
}

TEST_F(TlsTest, New_certificate_is_for_who_comes_next) {
    open();
    TlsClient before(tls_port);
    const auto renewed = identity("st4.example");
    tls.certificate_pem = renewed.certificate_pem;
    tls.names = {"st4.example"};
    const auto opened = thread.on_loop([this] { return server->open_tls(tls); });
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(server->tls_port(), tls_port);
    before.send(get("/api/v1/hello", fmt::format("st3.example:{}", tls_port)));
    EXPECT_EQ(before.read_answer().status, 200);
    TlsClient after(tls_port);
    EXPECT_EQ(after.fingerprint(), renewed.facts.sha256);
    after.send(get("/api/v1/hello", fmt::format("st4.example:{}", tls_port)));
    EXPECT_EQ(after.read_answer().status, 200);
}

TEST_F(TlsTest, What_cannot_be_opened_leaves_the_rest_as_it_is) {
    open();
    TlsConfig bad = tls;
    bad.certificate_pem = "rubbish";
    EXPECT_EQ(thread.on_loop([&] { return server->open_tls(bad); }).error().code, "config.invalid");
    EXPECT_EQ(ask_tls(get("/api/v1/hello", own)).status, 200);

    auto second = thread.on_loop([this] {
        ServerConfig other;
        return Server::start(thread.loop, other, router());
    });
    ASSERT_TRUE(second);
    TlsConfig taken = tls;
    taken.port = tls_port;
    const auto refused = thread.on_loop([&] { return (*second)->open_tls(taken); });
    EXPECT_NE(refused.error().message.find("Cannot listen"), std::string::npos);
    taken.port = 0;
    taken.listen = {"192.0.2.77"};  // not ours yet
    EXPECT_TRUE(thread.on_loop([&] { return (*second)->open_tls(taken); }));
    thread.on_loop([&] { second->reset(); });
}

}  // namespace
}  // namespace lineside::web
