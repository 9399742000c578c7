// SPDX-License-Identifier: Apache-2.0
// http-check and the deadlines of wait-unit against sockets on loopback.
#include "provisioning/steps/steps.h"
#include "station/base/unique_fd.h"
#include "workers/proof/testing/fake_station.h"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

namespace lineside::provisioning {
namespace {

using proof::testing::FakeStation;

class LoopbackTest : public ::testing::Test {
  protected:
    void SetUp() override {
        listener_.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        ASSERT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
        ASSERT_EQ(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
        port_ = ntohs(address.sin_port);
        station_.job.net = {"lo"};
        station_.job.params = {{"address", "127.0.0.1"}};
    }
    proof::testing::Heard run(const std::string& name) {
        station_.job.step = name;
        Registry registry;
        register_builtin_steps(registry);
        return station_.run([&](worker::Station& station) { return run_job(station, registry); });
    }
    // Answers one connection after the other with `answers`, the last one for ever.
    void serve(std::vector<std::string> answers) {
        listen(listener_.get(), 8);
        server_ = std::thread([this, answers = std::move(answers)] {
            for (std::size_t i = 0; !stop_; ++i) {
                const base::UniqueFd peer(accept(listener_.get(), nullptr, nullptr));
                char request[512];
                if (!peer || read(peer.get(), request, sizeof request) <= 0) {
                    continue;
                }
                const std::string& answer = answers[std::min(i, answers.size() - 1)];
                (void)!write(peer.get(), answer.data(), answer.size());
            }
        });
    }
    void TearDown() override {
        stop_ = true;
        shutdown(listener_.get(), SHUT_RDWR);
        if (server_.joinable()) {
            server_.join();
        }
    }

    FakeStation station_;
    base::UniqueFd listener_;
    std::uint16_t port_ = 0;
    std::thread server_;
    std::atomic<bool> stop_ = false;
};

TEST_F(LoopbackTest, Web_page_is_waited_for) {
    serve({"HTTP/1.1 503 Service Unavailable\r\n\r\n", "garbage\r\n",
           "HTTP/1.0 200 OK\r\n\r\nhello"});
    station_.job.params["http_port"] = port_;
    station_.job.params["within_s"] = 20;
    const auto heard = run("http-check");
    EXPECT_TRUE(heard.outcome.ok) << heard.outcome.error.message;
}

TEST_F(LoopbackTest, Web_page_has_the_status_and_text_that_are_wanted) {
    serve({"HTTP/1.1 302 Found\r\nX: Camera\r\n\r\n", "HTTP/1.0 302 Found\r\n\r\n<h1>Camera 1.4"});
    station_.job.params["http_port"] = port_;
    station_.job.params["within_s"] = 20;
    station_.job.params["status"] = 302;
    station_.job.params["text"] = "Camera";  // of the page, not of its headers
    const auto heard = run("http-check");
    EXPECT_TRUE(heard.outcome.ok) << heard.outcome.error.message;
    station_.job.params["within_s"] = 1;
    station_.job.params["text"] = "Camera 2";
    EXPECT_NE(run("http-check").outcome.error.message.find("does not hold \"Camera 2\""),
              std::string::npos);
    station_.job.params["status"] = 200;
    EXPECT_NE(run("http-check").outcome.error.message.find("status 302"), std::string::npos);
    station_.job.params["status"] = 99;
    EXPECT_EQ(run("http-check").outcome.error.code, "config.invalid");
}

TEST_F(LoopbackTest, Web_page_that_stays_away_is_told) {
    serve({"HTTP/1.1 404 Not Found\r\n\r\n"});
    station_.job.params["http_port"] = port_;
    station_.job.params["within_s"] = 1;
    const auto heard = run("http-check");
    EXPECT_EQ(heard.outcome.error.code, "step.http-check");
    EXPECT_NE(heard.outcome.error.message.find("404"), std::string::npos);
}

TEST_F(LoopbackTest, Unit_that_refuses_all_the_time_is_refusing) {
    station_.job.params["port"] = port_;  // bound, nobody listens
    station_.job.params["boot_s"] = 30;
    station_.job.params["refused_s"] = 1;
    EXPECT_EQ(run("wait-unit").outcome.error.code, "ssh.refused");
}

TEST_F(LoopbackTest, Unit_without_an_interface_did_not_get_a_network) {
    station_.job.net = {};
    station_.job.params["boot_s"] = 1;
    EXPECT_EQ(run("wait-unit").outcome.error.code, "boot.no_network");
    station_.job.net = {"nosuchif0"};
    EXPECT_EQ(run("wait-unit").outcome.error.code, "boot.none");
    station_.job.net = {"../evil", "a b"};
    EXPECT_EQ(run("wait-unit").outcome.error.code, "boot.none");
}

// An interface that is down refuses each try at once. The station must not take the wait for a
// hang.
TEST_F(LoopbackTest, A_wait_in_which_nothing_takes_time_is_no_silence) {
    station_.job.net = {"nosuchif0"};
    station_.job.silence_s = 1;
    station_.job.params["boot_s"] = 2;
    const auto heard = run("wait-unit");
    EXPECT_EQ(heard.outcome.error.code, "boot.none");
    EXPECT_GE(heard.all<protocol::Progress>().size(), 4U);
}

TEST_F(LoopbackTest, Unknown_step_and_bad_parameters_are_refused_at_once) {
    EXPECT_EQ(run("format-disk").outcome.error.code, "config.invalid");
    station_.job.params["user"] = "root; reboot";
    EXPECT_EQ(run("wait-unit").outcome.error.code, "config.invalid");
}

}  // namespace
}  // namespace lineside::provisioning
