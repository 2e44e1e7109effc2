// The filter never keeps back what the parser would find wanted, and knows most others.
#include "sidecar/webhooks/line_filter.hpp"

#include <gtest/gtest.h>

#include "sidecar/journal_entry.hpp"

namespace herald::sidecar {
namespace {

std::string line(const std::string& channel, const std::string& event, const std::string& data,
                 bool ends = false) {
    std::string out;
    append_line(out, {ring::Kind::Event,
                      ends,
                      {0x7f3a2c01, 18446744073709551},
                      0,
                      1763719200123,
                      channel,
                      event,
                      data});
    out.pop_back();
    return out;
}

class LineFilterTest : public testing::Test {
  protected:
    LineFilterTest() {
        config_.every_event = false;
        config_.on = {"done", "a\"b", "\\"};
    }
    bool passes(const std::string& line) { return LineFilter(feed_, config_)(line); }

    Feed feed_{"jobs", ChannelPattern("jobs:{id}:x"), "type"};
    WebhookConfig config_{};
};

TEST_F(LineFilterTest, LetsEverythingPassThatIsWanted) {
    const std::string texts[] = {
        "jobs:1:x", "jobs:\"1\":x",    "jobs:\\:x", "jobs:\",\"event\":\"no:x",
        "jobs:,:x", "jobs:\xc3\xbc:x", "other",     "job"};
    const std::string names[] = {"", "done", "a\"b", "\\", "doner", "don", "\",\"data\":"};
    const std::string datas[] = {"{}", R"({"x":"\",\"event\":\"done"})", R"([{"event":"done"}])"};
    LineParser parser;
    int wanted = 0;
    int kept_back = 0;
    for (const bool all : {false, true}) {
        config_.every_event = all;
        for (const auto& channel : texts)
            for (const auto& name : names)
                for (const auto& data : datas)
                    for (const bool ends : {false, true}) {
                        const std::string text = line(channel, name, data, ends);
                        JournalEntry entry;
                        ASSERT_TRUE(parser.parse(text, entry)) << text;
                        const bool is_wanted =
                            config_.wants(entry.event) && feed_.channels.matches(entry.channel);
                        wanted += is_wanted;
                        kept_back += !passes(text);
                        EXPECT_TRUE(!is_wanted || passes(text)) << text;
                    }
    }
    EXPECT_GT(wanted, 50);
    EXPECT_GT(kept_back, 50);
}

TEST_F(LineFilterTest, KnowsOtherNamesNoNamesAndOtherFeeds) {
    EXPECT_TRUE(passes(line("jobs:1:x", "done", "{}")));
    EXPECT_FALSE(passes(line("jobs:1:x", "started", "{}")));
    EXPECT_FALSE(passes(line("jobs:1:x", "", R"({"event":"done"})")));
    EXPECT_FALSE(passes(line("orders:1", "done", "{}")));
    config_.every_event = true;
    EXPECT_TRUE(passes(line("jobs:1:x", "", "{}")));
    EXPECT_FALSE(passes(line("orders:1", "", "{}")));
}

TEST_F(LineFilterTest, LeavesNoticesAndDamageToTheParser) {
    JournalEntry gap;
    gap.kind = ring::Kind::Gap;
    gap.id = {1, 9};
    gap.from_seq = 3;
    std::string text;
    append_line(text, gap);
    EXPECT_TRUE(passes(text));
    EXPECT_TRUE(passes(""));
    EXPECT_TRUE(passes("garbage"));
    const std::string whole = line("jobs:1:x", "started", "{}");
    for (size_t size = 0; size < whole.size(); ++size)
        passes(whole.substr(0, size));
}

TEST_F(LineFilterTest, KnowsNoPrefixOfChannelsThatBeginWithAPart) {
    feed_.channels = ChannelPattern("{any}");
    EXPECT_TRUE(passes(line("whatever", "done", "{}")));
}

}  // namespace
}  // namespace herald::sidecar
