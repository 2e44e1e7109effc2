// The summary of rejected messages.
#include "sidecar/rejects.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace herald::sidecar {
namespace {

TEST(RejectSummary, CountsByReasonAndShowsTheFirstChannel) {
    RejectSummary summary;
    EXPECT_TRUE(summary.empty());
    summary.add(Decoder::Result::NotJson, "run:1");
    summary.add(Decoder::Result::NotJson, "run:2");
    summary.add(Decoder::Result::TooLarge, "run:3");
    EXPECT_FALSE(summary.empty());
    EXPECT_EQ(summary.take().text(),
              "messages rejected count=3 too_large=1 not_json=2 channel=run:1");
}

TEST(RejectSummary, StartsAnewAfterItWasTaken) {
    RejectSummary summary;
    summary.add(Decoder::Result::Empty, "a");
    summary.take();
    EXPECT_TRUE(summary.empty());
    summary.add(Decoder::Result::NotUtf8, "b");
    EXPECT_EQ(summary.take().text(), "messages rejected count=1 not_utf8=1 channel=b");
}

TEST(RejectSummary, ShowsNoChannelInFullThatCouldHarmTheLog) {
    RejectSummary summary;
    summary.add(Decoder::Result::BadChannel, "a\nb" + std::string(500, 'x'));
    const std::string text = summary.take().text();
    EXPECT_THAT(text, testing::HasSubstr("channel=\"a\\nbxxx"));
    EXPECT_LT(text.size(), 200u);
}

}  // namespace
}  // namespace herald::sidecar
