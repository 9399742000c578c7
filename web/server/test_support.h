// SPDX-License-Identifier: Apache-2.0
// For tests only: a facade that does what the test says, a server on a free port with its loop on a
// thread of its own, and a client that sends raw bytes and reads what comes.
#pragma once

#include "station/engine/facade.h"
#include "web/server/server.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <future>
#include <list>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

namespace lineside::web::testing {

using base::Json;

class FakeFacade : public engine::Facade {
  public:
    Json wall_json = {
        {"seq", 7}, {"tiles", Json::array()}, {"station", {{"name", "Test station"}}}};
    Json status_json = {{"slots", Json::array()}};
    Json health_json = {{"ok", true}, {"version", "0"}, {"problems", Json::array()}};
    std::string metrics_text = "lineside_test 1\n";
    std::vector<std::string> calls;
    base::Result<Json> answer = Json{{"done", true}};
    engine::BatchLoad last_load;
    std::function<base::Status(const std::function<base::Status(db::Tx&)>&)> run_on_database;
    std::string logs = "/nowhere";
    std::shared_ptr<const audit::Signer> signer_key;
    std::filesystem::path backups;
    people::People* desk = nullptr;
    engine::Labels* printer = nullptr;
    engine::Recipes* recipe_desk = nullptr;

    struct Subscriber {
        std::optional<std::int64_t> last_id;
        engine::LiveSink sink;
        void tell(std::vector<engine::LiveEvent> events) const {
            sink(std::make_shared<const engine::LiveTick>(engine::LiveTick{std::move(events)}));
        }
    };
    std::list<std::weak_ptr<Subscriber>> subscribers;
    std::vector<std::optional<std::int64_t>> subscriptions;  // last ids in order

    [[nodiscard]] people::People* people() override { return desk; }
    [[nodiscard]] engine::Labels* labels() override { return printer; }
    [[nodiscard]] engine::Recipes* recipes() override { return recipe_desk; }
    [[nodiscard]] Json wall() const override { return wall_json; }
    [[nodiscard]] Json status() const override { return status_json; }
    [[nodiscard]] Json health() const override { return health_json; }
    [[nodiscard]] std::string metrics() const override { return metrics_text; }

    std::shared_ptr<void> subscribe(std::optional<std::int64_t> last_id,
                                    engine::LiveSink sink) override {
        auto subscriber = std::make_shared<Subscriber>(Subscriber{last_id, std::move(sink)});
        subscribers.push_back(subscriber);
        subscriptions.push_back(last_id);
        if (last_id && *last_id <= 7) {
            std::vector<engine::LiveEvent> missed;
            for (std::int64_t id = *last_id + 1; id <= 7; ++id) {
                missed.push_back(
                    {id, "tile", std::make_shared<const std::string>("{\"replay\":false}")});
            }
            subscriber->tell(std::move(missed));
        } else {
            subscriber->tell({{7, "reset", std::make_shared<const std::string>(wall_json.dump())}});
        }
        return subscriber;
    }
    void publish(std::optional<std::int64_t> id, std::string kind, std::string text) {
        const auto tick = std::make_shared<const engine::LiveTick>(engine::LiveTick{
            {{id, std::move(kind), std::make_shared<const std::string>(std::move(text))}}});
        for (auto it = subscribers.begin(); it != subscribers.end();) {
            if (auto one = it->lock()) {
                one->sink(tick);
                ++it;
            } else {
                it = subscribers.erase(it);
            }
        }
    }
    [[nodiscard]] std::size_t live_subscribers() {
        std::erase_if(subscribers, [](const auto& weak) { return weak.expired(); });
        return subscribers.size();
    }

    void backup(engine::Actor actor, engine::Done done) override {
        calls.push_back("backup " + actor.name);
        done(answer);
    }
    void rotate_key(engine::Actor actor, engine::Done done) override {
        calls.push_back("rotate_key " + actor.name);
        done(answer);
    }
    void key_status(engine::Done done) override { done(answer); }
    [[nodiscard]] std::filesystem::path backup_folder() const override { return backups; }
    void acknowledge(std::string slot, engine::Actor actor, engine::Done done) override {
        calls.push_back("acknowledge " + slot + " " + actor.name);
        done(answer);
    }
    void acknowledge_passed(engine::Actor actor, engine::Done done) override {
        calls.push_back("acknowledge_passed " + actor.name);
        done(answer);
    }
    void retry(std::string slot, engine::Actor actor, engine::Done done) override {
        calls.push_back("retry " + slot + " " + actor.name);
        done(answer);
    }
    void stop(std::string slot, engine::Actor actor, engine::Done done) override {
        calls.push_back("stop " + slot + " " + actor.name);
        done(answer);
    }
    void cycle_power(std::string slot, engine::Actor actor, engine::Done done) override {
        calls.push_back("power " + slot + " " + actor.name);
        done(answer);
    }
    void to_recovery(std::string slot, engine::Actor actor, engine::Done done) override {
        calls.push_back("recovery " + slot + " " + actor.name);
        done(answer);
    }
    void void_serial(std::string serial, std::string reason, engine::Actor actor,
                     engine::Done done) override {
        calls.push_back("void " + serial + " " + reason + " " + actor.name);
        done(answer);
    }
    void load_batch(engine::BatchLoad load, engine::Actor actor, engine::Done done) override {
        calls.push_back((load.preview ? "preview " : "load ") + load.pool + " " + load.batch + " " +
                        actor.name);
        last_load = std::move(load);
        done(answer);
    }
    void open_order(engine::OrderOpening opening, engine::Actor actor, engine::Done done) override {
        calls.push_back("open_order " + opening.name + " " + actor.name);
        done(answer);
    }
    void change_order(engine::OrderChange change, engine::Actor actor, engine::Done done) override {
        calls.push_back("order " + change.order + " " + change.state + " " + change.reason + " " +
                        actor.name);
        done(answer);
    }
    void say_of_image(engine::ImageSaying saying, engine::Actor actor, engine::Done done) override {
        calls.push_back(saying.kind + " " + saying.image.substr(0, 6) + " " + saying.reason + " " +
                        actor.name);
        done(answer);
    }
    void read(std::function<base::Result<Json>(db::Tx&)> work, engine::Done done) override {
        if (!run_on_database) {
            done(base::fail("db.failed", "no database in this test"));
            return;
        }
        base::Result<Json> result;
        const auto ran = run_on_database([&](db::Tx& tx) -> base::Status {
            result = work(tx);
            return {};
        });
        done(ran ? std::move(result) : base::Result<Json>(tl::unexpected(ran.error())));
    }
    [[nodiscard]] std::shared_ptr<const audit::Signer> signer() const override {
        return signer_key;
    }
    [[nodiscard]] std::string log_folder(std::int64_t job) const override {
        return fmt::format("{}/{}", logs, job);
    }
    std::string spool;
    [[nodiscard]] std::filesystem::path spool_folder() const override { return spool; }
};

// Runs a loop on a thread; what touches the server's side goes through on_loop().
class LoopThread {
  public:
    LoopThread() : guard_(boost::asio::make_work_guard(loop)), thread_([this] { loop.run(); }) {}
    ~LoopThread() {
        guard_.reset();
        loop.stop();
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    template <typename F>
    auto on_loop(F&& work) {
        std::packaged_task<decltype(work())()> task(std::forward<F>(work));
        auto result = task.get_future();
        boost::asio::post(loop, [&task] { task(); });
        return result.get();
    }
    boost::asio::io_context loop{1};

  private:
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
    std::thread thread_;
};

struct Answer {
    int status = 0;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string head;
    std::string body;
    bool complete = false;
};

class Client {
  public:
    explicit Client(std::uint16_t port, bool v6 = false)
        : fd_(::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0)) {
        patience(5000);
        if (v6) {
            sockaddr_in6 to{};
            to.sin6_family = AF_INET6;
            to.sin6_port = htons(port);
            to.sin6_addr = in6addr_loopback;
            connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0;
        } else {
            sockaddr_in to{};
            to.sin_family = AF_INET;
            to.sin_port = htons(port);
            to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0;
        }
    }
    explicit Client(const std::string& unix_path) : fd_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
        patience(5000);
        sockaddr_un to{};
        to.sun_family = AF_UNIX;
        unix_path.copy(to.sun_path, sizeof(to.sun_path) - 1);
        connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0;
    }
    virtual ~Client() { ::close(fd_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    [[nodiscard]] bool connected() const { return connected_; }
    [[nodiscard]] int fd() const { return fd_; }
    void patience(int ms) {
        const timeval limit{ms / 1000, (ms % 1000) * 1000};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    }
    bool send(std::string_view text) {
        while (!text.empty()) {
            const auto n = put(text.data(), text.size());
            if (n <= 0) {
                return false;
            }
            text.remove_prefix(static_cast<std::size_t>(n));
        }
        return true;
    }
    // Reads more; false at the end of the stream or after the patience.
    bool more() {
        char bytes[65536];
        const auto n = take(bytes, sizeof(bytes));
        if (n > 0) {
            buffer.append(bytes, static_cast<std::size_t>(n));
        }
        closed = n == 0 || (n < 0 && errno != EAGAIN);
        return n > 0;
    }
    bool read_until(std::string_view text) {
        while (buffer.find(text) == std::string::npos) {
            if (!more()) {
                return false;
            }
        }
        return true;
    }
    [[nodiscard]] bool at_end() {
        while (more()) {
        }
        return closed;
    }
    // One answer off the buffer; `head_only` for HEAD.
    Answer read_answer(bool head_only = false) {
        Answer answer;
        if (!read_until("\r\n\r\n")) {
            return answer;
        }
        const auto split = buffer.find("\r\n\r\n");
        answer.head = buffer.substr(0, split + 2);
        buffer.erase(0, split + 4);
        answer.status = std::stoi(answer.head.substr(9, 3));
        for (std::size_t at = answer.head.find("\r\n") + 2; at < answer.head.size();) {
            const auto end = answer.head.find("\r\n", at);
            const auto colon = answer.head.find(": ", at);
            std::string name = answer.head.substr(at, colon - at);
            for (char& c : name) {
                c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
            }
            answer.headers[name] = answer.head.substr(colon + 2, end - colon - 2);
            at = end + 2;
        }
        if (head_only || answer.status == 304 || answer.status == 204) {
            answer.complete = true;
        } else if (answer.headers.contains("content-length")) {
            const auto size = std::stoul(answer.headers["content-length"]);
            while (buffer.size() < size && more()) {
            }
            answer.body = buffer.substr(0, size);
            answer.complete = answer.body.size() == size;
            buffer.erase(0, size);
        } else if (answer.headers.contains("transfer-encoding")) {
            answer.complete = read_chunks(answer.body);
        }
        return answer;
    }
    std::string buffer;
    bool closed = false;

  protected:
    virtual ssize_t put(const char* bytes, std::size_t size) {
        return ::send(fd_, bytes, size, MSG_NOSIGNAL);
    }
    virtual ssize_t take(char* bytes, std::size_t size) { return ::recv(fd_, bytes, size, 0); }

  private:
    bool read_chunks(std::string& body) {
        for (;;) {
            if (!read_until("\r\n")) {
                return false;
            }
            const auto line = buffer.find("\r\n");
            const auto size = std::stoul(buffer.substr(0, line), nullptr, 16);
            while (buffer.size() < line + 2 + size + 2) {
                if (!more()) {
                    return false;
                }
            }
            body += buffer.substr(line + 2, size);
            buffer.erase(0, line + 2 + size + 2);
            if (size == 0) {
                return true;
            }
        }
    }
    int fd_;
    bool connected_ = false;
};

inline std::string get(std::string_view target, std::uint16_t port, std::string_view more = "") {
    return fmt::format("GET {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n{}\r\n", target, port, more);
}
// A POST as the station's own page sends it; `without` names a header to leave out.
inline std::string post(std::string_view target, std::uint16_t port, std::string_view body,
                        std::string_view type = "application/json", std::string_view without = "") {
    std::string text =
        fmt::format("POST {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Length: {}\r\n", target,
                    port, body.size());
    if (without != "Origin") {
        text += fmt::format("Origin: http://127.0.0.1:{}\r\n", port);
    }
    if (without != "X-Lineside") {
        text += "X-Lineside: 1\r\n";
    }
    if (without != "Content-Type") {
        text += fmt::format("Content-Type: {}\r\n", type);
    }
    return text + "\r\n" + std::string(body);
}

}  // namespace lineside::web::testing
