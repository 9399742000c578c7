// SPDX-License-Identifier: Apache-2.0
// Shows, checks and saves the file of profiles and recipes, one request after the other on a thread
// of its own. Nothing here changes what runs: the service reads the file when it starts.
// Thread: the io_context's.   Lifetime: ends with the engine; waits for a save that is under way.
#pragma once

#include "station/config/recipe_secrets.h"
#include "station/engine/context.h"
#include "station/engine/recipe_facade.h"

#include <boost/asio/thread_pool.hpp>

#include <memory>

namespace lineside::engine {

class RecipeDesk final : public Recipes {
  public:
    explicit RecipeDesk(Context& context);
    ~RecipeDesk() override;

    void show(Done done) override;
    void check(RecipeEdit edit, bool orders, Done done) override;
    void save(RecipeEdit edit, std::string actor, Done done) override;

  private:
    // The file as it is now.
    struct Kept {
        std::filesystem::path file;
        std::string text;
        std::string revision;
        bool own = false;  // a file of profiles and recipes alone
    };
    struct Checked {
        config::Reading reading;
        config::Meant meant;
        std::vector<config::Complaint> complaints;
    };
    void work(std::function<base::Result<base::Json>()> work, Done done);
    // On the thread.
    [[nodiscard]] base::Result<Kept> look() const;
    [[nodiscard]] base::Result<base::Json> shown();
    [[nodiscard]] base::Result<Checked> checked(const Kept& kept, const RecipeEdit& edit) const;
    [[nodiscard]] base::Result<base::Json> stopped_orders(const config::Config& config);
    [[nodiscard]] base::Result<base::Json> saved(const RecipeEdit& edit, const std::string& actor);
    [[nodiscard]] std::string revision_of(std::string_view text) const;
    [[nodiscard]] base::Status journal(std::string kind, const std::string& actor, base::Json data);

    Context& context_;
    std::string key_;       // of this life: a revision tells nothing about a short password
    std::string at_start_;  // revision that is in force
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    boost::asio::thread_pool thread_{1};
};

}  // namespace lineside::engine
