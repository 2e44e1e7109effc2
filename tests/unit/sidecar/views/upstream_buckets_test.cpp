#include "sidecar/views/upstream_buckets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace herald::sidecar {
namespace {

using testing::ElementsAre;

std::vector<UpstreamProject> projects(std::initializer_list<const char*> names) {
    std::vector<UpstreamProject> made;
    for (const char* name : names)
        made.push_back({name, "{}", {"{}"}});
    return made;
}

std::vector<std::string> kept(const UpstreamBuckets& buckets) {
    std::vector<std::string> names;
    for (const auto& [name, project] : buckets.projects())
        names.push_back(name);
    return names;
}

TEST(UpstreamBuckets, KeepProjectsUpToTheirBound) {
    UpstreamBuckets buckets(2);
    buckets.replace(projects({"a", "b"}));
    EXPECT_THAT(kept(buckets), ElementsAre("a", "b"));
    EXPECT_NE(buckets.use("a"), nullptr);
    EXPECT_EQ(buckets.use("x"), nullptr);
    EXPECT_FALSE(buckets.was_evicted("x"));
}

TEST(UpstreamBuckets, EvictFirstWhatNobodyAskedForAndIsOldest) {
    UpstreamBuckets buckets(2);
    buckets.replace(projects({"old", "newer", "newest"}));
    EXPECT_THAT(kept(buckets), ElementsAre("newer", "newest"));
    EXPECT_TRUE(buckets.was_evicted("old"));
}

TEST(UpstreamBuckets, EvictTheLeastRecentlyUsed) {
    UpstreamBuckets buckets(2);
    buckets.replace(projects({"a", "b"}));
    buckets.use("a");
    buckets.replace(projects({"a", "b", "c"}));
    EXPECT_THAT(kept(buckets), ElementsAre("a", "c"));
    buckets.use("c");
    buckets.use("a");
    buckets.use("b");  // evicted, and wanted back
    buckets.replace(projects({"a", "b", "c"}));
    EXPECT_THAT(kept(buckets), ElementsAre("a", "b"));
}

TEST(UpstreamBuckets, LoseWhatTheAnswerHasNoLonger) {
    UpstreamBuckets buckets(2);
    buckets.replace(projects({"a", "b", "c"}));
    buckets.use("a");
    buckets.replace(projects({"c"}));
    EXPECT_THAT(kept(buckets), ElementsAre("c"));
    EXPECT_FALSE(buckets.was_evicted("a"));
    buckets.replace(projects({"a", "b", "c"}));
    EXPECT_THAT(kept(buckets), ElementsAre("b", "c")) << "a's use went with it";
}

TEST(UpstreamBuckets, AreEmptyAfterAClear) {
    UpstreamBuckets buckets(1);
    buckets.replace(projects({"a", "b"}));
    buckets.clear();
    EXPECT_TRUE(kept(buckets).empty());
    EXPECT_FALSE(buckets.was_evicted("a"));
}

}  // namespace
}  // namespace herald::sidecar
