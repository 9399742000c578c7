// SPDX-License-Identifier: Apache-2.0
#include "provisioning/ssh_session.h"

#include "provisioning/ssh_socket.h"

#include <fmt/format.h>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace lineside::provisioning {
namespace {

using Clock = std::chrono::steady_clock;
using Why = ConnectError::Why;

constexpr milliseconds kSlice{100};
constexpr milliseconds kAfterExit{1'000};
constexpr std::size_t kPiece = 32 * 1024;

// libssh 0.10 leaves a socket open that it was given; other versions close it. So look: the
// descriptor is ours to close only if it is still that socket.
struct SessionFree {
    int fd = -1;
    ino_t socket = 0;
    void operator()(ssh_session session) const {
        ssh_disconnect(session);
        ssh_free(session);
        struct stat status {};
        if (fd >= 0 && fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode) &&
            status.st_ino == socket) {
            close(fd);
        }
    }
};
struct ChannelFree {
    void operator()(ssh_channel channel) const { ssh_channel_free(channel); }
};
struct KeyFree {
    void operator()(ssh_key key) const { ssh_key_free(key); }
};
using SessionPtr = std::unique_ptr<ssh_session_struct, SessionFree>;
using ChannelPtr = std::unique_ptr<ssh_channel_struct, ChannelFree>;
using KeyPtr = std::unique_ptr<ssh_key_struct, KeyFree>;

std::string fingerprint(ssh_session session) {
    ssh_key raw = nullptr;
    if (ssh_get_server_publickey(session, &raw) != SSH_OK) {
        return {};
    }
    const KeyPtr key(raw);
    unsigned char* hash = nullptr;
    std::size_t length = 0;
    if (ssh_get_publickey_hash(key.get(), SSH_PUBLICKEY_HASH_SHA256, &hash, &length) != SSH_OK) {
        return {};
    }
    char* text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, length);
    std::string out = text == nullptr ? "" : text;
    ssh_string_free_char(text);
    ssh_clean_pubkey_hash(&hash);
    return out;
}

// Keeps the last `most` bytes of a stream.
void keep_last(std::string& kept, std::string_view bytes, std::size_t most) {
    kept += bytes;
    if (kept.size() > 2 * most + kPiece) {
        kept.erase(0, kept.size() - most);
    }
}

void to_log(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto put = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
        if (put <= 0) {
            return;
        }
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
}

}  // namespace

struct SshSession::Parts {
    SessionPtr session;
    Waiter waiter;
    std::string host_key;

    [[nodiscard]] std::string last_error() const { return ssh_get_error(session.get()); }

    // Waits until the socket has something for libssh, at most `most`.
    base::Status wait(milliseconds most) {
        pollfd ready{ssh_get_fd(session.get()), POLLIN, 0};
        if ((ssh_get_poll_flags(session.get()) & SSH_WRITE_PENDING) != 0) {
            ready.events = POLLIN | POLLOUT;
        }
        return waiter(ready, most);
    }
};

namespace {

// One attempt to open; everything it needs.
class Opening {
  public:
    Opening(const SshTarget& target, milliseconds within, const Waiter& waiter)
        : target_(target), end_(Clock::now() + within), waiter_(waiter) {}

    tl::expected<SessionPtr, ConnectError> run(base::UniqueFd socket) {
        const int fd = socket.get();
        struct stat status {};
        fstat(fd, &status);
        session_ = SessionPtr(ssh_new(), SessionFree{fd, status.st_ino});
        if (!session_) {
            return fail(Why::handshake, "no memory");
        }
        (void)socket.release();  // session_ closes it
        const int no = 0;
        const unsigned port = target_.port;
        const bool set =
            ssh_options_set(session_.get(), SSH_OPTIONS_HOST, "unit") == SSH_OK &&
            ssh_options_set(session_.get(), SSH_OPTIONS_PORT, &port) == SSH_OK &&
            ssh_options_set(session_.get(), SSH_OPTIONS_USER, target_.user.c_str()) == SSH_OK &&
            ssh_options_set(session_.get(), SSH_OPTIONS_PROCESS_CONFIG, &no) == SSH_OK &&
            ssh_options_set(session_.get(), SSH_OPTIONS_FD, &fd) == SSH_OK;
        if (!set) {
            return fail(Why::handshake, ssh_get_error(session_.get()));
        }
        ssh_set_blocking(session_.get(), 0);
        if (auto done =
                until([&] { return ssh_connect(session_.get()); }, SSH_AGAIN, Why::handshake);
            !done) {
            return tl::unexpected(done.error());
        } else if (*done != SSH_OK) {  // NOLINT(readability-else-after-return): `done` ends here
            return fail(Why::handshake, ssh_get_error(session_.get()));
        }
        if (auto in = log_in(); !in) {
            return tl::unexpected(in.error());
        }
        return std::move(session_);
    }

  private:
    [[nodiscard]] tl::unexpected<ConnectError> fail(Why why, std::string_view message) const {
        return tl::unexpected(ConnectError{why,
                                           fmt::format("{}%{} port {}: {}", target_.address,
                                                       target_.ifname, target_.port, message),
                                           {}});
    }

    template <typename Call>
    tl::expected<int, ConnectError> until(const Call& call, int again, Why why) {
        for (;;) {
            const int result = call();
            if (result != again) {
                return result;
            }
            if (Clock::now() >= end_) {
                return fail(why, "no answer in time");
            }
            pollfd ready{ssh_get_fd(session_.get()), POLLIN, 0};
            if (auto waited = waiter_(ready, kSlice); !waited) {
                return tl::unexpected(
                    ConnectError{Why::stopped, waited.error().message, waited.error()});
            }
        }
    }

    tl::expected<void, ConnectError> log_in() {
        if (!target_.private_key.empty()) {
            if (auto in = by_key(); !in || *in == SSH_AUTH_SUCCESS) {
                return in ? tl::expected<void, ConnectError>{} : tl::unexpected(in.error());
            }
        }
        if (target_.password.empty()) {
            return fail(Why::denied, "login refused");
        }
        const std::string password(target_.password.reveal());
        auto in =
            until([&] { return ssh_userauth_password(session_.get(), nullptr, password.c_str()); },
                  SSH_AUTH_AGAIN, Why::handshake);
        if (in && *in == SSH_AUTH_DENIED &&
            (ssh_userauth_list(session_.get(), nullptr) &
             static_cast<int>(SSH_AUTH_METHOD_INTERACTIVE)) != 0) {
            in = by_question(password);
        }
        if (!in) {
            return tl::unexpected(in.error());
        }
        if (*in == SSH_AUTH_SUCCESS) {
            return {};
        }
        return *in == SSH_AUTH_ERROR ? fail(Why::handshake, ssh_get_error(session_.get()))
                                     : fail(Why::denied, "login refused");
    }

    tl::expected<int, ConnectError> by_key() {
        ssh_key raw = nullptr;
        const std::string text(target_.private_key.reveal());
        if (ssh_pki_import_privkey_base64(text.c_str(), nullptr, nullptr, nullptr, &raw) !=
            SSH_OK) {
            return fail(Why::denied, "the login key cannot be read");
        }
        const KeyPtr key(raw);
        return until([&] { return ssh_userauth_publickey(session_.get(), nullptr, key.get()); },
                     SSH_AUTH_AGAIN, Why::handshake);
    }

    // Servers that only know keyboard-interactive ask for the same password.
    tl::expected<int, ConnectError> by_question(const std::string& password) {
        for (int round = 0; round < 4; ++round) {
            auto asked =
                until([&] { return ssh_userauth_kbdint(session_.get(), nullptr, nullptr); },
                      SSH_AUTH_AGAIN, Why::handshake);
            if (!asked || *asked != SSH_AUTH_INFO) {
                return asked;
            }
            const int prompts = ssh_userauth_kbdint_getnprompts(session_.get());
            for (int i = 0; i < prompts; ++i) {
                ssh_userauth_kbdint_setanswer(session_.get(), static_cast<unsigned>(i),
                                              password.c_str());
            }
        }
        return SSH_AUTH_DENIED;
    }

    const SshTarget& target_;
    Clock::time_point end_;
    const Waiter& waiter_;
    SessionPtr session_;
};

// One command on one channel.
class Exec {
  public:
    Exec(ssh_session session, const ExecRequest& request,
         std::function<base::Status(milliseconds)> wait)
        : session_(session),
          request_(request),
          wait_(std::move(wait)),
          last_(Clock::now()),
          end_at_(last_ + request.total) {}
    // libssh keeps a channel until the other side has closed it too, and would go on calling us.
    ~Exec() {
        if (channel_) {
            ssh_remove_channel_callbacks(channel_.get(), &callbacks_);
        }
    }
    Exec(const Exec&) = delete;
    Exec& operator=(const Exec&) = delete;

    base::Result<ExecEnd> run() {
        channel_.reset(ssh_channel_new(session_));
        if (!channel_) {
            return lost("no channel");
        }
        callbacks_.size = sizeof callbacks_;
        callbacks_.userdata = this;
        callbacks_.channel_exit_status_function = [](ssh_session, ssh_channel, int status,
                                                     void* user) {
            static_cast<Exec*>(user)->exited_ = true;
            static_cast<Exec*>(user)->end_.status = status;
        };
        callbacks_.channel_exit_signal_function = [](ssh_session, ssh_channel, const char* signal,
                                                     int, const char*, const char*, void* user) {
            auto& self = *static_cast<Exec*>(user);
            self.exited_ = true;
            self.end_.how = ExecEnd::How::signalled;
            self.end_.signal = signal == nullptr ? "" : signal;
        };
        if (ssh_set_channel_callbacks(channel_.get(), &callbacks_) != SSH_OK) {
            return lost("no channel");
        }
        for (const auto step :
             {+[](ssh_channel c, const char*) { return ssh_channel_open_session(c); },
              +[](ssh_channel c, const char*command) {
                  return ssh_channel_request_exec(c, command);
              }}) {
            if (auto done = until(step); !done) {
                return tl::unexpected(done.error());
            }
            if (timed_out_) {
                return take_end();
            }
        }
        return pump();
    }

  private:
    [[nodiscard]] tl::unexpected<base::Error> lost(std::string_view what) const {
        return base::fail("ssh.lost", fmt::format("Connection to the unit broke off: {}", what));
    }

    base::Status until(int (*call)(ssh_channel, const char*)) {
        for (;;) {
            const int result = call(channel_.get(), request_.command.c_str());
            if (result == SSH_OK) {
                last_ = Clock::now();
                return {};
            }
            if (result != SSH_AGAIN) {
                return lost(ssh_get_error(session_));
            }
            if (check_time()) {
                return {};
            }
            if (auto waited = wait_(kSlice); !waited) {
                return waited;
            }
        }
    }

    // True when the command has had its time; end_.how says which limit it was.
    bool check_time() {
        const auto now = Clock::now();
        if (now - last_ >= request_.silence) {
            end_.how = ExecEnd::How::silent;
        } else if (now >= end_at_) {
            end_.how = ExecEnd::How::overdue;
        } else {
            return false;
        }
        timed_out_ = true;
        return true;
    }

    base::Result<ExecEnd> pump() {
        std::string_view input = request_.input;
        bool told_end = false;
        for (;;) {
            bool moved = false;
            for (const Stream stream : {Stream::out, Stream::err}) {
                auto got = take(stream);
                if (!got) {
                    return tl::unexpected(got.error());
                }
                moved = moved || *got;
            }
            if (!input.empty()) {
                auto put = give(input);
                if (!put) {
                    return tl::unexpected(put.error());
                }
                moved = moved || *put;
            } else if (!told_end) {
                told_end = true;
                ssh_channel_send_eof(channel_.get());
            }
            if (moved) {
                last_ = Clock::now();
                continue;
            }
            // Once the channel's EOF is in, reading it takes no more packets from the socket; this
            // does.
            (void)ssh_channel_get_exit_status(channel_.get());
            // It may have taken output as well, which the socket will not wake us for.
            if (ssh_channel_poll(channel_.get(), 0) > 0 ||
                ssh_channel_poll(channel_.get(), 1) > 0) {
                continue;
            }
            // Closed without an exit status: the unit's side died, or the connection did.
            if (ssh_channel_is_eof(channel_.get()) != 0 &&
                (exited_ || ssh_channel_is_closed(channel_.get()) != 0)) {
                return exited_ ? take_end()
                               : base::Result<ExecEnd>(lost("the command did not end properly"));
            }
            // Something it left behind may hold the pipes open for ever.
            if (exited_ && Clock::now() - last_ >= kAfterExit) {
                return take_end();
            }
            if (ssh_channel_is_closed(channel_.get()) != 0 || ssh_is_connected(session_) == 0) {
                return exited_ ? take_end() : base::Result<ExecEnd>(lost(ssh_get_error(session_)));
            }
            if (check_time()) {
                return take_end();
            }
            if (auto waited = wait_(kSlice); !waited) {
                return tl::unexpected(waited.error());
            }
        }
    }

    base::Result<bool> take(Stream stream) {
        const int got = ssh_channel_read_nonblocking(channel_.get(), buffer_.data(),
                                                     static_cast<std::uint32_t>(buffer_.size()),
                                                     stream == Stream::err ? 1 : 0);
        if (got == SSH_ERROR) {
            return lost(ssh_get_error(session_));
        }
        if (got <= 0) {
            return false;
        }
        const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(got));
        keep_last(stream == Stream::out ? end_.out : end_.err, bytes, request_.keep);
        if (request_.log_output) {
            to_log(bytes);
        }
        if (request_.on_output) {
            if (auto went_on = request_.on_output(stream, bytes); !went_on) {
                return tl::unexpected(went_on.error());
            }
        }
        return true;
    }

    // Only as much as the other side has room for: a blocked write would stop us reading its
    // output.
    base::Result<bool> give(std::string_view& input) {
        if (ssh_channel_is_eof(channel_.get()) != 0 || ssh_channel_is_closed(channel_.get()) != 0) {
            input = {};
            return false;
        }
        const std::size_t room = ssh_channel_window_size(channel_.get());
        const std::size_t size = std::min({input.size(), room, kPiece});
        if (size == 0) {
            return false;
        }
        const int put =
            ssh_channel_write(channel_.get(), input.data(), static_cast<std::uint32_t>(size));
        if (put == SSH_ERROR) {
            return lost(ssh_get_error(session_));
        }
        input.remove_prefix(static_cast<std::size_t>(std::max(put, 0)));
        return put > 0;
    }

    base::Result<ExecEnd> take_end() {
        for (std::string* kept : {&end_.out, &end_.err}) {
            if (kept->size() > request_.keep) {
                kept->erase(0, kept->size() - request_.keep);
            }
        }
        return std::move(end_);
    }

    ssh_session session_;
    const ExecRequest& request_;
    std::function<base::Status(milliseconds)> wait_;
    ChannelPtr channel_;
    ssh_channel_callbacks_struct callbacks_{};
    std::array<char, kPiece> buffer_{};
    ExecEnd end_;
    bool exited_ = false;
    bool timed_out_ = false;
    Clock::time_point last_;
    Clock::time_point end_at_;
};

}  // namespace

SshSession::SshSession(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
SshSession::~SshSession() = default;

tl::expected<std::unique_ptr<SshSession>, ConnectError> SshSession::open(
    const SshTarget& target, milliseconds connect_within, milliseconds within, Waiter waiter) {
    auto socket = connect_socket(target, std::min(connect_within, within), waiter);
    if (!socket) {
        return tl::unexpected(socket.error());
    }
    auto session = Opening(target, within, waiter).run(std::move(*socket));
    if (!session) {
        return tl::unexpected(session.error());
    }
    auto parts = std::make_unique<Parts>();
    parts->session = std::move(*session);
    parts->waiter = std::move(waiter);
    parts->host_key = fingerprint(parts->session.get());
    return std::unique_ptr<SshSession>(new SshSession(std::move(parts)));
}

const std::string& SshSession::host_key() const {
    return parts_->host_key;
}

base::Result<ExecEnd> SshSession::exec(const ExecRequest& request) {
    return Exec(parts_->session.get(), request,
                [this](milliseconds most) { return parts_->wait(most); })
        .run();
}

}  // namespace lineside::provisioning
