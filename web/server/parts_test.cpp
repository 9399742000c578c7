// SPDX-License-Identifier: Apache-2.0
// The parts without sockets: targets, static files, event streams, headers.
#include "station/base/codes.h"
#include "web/server/compression.h"
#include "web/server/event_stream.h"
#include "web/server/guard.h"
#include "web/server/problem.h"
#include "web/server/response_head.h"
#include "web/server/static_files.h"
#include "web/server/target.h"
#include "web/server/test_support.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace lineside::web {
namespace {

namespace fs = std::filesystem;
using base::Json;

TEST(Target, Decodes_segments_and_parameters) {
    const auto target = parse_target("/api/v1/slots/A%3A1/stop?a=b+c&d=%2B&e");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->path, "/api/v1/slots/A:1/stop");
    ASSERT_EQ(target->segments.size(), 5U);
    EXPECT_EQ(target->segments[3], "A:1");
    ASSERT_EQ(target->query.size(), 3U);
    EXPECT_EQ(target->query[0].second, "b c");
    EXPECT_EQ(target->query[1].second, "+");
    EXPECT_EQ(target->query[2].first, "e");
    EXPECT_EQ(parse_target("/")->path, "/");
}

TEST(Guard, Own_hosts_only) {
    Door door;
    door.port = 8080;
    const auto host = [&](std::string_view text) { return is_own_host(text, door, "127.0.0.1"); };
    const auto origin = [&](std::string_view text) {
        return is_own_origin(text, door, "127.0.0.1");
    };
    EXPECT_TRUE(host("127.0.0.1:8080"));
    EXPECT_TRUE(host("LOCALHOST:8080"));
    EXPECT_TRUE(host("[::1]:8080"));
    EXPECT_FALSE(host("localhost"));
    EXPECT_FALSE(host("localhost:"));
    EXPECT_FALSE(host(""));
    EXPECT_FALSE(host("127.0.0.1:8080.evil.example"));
    EXPECT_FALSE(host("user@127.0.0.1:8080"));
    EXPECT_TRUE(origin("http://[::1]:8080"));
    EXPECT_FALSE(origin("https://[::1]:8080"));
    EXPECT_FALSE(origin("http://127.0.0.1:8080/"));
    EXPECT_FALSE(origin("null"));
    door.port = 80;
    EXPECT_TRUE(host("localhost"));
    EXPECT_FALSE(host("localhost:"));
}

TEST(Problem, Has_the_status_of_its_code_and_the_words_of_the_list) {
    EXPECT_EQ(status_of("pool.empty"), 409U);
    EXPECT_EQ(status_of("nobody.knows"), 500U);
    auto problem = problem_json(base::make_error("request.conflict", "Slot 3 is busy"));
    EXPECT_EQ(problem["status"], 409);
    EXPECT_EQ(problem["detail"], "Slot 3 is busy");
    problem = problem_json(base::make_error("slot.no_retry"));
    EXPECT_EQ(problem["title"], "A new attempt cannot be started here now");
    EXPECT_EQ(problem["hint"], "Look at the tile for what to do");
    base::Error own = base::make_error("slot.no_retry");
    own.hint = "Wait";
    EXPECT_EQ(problem_json(own)["hint"], "Wait");
}

TEST(Problem, Every_code_of_requests_has_a_status) {
    for (const base::CodeEntry& entry : base::all_codes()) {
        for (const char* area : {"http.", "slot.", "batch.", "request."}) {
            if (entry.code.starts_with(area) && entry.kind == base::Kind::config) {
                EXPECT_NE(status_of(entry.code), 500U) << entry.code;
            }
        }
    }
}

TEST(ResponseHead, Dates_and_framing) {
    EXPECT_EQ(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    Framing framing;
    framing.length = 5;
    EXPECT_NE(response_head(text_response(200, "text/plain", "12345"), framing)
                  .find("Content-Length: 5\r\n"),
              std::string::npos);
    Response not_modified;
    not_modified.status = 304;
    EXPECT_EQ(response_head(not_modified, framing).find("Content-Length"), std::string::npos);
}

class StaticFilesTest : public ::testing::Test {
  protected:
    void SetUp() override {
        folder = fs::temp_directory_path() / fmt::format("ls-static-{}", ::getpid());
        fs::create_directories(folder / "assets");
        write("index.html", "<html>");
        write("assets/app-B3f9x_1q.js", "let x");
        write("assets/app-B3f9x_1q.js.gz", "GZ");
        write("assets/app-B3f9x_1q.js.br", "BR");
        write("secret.key", "no type, never served");
        fs::create_symlink("/etc/passwd", folder / "link.txt");
    }
    void TearDown() override { fs::remove_all(folder); }
    void write(const std::string& name, const std::string& text) {
        std::ofstream(folder / name) << text;
    }
    static Request request(std::string path, std::string encoding = "", std::string tag = "") {
        Request request;
        request.path = std::move(path);
        request.headers = {{"accept-encoding", std::move(encoding)},
                           {"if-none-match", std::move(tag)}};
        return request;
    }
    static std::string header(const Response& response, std::string_view name) {
        for (const auto& h : response.headers) {
            if (h.name == name) {
                return h.value;
            }
        }
        return {};
    }
    fs::path folder;
};

// What is made for one request.
class Compression : public StaticFilesTest {
  protected:
    static Response wall() {
        Json tiles = Json::array();
        for (int i = 0; i < 64; ++i) {
            tiles.push_back({{"slot", std::to_string(i)}, {"state", "flashing"}});
        }
        return json_response(200, {{"tiles", std::move(tiles)}});
    }
};

TEST_F(Compression, Json_of_some_length_for_who_takes_it) {
    const auto plain = wall().text;
    const auto small = compressed(wall(), "br, gzip");
    EXPECT_EQ(header(small, "Content-Encoding"), "gzip");
    EXPECT_EQ(header(small, "Vary"), "Accept-Encoding");
    EXPECT_LT(small.text.size(), plain.size() / 5);
    EXPECT_EQ(small.text.substr(0, 2), "\x1f\x8b");
    std::ofstream(folder / "wall.gz") << small.text;
    ASSERT_EQ(
        std::system(fmt::format("gzip -dc '{0}/wall.gz' > '{0}/wall'", folder.native()).c_str()),
        0);
    std::ifstream file(folder / "wall");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), plain);
}

TEST_F(Compression, Nothing_else) {
    for (const char* asked : {"", "br", "gzip;q=0", "identity"}) {
        const auto same = compressed(wall(), asked);
        EXPECT_EQ(same.text, wall().text) << asked;
        EXPECT_EQ(header(same, "Content-Encoding"), "") << asked;
        EXPECT_EQ(header(same, "Vary"), "Accept-Encoding") << asked;
    }
    EXPECT_EQ(header(compressed(json_response(200, {{"a", 1}}), "gzip"), "Content-Encoding"), "");
    const std::string page(5000, 'x');
    EXPECT_EQ(compressed(text_response(200, "text/html", page), "gzip").text, page);
}

TEST_F(StaticFilesTest, Chooses_the_form_the_client_takes) {
    StaticFiles files(folder);
    ASSERT_TRUE(files.ready());
    const std::string asset = "/assets/app-B3f9x_1q.js";
    EXPECT_EQ(*files.serve(request(asset)).shared_text, "let x");
    EXPECT_EQ(*files.serve(request(asset, "gzip")).shared_text, "GZ");
    EXPECT_EQ(*files.serve(request(asset, "gzip, br;q=0.5")).shared_text, "BR");
    EXPECT_EQ(*files.serve(request(asset, "gzip;q=0, br;q=0")).shared_text, "let x");
    EXPECT_EQ(*files.serve(request(asset, "*")).shared_text, "BR");
    const auto response = files.serve(request(asset, "gzip"));
    EXPECT_EQ(header(response, "Content-Encoding"), "gzip");
    EXPECT_EQ(header(response, "Vary"), "Accept-Encoding");
    EXPECT_NE(header(response, "Cache-Control").find("immutable"), std::string::npos);
    EXPECT_EQ(response.content_type, "text/javascript; charset=utf-8");
}

TEST_F(StaticFilesTest, Answers_not_modified_and_never_keeps_the_index) {
    StaticFiles files(folder);
    const auto first = files.serve(request("/"));
    EXPECT_EQ(header(first, "Cache-Control"), "no-cache");
    EXPECT_EQ(files.serve(request("/", "", header(first, "ETag"))).status, 304U);
    EXPECT_EQ(files.serve(request("/", "", "\"other\", W/" + header(first, "ETag"))).status, 304U);
    EXPECT_EQ(files.serve(request("/", "", "\"other\"")).status, 200U);
}

TEST_F(StaticFilesTest, Gives_pages_the_index_and_nothing_else) {
    StaticFiles files(folder);
    EXPECT_EQ(*files.serve(request("/units/12")).shared_text, "<html>");
    EXPECT_EQ(*files.serve(request("/slots/1-1.3")).shared_text, "<html>");
    EXPECT_EQ(files.serve(request("/assets/gone.js")).status, 404U);
    EXPECT_EQ(files.serve(request("/link.txt")).status, 404U);
    EXPECT_EQ(*files.serve(request("/secret.key")).shared_text, "<html>");
    EXPECT_FALSE(StaticFiles(folder / "nowhere").ready());
    EXPECT_FALSE(StaticFiles({}).ready());
}

class EventStreamTest : public ::testing::Test {
  protected:
    std::shared_ptr<EventStream> stream(StreamLimits limits = {}) {
        return std::make_shared<EventStream>(facade, frames, counters, limits);
    }
    static std::string text(EventStream& stream) {
        std::string all;
        for (const auto& part : stream.take()) {
            all += *part;
        }
        return all;
    }
    testing::FakeFacade facade;
    std::shared_ptr<FrameMaker> frames = std::make_shared<FrameMaker>();
    std::shared_ptr<Counters> counters = std::make_shared<Counters>();
};

TEST_F(EventStreamTest, Begins_with_retry_and_a_snapshot_or_what_was_missed) {
    auto fresh = stream();
    fresh->open(std::nullopt);
    const auto begin = text(*fresh);
    EXPECT_TRUE(begin.starts_with("retry: 1000\n\nid: 7\nevent: reset\ndata: {")) << begin;
    auto back = stream();
    back->open(5);
    const auto missed = text(*back);
    EXPECT_TRUE(
        missed.starts_with("retry: 1000\n\nid: 6\nevent: tile\ndata: {\"replay\":true}\n\n"
                           "id: 7\nevent: tile\ndata: {\"replay\":true}\n\n"
                           "event: station\ndata: {"))
        << missed;
    EXPECT_NE(missed.find("event: beat\ndata: {\"at\":"), std::string::npos);
    EXPECT_NE(begin.find("event: beat\n"), std::string::npos);
    facade.publish(8, "tile", "{\"replay\":false}");
    EXPECT_EQ(text(*back), "id: 8\nevent: tile\ndata: {\"replay\":false}\n\n");
}

TEST_F(EventStreamTest, Makes_each_frame_once_for_all) {
    auto one = stream();
    auto two = stream();
    one->open(7);
    two->open(7);
    (void)one->take();
    (void)two->take();
    facade.publish(8, "tile", "{}");
    facade.publish(std::nullopt, "beat", "{}");
    const auto first = one->take();
    const auto second = two->take();
    ASSERT_EQ(first.size(), 2U);
    EXPECT_EQ(*first[1], "event: beat\ndata: {}\n\n");
    EXPECT_EQ(first[0].get(), second[0].get());
    EXPECT_EQ(first[1].get(), second[1].get());
}

TEST_F(EventStreamTest, A_reader_that_lags_gets_a_snapshot_and_costs_nothing_meanwhile) {
    auto slow = stream({.messages = 10, .bytes = 1024 * 1024});
    slow->open(7);
    (void)slow->take();
    for (int i = 0; i < 1000; ++i) {
        facade.publish(8 + i, "tile", "{}");
    }
    EXPECT_EQ(counters->event_resets, 1U);
    const auto after = text(*slow);
    EXPECT_TRUE(after.starts_with("id: 7\nevent: reset\n")) << after;
    facade.publish(2000, "tile", "{}");
    EXPECT_EQ(text(*slow), "id: 2000\nevent: tile\ndata: {}\n\n");
    EXPECT_EQ(facade.live_subscribers(), 1U);
}

TEST_F(EventStreamTest, A_large_snapshot_is_not_lagging) {
    facade.wall_json["tiles"] = std::string(3 * 1024 * 1024, 'x');
    auto one = stream();
    one->open(std::nullopt);
    EXPECT_GT(text(*one).size(), 3U * 1024 * 1024);
    EXPECT_EQ(counters->event_resets, 0U);
}

TEST_F(EventStreamTest, A_page_that_is_gone_is_heard_of_no_more) {
    auto one = stream();
    one->open(std::nullopt);
    one->attach([] {});
    EXPECT_EQ(facade.live_subscribers(), 1U);
    one->attach(nullptr);
    EXPECT_EQ(facade.live_subscribers(), 0U);
}

}  // namespace
}  // namespace lineside::web
