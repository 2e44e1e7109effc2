// The texts that a replay shows.
#include "sidecar/cli/progress.hpp"

#include <gtest/gtest.h>

namespace herald::cli {
namespace {

ProgressState state() {
    ProgressState state;
    state.events = 12345;
    state.bytes = 450;
    state.total_bytes = 1000;
    state.elapsed_s = 9;
    state.events_per_s = 4999.7;
    return state;
}

TEST(ProgressText, HasABarWhereThereIsRoom) {
    EXPECT_EQ(format_progress(state(), 59),
              " 45% [#########-----------] 12345 events  5000/s  0:11 left");
}

TEST(ProgressText, FillsTheLineAndNoMore) {
    for (size_t columns = 0; columns < 300; ++columns)
        EXPECT_LE(format_progress(state(), columns).size(), columns);
    EXPECT_EQ(format_progress(state(), 60).size(), 60u);
}

TEST(ProgressText, LeavesTheBarOutWhereItIsNarrow) {
    EXPECT_EQ(format_progress(state(), 45), " 45% 12345 events  5000/s  0:11 left");
}

TEST(ProgressText, IsCutWhereItDoesNotFit) {
    EXPECT_EQ(format_progress(state(), 10), " 45% 12345");
}

TEST(ProgressText, ShowsAPauseInsteadOfTheTimeLeft) {
    ProgressState waiting = state();
    waiting.waiting_s = 4000;
    EXPECT_EQ(format_progress(waiting, 45), " 45% 12345 events  5000/s  next in 1:06:40");
}

TEST(ProgressText, SaysNothingOfTheTimeLeftAtBothEnds) {
    ProgressState end = state();
    end.bytes = 0;
    EXPECT_EQ(format_progress(end, 35), "  0% 12345 events  5000/s");
    end.bytes = 1000;
    EXPECT_EQ(format_progress(end, 35), "100% 12345 events  5000/s");
}

TEST(ProgressText, StaysAtAHundredWhereTheFileHasGrown) {
    ProgressState grown = state();
    grown.bytes = 2000;
    EXPECT_EQ(format_progress(grown, 35), "100% 12345 events  5000/s");
}

TEST(ProgressText, WritesDurationsAsAClockDoes) {
    EXPECT_EQ(format_duration(0), "0:00");
    EXPECT_EQ(format_duration(0.2), "0:01");
    EXPECT_EQ(format_duration(425), "7:05");
    EXPECT_EQ(format_duration(3600), "1:00:00");
    EXPECT_EQ(format_duration(360000), "100:00:00");
    EXPECT_EQ(format_duration(-1), "0:00");
}

TEST(SummaryText, CountsWhatWasSentAndWhatWasSkipped) {
    EXPECT_EQ(format_summary({.events = 1000, .notices = 2, .bad_lines = 0, .elapsed_s = 2.06}),
              "replayed 1000 events in 2.1 s (skipped 2 notices, 0 bad lines)");
    EXPECT_EQ(format_summary({.events = 1, .notices = 1, .bad_lines = 1, .elapsed_s = 0.02}),
              "replayed 1 event in 0.0 s (skipped 1 notice, 1 bad line)");
}

TEST(SummaryText, OwnsUpToWhatWasNotAnswered) {
    EXPECT_EQ(format_summary({.events = 7, .unanswered = 3, .elapsed_s = 1}),
              "replayed 7 events in 1.0 s (skipped 0 notices, 0 bad lines); 3 more not answered by "
              "Redis");
}

}  // namespace
}  // namespace herald::cli
