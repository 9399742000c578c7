// SPDX-License-Identifier: Apache-2.0
#include "station/process/helper_client.h"

#include "station/base/log.h"
#include "station/helper/packet.h"

#include <boost/asio/post.hpp>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace lineside::process {
namespace {

using base::Json;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr std::size_t kMaxPacket = 8 * 1024;
constexpr milliseconds kFirstBackoff{100};
constexpr milliseconds kMaxBackoff{5000};
constexpr milliseconds kConnectWithin{3000};  // how long a request waits for a helper that restarts
constexpr milliseconds kTick{250};
constexpr int kPacketsPerTurn = 64;

base::Error lost_error(const std::string& reason) {
    return base::make_error("helper.lost", "root helper is not there: " + reason);
}

base::Error error_of(const Json& packet) {
    const auto error = base::field<Json>(packet, "error");
    if (!error) {
        return base::make_error("helper.refused", "root helper refused without a reason");
    }
    return base::make_error(
        base::field_or<std::string>(*error, "code", "helper.refused").value_or("helper.refused"),
        base::field_or<std::string>(*error, "message", "").value_or(""));
}

}  // namespace

HelperClient::HelperClient(boost::asio::any_io_executor executor, std::string socket,
                           HelperEvents events)
    : executor_(executor),
      socket_(std::move(socket)),
      events_(std::move(events)),
      retry_(executor),
      tick_(executor) {}

void HelperClient::open() {
    connect();
}

void HelperClient::close() {
    closed_ = true;
    retry_.cancel();
    tick_.cancel();
    drop(lost_error("station is stopping"));
}

void HelperClient::connect() {
    if (closed_ || stream_) {
        return;
    }
    base::UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_.size() >= sizeof address.sun_path) {
        return;
    }
    std::memcpy(address.sun_path, socket_.data(), socket_.size());
    if (!fd ||
        ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        refusal_ = fmt::format("{}: {}", socket_, std::generic_category().message(errno));
        retry_later();
        return;
    }
    stream_.emplace(executor_);
    error_code error;
    stream_->assign(fd.get(), error);
    if (error) {
        stream_.reset();
        retry_later();
        return;
    }
    (void)fd.release();
    backoff_ = kFirstBackoff;
    read();
    flush();
    if (stream_ && events_.found) {
        events_.found();
    }
}

void HelperClient::retry_later() {
    if (closed_) {
        return;
    }
    retry_.expires_after(backoff_);
    backoff_ = std::min(backoff_ * 2, kMaxBackoff);
    retry_.async_wait([weak = weak_from_this()](error_code error) {
        const auto self = weak.lock();
        if (!error && self) {
            self->connect();
        }
    });
}

void HelperClient::request(Json body, std::vector<base::UniqueFd> fds, milliseconds within,
                           Reply reply) {
    const std::int64_t id = next_id_++;
    body["id"] = id;
    open_[id] = Open{std::move(reply), Clock::now() + within, false};
    unsent_.push_back({id, base::dump_json(body), std::move(fds)});
    if (!stream_ && !closed_) {
        // Ask at once instead of at the end of the backoff; what fails then waits for
        // kConnectWithin.
        open_[id].until = std::min(open_[id].until, Clock::now() + kConnectWithin);
        retry_.cancel();
        connect();
        if (stream_) {
            open_[id].until = Clock::now() + within;
        }
    }
    flush();
    tick();
}

void HelperClient::flush() {
    while (stream_ && !unsent_.empty() && !waiting_to_write_) {
        Outgoing& packet = unsent_.front();
        if (!open_.contains(packet.id)) {  // timed out meanwhile
            unsent_.pop_front();
            continue;
        }
        std::vector<int> numbers;
        for (const base::UniqueFd& fd : packet.fds) {
            numbers.push_back(fd.get());
        }
        const int error = helper::send_packet(stream_->native_handle(), packet.text, numbers);
        if (error == EAGAIN) {
            waiting_to_write_ = true;
            stream_->async_wait(boost::asio::posix::stream_descriptor::wait_write,
                                [weak = weak_from_this()](error_code failed) {
                                    const auto self = weak.lock();
                                    if (!failed && self) {
                                        self->waiting_to_write_ = false;
                                        self->flush();
                                    }
                                });
            return;
        }
        if (error != 0) {
            // From outside of any caller: request() promises not to answer from within.
            boost::asio::post(executor_, [weak = weak_from_this(), error] {
                if (const auto self = weak.lock()) {
                    self->drop(lost_error(std::generic_category().message(error)));
                }
            });
            return;
        }
        open_.at(packet.id).sent = true;
        unsent_.pop_front();
    }
}

void HelperClient::read() {
    stream_->async_wait(boost::asio::posix::stream_descriptor::wait_read,
                        [weak = weak_from_this()](error_code error) {
                            const auto self = weak.lock();
                            if (!error && self && self->stream_) {
                                self->on_readable();
                            }
                        });
}

void HelperClient::on_readable() {
    const auto self = shared_from_this();
    helper::Packet packet;
    for (int turn = 0; turn < kPacketsPerTurn && stream_; ++turn) {
        switch (helper::receive_packet(stream_->native_handle(), 2 * kMaxPacket, packet)) {
            case helper::Received::packet:
                on_packet(packet.text);
                break;
            case helper::Received::nothing_yet:
                read();
                return;
            case helper::Received::too_long:
                base::log_error("packet of the root helper is too long");
                break;
            case helper::Received::closed:
                drop(lost_error(refusal_.empty() ? "it closed the connection" : refusal_));
                return;
        }
    }
    if (stream_) {
        read();
    }
}

void HelperClient::on_packet(const std::string& text) {
    const auto packet = base::parse_json(text, 2 * kMaxPacket);
    if (!packet || !packet->is_object()) {
        base::log_error("packet of the root helper is not JSON");
        return;
    }
    if (base::field_or<std::string>(*packet, "ev", "").value_or("") == "exit") {
        const auto number = [&](std::string_view name) {
            return base::field_or<std::int64_t>(*packet, name, 0).value_or(0);
        };
        if (events_.exit) {
            events_.exit(
                number("job"), static_cast<int>(number("step")),
                static_cast<int>(number("attempt")),
                ExitStatus{static_cast<int>(number("status")), static_cast<int>(number("signal"))});
        }
        return;
    }
    const std::int64_t id = base::field_or<std::int64_t>(*packet, "id", 0).value_or(0);
    if (base::field_or<bool>(*packet, "ok", false).value_or(false)) {
        answer(id, *packet);
        return;
    }
    const base::Error error = error_of(*packet);
    if (id == 0) {
        refusal_ = error.message;
        base::log_error("root helper: {}", error.message);
    }
    answer(id, tl::unexpected(error));
}

void HelperClient::answer(std::int64_t id, base::Result<Json> result) {
    const auto it = open_.find(id);
    if (it == open_.end()) {
        return;
    }
    const Reply reply = std::move(it->second.reply);
    open_.erase(it);
    if (reply) {
        reply(std::move(result));
    }
}

// Ends requests whose time is over. A helper that does not answer is as good as gone.
void HelperClient::tick() {
    if (ticking_ || open_.empty() || closed_) {
        return;
    }
    ticking_ = true;
    tick_.expires_after(kTick);
    tick_.async_wait([weak = weak_from_this()](error_code error) {
        const auto self = weak.lock();
        if (error || !self) {
            return;
        }
        self->ticking_ = false;
        bool hangs = false;
        std::vector<std::int64_t> late;
        for (const auto& [id, open] : self->open_) {
            if (open.until <= Clock::now()) {
                late.push_back(id);
                hangs = hangs || open.sent;
            }
        }
        if (hangs) {
            self->drop(lost_error("it does not answer"));
        } else {
            for (const std::int64_t id : late) {
                self->answer(id, tl::unexpected(lost_error(self->refusal_)));
            }
        }
        self->tick();
    });
}

void HelperClient::drop(base::Error reason) {
    const bool was_connected = stream_.has_value();
    if (stream_) {
        error_code ignored;
        stream_->close(ignored);
        stream_.reset();
    }
    waiting_to_write_ = false;
    // Requests that were sent are lost; the others may still be sent to the next helper.
    std::vector<std::int64_t> lost;
    for (const auto& [id, open] : open_) {
        if (open.sent || closed_) {
            lost.push_back(id);
        }
    }
    std::erase_if(unsent_,
                  [&](const Outgoing& packet) { return closed_ || !open_.contains(packet.id); });
    for (auto& [id, open] : open_) {
        open.until = std::min(open.until, Clock::now() + kConnectWithin);
    }
    if (was_connected && !closed_) {
        base::log_warning("{}", reason.message);
        retry_later();
    }
    for (const std::int64_t id : lost) {
        answer(id, tl::unexpected(reason));
    }
    if (was_connected && events_.lost) {
        events_.lost(reason);
    }
    tick();
}

}  // namespace lineside::process
