// SPDX-License-Identifier: Apache-2.0
// The session against a real sshd of this host on loopback, with keys of its own, run as the
// current user.
#include "provisioning/ssh_session.h"

#include "provisioning/testing/private_sshd.h"
#include "station/base/unique_fd.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <thread>

namespace lineside::provisioning {
namespace {

using namespace std::chrono_literals;
using Why = ConnectError::Why;
using How = ExecEnd::How;
using testing::listen_somewhere;
using testing::slurp;

class SshTest : public ::testing::Test {
  protected:
    static void SetUpTestSuite() { sshd_ = new testing::PrivateSshd; }
    static void TearDownTestSuite() {
        delete sshd_;
        sshd_ = nullptr;
    }
    void SetUp() override { ASSERT_TRUE(sshd_->up()) << "no sshd: " << sshd_->log(); }

    static SshTarget target() { return sshd_->target(); }
    static Waiter patient() {
        return [](pollfd& ready, milliseconds most) -> base::Status {
            poll(&ready, 1, static_cast<int>(most.count()));
            return {};
        };
    }
    static std::unique_ptr<SshSession> open() {
        return SshSession::open(target(), 2s, 10s, patient()).value();
    }
    static Why why(const SshTarget& target, milliseconds within = 3s) {
        const auto opened = SshSession::open(target, within, within, patient());
        EXPECT_FALSE(opened.has_value());
        return opened ? Why::stopped : opened.error().why;
    }
    static ExecRequest request(std::string command, std::string input = {}) {
        ExecRequest out;
        out.command = std::move(command);
        out.input = std::move(input);
        out.log_output = false;
        return out;
    }

    static inline testing::PrivateSshd* sshd_ = nullptr;
};

TEST_F(SshTest, Runs_a_command_with_both_streams_and_its_status) {
    const auto session = open();
    const auto end = session->exec(request("echo out; echo err >&2; exit 7")).value();
    EXPECT_EQ(end.out, "out\n");
    EXPECT_EQ(end.err, "err\n");
    EXPECT_EQ(end.status, 7);
    EXPECT_EQ(end.how, How::exited);
    EXPECT_FALSE(end.ok());
    EXPECT_TRUE(session->exec(request("true")).value().ok());
}

TEST_F(SshTest, Host_key_is_the_servers) {
    const std::string command = "ssh-keygen -lf " + (sshd_->dir().path() / "host.pub").string() +
                                " | cut -d ' ' -f 2 >" + (sshd_->dir().path() / "print").string();
    ASSERT_EQ(std::system(command.c_str()), 0);
    EXPECT_EQ(open()->host_key() + "\n", slurp(sshd_->dir().path() / "print"));
}

TEST_F(SshTest, Large_input_and_output_flow_at_once) {
    const auto session = open();
    std::string input(6'000'000, '\0');
    for (std::size_t i = 0; i < input.size(); ++i) {
        input[i] = static_cast<char>(i * 31 >> 3);
    }
    auto ask = request("cat", input);
    std::string back;
    ask.keep = 1000;
    ask.on_output = [&](Stream stream, std::string_view bytes) -> base::Status {
        EXPECT_EQ(stream, Stream::out);
        back += bytes;
        return {};
    };
    const auto end = session->exec(ask).value();
    EXPECT_TRUE(end.ok());
    EXPECT_TRUE(back == input);
    EXPECT_EQ(end.out, input.substr(input.size() - 1000));
}

TEST_F(SshTest, Command_that_does_not_read_its_input_ends_all_the_same) {
    const auto session = open();
    EXPECT_EQ(session->exec(request("exit 3", std::string(5'000'000, 'x'))).value().status, 3);
    EXPECT_EQ(session->exec(request("head -c 3", std::string(5'000'000, 'x'))).value().out, "xxx");
}

TEST_F(SshTest, Sinks_may_end_the_command) {
    auto ask = request("yes");
    ask.on_output = [](Stream, std::string_view) { return base::fail("unit.no_proof"); };
    EXPECT_EQ(open()->exec(ask).error().code, "unit.no_proof");
}

TEST_F(SshTest, Signal_is_told) {
    const auto end = open()->exec(request("kill -9 $$")).value();
    EXPECT_EQ(end.how, How::signalled);
    EXPECT_EQ(end.signal, "KILL");
}

TEST_F(SshTest, Silence_ends_a_command_progress_does_not) {
    const auto session = open();
    auto ask = request("sleep 30");
    ask.silence = 300ms;
    auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(session->exec(ask).value().how, How::silent);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 15s);
    // Longer in all than the silence that it may keep. That has room for what this host takes to
    // start a shell, which may read files of its own first.
    start = std::chrono::steady_clock::now();
    ASSERT_TRUE(session->exec(request("true")).value().ok());
    const auto shell = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - start);
    ask.silence = 600ms + 4 * shell;
    ask.command = fmt::format("for i in 1 2 3 4 5 6 7 8; do sleep {:.3f}; echo $i; done",
                              static_cast<double>(ask.silence.count()) / 6000);
    EXPECT_TRUE(session->exec(ask).value().ok());
    ask = request("while :; do echo x; sleep 0.05; done");
    ask.total = 500ms;
    EXPECT_EQ(session->exec(ask).value().how, How::overdue);
    EXPECT_TRUE(session->exec(request("true")).value().ok()) << "the session itself lives on";
}

TEST_F(SshTest, Background_child_that_holds_the_pipe_does_not_hold_us) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(open()->exec(request("sleep 20 & echo started")).value().ok());
    EXPECT_LT(std::chrono::steady_clock::now() - start, 15s);
}

TEST_F(SshTest, End_of_output_before_the_exit_is_waited_for_without_spinning) {
    const auto session = open();
    const auto before = clock();
    EXPECT_EQ(session->exec(request("exec >&- 2>&- <&-; sleep 0.7; exit 5")).value().status, 5);
    EXPECT_LT(clock() - before, CLOCKS_PER_SEC / 2) << "of processor time";
}

TEST_F(SshTest, Descriptors_are_closed) {
    const auto count = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
    };
    (void)open();
    const auto before = count();
    auto wrong = target();
    wrong.private_key = {};
    for (int i = 0; i < 3; ++i) {
        (void)open();
        EXPECT_EQ(why(wrong), Why::denied);
    }
    EXPECT_EQ(count(), before);
}

TEST_F(SshTest, Broken_connection_is_ssh_lost) {
    const auto session = open();
    const auto end = session->exec(request("kill -9 $PPID; sleep 5"));
    ASSERT_FALSE(end.has_value());
    EXPECT_EQ(end.error().code, "ssh.lost");
    EXPECT_EQ(session->exec(request("true")).error().code, "ssh.lost");
}

TEST_F(SshTest, Waiter_may_stop_everything) {
    auto session = open();
    int calls = 0;
    auto stopping =
        SshSession::open(target(), 2s, 10s, [&](pollfd& ready, milliseconds most) -> base::Status {
            poll(&ready, 1, static_cast<int>(most.count()));
            return ++calls > 40 ? base::fail("operator.stopped") : base::Status{};
        });
    ASSERT_TRUE(stopping.has_value());
    EXPECT_EQ((*stopping)->exec(request("sleep 60")).error().code, "operator.stopped");
    const auto at_once = SshSession::open(
        target(), 2s, 10s,
        [](pollfd&, milliseconds) -> base::Status { return base::fail("station.stopping"); });
    ASSERT_FALSE(at_once.has_value());
    EXPECT_EQ(at_once.error().why, Why::stopped);
    EXPECT_EQ(at_once.error().stop.code, "station.stopping");
}

TEST_F(SshTest, Refusals_are_told_apart) {
    auto wrong = target();
    wrong.private_key = {};
    wrong.password = base::Secret("certainly not it");
    EXPECT_EQ(why(wrong, 15s), Why::denied);
    wrong.password = {};
    EXPECT_EQ(why(wrong), Why::denied);

    auto nobody = target();
    const base::UniqueFd bound(listen_somewhere(nobody.port, false));
    EXPECT_EQ(why(nobody), Why::refused);

    auto elsewhere = target();
    elsewhere.ifname = "nosuchif0";
    EXPECT_EQ(why(elsewhere), Why::unreachable);
    elsewhere = target();
    elsewhere.address = "fe80::1";
    EXPECT_EQ(why(elsewhere, 1s), Why::unreachable);
}

TEST_F(SshTest, What_is_no_ssh_server_is_a_failed_handshake) {
    auto odd = target();
    const base::UniqueFd silent(listen_somewhere(odd.port));
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(why(odd, 700ms), Why::handshake);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 8s) << "libssh by itself takes ten";

    std::thread talker([&] {
        const base::UniqueFd peer(accept(silent.get(), nullptr, nullptr));
        const base::UniqueFd second(accept(silent.get(), nullptr, nullptr));
        (void)!write(second.get(), "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
        char rest[256];
        while (read(second.get(), rest, sizeof rest) > 0) {
        }
    });
    EXPECT_EQ(why(odd, 3s), Why::handshake);
    talker.join();
}

TEST_F(SshTest, Socket_is_bound_to_the_interface) {
    // Whatever the routing says, this address would be reached over loopback only if it were
    // loopback's.
    auto far = target();
    far.address = "192.0.2.1";
    EXPECT_EQ(why(far, 500ms), Why::unreachable);
}

}  // namespace
}  // namespace lineside::provisioning
