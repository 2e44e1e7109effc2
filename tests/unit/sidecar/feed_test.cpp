// Channel patterns: what they match, which glob Redis gets, and when two claim one channel.
#include "sidecar/feed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace herald::sidecar {
namespace {

using testing::HasSubstr;

std::string refusal(std::string_view pattern) {
    try {
        ChannelPattern{pattern};
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "accepted";
}

TEST(FeedPattern, MatchesALiteralChannelAlone) {
    const ChannelPattern pattern("orders");
    EXPECT_TRUE(pattern.matches("orders"));
    EXPECT_FALSE(pattern.matches("orders2"));
    EXPECT_FALSE(pattern.matches("order"));
    EXPECT_FALSE(pattern.matches(""));
}

TEST(FeedPattern, GivesAPartAtLeastOneByteOfAnyKind) {
    const ChannelPattern pattern("enrichment:{id}");
    EXPECT_TRUE(pattern.matches("enrichment:1"));
    EXPECT_TRUE(pattern.matches("enrichment:a:b/c \xc3\xa9"));
    EXPECT_FALSE(pattern.matches("enrichment:"));
    EXPECT_FALSE(pattern.matches("enrichment"));
    EXPECT_FALSE(pattern.matches("xenrichment:1"));
}

TEST(FeedPattern, MatchesSeveralPartsAndTheirSeparators) {
    const ChannelPattern pattern("org:{org}:job:{job}:log");
    EXPECT_TRUE(pattern.matches("org:a:job:7:log"));
    EXPECT_TRUE(pattern.matches("org:a:job:b:job:7:log:log"));
    EXPECT_FALSE(pattern.matches("org::job:7:log"));
    EXPECT_FALSE(pattern.matches("org:a:job::log"));
    EXPECT_FALSE(pattern.matches("org:a:job:7:log2"));
}

TEST(FeedPattern, DoesNotUseOneSeparatorTwice) {
    const ChannelPattern pattern("{a}:{b}:{c}");
    EXPECT_TRUE(pattern.matches("1:2:3"));
    EXPECT_TRUE(pattern.matches("::::::"));
    EXPECT_FALSE(pattern.matches("1:2"));
    EXPECT_FALSE(pattern.matches("1::3"));
    EXPECT_FALSE(ChannelPattern("aa{x}aa").matches("aaaa"));
}

using Captures = std::optional<std::vector<std::string_view>>;

Captures captures(std::string_view pattern, std::string_view channel) {
    std::vector<std::string_view> values{"from before"};
    if (!ChannelPattern(pattern).captures(channel, values))
        return std::nullopt;
    return values;
}

TEST(FeedPattern, NamesItsPartsInTheirOrder) {
    EXPECT_THAT(ChannelPattern("orders").part_names(), testing::IsEmpty());
    EXPECT_THAT(ChannelPattern("org:{org}:job:{job id}").part_names(),
                testing::ElementsAre("org", "job id"));
}

TEST(FeedPattern, SaysWhatItsPartsStandFor) {
    using V = std::vector<std::string_view>;
    EXPECT_EQ(captures("orders", "orders"), V{});
    EXPECT_EQ(captures("orders:{id}", "orders:7:items"), V{"7:items"});
    EXPECT_EQ(captures("{a}:{b}:{c}", "1:2:3:4"), (V{"1", "2", "3:4"}));
    EXPECT_EQ(captures("{a}:{b}", ":::"), (V{":", ":"}));
    EXPECT_EQ(captures("a{x}b{y}c", "abbbbc"), (V{"b", "bb"}));
    EXPECT_EQ(captures("{x}:log", "a:log:log"), V{"a:log"});
}

TEST(FeedPattern, CapturesNothingOfAChannelThatIsNotItsOwn) {
    EXPECT_EQ(captures("orders", "order"), std::nullopt);
    EXPECT_EQ(captures("orders:{id}", "orders:"), std::nullopt);
    EXPECT_EQ(captures("{a}:{b}:{c}", "1:2"), std::nullopt);
    EXPECT_EQ(captures("{a}:x", "a:y"), std::nullopt);
}

TEST(FeedPattern, GivesRedisAGlob) {
    EXPECT_EQ(ChannelPattern("orders").glob(), "orders");
    EXPECT_EQ(ChannelPattern("a:{x}:b:{y}").glob(), "a:*:b:*");
    EXPECT_EQ(ChannelPattern("{all}").glob(), "*");
    EXPECT_EQ(ChannelPattern("a*b?c[d]e^f\\g{x}").glob(), "a\\*b\\?c\\[d\\]e\\^f\\\\g*");
}

TEST(FeedPattern, RefusesMisusedBraces) {
    EXPECT_THAT(refusal("a:{x"), HasSubstr("`{` without its `}`"));
    EXPECT_THAT(refusal("a:{x{y}"), HasSubstr("`{` without its `}`"));
    EXPECT_THAT(refusal("a:x}"), HasSubstr("`}` without a `{`"));
    EXPECT_THAT(refusal("a:{x}}"), HasSubstr("`}` without a `{`"));
    EXPECT_THAT(refusal("a:{}"), HasSubstr("without a name"));
    EXPECT_THAT(refusal("{x}:{x}"), HasSubstr("{x} twice"));
    EXPECT_THAT(refusal("{x}{y}"), HasSubstr("nothing between"));
}

TEST(FeedPattern, RefusesWhatNoChannelCanBe) {
    EXPECT_THAT(refusal(""), HasSubstr("empty"));
    EXPECT_THAT(refusal("a\r\nb"), HasSubstr("line break"));
    EXPECT_THAT(refusal("a\x7f"), HasSubstr("control"));
    EXPECT_THAT(refusal("\xff"), HasSubstr("UTF-8"));
    EXPECT_THAT(refusal(std::string(1025, 'a')), HasSubstr("1024"));
    EXPECT_EQ(refusal(std::string(1024, 'a')), "accepted");
}

TEST(FeedPattern, RefusesTwoFeedsThatClaimOneChannel) {
    const std::tuple<const char*, const char*, bool> cases[] = {
        {"a", "a", true},           {"a", "b", false},
        {"a:{x}", "a:{y}", true},   {"a:{x}", "b:{x}", false},
        {"a:{x}", "a:", false},     {"a:{x}", "a", false},
        {"a:{x}", "a:1", true},     {"a:{x}", "{y}:b", true},
        {"a:{x}", "{y}", true},     {"a:{x}:c", "a:{x}:d", false},
        {"a:{x}:c", "a:{y}", true}, {"ab{x}", "{y}ab", true},
        {"{x}b", "a{y}", true},     {"{x}b", "ab", true},
        {"{x}b", "b", false},       {"a{x}a", "aa", false},
        {"a{x}a", "aaa", true},
    };
    for (const auto& [a, b, overlap] : cases) {
        EXPECT_EQ(ChannelPattern(a).overlaps(ChannelPattern(b)), overlap) << a << " " << b;
        EXPECT_EQ(ChannelPattern(b).overlaps(ChannelPattern(a)), overlap) << b << " " << a;
    }
}

// Every text over a small alphabet, up to a length at which short patterns must have met.
void for_each_text(size_t longest, const std::function<void(const std::string&)>& visit) {
    std::string text;
    const std::function<void()> extend = [&] {
        visit(text);
        if (text.size() == longest)
            return;
        for (char c : {'a', 'b', 'x'}) {
            text += c;
            extend();
            text.pop_back();
        }
    };
    extend();
}

// The definition, by trying every way to split.
bool matches_by_definition(std::string_view pattern, std::string_view channel) {
    if (pattern.empty())
        return channel.empty();
    if (pattern[0] != '{')
        return !channel.empty() && channel[0] == pattern[0] &&
               matches_by_definition(pattern.substr(1), channel.substr(1));
    const std::string_view rest = pattern.substr(pattern.find('}') + 1);
    for (size_t taken = 1; taken <= channel.size(); ++taken) {
        if (matches_by_definition(rest, channel.substr(taken)))
            return true;
    }
    return false;
}

// The pattern with values in the place of its parts.
std::string filled(std::string_view pattern, const std::vector<std::string_view>& values) {
    std::string channel;
    size_t next = 0;
    for (size_t at = 0; at < pattern.size(); ++at) {
        if (pattern[at] != '{') {
            channel += pattern[at];
            continue;
        }
        channel += values.at(next++);
        at = pattern.find('}', at);
    }
    return channel;
}

std::string random_pattern(std::minstd_rand& random) {
    std::string pattern;
    bool part_before = false;
    const size_t steps = 1 + random() % 4;
    for (size_t i = 0; i < steps; ++i) {
        if (!part_before && random() % 2 == 0) {
            pattern += "{p" + std::to_string(i) + "}";
            part_before = true;
        } else {
            pattern += random() % 2 == 0 ? 'a' : 'b';
            part_before = false;
        }
    }
    return pattern;
}

TEST(FeedPattern, MatchesByItsDefinition) {
    std::minstd_rand random(7);
    for (int i = 0; i < 200; ++i) {
        const std::string text = random_pattern(random);
        const ChannelPattern pattern(text);
        for_each_text(6, [&](const std::string& channel) {
            const bool matches = matches_by_definition(text, channel);
            ASSERT_EQ(pattern.matches(channel), matches) << text << " " << channel;
            std::vector<std::string_view> values;
            ASSERT_EQ(pattern.captures(channel, values), matches) << text << " " << channel;
            if (matches) {
                ASSERT_EQ(filled(text, values), channel) << text;
            }
        });
    }
}

TEST(FeedPattern, OverlapsExactlyWhereSomeChannelMatchesBoth) {
    std::minstd_rand random(8);
    for (int i = 0; i < 300; ++i) {
        const ChannelPattern a(random_pattern(random));
        const ChannelPattern b(random_pattern(random));
        bool found = false;
        for_each_text(7, [&](const std::string& channel) {
            found = found || (a.matches(channel) && b.matches(channel));
        });

        const auto example = a.common_channel(b);
        ASSERT_EQ(example.has_value(), found) << a.text() << " " << b.text();
        if (example) {
            EXPECT_TRUE(a.matches(*example)) << a.text() << " " << *example;
            EXPECT_TRUE(b.matches(*example)) << b.text() << " " << *example;
        }
    }
}

}  // namespace
}  // namespace herald::sidecar
