// SPDX-License-Identifier: Apache-2.0
// openapi.yaml and the table of routes say the same: paths, verbs, query parameters, kind of body.
// The page is read as text: its layout (two blanks a path, four a verb) is part of the house style.
#include "web/api/api.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <map>
#include <set>
#include <sstream>

namespace lineside::api {
namespace {

struct Operation {
    std::set<std::string> parameters;
    bool json_body = false;
    bool csv_body = false;
    bool operator==(const Operation&) const = default;
};
using Page = std::map<std::string, Operation>;  // "GET /api/v1/wall"

std::string between(const std::string& line, const std::string& before, const std::string& ends) {
    const auto at = line.find(before);
    if (at == std::string::npos) {
        return {};
    }
    const auto from = at + before.size();
    return line.substr(from, line.find_first_of(ends, from) - from);
}

std::size_t indent(const std::string& line) {
    return std::min(line.find_first_not_of(' '), line.size());
}

Page read_page() {
    std::istringstream text{std::string(openapi_text())};
    std::map<std::string, std::string> shared;  // component -> name of its query parameter
    std::vector<std::string> lines;
    bool parameters = false;
    for (std::string line; std::getline(text, line);) {
        lines.push_back(line);
        if (indent(line) == 2 && !line.empty()) {
            parameters = line == "  parameters:";
        } else if (parameters && indent(line) == 4 && line.find("in: query") != std::string::npos) {
            shared[line.substr(4, line.find(':') - 4)] = between(line, "{name: ", ",");
        }
    }
    Page page;
    std::string path;
    std::string section;
    Operation* operation = nullptr;
    for (const std::string& line : lines) {
        if (line == "components:") {
            break;
        }
        if (indent(line) == 2 && line.find("  /") == 0) {
            path = line.substr(2, line.rfind(':') - 2);
            operation = nullptr;
        } else if (indent(line) == 4 && line.ends_with(":") && !path.empty()) {
            std::string verb = line.substr(4, line.size() - 5);
            std::transform(verb.begin(), verb.end(), verb.begin(),
                           [](char c) { return static_cast<char>(c - 32); });
            operation = &page[verb + " " + path];
        } else if (operation != nullptr) {
            if (indent(line) == 6) {
                section = line.substr(6, line.find(':') - 6);
            }
            if (section == "parameters") {
                for (std::size_t at = line.find("#/components/parameters/");
                     at != std::string::npos; at = line.find("#/components/parameters/", at + 1)) {
                    const auto found =
                        shared.find(between(line.substr(at), "#/components/parameters/", "\""));
                    if (found != shared.end()) {
                        operation->parameters.insert(found->second);
                    }
                }
                if (line.find("in: query") != std::string::npos) {
                    operation->parameters.insert(between(line, "{name: ", ","));
                }
            }
            if (section == "requestBody") {
                operation->json_body |= line.find("application/json") != std::string::npos ||
                                        line.find("SeenJob") != std::string::npos ||
                                        line.find("requestBodies/Empty") != std::string::npos ||
                                        line.find("requestBodies/Reason") != std::string::npos;
                operation->csv_body |= line.find("BatchCsv") != std::string::npos;
            }
        }
    }
    return page;
}

Page read_table() {
    Page table;
    for (const Endpoint& endpoint : endpoints()) {
        Operation& operation =
            table[fmt::format("{} {}", web::to_text(endpoint.verb), endpoint.pattern)];
        std::istringstream names{std::string(endpoint.parameters)};
        for (std::string name; names >> name;) {
            operation.parameters.insert(name);
        }
        operation.json_body = endpoint.body == BodyKind::json;
        operation.csv_body = endpoint.body == BodyKind::csv;
    }
    return table;
}

TEST(Openapi, Describes_every_route_and_nothing_else) {
    const Page page = read_page();
    const Page table = read_table();
    EXPECT_GT(page.size(), 20U);
    for (const auto& [route, operation] : page) {
        const auto found = table.find(route);
        ASSERT_NE(found, table.end()) << route << " is in openapi.yaml, but not served";
        EXPECT_EQ(operation.parameters, found->second.parameters) << route;
        EXPECT_EQ(operation.json_body, found->second.json_body) << route;
        EXPECT_EQ(operation.csv_body, found->second.csv_body) << route;
    }
    for (const auto& [route, operation] : table) {
        EXPECT_TRUE(page.contains(route)) << route << " is served, but not in openapi.yaml";
    }
}

TEST(Openapi, Every_route_declares_who_may) {
    for (const Endpoint& endpoint : endpoints()) {
        static const std::set<std::string_view> kOpen{"/healthz",
                                                      "/metrics",
                                                      "/api/v1/openapi.yaml",
                                                      "/api/v1/screens/ask",
                                                      "/api/v1/screens/take",
                                                      "/api/v1/session/first"};
        const bool open = kOpen.contains(endpoint.pattern) ||
                          (endpoint.pattern == "/api/v1/session" && endpoint.verb != Verb::del);
        EXPECT_EQ(endpoint.role == Role::anyone, open) << endpoint.pattern;
        EXPECT_EQ(endpoint.verb == Verb::post, endpoint.body != BodyKind::none) << endpoint.pattern;
    }
}

}  // namespace
}  // namespace lineside::api
