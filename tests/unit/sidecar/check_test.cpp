// What `herald check` says of a feed.
#include "sidecar/check.hpp"

#include <gtest/gtest.h>

namespace herald::sidecar {
namespace {

TEST(Check, SaysLittleOfAPlainFeed) {
    EXPECT_EQ(summary_of({"runs", ChannelPattern("run:{id}")}),
              "feed runs: run:{id} (PSUBSCRIBE run:*), events without names");
}

TEST(Check, SaysWhatAFeedDoes) {
    Feed feed{"my runs", ChannelPattern("run:{id}"), "type", {{"a", "b"}, {"c", "d"}}};
    feed.end_on = {"done"};
    feed.dedupe = "event id";
    feed.time = "at";
    feed.jsonl = "runs/{id}.jsonl";
    feed.retention_ms = 36 * 3'600'000;
    feed.max_events = 1000;
    feed.log = true;
    EXPECT_EQ(summary_of(feed),
              "feed \"my runs\": run:{id} (PSUBSCRIBE run:*), events named by type, 2 renamed, "
              "ends on 1 name, repeats told by \"event id\", time from at, written to "
              "runs/{id}.jsonl, kept 36h, at most 1000 a channel, logged");
    feed.end_on = {"done", "failed"};
    EXPECT_NE(summary_of(feed).find("ends on 2 names,"), std::string::npos);
}

TEST(Check, SaysWhichRegistryIsWatched) {
    IngestConfig ingest;
    ingest.registry = "/srv/ingest runs.json";
    EXPECT_EQ(summary_of(ingest),
              "ingest: runs of \"/srv/ingest runs.json\", told on trafalgar:ingest");
}

}  // namespace
}  // namespace herald::sidecar
