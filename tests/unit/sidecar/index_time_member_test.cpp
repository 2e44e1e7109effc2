// Events whose time is a member of theirs: what "since" compares with.
#include <gmock/gmock.h>

#include "index_fixture.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class IndexTimeMember : public IndexTest {
  protected:
    IndexTimeMember() {
        feeds_.push_back(feed("a"));
        feeds_.back().time = "at";
        open();
    }
};

TEST_F(IndexTimeMember, SinceComparesWithIt) {
    put(1, "a", R"({"at":"2026-11-21T10:00:00Z"})");
    put(2, "a", R"({"at":"2026-11-21T11:00:00.5+01:00"})");
    put(3, "b", R"({"at":"2026-11-21T12:00:00Z"})");
    const int64_t ten = 1'795'255'200'000'000;  // 2026-11-21T10:00:00Z
    EXPECT_THAT(ask({.since_us = ten}).seqs(), ElementsAre(2));
    EXPECT_THAT(ask({.since_us = ten - 1}).seqs(), ElementsAre(1, 2));
    EXPECT_THAT(ask({.since_us = ten - 1}, {"b"}).seqs(), IsEmpty());
}

TEST_F(IndexTimeMember, MayBeANumberOfSeconds) {
    put(1, "a", R"({"at":1763719200.25})");
    put(2, "a", R"({"at":"1763719200.5"})");
    put(3, "a", R"({"at":1763719201})");
    put(4, "a", R"({"at":1763719200123})");  // no time: that of its arrival, earlier
    const int64_t start = 1'763'719'200'000'000;
    EXPECT_THAT(ask({.since_us = start}).seqs(), ElementsAre(1, 2, 3));
    EXPECT_THAT(ask({.since_us = start + 250'000}).seqs(), ElementsAre(2, 3));
    EXPECT_THAT(ask({.since_us = start + 500'000}).seqs(), ElementsAre(3));
    EXPECT_THAT(ask({.since_us = time_of(4) - 1}).seqs(), ElementsAre(1, 2, 3, 4));
}

TEST_F(IndexTimeMember, WithoutOneTheTimeOfArrivalCounts) {
    put(1, "a", R"({"at":"yesterday"})");
    put(2, "a", "[1]");
    put(3, "a", R"({"at":null})");
    put(4, "a", R"({"at":"\ud800"})");
    EXPECT_THAT(ask({.since_us = time_of(1)}).seqs(), ElementsAre(2, 3, 4));
    EXPECT_THAT(ask({.since_us = time_of(1) - 1}).seqs(), ElementsAre(1, 2, 3, 4));
}

TEST_F(IndexTimeMember, MayHaveEscapes) {
    put(1, "a", R"({"at":"2026-11-21T10:00:00\u002b01:00"})");
    const int64_t nine = 1'795'251'600'000'000;
    EXPECT_THAT(ask({.since_us = nine}).seqs(), IsEmpty());
    EXPECT_THAT(ask({.since_us = nine - 1}).seqs(), ElementsAre(1));
}

}  // namespace
}  // namespace herald::sidecar
