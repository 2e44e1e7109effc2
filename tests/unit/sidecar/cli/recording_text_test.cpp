#include "sidecar/cli/recording_text.hpp"

#include <gtest/gtest.h>

namespace herald::cli {
namespace {

TEST(RecordingText, ShowsWhatThereIsToTell) {
    EXPECT_EQ(format_recording({.events = 1}, 0.4, 59.9, true, 80), "1 event  0/s  0:59");
    EXPECT_EQ(
        format_recording({.events = 12345, .gaps = 1, .reconnects = 2}, 49.7, 3723, false, 80),
        "12345 events  50/s  1 gap  2 reconnects  1:02:03  not connected");
}

TEST(RecordingText, IsCutWhereItDoesNotFit) {
    EXPECT_EQ(format_recording({.events = 12345}, 50, 1, true, 9), "12345 eve");
}

TEST(RecordedText, CountsEverything) {
    EXPECT_EQ(format_recorded("recorded", {.events = 1000, .gaps = 1, .reconnects = 2}, 2.06),
              "recorded 1000 events in 2.1 s (1 gap, 2 reconnects)");
    EXPECT_EQ(format_recorded(
                  "received",
                  {.events = 1, .reconnects = 1, .unresumed = 1, .not_json = 3, .too_long = 4}, 0),
              "received 1 event in 0.0 s (0 gaps, 1 reconnect, 1 without an id to resume from); "
              "left out 3 not JSON; left out 4 above 64M");
}

}  // namespace
}  // namespace herald::cli
