#include "sidecar/postgres/tables_view.hpp"

#include <gtest/gtest.h>

#include <string>

namespace herald::sidecar::postgres {
namespace {

TEST(TablesView, SaysHowEachTableIsDoing) {
    Segments segments;
    segments.assign({{1, 1, "/nowhere"}});
    segments.extend(10, 50);
    TablesView view(
        [] {
            return std::vector<TableFigures>{
                {"jobs", "app.jobs", 42, true, "connection refused", 7, 2, 1},
                {"other", "t", 50, false, "", 0, 0, 0}};
        },
        segments);
    ViewAnswer answer;
    view.ask({}, [&](ViewAnswer given) { answer = std::move(given); });
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body,
              R"({"tables":[{"feed":"jobs","table":"app.jobs","seq":42,"behind":8,"failing":true,)"
              R"("error":"connection refused","inserted":7,"repeats":2,"refused":1},)"
              R"({"feed":"other","table":"t","seq":50,"behind":0,"failing":false,"error":"",)"
              R"("inserted":0,"repeats":0,"refused":0}]})");
}

}  // namespace
}  // namespace herald::sidecar::postgres
