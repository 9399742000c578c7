// SPDX-License-Identifier: Apache-2.0
// The station's side of the worker protocol for tests: runs a method's function on a thread of its
// own, over a real socket pair, answers its asks and keeps everything it said. Thread: one test at
// a time.
#pragma once

#include "workers/protocol/line_splitter.h"
#include "workers/protocol/messages.h"
#include "workers/sdk/worker.h"

#include <poll.h>
#include <sys/socket.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace lineside::proof::testing {

struct Heard {
    std::vector<protocol::FromWorker> messages;
    std::string text;  // every byte the worker sent
    protocol::Outcome outcome;
    int exit_status = -1;

    template <typename T>
    [[nodiscard]] std::vector<T> all() const {
        std::vector<T> out;
        for (const auto& message : messages) {
            if (const auto* one = std::get_if<T>(&message)) {
                out.push_back(*one);
            }
        }
        return out;
    }
    [[nodiscard]] std::string fact(std::string_view key) const {
        for (const auto& fact : all<protocol::Fact>()) {
            if (fact.key == key) {
                return fact.value;
            }
        }
        return "";
    }
};

class FakeStation {
  public:
    FakeStation() {
        job.job = 1;
        job.step = "test";
        job.step_index = 1;
        job.slot = "1";
        job.port = "pci-0000:00:14.0-usb-0:1";
        job.bus_port = "1-1";
        job.model = "xavier-nx";
    }
    protocol::JobLine job;
    // Answers an ask; the default answers ok with nothing.
    std::function<protocol::Answer(const protocol::Ask&)> on_ask = [](const protocol::Ask& ask) {
        return protocol::Answer{ask.id, true, protocol::Json(), {}};
    };
    // Called with every message; what it returns is sent to the worker.
    std::function<std::vector<protocol::FromStation>(const protocol::FromWorker&)> on_message;

    [[nodiscard]] Heard run(const worker::Work& work) {
        int ends[2] = {-1, -1};
        Heard heard;
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
            return heard;
        }
        std::thread thread([&] {
            heard.exit_status = worker::run_on(ends[1], {"test", "1", 60}, work);
        });
        send(ends[0], job);
        protocol::LineSplitter splitter(protocol::kMaxLine);
        std::string bytes(65536, '\0');
        for (;;) {
            const auto got = ::recv(ends[0], bytes.data(), bytes.size(), 0);
            if (got <= 0) {
                break;
            }
            heard.text.append(bytes, 0, static_cast<std::size_t>(got));
            splitter.push({bytes.data(), static_cast<std::size_t>(got)});
            for (auto line = splitter.next(); line && *line; line = splitter.next()) {
                take(ends[0], **line, heard);
            }
        }
        thread.join();
        ::close(ends[0]);
        return heard;
    }

  private:
    static void send(int fd, const protocol::FromStation& message) {
        const std::string line = protocol::format(message);
        (void)!::send(fd, line.data(), line.size(), MSG_NOSIGNAL);
    }
    void take(int fd, std::string_view line, Heard& heard) {
        auto message = protocol::parse_from_worker(line);
        if (!message) {
            heard.messages.emplace_back(protocol::Unknown{"bad: " + message.error().message});
            return;
        }
        if (const auto* ask = std::get_if<protocol::Ask>(&*message)) {
            send(fd, on_ask(*ask));
        }
        if (const auto* outcome = std::get_if<protocol::Outcome>(&*message)) {
            heard.outcome = *outcome;
        }
        if (on_message) {
            for (const auto& reply : on_message(*message)) {
                send(fd, reply);
            }
        }
        heard.messages.push_back(std::move(*message));
    }
};

}  // namespace lineside::proof::testing
