// SPDX-License-Identifier: Apache-2.0
// Requests and answers as plain values: what a route sees and gives. No Beast type appears here, so
// a route is tested without a socket and its file compiles fast. Thread: everything here lives on
// the io_context's thread.
#pragma once

#include "station/base/error.h"
#include "station/base/json.h"
#include "station/engine/facade.h"
#include "station/people/role.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lineside::web {

enum class Verb { get, head, post, put, del, other };
[[nodiscard]] std::string_view to_text(Verb verb);

struct Header {
    std::string name;  // lower case in requests
    std::string value;
};
using NamedValue = std::pair<std::string, std::string>;

struct Request {
    Verb verb = Verb::get;
    std::string path;                   // decoded, no dot segments, begins with '/'
    std::vector<std::string> segments;  // of `path`
    std::vector<NamedValue> query;      // decoded, in the order of the request
    std::vector<NamedValue> params;     // typed parts of the path, set by the router
    std::vector<Header> headers;
    std::string body;                     // of a JSON route
    std::shared_ptr<std::string> upload;  // of a CSV route: large, so the route may move it out
    engine::Actor actor;
    std::string source;   // address of the other end, "" over the Unix socket
    std::string reached;  // our address that it came to, likewise
    bool over_unix = false;
    bool over_tls = false;
    // Set by the gate.
    std::int64_t session = 0;  // 0: none is needed, or the Unix socket
    std::int64_t account = 0;
    people::Role role = people::Role::anyone;

    // First value of header `name` (lower case), or "".
    [[nodiscard]] std::string_view header(std::string_view name) const;
    [[nodiscard]] std::size_t header_count(std::string_view name) const;
    [[nodiscard]] std::optional<std::string> query_value(std::string_view name) const;
    [[nodiscard]] std::string param(std::string_view name) const;
    [[nodiscard]] std::int64_t number(
        std::string_view name) const;  // a param the router found to be one
    // Value of the one cookie of that name; "" when there is none, or more than one.
    [[nodiscard]] std::string_view cookie(std::string_view name) const;
};

// A long answer, pulled piece by piece: the next piece is asked for only when the one before has
// been written, so a slow reader holds one piece and blocks nobody.
class BodySource {
  public:
    virtual ~BodySource() = default;
    using Then = std::function<void(base::Result<std::string>)>;
    // Gives the next piece (empty: the end) now or later. After an error the connection is cut, so
    // that no half file passes for a whole one.
    virtual void next(Then then) = 0;
    [[nodiscard]] virtual std::optional<std::uint64_t> length() const { return std::nullopt; }
};

// An endless answer (events): messages are pushed in, the connection takes what waits.
class PushBody {
  public:
    virtual ~PushBody() = default;
    // What is to be written now, or nothing.
    [[nodiscard]] virtual std::vector<std::shared_ptr<const std::string>> take() = 0;
    // The connection's call-back for "there is something"; empty when the connection is gone.
    virtual void attach(std::function<void()> wake) = 0;
};

struct Response {
    unsigned status = 200;
    std::string content_type;  // empty: no body
    std::vector<Header> headers;
    std::string text;
    std::shared_ptr<const std::string> shared_text;  // used instead of `text` when set
    std::shared_ptr<BodySource> source;
    std::shared_ptr<PushBody> push;
    bool close = false;  // end the connection after this answer

    [[nodiscard]] const std::string& payload() const { return shared_text ? *shared_text : text; }
};

[[nodiscard]] Response json_response(unsigned status, const base::Json& value);
[[nodiscard]] Response text_response(unsigned status, std::string content_type, std::string text);

// The right to answer one request, once. When the last copy is dropped unanswered, the answer is an
// error: no path forgets to answer.
class Reply {
  public:
    using Send = std::function<void(Response)>;
    explicit Reply(Send send) : send_(std::move(send)) {}
    ~Reply();
    Reply(const Reply&) = delete;
    Reply& operator=(const Reply&) = delete;

    void send(Response response);
    void json(unsigned status, const base::Json& value);
    void problem(const base::Error& error);
    // 200 with the value, or the problem.
    void outcome(const base::Result<base::Json>& result, unsigned status = 200);

  private:
    Send send_;
};
using ReplyPtr = std::shared_ptr<Reply>;
using Handler = std::function<void(const Request&, ReplyPtr)>;

}  // namespace lineside::web
