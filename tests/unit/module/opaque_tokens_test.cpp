// Opaque tokens and API keys: what equals what, and the credential lists in all their spellings.
#include "opaque_tokens.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace herald {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string user_of(const std::shared_ptr<const Identity>& identity) {
    return identity == nullptr ? "(nobody)" : identity->claims.user;
}

struct Imported {
    OpaqueTokens tokens;
    std::vector<std::string> skipped;
    std::string why;
    bool done;
};
Imported import(std::string_view json) {
    Imported result;
    result.done = import_credentials(json, result.tokens, result.skipped, result.why);
    return result;
}

TEST(Digest, IsTheSha256OfTheToken) {
    Digest expected;
    ASSERT_TRUE(
        parse_digest("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", expected));
    EXPECT_EQ(digest_of("abc"), expected);
    ASSERT_TRUE(
        parse_digest("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", expected));
    EXPECT_EQ(digest_of("abc"), expected);
}

TEST(Digest, IsParsedFromSixtyFourHexDigitsAlone) {
    Digest digest;
    EXPECT_FALSE(parse_digest("", digest));
    EXPECT_FALSE(parse_digest(std::string(63, 'a'), digest));
    EXPECT_FALSE(parse_digest(std::string(65, 'a'), digest));
    EXPECT_FALSE(parse_digest(std::string(63, 'a') + "g", digest));
}

TEST(OpaqueTokens, KnowsATokenByItsDigest) {
    OpaqueTokens tokens;
    EXPECT_TRUE(tokens.empty());
    tokens.add_token(digest_of("t1"), opaque_identity("u1", {"r"}));
    EXPECT_FALSE(tokens.empty());
    const auto found = tokens.find_token(digest_of("t1"));
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->claims.user, "u1");
    EXPECT_THAT(found->claims.roles, ElementsAre("r"));
    EXPECT_TRUE(found->opaque);
    EXPECT_EQ(tokens.find_token(digest_of("t")), nullptr);
    EXPECT_EQ(tokens.find_token(digest_of("")), nullptr);
}

TEST(OpaqueTokens, TakesTheLaterOfTwoEqualOnes) {
    OpaqueTokens tokens;
    for (const char* user : {"first", "second"}) {
        tokens.add_token(digest_of("t"), opaque_identity(user, {}));
        tokens.add_pair("k", "s", opaque_identity(user, {}));
    }
    EXPECT_EQ(user_of(tokens.find_token(digest_of("t"))), "second");
    EXPECT_EQ(user_of(tokens.find_pair("k", "s")), "second");
}

TEST(OpaqueTokens, ReplacesAKeyWithItsSecret) {
    OpaqueTokens tokens;
    tokens.add_pair("k", "old", opaque_identity("u", {}));
    tokens.add_pair("k", "new", opaque_identity("u", {}));
    EXPECT_EQ(tokens.find_pair("k", "old"), nullptr);
    EXPECT_NE(tokens.find_pair("k", "new"), nullptr);
}

TEST(OpaqueTokens, WantsTheSecretOfAKeyThatHasOneAndNoOtherwise) {
    OpaqueTokens tokens;
    tokens.add_pair("bare", "", opaque_identity("b", {}));
    tokens.add_pair("pair", "s", opaque_identity("p", {}));
    EXPECT_EQ(user_of(tokens.find_pair("bare", "")), "b");
    EXPECT_EQ(tokens.find_pair("bare", "s"), nullptr);
    EXPECT_EQ(user_of(tokens.find_pair("pair", "s")), "p");
    EXPECT_EQ(tokens.find_pair("pair", ""), nullptr);
    EXPECT_EQ(tokens.find_pair("pair", "bare"), nullptr);
    EXPECT_EQ(tokens.find_token(digest_of("bare")), nullptr);
}

TEST(Credentials, AreAListWithEachSpellingOfItsMembers) {
    const Imported got = import(R"([
        {"id":"a","key":"ka","secret":"sa","roles":["render:read","ingest:read"]},
        {"name":"b","api_key":"kb","scopes":"x y"},
        {"identifier":"c","bearer_token":"tc"},
        {"id":"d","oauth_token":"td"},
        {"id":"e","token":"te","api_key":"ke","api_secret":"se"}])");
    ASSERT_TRUE(got.done);
    EXPECT_THAT(got.skipped, ElementsAre());
    EXPECT_THAT(got.tokens.find_pair("ka", "sa")->claims.roles,
                ElementsAre("render:read", "ingest:read"));
    EXPECT_THAT(got.tokens.find_pair("kb", "")->claims.roles, ElementsAre("x", "y"));
    EXPECT_EQ(user_of(got.tokens.find_token(digest_of("tc"))), "c");
    EXPECT_EQ(user_of(got.tokens.find_token(digest_of("td"))), "d");
    EXPECT_EQ(user_of(got.tokens.find_token(digest_of("te"))), "e");
    EXPECT_EQ(user_of(got.tokens.find_pair("ke", "se")), "e");
}

TEST(Credentials, MayBeAnObjectById) {
    const Imported got = import(R"({"svc":{"token":"t","roles":"a"},"x":{"id":"y","token":"u"}})");
    ASSERT_TRUE(got.done);
    EXPECT_EQ(user_of(got.tokens.find_token(digest_of("t"))), "svc");
    EXPECT_EQ(user_of(got.tokens.find_token(digest_of("u"))), "y");
}

TEST(Credentials, LeaveOutWhatCannotBeUsedAndSayWhyWithoutItsSecrets) {
    const Imported got = import(R"([7, {"id":"a"}, {"token":5}, {"token":"SECRET","roles":7},
        {"token":"SECRET","roles":["a",1]}, {"id":"a\nb","token":"SECRET"}, {"token":"good"}])");
    ASSERT_TRUE(got.done);
    ASSERT_EQ(got.skipped.size(), 6u);
    EXPECT_EQ(got.skipped[0], "entry 1 is no object");
    EXPECT_EQ(got.skipped[1], "entry 2 has neither a key nor a token");
    for (const std::string& one : got.skipped)
        EXPECT_THAT(one, testing::Not(HasSubstr("SECRET")));
    EXPECT_NE(got.tokens.find_token(digest_of("good")), nullptr);
    EXPECT_EQ(got.tokens.find_token(digest_of("SECRET")), nullptr);
}

TEST(Credentials, LeaveOutAKeyWhoseSecretOrTokenIsEmptyOrNull) {
    for (const char* member : {"secret", "api_secret", "token", "bearer_token", "oauth_token"}) {
        for (const char* nothing : {"\"\"", "null"}) {
            const std::string empty = "\"" + std::string(member) + "\":" + nothing;
            const Imported got = import(R"([{"id":"a","key":"k",)" + empty + "}]");
            ASSERT_TRUE(got.done);
            EXPECT_THAT(got.skipped,
                        ElementsAre("entry 1 has a key, and a \"" + std::string(member) +
                                    "\" that is empty or null (give it a value, or leave the "
                                    "member out)"));
            EXPECT_TRUE(got.tokens.empty()) << empty;
        }
    }
    EXPECT_TRUE(import(R"([{"key":"k","secret":null,"api_secret":"s"}])").tokens.empty());
    EXPECT_TRUE(import(R"([{"key":"k","secret":"s","token":""}])").tokens.empty());
}

TEST(Credentials, MayHaveATokenBesideAnEmptyKey) {
    const Imported got = import(R"([{"id":"a","token":"t","key":null,"secret":null},
        {"id":"b","token":"u","key":"","secret":""}])");
    EXPECT_THAT(got.skipped, ElementsAre());
    EXPECT_EQ(user_of(got.tokens.find_token(digest_of("t"))), "a");
    EXPECT_EQ(user_of(got.tokens.find_token(digest_of("u"))), "b");
    EXPECT_EQ(got.tokens.find_pair("", ""), nullptr);
}

TEST(Credentials, AddNothingWhereTheyAreNoJson) {
    for (const char* bad : {"", "{", "SECRET", R"([{"token":"SECRET"})", R"("SECRET")", "7",
                            R"([{"token":"a","token":"SECRET"}])"}) {
        const Imported got = import(bad);
        EXPECT_FALSE(got.done) << bad;
        EXPECT_THAT(got.why, testing::Not(HasSubstr("SECRET")));
        EXPECT_FALSE(got.why.empty());
        EXPECT_TRUE(got.tokens.empty());
    }
}

}  // namespace
}  // namespace herald
