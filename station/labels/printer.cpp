// SPDX-License-Identifier: Apache-2.0
#include "station/labels/printer.h"

#include "station/base/spawn_plan.h"
#include "station/base/text.h"
#include "station/base/unique_fd.h"
#include "station/loop/endpoint.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace lineside::labels {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using loop::endpoint_of;

constexpr std::size_t kMostComplaint = 200;  // of what a command says on its standard error

std::string on_one_line(std::string_view text) {
    std::string out;
    for (const char c : base::trim_blanks(text).substr(0, kMostComplaint)) {
        const bool plain = c >= 0x20 && c < 0x7f;
        out += plain ? c : ' ';
    }
    return std::string(base::trim_blanks(out));
}

}  // namespace

bool is_printer_address(std::string_view text) {
    return endpoint_of(text).has_value();
}

// What both ways share: the bytes, the deadline, one answer.
class Printer::Attempt : public std::enable_shared_from_this<Attempt> {
  public:
    Attempt(asio::io_context& loop, const PrinterPlan& plan, std::string bytes,
            std::function<void(Printed)> done)
        : plan_(plan), bytes_(std::move(bytes)), timer_(loop), done_(std::move(done)) {}
    virtual ~Attempt() = default;
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;
    virtual void begin() = 0;
    void cut_off() {
        done_ = nullptr;
        timer_.cancel();
        release();
    }

  protected:
    virtual void release() = 0;
    void end(Printed printed) {
        if (auto done = std::exchange(done_, nullptr)) {
            timer_.cancel();
            release();
            done(std::move(printed));
        }
    }
    void progress() {
        timer_.expires_after(plan_.silence);
        timer_.async_wait([self = shared_from_this()](error_code error) {
            if (!error) {
                self->end({false, self->sent_ == self->bytes_.size(), self->silent()});
            }
        });
    }
    template <class Stream>
    void write_to(Stream& stream) {
        if (sent_ == bytes_.size()) {
            return all_sent();
        }
        stream.async_write_some(
            asio::buffer(bytes_.data() + sent_, bytes_.size() - sent_),
            [self = shared_from_this(), &stream](error_code error, std::size_t count) {
                if (!self->done_) {
                    return;
                }
                if (error) {
                    return self->broken(error);
                }
                self->sent_ += count;
                self->progress();
                self->write_to(stream);
            });
    }
    virtual void all_sent() = 0;
    virtual void broken(error_code error) = 0;
    [[nodiscard]] virtual std::string silent() const = 0;

    const PrinterPlan plan_;
    const std::string bytes_;
    std::size_t sent_ = 0;
    asio::steady_timer timer_;
    std::function<void(Printed)> done_;
};

class Printer::ToPort final : public Attempt {
  public:
    ToPort(asio::io_context& loop, const PrinterPlan& plan, std::string bytes,
           std::function<void(Printed)> done)
        : Attempt(loop, plan, std::move(bytes), std::move(done)), socket_(loop) {}

    void begin() override {
        const auto endpoint = endpoint_of(plan_.address);
        if (!endpoint) {
            return end({false, false, plan_.address + " is no address of a printer"});
        }
        progress();
        socket_.async_connect(*endpoint, [self = me()](error_code error) {
            if (!self->done_) {
                return;
            }
            if (error) {
                return self->end({false, false,
                                  fmt::format("Printer {} does not answer: {}", self->plan_.address,
                                              error.message())});
            }
            self->connected_ = true;
            self->progress();
            self->write_to(self->socket_);
        });
    }

  private:
    std::shared_ptr<ToPort> me() { return std::static_pointer_cast<ToPort>(shared_from_this()); }
    void release() override {
        error_code ignored;
        socket_.close(ignored);
    }
    // A printer closes when it has taken all: what the kernel has taken need not be in the printer.
    void all_sent() override {
        error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
        if (!plan_.wait_close) {
            return end({true, false, {}});
        }
        wait_for_close();
    }
    void wait_for_close() {
        socket_.async_read_some(asio::buffer(answer_),
                                [self = me()](error_code error, std::size_t /*count*/) {
                                    if (error == asio::error::eof) {
                                        self->end({true, false, {}});
                                    } else if (error) {
                                        self->broken(error);
                                    } else {
                                        self->wait_for_close();  // what it says is no progress
                                    }
                                });
    }
    void broken(error_code error) override {
        end({false, sent_ == bytes_.size(),
             fmt::format("Printer {} broke off: {}", plan_.address, error.message())});
    }
    [[nodiscard]] std::string silent() const override {
        if (!connected_) {
            return fmt::format("Printer {} does not answer", plan_.address);
        }
        return sent_ == bytes_.size()
                   ? fmt::format("Printer {} took all but did not say that it is done",
                                 plan_.address)
                   : fmt::format("Printer {} takes nothing", plan_.address);
    }

    tcp::socket socket_;
    bool connected_ = false;
    std::array<char, 256> answer_{};
};

class Printer::ToCommand final : public Attempt {
  public:
    ToCommand(asio::io_context& loop, const PrinterPlan& plan, std::string bytes,
              std::function<void(Printed)> done)
        : Attempt(loop, plan, std::move(bytes), std::move(done)),
          input_(loop),
          complaint_(loop),
          pidfd_(loop) {}
    ~ToCommand() override { stop(); }

    void begin() override {
        if (const int error = spawn(); error != 0) {
            return end({false, false,
                        fmt::format("{} cannot be started: {}", plan_.command.front(),
                                    std::strerror(error))});
        }
        progress();
        listen();
        write_to(input_);
        pidfd_.async_wait(asio::posix::stream_descriptor::wait_read, [self = me()](error_code e) {
            if (!e) {
                self->gone();
            }
        });
    }

  private:
    std::shared_ptr<ToCommand> me() {
        return std::static_pointer_cast<ToCommand>(shared_from_this());
    }
    // Its standard input is a socket, so that a command which reads nothing sends no SIGPIPE.
    int spawn() {
        std::array<int, 2> in{};
        std::array<int, 2> err{};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in.data()) != 0) {
            return errno;
        }
        base::UniqueFd ours(in[0]);
        const base::UniqueFd theirs(in[1]);
        if (::pipe2(err.data(), O_CLOEXEC) != 0) {
            return errno;
        }
        base::UniqueFd hears(err[0]);
        const base::UniqueFd says(err[1]);
        base::SpawnPlan plan(POSIX_SPAWN_SETSID);
        ::posix_spawn_file_actions_adddup2(plan.actions(), theirs.get(), 0);
        ::posix_spawn_file_actions_addopen(plan.actions(), 1, "/dev/null", O_WRONLY, 0);
        ::posix_spawn_file_actions_adddup2(plan.actions(), says.get(), 2);
        ::posix_spawn_file_actions_addclosefrom_np(plan.actions(), 3);
        const auto& words = plan_.command;
        const auto environment = base::plain_environment();
        pid_t pid = 0;
        if (const int error =
                ::posix_spawnp(&pid, words.front().c_str(), plan.actions(), plan.attributes(),
                               base::exec_list(words).data(), base::exec_list(environment).data());
            error != 0) {
            return error;
        }
        pid_ = pid;
        pidfd_.assign(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
        input_.assign(asio::local::stream_protocol(), ours.release());
        complaint_.assign(hears.release());
        return 0;
    }
    void listen() {
        complaint_.async_read_some(asio::buffer(heard_),
                                   [self = me()](error_code error, std::size_t count) {
                                       if (!error) {
                                           if (self->said_.size() < kMostComplaint) {
                                               self->said_.append(self->heard_.data(), count);
                                           }
                                           self->listen();
                                       }
                                   });
    }
    void all_sent() override {
        error_code ignored;
        input_.shutdown(asio::local::stream_protocol::socket::shutdown_send, ignored);
    }
    void broken(error_code /*error*/) override {}  // it ended early: its end tells
    void gone() {
        siginfo_t info{};
        ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.native_handle()), &info, WEXITED | WNOWAIT);
        error_code ignored;
        complaint_.non_blocking(true, ignored);
        const auto rest = complaint_.read_some(asio::buffer(heard_), ignored);
        if (!ignored && said_.size() < kMostComplaint) {
            said_.append(heard_.data(), rest);
        }
        const bool fine = info.si_code == CLD_EXITED && info.si_status == 0;
        if (fine && sent_ == bytes_.size()) {
            return end({true, false, {}});
        }
        const std::string why = on_one_line(said_);
        end({false, false,
             fmt::format(
                 "{} {}{}{}", plan_.command.front(),
                 fine ? "did not read the label" : fmt::format("ended with {}", info.si_status),
                 why.empty() ? "" : ": ", why)});
    }
    [[nodiscard]] std::string silent() const override {
        return fmt::format("{} did not end", plan_.command.front());
    }
    void release() override {
        stop();
        error_code ignored;
        input_.close(ignored);
        complaint_.close(ignored);
        pidfd_.close(ignored);
    }
    void stop() {
        if (pid_ > 0) {
            ::kill(-pid_, SIGKILL);  // its group, before its number can be used anew
            siginfo_t info{};
            ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED);
            pid_ = 0;
        }
    }

    asio::local::stream_protocol::socket input_;
    asio::posix::stream_descriptor complaint_;
    asio::posix::stream_descriptor pidfd_;
    pid_t pid_ = 0;
    std::array<char, 512> heard_{};
    std::string said_;
};

Printer::Printer(asio::io_context& loop, PrinterPlan plan) : loop_(loop), plan_(std::move(plan)) {}

Printer::~Printer() {
    if (attempt_) {
        attempt_->cut_off();
    }
}

bool Printer::busy() const {
    return attempt_ != nullptr;
}

void Printer::print(std::string bytes, std::function<void(Printed)> done) {
    auto finished = [this, done = std::move(done)](Printed printed) {
        attempt_.reset();
        done(std::move(printed));
    };
    if (plan_.command.empty()) {
        attempt_ = std::make_shared<ToPort>(loop_, plan_, std::move(bytes), std::move(finished));
    } else {
        attempt_ = std::make_shared<ToCommand>(loop_, plan_, std::move(bytes), std::move(finished));
    }
    // Later, so that `done` never comes from within print().
    asio::post(loop_, [weak = std::weak_ptr<Attempt>(attempt_)] {
        if (const auto attempt = weak.lock()) {
            attempt->begin();
        }
    });
}

}  // namespace lineside::labels
