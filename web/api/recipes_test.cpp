// SPDX-License-Identifier: Apache-2.0
// Profiles and recipes over the API: what is taken, what is refused, who is asked.
#include "station/engine/recipe_facade.h"
#include "web/api/api_fixture.h"

namespace lineside::api {
namespace {

class Desk final : public engine::Recipes {
  public:
    void show(Done done) override { done(Json{{"revision", "r1"}}); }
    void check(engine::RecipeEdit edit, bool orders, Done done) override {
        last = std::move(edit);
        asked_orders = orders;
        done(Json{{"verdict", "accept"}});
    }
    void save(engine::RecipeEdit edit, std::string actor, Done done) override {
        last = std::move(edit);
        by = std::move(actor);
        done(last.revision == "r1" ? base::Result<Json>(Json{{"revision", "r2"}})
                                   : base::fail("request.conflict", "Somebody else"));
    }
    engine::RecipeEdit last;
    bool asked_orders = false;
    std::string by;
};

class RecipesApi : public testing::ApiTest {
  protected:
    void SetUp() override {
        ApiTest::SetUp();
        facade.recipe_desk = &desk_;
    }
    Desk desk_;
};

TEST_F(RecipesApi, Are_shown_checked_and_saved) {
    EXPECT_EQ(get("/api/v1/recipes").json()["revision"], "r1");
    EXPECT_EQ(post("/api/v1/recipes/check", R"({"text":"a","revision":"r1"})").status, 200U);
    EXPECT_FALSE(desk_.asked_orders);
    EXPECT_EQ(post("/api/v1/recipes/check", R"({"text":"a","revision":"r1","orders":true})").status,
              200U);
    EXPECT_TRUE(desk_.asked_orders);
    const auto saved = post("/api/v1/recipes", R"({"text":"b","revision":"r1","reason":"why"})");
    EXPECT_EQ(saved.json()["revision"], "r2");
    EXPECT_EQ(desk_.last.text, "b");
    EXPECT_EQ(desk_.last.reason, "why");
    EXPECT_EQ(desk_.by, "uid 1000 (ana)");
    EXPECT_EQ(post("/api/v1/recipes", R"({"text":"b","revision":"r0","reason":"why"})").status,
              409U);
}

TEST_F(RecipesApi, A_body_that_is_not_as_declared_is_refused) {
    for (const char* body : {"", "[]", R"({"text":"a"})", R"({"text":1,"revision":"r1"})",
                             R"({"text":"a","revision":"r1","more":1})"}) {
        EXPECT_EQ(post("/api/v1/recipes/check", body).status, 400U) << body;
        EXPECT_EQ(post("/api/v1/recipes", body).status, 400U) << body;
    }
    EXPECT_EQ(post("/api/v1/recipes", R"({"text":"a","revision":"r1"})").status, 400U);
}

TEST_F(RecipesApi, A_station_without_a_file_has_none) {
    facade.recipe_desk = nullptr;
    EXPECT_EQ(get("/api/v1/recipes").status, 404U);
    EXPECT_EQ(post("/api/v1/recipes/check", R"({"text":"a","revision":"r1"})").status, 404U);
}

}  // namespace
}  // namespace lineside::api
