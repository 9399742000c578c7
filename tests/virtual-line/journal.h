// SPDX-License-Identifier: Apache-2.0
// What happened on the line, for tests and people: one JSON object per line in DIR/journal.jsonl,
// the same to every subscriber. Order is the line's own sequence number.  Thread: main.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace line {

using Json = nlohmann::ordered_json;

class Journal {
  public:
    explicit Journal(const std::filesystem::path& file);
    // Adds {"seq","t_ms" (monotonic),"board" (0 = the line),"ev"} and `fields`.
    void note(int board, const std::string& event, const Json& fields = Json::object());
    using Listener = std::function<void(const std::string& line)>;
    int subscribe(Listener listener);
    void unsubscribe(int id);

  private:
    std::ofstream out_;
    unsigned long long sequence_ = 0;
    std::map<int, Listener> listeners_;
    int next_ = 1;
};

}  // namespace line
