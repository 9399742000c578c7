// SPDX-License-Identifier: Apache-2.0
#include "workers/media/source/http_client.h"

#include "workers/media/source/half_file.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include <array>

namespace lineside::media {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;
using Parser = http::response_parser<http::buffer_body>;

constexpr auto kTick = 50ms;    // how soon a stop is seen
constexpr auto kConnect = 10s;  // for name and connection, each
constexpr int kMostRedirects = 5;
constexpr std::uint32_t kMostHead = 32 * 1024;
constexpr std::size_t kPiece = 64 * 1024;

bool is_redirect(unsigned status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

struct HttpClient::Ask {
    http::verb verb = http::verb::get;
    HttpUrl url;
    Clock::time_point deadline;
    std::chrono::seconds silence{0};  // for each piece; 0: the deadline alone
    std::uint64_t from = 0;           // of the file: what is there already
    std::string mark;                 // that it is still the same file
};

// Takes an answer piece by piece.
struct HttpClient::Sink {
    virtual ~Sink() = default;
    // The head is there. An error ends the answer.
    virtual base::Status begin(const Parser& head) = 0;
    virtual base::Status take(std::string_view piece) = 0;
};

// One connection to one server.
class HttpClient::Connection {
  public:
    Connection(const HttpUrl& url, const std::atomic<bool>& stop)
        : stop_(stop), origin_(url.origin()), stream_(context_) {}

    [[nodiscard]] const std::string& origin() const { return origin_; }
    [[nodiscard]] bool used() const { return used_; }
    [[nodiscard]] beast::flat_buffer& buffer() { return buffer_; }

    base::Status open(const HttpUrl& url, Clock::time_point deadline) {
        std::string host = url.host;
        if (host.starts_with('[')) {
            host = host.substr(1, host.size() - 2);
        }
        tcp::resolver resolver(context_);
        tcp::resolver::results_type found;
        const error_code unknown = run([&](auto done) {
            resolver.async_resolve(host, std::to_string(url.port),
                                   [&found, done](error_code e, tcp::resolver::results_type r) {
                                       found = std::move(r);
                                       done(e);
                                   });
        });
        if (unknown) {
            return failed("its name cannot be looked up", unknown);
        }
        stream_.expires_at(std::min(deadline, Clock::now() + kConnect));
        const error_code closed = run([&](auto done) {
            stream_.async_connect(found, [done](error_code e, const tcp::endpoint&) { done(e); });
        });
        if (closed) {
            return failed("it cannot be reached", closed);
        }
        return url.tls ? open_tls(host, deadline) : base::Status();
    }

    // Asks and reads the head of the answer.
    base::Status ask(const http::request<http::empty_body>& request, Parser& parser,
                     Clock::time_point deadline) {
        used_ = true;
        stream_.expires_at(deadline);
        const error_code unsent = run([&](auto done) {
            with_stream([&](auto& stream) {
                http::async_write(stream, request, [done](error_code e, std::size_t) { done(e); });
            });
        });
        if (unsent) {
            return failed("it takes no question", unsent);
        }
        stream_.expires_at(deadline);
        const error_code silent = run([&](auto done) {
            with_stream([&](auto& stream) {
                http::async_read_header(stream, buffer_, parser,
                                        [done](error_code e, std::size_t) { done(e); });
            });
        });
        return silent ? failed("its answer cannot be read", silent) : base::Status();
    }

    // The next bytes of the body into what the parser's body points at.
    base::Status read_piece(Parser& parser, Clock::time_point until) {
        stream_.expires_at(until);
        const error_code broken = run([&](auto done) {
            with_stream([&](auto& stream) {
                http::async_read(stream, buffer_, parser,
                                 [done](error_code e, std::size_t) { done(e); });
            });
        });
        return broken && broken != http::error::need_buffer ? failed("its answer broke off", broken)
                                                            : base::Status();
    }

  private:
    base::Status open_tls(const std::string& host, Clock::time_point deadline) {
        error_code error;
        tls_.set_options(ssl::context::no_sslv3 | ssl::context::no_tlsv1 |
                         ssl::context::no_tlsv1_1);
        tls_.set_default_verify_paths(error);
        secure_.emplace(stream_, tls_);
        secure_->set_verify_mode(ssl::verify_peer);
        secure_->set_verify_callback(ssl::host_name_verification(host));
        ::SSL_set_tlsext_host_name(secure_->native_handle(), host.c_str());
        stream_.expires_at(std::min(deadline, Clock::now() + kConnect));
        const error_code refused = run([&](auto done) {
            secure_->async_handshake(ssl::stream_base::client, [done](error_code e) { done(e); });
        });
        return refused ? failed("its certificate or TLS is not accepted", refused) : base::Status();
    }

    template <typename What>
    void with_stream(What what) {
        if (secure_) {
            what(*secure_);
        } else {
            what(stream_);
        }
    }

    // Starts one step and waits for its end; a stop is seen while it waits.
    template <typename Start>
    error_code run(Start start) {
        bool ended = false, cancelled = false;
        error_code result;
        start([&ended, &result](error_code e) {
            result = e;
            ended = true;
        });
        while (!ended) {
            context_.restart();
            context_.run_one_for(kTick);
            if (!ended && stop_ && !cancelled) {
                cancelled = true;
                stream_.cancel();
            }
        }
        return result;
    }

    base::Status failed(std::string_view what, const error_code& error) const {
        if (stop_) {
            return base::fail("operator.stopped");
        }
        const std::string why =
            error == beast::error::timeout ? "it took too long" : error.message();
        return base::fail("media.source",
                          fmt::format("{}: {}: {}; see that the address is right and the server "
                                      "runs, then try again",
                                      origin_, what, why));
    }

    const std::atomic<bool>& stop_;
    std::string origin_;
    asio::io_context context_{1};
    beast::tcp_stream stream_;
    ssl::context tls_{ssl::context::tls_client};
    std::optional<beast::ssl_stream<beast::tcp_stream&>> secure_;
    beast::flat_buffer buffer_;
    bool used_ = false;
};

namespace {

// A strong entity tag, or the date of the last change; nothing where neither can be relied on.
std::string mark_of(const Parser& head) {
    const std::string tag(head.get()[http::field::etag]);
    std::string mark = !tag.empty() && !tag.starts_with("W/")
                           ? tag
                           : std::string(head.get()[http::field::last_modified]);
    return mark.size() <= HalfFile::kMostMark ? mark : "";
}

}  // namespace

HttpClient::HttpClient(const std::atomic<bool>& stop) : stop_(stop) {}
HttpClient::~HttpClient() = default;

base::Result<HttpReply> HttpClient::ask_once(const Ask& what, Sink& sink, std::string& location) {
    http::request<http::empty_body> request{what.verb, what.url.target, 11};
    const bool usual = what.url.port == (what.url.tls ? 443 : 80);
    request.set(http::field::host,
                usual ? what.url.host : fmt::format("{}:{}", what.url.host, what.url.port));
    request.set(http::field::user_agent, "lineside");
    request.set(http::field::accept_encoding, "identity");
    if (what.from > 0) {
        request.set(http::field::range, fmt::format("bytes={}-", what.from));
        request.set(http::field::if_range, what.mark);
    }
    std::optional<Parser> parser;
    for (;;) {
        const bool again = connection_ && connection_->origin() == what.url.origin();
        if (!again) {
            connection_ = std::make_unique<Connection>(what.url, stop_);
            if (auto opened = connection_->open(what.url, what.deadline); !opened) {
                connection_.reset();
                return tl::unexpected<base::Error>(opened.error());
            }
        }
        parser.emplace();
        parser->header_limit(kMostHead);
        parser->body_limit(boost::none);
        parser->skip(what.verb == http::verb::head);
        auto asked = connection_->ask(request, *parser, what.deadline);
        if (asked) {
            break;
        }
        connection_.reset();
        // A server may close a kept connection at any time: that one question is put again.
        if (!again || stop_ || Clock::now() >= what.deadline) {
            return tl::unexpected<base::Error>(asked.error());
        }
    }
    HttpReply reply;
    reply.status = parser->get().result_int();
    if (const auto length = parser->content_length()) {
        reply.length = *length;
    }
    auto end_badly = [&](const base::Error& error) {
        connection_.reset();
        return tl::unexpected<base::Error>(error);
    };
    reply.mark = mark_of(*parser);
    if (is_redirect(reply.status)) {
        location = std::string(parser->get()[http::field::location]);
        connection_.reset();
        return reply;
    }
    if (auto begun = sink.begin(*parser); !begun) {
        return end_badly(begun.error());
    }
    std::array<char, kPiece> piece{};
    while (!parser->is_done()) {
        parser->get().body().data = piece.data();
        parser->get().body().size = piece.size();
        const auto until = what.silence > 0s ? std::min(what.deadline, Clock::now() + what.silence)
                                             : what.deadline;
        auto read = connection_->read_piece(*parser, until);
        const std::string_view got(piece.data(), piece.size() - parser->get().body().size);
        // What came before it broke off is kept: a download goes on behind it.
        if (auto taken = sink.take(got); !taken) {
            return end_badly(taken.error());
        }
        if (!read) {
            return end_badly(read.error());
        }
    }
    if (!parser->keep_alive()) {
        connection_.reset();
    }
    return reply;
}

base::Result<HttpReply> HttpClient::ask(Ask what, Sink& sink) {
    for (int redirects = 0;; ++redirects) {
        std::string location;
        auto reply = ask_once(what, sink, location);
        if (!reply || location.empty()) {
            if (reply && is_redirect(reply->status)) {
                return base::fail("media.source",
                                  fmt::format("{} answers {} and does not say where "
                                              "to go; correct the address",
                                              what.url.text(), reply->status));
            }
            return reply;
        }
        const bool here = location.starts_with('/') && !location.starts_with("//");
        const auto next = parse_http_url(here ? what.url.origin() + location : location);
        if (!next) {
            return base::fail("media.source", fmt::format("{} sends elsewhere: {}", what.url.text(),
                                                          next.error().message));
        }
        if (redirects == kMostRedirects || (what.url.tls && !next->tls)) {
            return base::fail(
                "media.source",
                fmt::format("{} {}; correct the address", what.url.text(),
                            redirects == kMostRedirects ? "sends elsewhere for ever"
                                                        : "sends from HTTPS to HTTP"));
        }
        what.url = *next;
    }
}

namespace {

tl::unexpected<base::Error> bad_status(const HttpUrl& url, unsigned status) {
    return base::fail("media.source", fmt::format("{} answers {}; see that the address is right",
                                                  url.text(), status));
}

}  // namespace

base::Result<HttpReply> HttpClient::get(const HttpUrl& url, std::size_t most_bytes,
                                        std::chrono::seconds whole) {
    struct Memory : Sink {
        std::string text;
        std::size_t most = 0;
        std::string where;
        base::Status too_long() const {
            return base::fail("media.source",
                              fmt::format("{} answers more than {} bytes, which is no answer to "
                                          "this question; see that the address is right",
                                          where, most));
        }
        base::Status begin(const Parser& head) override {
            const auto length = head.content_length();
            return length && *length > most ? too_long() : base::Status();
        }
        base::Status take(std::string_view piece) override {
            if (text.size() + piece.size() > most) {
                return too_long();
            }
            text += piece;
            return {};
        }
    } memory;
    memory.most = most_bytes;
    memory.where = url.text();
    auto reply = ask({http::verb::get, url, Clock::now() + whole, 0s, 0, {}}, memory);
    if (reply && reply->status / 100 != 2 && reply->status != 404) {
        return bad_status(url, reply->status);
    }
    if (reply) {
        reply->body = std::move(memory.text);
    }
    return reply;
}

base::Result<HttpReply> HttpClient::head(const HttpUrl& url, std::chrono::seconds whole) {
    struct Nothing : Sink {
        base::Status begin(const Parser&) override { return {}; }
        base::Status take(std::string_view) override { return {}; }
    } nothing;
    auto reply = ask({http::verb::head, url, Clock::now() + whole, 0s, 0, {}}, nothing);
    if (reply && reply->status / 100 != 2 && reply->status != 404) {
        return bad_status(url, reply->status);
    }
    return reply;
}

base::Result<std::uint64_t> HttpClient::download(const HttpUrl& url,
                                                 const std::filesystem::path& file,
                                                 const DownloadLimits& limits) {
    struct ToFile : Sink {
        ToFile(HalfFile& half_file, const HttpUrl& from, std::uint64_t most_bytes)
            : half(half_file), url(from), most(most_bytes) {}
        HalfFile& half;
        HttpUrl url;
        std::uint64_t most;
        std::optional<std::uint64_t> whole;  // bytes of the file, as the server says
        bool came = false;                   // did anything come at all?

        base::Status begin(const Parser& head) override {
            const unsigned status = head.get().result_int();
            const auto length = head.content_length();
            if (status == 206) {
                const std::string range(head.get()[http::field::content_range]);
                if (half.size() == 0 || !length ||
                    range != fmt::format("bytes {}-{}/{}", half.size(), half.size() + *length - 1,
                                         half.size() + *length)) {
                    return base::fail("media.source",
                                      url.text() + " sends another part than was asked for");
                }
                whole = half.size() + *length;
            } else if (status != 200) {
                return bad_status(url, status);
            } else if (head.need_eof()) {
                return base::fail("media.source",
                                  url.text() +
                                      " does not say how long it is, so nobody can tell "
                                      "whether all of it came; let the server say so");
            } else {
                whole.reset();
                if (length) {
                    whole = *length;
                }
                if (auto anew = half.begin_anew(mark_of(head)); !anew) {
                    return anew;
                }
            }
            return whole && *whole > most ? too_long() : base::Status();
        }
        base::Status take(std::string_view piece) override {
            came = came || !piece.empty();
            return half.size() + piece.size() > most ? too_long() : half.append(piece);
        }
        base::Status too_long() const {
            return base::fail("media.source",
                              fmt::format("{} is larger than {} bytes", url.text(), most));
        }
    };
    HalfFile half(file);
    if (auto opened = half.open(); !opened) {
        return tl::unexpected<base::Error>(opened.error());
    }
    const auto deadline = Clock::now() + limits.whole;
    for (int attempt = 1;; ++attempt) {
        ToFile sink(half, url, limits.most_bytes);
        const auto reply =
            ask({http::verb::get, url, deadline, limits.silence, half.size(), half.mark()}, sink);
        if (reply && (!sink.whole || half.size() == *sink.whole)) {
            break;
        }
        const base::Error why =
            reply ? base::make_error("media.source", url.text() + " sent less than it said")
                  : reply.error();
        // What is behind the end of the file cannot be asked for: it is another file by now.
        const bool other = why.message.find(" answers 416") != std::string::npos;
        if (other) {
            if (auto anew = half.begin_anew(""); !anew) {
                return tl::unexpected<base::Error>(anew.error());
            }
        }
        if (attempt >= limits.attempts || Clock::now() >= deadline || !(sink.came || other)) {
            return tl::unexpected<base::Error>(why);
        }
    }
    if (auto done = half.become(file); !done) {
        return tl::unexpected<base::Error>(done.error());
    }
    return half.size();
}

}  // namespace lineside::media
