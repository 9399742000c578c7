// SPDX-License-Identifier: Apache-2.0
// Each way to a switch with a real one at its end: a pseudo terminal, a socket that speaks HTTP, a
// program. A GPIO chip is not to be had here.
#include "station/power/driver.h"

#include "station/base/unique_fd.h"
#include "station/power/serial_frame.h"

#include <gtest/gtest.h>
#include <pty.h>
#include <sys/stat.h>
#include <termios.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <fstream>

namespace lineside::power {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using tcp = asio::ip::tcp;

class PowerDriver : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string name = ::testing::TempDir() + "power-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder = name;
    }
    void TearDown() override { std::filesystem::remove_all(folder); }

    void run_until(const std::function<bool()>& so) {
        const auto until = std::chrono::steady_clock::now() + 10s;
        while (!so() && std::chrono::steady_clock::now() < until) {
            loop.restart();
            loop.run_one_for(20ms);
        }
    }
    base::Status set(Switch& which, bool on) {
        std::optional<base::Status> told;
        which.set("pci-0000:00:14.0-usb-0:1.3", on, [&](base::Status s) { told = std::move(s); });
        EXPECT_FALSE(told.has_value()) << "must come later";
        run_until([&] { return told.has_value(); });
        EXPECT_TRUE(told.has_value());
        return told.value_or(base::fail("station.bug"));
    }
    base::Status set(SwitchPlan plan, bool on) {
        const auto made = make_switch(loop, std::move(plan), {});
        return set(*made, on);
    }
    std::string script(const std::string& text) {
        const auto file = folder / "switch";
        std::ofstream(file) << "#!/bin/sh\n" << text << "\n";
        ::chmod(file.c_str(), 0755);
        return file;
    }
    std::string content(const std::string& name) {
        std::ifstream in(folder / name);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    static std::string why(const base::Status& told) {
        EXPECT_FALSE(told);
        if (told) {
            return "";
        }
        EXPECT_EQ(told.error().code, "power.failed");
        return told.error().message;
    }

    asio::io_context loop{1};
    std::filesystem::path folder;
};

TEST_F(PowerDriver, Names_are_those_of_the_configuration) {
    for (const char* name :
         {"hub-port", "gpio", "serial-relay", "http", "snmp", "command", "manual"}) {
        const auto driver = driver_from_text(name);
        ASSERT_TRUE(driver) << name;
        EXPECT_EQ(to_text(*driver), name);
    }
    EXPECT_FALSE(driver_from_text("relay"));
}

// ---------------------------------------------------------------- command

TEST_F(PowerDriver, A_command_gets_its_words_and_nothing_of_the_service) {
    ::setenv("LINESIDE_SECRET_OF_TEST", "x", 1);
    SwitchPlan plan;
    plan.driver = Driver::command;
    const std::string program = script("echo \"$# $1 $2\" > " + folder.string() + "/words; env > " +
                                       folder.string() + "/env");
    plan.on_command = {program, "3; rm -rf /", "on"};
    plan.off_command = {program, "3", "off"};
    ASSERT_TRUE(set(plan, true));
    EXPECT_EQ(content("words"), "2 3; rm -rf / on\n");
    ASSERT_TRUE(set(plan, false));
    EXPECT_EQ(content("words"), "2 3 off\n");
    EXPECT_EQ(content("env").find("LINESIDE_SECRET"), std::string::npos);
    EXPECT_NE(content("env").find("PATH="), std::string::npos);
}

TEST_F(PowerDriver, A_command_that_fails_says_why) {
    SwitchPlan plan;
    plan.driver = Driver::command;
    plan.on_command = {script("echo 'no outlet 3' >&2; exit 4")};
    const std::string told = why(set(plan, true));
    EXPECT_NE(told.find("status 4: no outlet 3"), std::string::npos) << told;
    plan.on_command = {"/nonexistent/switch"};
    EXPECT_NE(why(set(plan, true)).find("No such file"), std::string::npos);
}

TEST_F(PowerDriver, A_command_that_does_not_end_is_killed_with_all_it_started) {
    SwitchPlan plan;
    plan.driver = Driver::command;
    plan.within = 300ms;
    plan.on_command = {script("sleep 600 & echo $! > " + folder.string() + "/pid; wait")};
    const std::string told = why(set(plan, true));
    EXPECT_NE(told.find("did not end in time"), std::string::npos) << told;
    const pid_t pid = std::stoi("0" + content("pid"));
    ASSERT_GT(pid, 1);
    run_until([&] {
        return ::kill(pid, 0) != 0 ||
               std::ifstream(fmt::format("/proc/{}/stat", pid)).peek() == EOF || [&] {
                   std::string text;
                   std::getline(std::ifstream(fmt::format("/proc/{}/stat", pid)), text);
                   return text.find(") Z ") != std::string::npos;
               }();
    });
    std::string text;
    std::getline(std::ifstream(fmt::format("/proc/{}/stat", pid)), text);
    EXPECT_TRUE(text.empty() || text.find(") Z ") != std::string::npos) << text;
}

// ---------------------------------------------------------------- serial relay

class SerialRelayTest : public PowerDriver {
  protected:
    void SetUp() override {
        PowerDriver::SetUp();
        int board = -1;
        int line = -1;
        std::array<char, 64> name{};
        ASSERT_EQ(::openpty(&board, &line, name.data(), nullptr, nullptr), 0);
        keeps_open.reset(line);
        plan.driver = Driver::serial_relay;
        plan.device = name.data();
        plan.on_bytes = bytes_of_hex("A0 01 01 A2").value();
        plan.off_bytes = bytes_of_hex("a00100a1").value();
        plan.within = 300ms;
        relay.emplace(loop, board);
        listen();
    }
    // The board: keeps what it hears, answers after four bytes.
    void listen() {
        relay->async_read_some(asio::buffer(in), [this](auto error, std::size_t count) {
            if (error) {
                return;
            }
            heard.append(in.data(), count);
            if (heard.size() >= 4 && !says.empty()) {
                (void)!::write(relay->native_handle(), says.data(), says.size());
            }
            listen();
        });
    }

    SwitchPlan plan;
    base::UniqueFd keeps_open;
    std::optional<asio::posix::stream_descriptor> relay;
    std::array<char, 64> in{};
    std::string heard;
    std::string says;
};

TEST_F(SerialRelayTest, The_bytes_arrive_as_they_are) {
    plan.baud = 19200;
    plan.frame = "8N2";  // a pseudo terminal has no parity
    ASSERT_TRUE(set(plan, true));
    run_until([&] { return heard.size() >= 4; });
    EXPECT_EQ(heard, std::string("\xa0\x01\x01\xa2", 4));
    heard.clear();
    const auto off = set(plan, false);
    ASSERT_TRUE(off) << off.error().message;
    run_until([&] { return heard.size() >= 4; });
    EXPECT_EQ(heard, std::string("\xa0\x01\x00\xa1", 4));
    termios settings{};
    ASSERT_EQ(::tcgetattr(keeps_open.get(), &settings), 0);
    EXPECT_EQ(::cfgetospeed(&settings), static_cast<speed_t>(B19200));
    EXPECT_EQ(settings.c_cflag & (CSIZE | CSTOPB), static_cast<tcflag_t>(CS8 | CSTOPB));
    EXPECT_EQ(settings.c_oflag & OPOST, 0U);
}

TEST_F(SerialRelayTest, An_answer_is_waited_for) {
    plan.on_answer = "OK";
    says = "\r\nOK\r\n";
    ASSERT_TRUE(set(plan, true));
}

TEST_F(SerialRelayTest, A_wrong_answer_is_told_in_hex_and_none_at_all_in_time) {
    plan.on_answer = bytes_of_hex("06").value();
    says = "\x15";
    std::string told = why(set(plan, true));
    EXPECT_NE(told.find("did not answer 06 but 15"), std::string::npos) << told;
    says.clear();
    const auto began = std::chrono::steady_clock::now();
    told = why(set(plan, true));
    EXPECT_NE(told.find("did not answer 06"), std::string::npos) << told;
    EXPECT_GE(std::chrono::steady_clock::now() - began, 250ms);
}

// 16 slots at one board: what is said for one is not mixed with what is said for another.
TEST_F(SerialRelayTest, Slots_that_share_a_board_take_turns) {
    plan.within = 5s;
    std::vector<std::unique_ptr<Switch>> all;
    std::size_t done = 0;
    for (int slot = 0; slot < 16; ++slot) {
        SwitchPlan each = plan;
        each.on_bytes = fmt::format("<slot {:02} on>", slot);
        all.push_back(make_switch(loop, each, {}));
        all.back()->set("", true, [&](const base::Status& told) {
            EXPECT_TRUE(told) << told.error().message;
            ++done;
        });
    }
    run_until([&] { return done == 16 && heard.size() >= 16 * 12; });
    ASSERT_EQ(done, 16U);
    for (int slot = 0; slot < 16; ++slot) {
        EXPECT_NE(heard.find(fmt::format("<slot {:02} on>", slot)), std::string::npos) << heard;
    }
}

TEST_F(SerialRelayTest, A_board_that_is_not_there_is_named) {
    plan.device = "/dev/ttyNOT0";
    EXPECT_NE(why(set(plan, true)).find("/dev/ttyNOT0: No such file"), std::string::npos);
}

TEST(SerialFrame, Only_what_a_line_can_be) {
    EXPECT_TRUE(serial_format(115200, "7E2"));
    for (const char* frame : {"", "8n1", "9N1", "8N3", "8N11"}) {
        EXPECT_FALSE(serial_format(9600, frame)) << frame;
    }
    EXPECT_FALSE(serial_format(9601, "8N1"));
    EXPECT_EQ(bytes_of_hex("0aFF 00"), std::string("\x0a\xff\x00", 3));
    for (const char* text : {"0", "0x01", "g0", "+1", "a 0b"}) {
        EXPECT_FALSE(bytes_of_hex(text)) << text;
    }
}

// ---------------------------------------------------------------- HTTP

class HttpSwitchTest : public PowerDriver {
  protected:
    void SetUp() override {
        PowerDriver::SetUp();
        plan.driver = Driver::http;
        plan.address = fmt::format("127.0.0.1:{}", listener.local_endpoint().port());
        plan.on_target = "/relay/3?turn=on&key=hidden";
        plan.off_target = "/relay/3?turn=off";
        plan.within = 400ms;
        std::ofstream(folder / "password") << "s3cret:word\nsecond line\n";
        accept();
    }
    void accept() {
        listener.async_accept([this](auto error, tcp::socket socket) {
            if (error) {
                return;
            }
            auto conversation = std::make_shared<std::pair<tcp::socket, std::string>>(
                std::move(socket), std::string());
            asio::async_read_until(conversation->first, asio::dynamic_buffer(conversation->second),
                                   "\r\n\r\n", [this, conversation](auto /*error*/, std::size_t) {
                                       heard += conversation->second;
                                       boost::system::error_code ignored;
                                       if (!answer.empty()) {
                                           asio::write(conversation->first, asio::buffer(answer),
                                                       ignored);
                                           conversation->first.close(ignored);
                                       } else {
                                           silent.push_back(conversation);
                                       }
                                   });
            accept();
        });
    }

    SwitchPlan plan;
    tcp::acceptor listener{loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
    std::string heard;
    std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    std::vector<std::shared_ptr<std::pair<tcp::socket, std::string>>> silent;
};

TEST_F(HttpSwitchTest, Asks_with_a_login_that_stands_in_a_file) {
    plan.user = "admin";
    plan.password_file = folder / "password";
    ASSERT_TRUE(set(plan, true));
    EXPECT_NE(heard.find("GET /relay/3?turn=on&key=hidden HTTP/1.1\r\n"), std::string::npos)
        << heard;
    EXPECT_NE(heard.find("Authorization: Basic YWRtaW46czNjcmV0OndvcmQ=\r\n"), std::string::npos)
        << heard;
}

TEST_F(HttpSwitchTest, A_body_goes_along) {
    plan.method = "POST";
    plan.off_body = R"({"outlet":3})";
    plan.content_type = "application/json";
    answer = "HTTP/1.1 204 No Content\r\n\r\n";
    ASSERT_TRUE(set(plan, false));
    EXPECT_NE(heard.find("POST /relay/3?turn=off HTTP/1.1\r\n"), std::string::npos) << heard;
    EXPECT_NE(heard.find("Content-Type: application/json\r\n"), std::string::npos) << heard;
    EXPECT_NE(heard.find("Content-Length: 12\r\n"), std::string::npos) << heard;
}

TEST_F(HttpSwitchTest, A_refusal_is_told_without_anything_secret) {
    plan.user = "admin";
    plan.password_file = folder / "password";
    answer = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    const std::string told = why(set(plan, true));
    EXPECT_NE(told.find("answered 401"), std::string::npos) << told;
    for (const char* secret : {"s3cret", "hidden", "YWRt"}) {
        EXPECT_EQ(told.find(secret), std::string::npos) << told;
    }
}

TEST_F(HttpSwitchTest, One_that_says_nothing_is_given_up_in_time) {
    answer.clear();
    const auto began = std::chrono::steady_clock::now();
    EXPECT_NE(why(set(plan, true)), "");
    EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}

TEST_F(HttpSwitchTest, One_that_is_away_and_one_that_answers_rubbish) {
    answer = "220 ftp ready\r\n\r\n";
    EXPECT_NE(why(set(plan, true)), "");
    listener.close();
    const std::string told = why(set(plan, true));
    EXPECT_NE(told.find("refused"), std::string::npos) << told;
}

TEST_F(HttpSwitchTest, A_password_that_is_not_there_is_told_before_anything_is_asked) {
    plan.user = "admin";
    plan.password_file = folder / "none";
    EXPECT_NE(why(set(plan, true)).find("none"), std::string::npos);
    EXPECT_EQ(heard, "");
}

// ---------------------------------------------------------------- GPIO, hub port, and what hangs

TEST_F(PowerDriver, A_gpio_chip_that_is_not_there_is_named) {
    SwitchPlan plan;
    plan.driver = Driver::gpio;
    plan.chip = "no-such-chip";
    plan.line = 5;
    EXPECT_NE(why(set(plan, true)).find("GPIO no-such-chip line 5 cannot be opened"),
              std::string::npos);
}

TEST_F(PowerDriver, A_hub_port_is_the_units_own) {
    SwitchPlan plan;
    plan.driver = Driver::hub_port;
    std::vector<std::pair<std::string, bool>> asked;
    base::Status answer;
    const auto made = make_switch(loop, plan, [&](const std::string& port, bool on, Done done) {
        asked.emplace_back(port, on);
        asio::post(loop, [&answer, done = std::move(done)] { done(answer); });
    });
    ASSERT_TRUE(set(*made, false));
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_EQ(asked[0], std::pair(std::string("pci-0000:00:14.0-usb-0:1.3"), false));
    answer = base::fail("helper.refused", "switch_ports of helper.toml does not name it");
    EXPECT_EQ(why(set(*made, true)),
              "Hub port not switched on: switch_ports of helper.toml does not name it");
}

// A named pipe that nobody reads holds up open() for good, as a dead adapter does.
TEST_F(PowerDriver, What_hangs_is_told_and_holds_up_nobody) {
    const auto pipe = folder / "password";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    SwitchPlan plan;
    plan.driver = Driver::http;
    plan.address = "127.0.0.1:1";
    plan.user = "a";
    plan.password_file = pipe;
    plan.within = 100ms;
    auto made = make_switch(loop, plan, {});
    EXPECT_EQ(why(set(*made, true)), "The switch hangs");
    EXPECT_EQ(why(set(*made, true)), "The switch still hangs");
    made.reset();
    std::ofstream(pipe) << "x\n";  // lets the thread go
}

}  // namespace
}  // namespace lineside::power
