// Answers about review activity, in the forms of docs/views.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "sidecar/views/upstream_answer.hpp"

namespace herald::sidecar {
namespace {

UpstreamAnswer read(std::string_view bytes, size_t max_records = 100) {
    return kReviewUpstream.read(bytes, max_records);
}

TEST(UpstreamReview, TakesSumsThatAreReady) {
    const UpstreamAnswer answer = read(R"({
        "totals":{"projects":3,"playlists":7,"clips":42,"shots":28,"duration_seconds":963.5},
        "projects":[{"project":"alpha","playlists":3,"clips":18,"shots":12,"duration_seconds":450}]
    })");
    EXPECT_EQ(answer.totals,
              R"({"projects":3,"playlists":7,"clips":42,"shots":28,"duration_seconds":963.5})");
    ASSERT_EQ(answer.projects.size(), 1u);
    EXPECT_EQ(answer.projects[0].sums,
              R"({"playlists":3,"clips":18,"shots":12,"duration_seconds":450.0})");
    EXPECT_EQ(answer.projects[0].records.size(), 1u);
}

TEST(UpstreamReview, AddsUpProjectsWithoutTotals) {
    const UpstreamAnswer answer = read(R"({"review":{"projects":[
        {"project":"alpha","playlists":3,"clips":"18","shots":12.7,"duration_seconds":"450.5"},
        {"project":"beta","playlists":-3,"clips":null,"duration_seconds":-1},
        {"project":"  ","playlists":100}]}})");
    EXPECT_EQ(answer.totals,
              R"({"projects":2,"playlists":3,"clips":18,"shots":12,"duration_seconds":450.5})");
}

TEST(UpstreamReview, SumsPlaylistsUp) {
    const UpstreamAnswer answer = read(R"({"playlists":[
        {"project":"alpha","name":"monday","clips":12,"shots":["sh010","sh020"],"duration_seconds":10.5},
        {"project":"alpha","name":"tuesday","clips":["a","b"],"shots":["sh020","sh030"],"duration":2},
        {"project":"beta","clips":[{"shot":"sh010","duration_seconds":1.5},{"shot":"sh010","duration":2}]},
        {"project":"beta","clips":1,"shots":4},
        {"name":"of nobody","clips":100}
    ]})");
    EXPECT_EQ(answer.totals,
              R"({"projects":2,"playlists":4,"clips":17,"shots":8,"duration_seconds":16.0})");
    ASSERT_EQ(answer.projects.size(), 2u);
    EXPECT_EQ(answer.projects[0].sums,
              R"({"playlists":2,"clips":14,"shots":3,"duration_seconds":12.5})");
    EXPECT_EQ(answer.projects[1].sums,
              R"({"playlists":2,"clips":3,"shots":5,"duration_seconds":3.5})");
    EXPECT_EQ(read(R"([{"project":"alpha"}])").totals,
              R"({"projects":1,"playlists":1,"clips":0,"shots":0,"duration_seconds":0.0})");
}

TEST(UpstreamReview, KeepsTheNewestPlaylistsAndCountsAll) {
    const UpstreamAnswer answer = read(
        R"([{"project":"a","clips":1},{"project":"a","clips":2},{"project":"a","clips":4}])", 2);
    EXPECT_THAT(answer.projects[0].sums, testing::HasSubstr(R"("playlists":3,"clips":7)"));
    EXPECT_THAT(answer.projects[0].records, testing::ElementsAre(R"({"project":"a","clips":2})",
                                                                 R"({"project":"a","clips":4})"));
}

TEST(UpstreamReview, StaysFiniteWhateverComes) {
    EXPECT_EQ(read(R"([{"project":"a","clips":9223372036854775807,"duration":1e308},
                       {"project":"a","clips":9223372036854775807,"duration":1e308}])")
                  .totals,
              R"({"projects":1,"playlists":2,"clips":9223372036854775807,"shots":0,)"
              R"("duration_seconds":2e15})");
}

TEST(UpstreamReview, WantsOneOfItsForms) {
    EXPECT_THROW(read("{}"), std::runtime_error);
    EXPECT_THROW(read(R"({"playlists":7})"), std::runtime_error);
    EXPECT_THROW(read("<!doctype html>"), std::runtime_error);
}

}  // namespace
}  // namespace herald::sidecar
