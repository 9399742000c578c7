// SPDX-License-Identifier: Apache-2.0
#include "web/server/connection.h"

#include "station/base/log.h"
#include "web/server/admission.h"
#include "web/server/beast_request.h"
#include "web/server/compression.h"
#include "web/server/problem.h"
#include "web/server/response_head.h"
#include "web/server/wire.h"

#include <boost/asio/post.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

namespace lineside::web {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr unsigned char kTlsHandshake = 0x16;  // the first byte of who speaks TLS

class Session final : public Connection, public std::enable_shared_from_this<Session> {
  public:
    Session(asio::generic::stream_protocol::socket socket, std::shared_ptr<Site> site,
            std::shared_ptr<const Door> door, Sender sender, bool over_unix)
        : stream_(std::move(socket)),
          buffer_(site->limits.header_bytes + 64 * 1024),
          site_(std::move(site)),
          door_(std::move(door)),
          sender_(std::move(sender)),
          unix_(over_unix),
          id_(site_->next_id++) {
        ++site_->counters->accepted;
        ++(unix_ ? site_->counters->open_unix : site_->counters->open_tcp);
    }
    ~Session() override {
        be_idle(false);
        end_exchange();
        --(unix_ ? site_->counters->open_unix : site_->counters->open_tcp);
        site_->remove(id_);
    }

    void start() override {
        site_->connections.emplace(id_, weak_from_this());
        read_next(site_->limits.header_timeout);
    }
    void close() override {
        if (!closed_) {
            closed_ = true;
            be_idle(false);
            stream_.close();
            end_exchange();
        }
    }
    void finish() override {
        keep_alive_ = false;
        if ((idle_ != 0 && !body_) || answer_.push) {
            close();
        }
    }
    [[nodiscard]] bool streams_to(std::int64_t session) const override {
        return idle_ == 0 && !unix_ && request_.session == session &&
               (answer_.push || answer_.source);
    }

  private:
    // --- reading
    void be_idle(bool idle) {
        IdleLine& line = unix_ ? site_->idle_unix : site_->idle_tcp;
        line.leave(idle_);
        idle_ = idle ? line.join(weak_from_this()) : 0;
    }

    void read_next(std::chrono::milliseconds patience) {
        be_idle(true);
        keep_alive_ = true;
        if (buffer_.size() > 0) {
            read_head();
            return;
        }
        stream_.expires_after(patience);
        stream_.async_read_some(buffer_.prepare(4096),
                                [self = shared_from_this()](error_code ec, std::size_t n) {
                                    if (ec) {
                                        self->lost(ec);
                                        return;
                                    }
                                    self->buffer_.commit(n);
                                    if (self->door_->tls && !self->under_tls_ && !self->in_clear_) {
                                        self->meet();
                                    } else {
                                        self->read_head();
                                    }
                                });
    }

    // The first bytes at a TLS door. Who forgot the s of https is told where to go.
    void meet() {
        in_clear_ = *static_cast<const unsigned char*>(buffer_.data().data()) != kTlsHandshake;
        if (in_clear_) {
            return read_head();
        }
        stream_.expires_after(site_->limits.header_timeout);
        stream_.begin_tls(*door_, buffer_, [self = shared_from_this()](error_code ec) {
            // What came in the clear must not be left to be read as if it had come under TLS.
            if (ec || self->buffer_.size() > 0) {
                ++self->site_->counters->tls_failed;
                return self->lost(ec);
            }
            self->under_tls_ = true;
            self->read_next(self->site_->limits.header_timeout);
        });
    }

    void read_head() {
        body_.reset();
        head_.emplace();
        head_->header_limit(static_cast<std::uint32_t>(site_->limits.header_bytes));
        head_->body_limit(boost::none);  // decided once the route is known
        stream_.expires_after(site_->limits.header_timeout);
        http::async_read_header(
            stream_, buffer_, *head_,
            [self = shared_from_this()](error_code ec, std::size_t) { self->on_head(ec); });
    }

    void on_head(error_code ec) {
        if (closed_) {
            return;
        }
        ++exchange_;
        head_only_ = false;
        version_ = 11;
        if (ec == http::error::header_limit || ec == http::error::buffer_overflow) {
            return refuse(base::make_error("http.headers"));
        }
        if (is_nonsense(ec)) {
            const bool other = ec == http::error::bad_version && names_a_version(start_of(buffer_));
            return refuse(base::make_error(other ? "http.version" : "http.malformed"));
        }
        if (ec) {
            lost(ec);
            return;
        }
        const auto& message = head_->get();
        version_ = message.version();
        keep_alive_ = message.keep_alive();
        request_ = request_of(message);
        request_.actor = sender_.actor;
        request_.over_unix = unix_;
        request_.over_tls = under_tls_;
        request_.source = sender_.address;
        request_.reached = sender_.reached;
        head_only_ = request_.verb == Verb::head;
        if (in_clear_) {  // nothing is done, not even a cookie's owner is looked for
            return respond(sent_to_tls(request_, *door_, message.target()));
        }
        auto admission = admit(request_, framed_of(*head_), *site_, *door_, allow_);
        if (!admission) {
            return refuse(admission.error());
        }
        match_ = std::move(admission->match);
        if (admission->upload) {
            ++site_->uploads;
            upload_ = true;
        }
        if (head_->is_done()) {
            take_body({});
            dispatch();
        } else {
            begin_body(admission->body_limit);
        }
    }

    void begin_body(std::size_t limit) {
        body_.emplace(std::move(*head_));
        body_->body_limit(limit);
        most_sent_ = 2 * limit + 64 * 1024;
        body_start_ = Clock::now();
        body_bytes_ = 0;
        if (base::to_lower_ascii(request_.header("expect")) == "100-continue" && version_ == 11) {
            static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
            out_.clear();
            out_.add(asio::buffer(kContinue.data(), kContinue.size()));
            write(&Session::read_body);
        } else {
            read_body();
        }
    }

    void read_body() {
        stream_.expires_after(site_->limits.body_timeout);
        http::async_read_some(
            stream_, buffer_, *body_,
            [self = shared_from_this()](error_code ec, std::size_t n) { self->on_body(ec, n); });
    }

    void on_body(error_code ec, std::size_t n) {
        if (closed_) {
            return;
        }
        if (ec == http::error::body_limit) {
            return refuse(base::make_error("http.too_large"));
        }
        if (is_nonsense(ec)) {
            return refuse(base::make_error("http.malformed", "The body cannot be read"));
        }
        if (ec) {
            lost(ec);
            return;
        }
        if (body_->is_done()) {
            take_body(std::move(body_->get().body()));
            body_.reset();
            dispatch();
            return;
        }
        body_bytes_ += n;
        if (body_bytes_ > most_sent_) {  // what chunks have around them counts too
            return refuse(base::make_error("http.too_large"));
        }
        be_idle(true);  // at the limit a new one takes the place of who was silent longest
        const auto due = site_->limits.body_grace +
                         std::chrono::milliseconds(body_bytes_ * 1000 / site_->limits.body_rate);
        if (Clock::now() - body_start_ > due) {
            ++site_->counters->timeouts;
            return refuse(base::make_error("http.timeout"));
        }
        read_body();
    }

    void take_body(std::string body) {
        if (upload_) {
            request_.upload = std::make_shared<std::string>(std::move(body));
        } else {
            request_.body = std::move(body);
        }
    }

    void dispatch() {
        be_idle(false);
        auto reply = std::make_shared<Reply>(
            [self = shared_from_this(), exchange = exchange_](Response response) {
                if (self->exchange_ == exchange) {
                    self->respond(std::move(response));
                }
            });
        const Handler handler = match_.route != nullptr ? match_.route->handler : match_.fallback;
        try {
            handler(request_, reply);
        } catch (const std::exception& bug) {
            base::log_error("web: {} {}: {}", to_text(request_.verb), request_.path, bug.what());
            reply->problem(base::make_error("station.bug"));
        }
    }

    // --- answering

    // Answers without having read the body: what may still come is not a request.
    void refuse(const base::Error& error) {
        auto response = problem_response(error);
        if (error.code == "http.method") {
            response.headers.push_back({"Allow", allow_});
        }
        const bool unread = body_ || !head_ || !head_->is_done();
        response.close = unread;
        respond(std::move(response));
    }

    void respond(Response response) {
        if (closed_) {
            return;
        }
        be_idle(false);
        answer_ = compressed(std::move(response), request_.header("accept-encoding"));
        ++site_->counters->answers[std::min(answer_.status / 100, 5U)];
        if (answer_.push && !head_only_) {
            const bool screen = request_.session != 0 && request_.account == 0;
            if (auto place = StreamPlace::take(*site_, request_.session, screen, unix_)) {
                place_.emplace(std::move(*place));
            } else {
                return refuse(base::make_error("http.busy"));
            }
        }
        Framing framing = framing_of(answer_, version_);
        chunked_ = framing.chunked;
        keep_alive_ = keep_alive_ && framing.keep_alive && !site_->stopping;
        framing.keep_alive = keep_alive_;
        framing.strict_transport = under_tls_ && door_->strict_transport;
        head_text_ = response_head(answer_, framing);
        out_.clear();
        out_.add(asio::buffer(head_text_));
        const bool bodiless = head_only_ || answer_.status == 204 || answer_.status == 304;
        if (bodiless) {
            write(&Session::end_answer);
        } else if (place_) {
            write(&Session::start_push);
        } else if (answer_.source) {
            write(&Session::pull);
        } else {
            out_.add(asio::buffer(answer_.payload()));
            write(&Session::end_answer);
        }
    }

    void pull() {
        answer_.source->next(
            [self = shared_from_this(), exchange = exchange_](base::Result<std::string> piece) {
                if (!self->closed_ && self->exchange_ == exchange) {
                    self->on_piece(std::move(piece));
                }
            });
    }

    void on_piece(base::Result<std::string> piece) {
        if (!piece) {
            base::log_warning("web: {}: cut short: {}", request_.path, piece.error().message);
            stream_.cut();
            close();
            return;
        }
        piece_ = std::move(*piece);
        out_.clear();
        if (piece_.empty()) {
            if (chunked_) {
                out_.add(asio::buffer("0\r\n\r\n", 5));
            }
            write(&Session::end_answer);
            return;
        }
        if (chunked_) {
            chunk_head_ = fmt::format("{:x}\r\n", piece_.size());
            out_.add(asio::buffer(chunk_head_));
            out_.add(asio::buffer(piece_));
            out_.add(asio::buffer("\r\n", 2));
        } else {
            out_.add(asio::buffer(piece_));
        }
        write(&Session::pull);
    }

    void end_answer() {
        end_exchange();
        if (keep_alive_ && !site_->stopping) {
            read_next(site_->limits.idle_timeout);
            return;
        }
        stream_.finish(site_->limits.linger,
                       [self = shared_from_this()](error_code) { self->close(); });
    }

    // --- pushing

    void start_push() {
        stream_.begin_push();
        watch_reader();
        answer_.push->attach([weak = weak_from_this()] {
            if (auto self = weak.lock()) {
                self->wake();
            }
        });
        wake();
    }

    // A page never sends anything on its stream: whatever comes is its end.
    void watch_reader() {
        buffer_.clear();
        stream_.async_read_some(
            buffer_.prepare(512),
            [self = shared_from_this()](error_code, std::size_t) { self->close(); });
    }

    // All that is pushed within one turn of the loop goes out in one write.
    void wake() {
        if (!flushing_ && !closed_) {
            flushing_ = true;
            asio::post(stream_.get_executor(), [self = shared_from_this()] { self->flush(); });
        }
    }

    void flush() {
        flushing_ = false;
        if (closed_ || !answer_.push) {
            return;
        }
        batch_ = answer_.push->take();
        if (batch_.empty()) {
            return;
        }
        out_.clear();
        for (const auto& text : batch_) {
            out_.add(asio::buffer(*text));
        }
        stream_.write_at_once(out_);  // as a rule all of it: a thousand pages, ten times a second
        if (!out_.empty()) {
            flushing_ = true;
            write(&Session::flush);
        }
    }

    // --- both
    // Writes out_ as fast as the reader takes it, then calls `next`.
    void write(void (Session::*next)()) {
        stream_.write(out_, site_->limits.write_timeout,
                      [self = shared_from_this(), next](error_code ec) {
                          if (self->closed_) {
                              return;
                          }
                          if (ec) {
                              self->lost(ec);
                              return;
                          }
                          (self.get()->*next)();
                      });
    }

    void lost(error_code ec) {
        if (ec == beast::error::timeout) {
            ++site_->counters->timeouts;
        }
        close();
    }

    void end_exchange() {
        ++exchange_;
        place_.reset();
        if (upload_) {
            upload_ = false;
            --site_->uploads;
        }
        if (answer_.push) {
            answer_.push->attach(nullptr);
        }
        answer_ = Response{};
        batch_.clear();
        request_ = Request{};
        if (closed_) {
            out_.clear();
        }
    }

    // Fixed after construction.
    Wire stream_;
    beast::flat_buffer buffer_;
    std::shared_ptr<Site> site_;
    std::shared_ptr<const Door> door_;
    Sender sender_;
    bool unix_;
    std::uint64_t id_;

    // The request under way.
    std::optional<http::request_parser<http::empty_body>> head_;
    std::optional<http::request_parser<http::string_body>> body_;
    Request request_;
    Router::Match match_;
    std::string allow_;
    std::uint64_t exchange_ = 0;  // counts requests, so that a late answer meets no other request
    unsigned version_ = 11;
    bool head_only_ = false;
    bool keep_alive_ = true;
    bool upload_ = false;
    std::size_t body_bytes_ = 0, most_sent_ = 0;
    Clock::time_point body_start_;

    // The answer under way.
    Response answer_;
    std::string head_text_;
    std::string chunk_head_;
    std::string piece_;
    std::vector<std::shared_ptr<const std::string>> batch_;
    Gather out_;
    bool chunked_ = false;
    std::optional<StreamPlace> place_;
    bool flushing_ = false;

    bool under_tls_ = false;
    bool in_clear_ = false;   // at a TLS door
    std::uint64_t idle_ = 0;  // place in the line of the idle; 0: a whole request is there
    bool closed_ = false;
};

}  // namespace

std::shared_ptr<Connection> make_connection(asio::generic::stream_protocol::socket socket,
                                            std::shared_ptr<Site> site,
                                            std::shared_ptr<const Door> door, Sender sender,
                                            bool over_unix) {
    return std::make_shared<Session>(std::move(socket), std::move(site), std::move(door),
                                     std::move(sender), over_unix);
}

}  // namespace lineside::web
