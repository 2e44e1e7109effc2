// The cache of verified tokens: bounded, by scope, and never longer than a token lives.
#include "token_cache.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <random>
#include <string>

namespace herald {
namespace {

std::shared_ptr<const Identity> lives_until(std::optional<int64_t> second) {
    auto identity = std::make_shared<Identity>();
    identity->claims.expires = second;
    return identity;
}

const int kHere = 0, kThere = 0;

TEST(TokenCache, RemembersATokenForTheScopeThatItWasVerifiedFor) {
    TokenCache cache(4);
    const auto identity = lives_until(std::nullopt);
    cache.keep(&kHere, digest_of("t"), identity);
    EXPECT_EQ(cache.find(&kHere, digest_of("t"), 0), identity);
    EXPECT_EQ(cache.find(&kThere, digest_of("t"), 0), nullptr);
    EXPECT_EQ(cache.find(&kHere, digest_of("u"), 0), nullptr);
}

TEST(TokenCache, ForgetsATokenInTheSecondInWhichItEnds) {
    TokenCache cache(4);
    cache.keep(&kHere, digest_of("t"), lives_until(100));
    EXPECT_NE(cache.find(&kHere, digest_of("t"), 99), nullptr);
    EXPECT_EQ(cache.find(&kHere, digest_of("t"), 100), nullptr);
    EXPECT_EQ(cache.size(), 0u);
}

TEST(TokenCache, DropsTheLeastRecentlyUsedWhenItIsFull) {
    TokenCache cache(3);
    for (const char* token : {"a", "b", "c"})
        cache.keep(&kHere, digest_of(token), lives_until(std::nullopt));
    EXPECT_NE(cache.find(&kHere, digest_of("a"), 0), nullptr);
    cache.keep(&kHere, digest_of("d"), lives_until(std::nullopt));
    EXPECT_EQ(cache.size(), 3u);
    EXPECT_EQ(cache.find(&kHere, digest_of("b"), 0), nullptr);
    for (const char* token : {"a", "c", "d"})
        EXPECT_NE(cache.find(&kHere, digest_of(token), 0), nullptr) << token;
}

TEST(TokenCache, KeepsTheFirstOfTwoEqualTokens) {
    TokenCache cache(3);
    const auto first = lives_until(std::nullopt);
    cache.keep(&kHere, digest_of("a"), first);
    cache.keep(&kHere, digest_of("a"), lives_until(std::nullopt));
    EXPECT_EQ(cache.find(&kHere, digest_of("a"), 0), first);
    EXPECT_EQ(cache.size(), 1u);
}

TEST(TokenCache, IsEmptyOnceKeysHaveChanged) {
    TokenCache cache(3);
    cache.keep(&kHere, digest_of("a"), lives_until(std::nullopt));
    cache.clear();
    EXPECT_EQ(cache.size(), 0u);
    EXPECT_EQ(cache.find(&kHere, digest_of("a"), 0), nullptr);
    cache.keep(&kHere, digest_of("a"), lives_until(std::nullopt));
    EXPECT_NE(cache.find(&kHere, digest_of("a"), 0), nullptr);
}

TEST(TokenCache, RemembersAndForgetsAsAListWould) {
    constexpr uint32_t kCapacity = 50;
    TokenCache cache(kCapacity);
    std::list<std::string> order;  // the most recently used first
    std::mt19937 random(1);
    for (int step = 0; step < 20'000; ++step) {
        const std::string token = std::to_string(random() % 120);
        const Digest digest = digest_of(token);
        const auto at = std::find(order.begin(), order.end(), token);
        if (random() % 10 == 0) {
            // Too late for it: it goes.
            EXPECT_EQ(cache.find(&kHere, digest, 100), nullptr);
            if (at != order.end())
                order.erase(at);
        } else if (at != order.end()) {
            ASSERT_NE(cache.find(&kHere, digest, 99), nullptr) << token << " in step " << step;
            order.splice(order.begin(), order, at);
        } else {
            ASSERT_EQ(cache.find(&kHere, digest, 99), nullptr) << token << " in step " << step;
            cache.keep(&kHere, digest, lives_until(100));
            order.push_front(token);
            if (order.size() > kCapacity)
                order.pop_back();
        }
        ASSERT_EQ(cache.size(), order.size());
    }
}

}  // namespace
}  // namespace herald
