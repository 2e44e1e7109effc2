// What passes for a key set, and what is taken out of it.
#include "sidecar/key_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ring/trust.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string json_of(std::string_view bytes) {
    std::string why;
    const auto set = read_key_set(bytes, why);
    return set ? set->json : why;
}

std::string set_of(size_t count) {
    std::string keys;
    for (size_t i = 0; i < count; ++i)
        keys += std::string(i == 0 ? "" : ",") + R"({"kty":"RSA"})";
    return R"({"keys":[)" + keys + "]}";
}

TEST(KeySet, NamesItsKeys) {
    std::string why;
    const auto set = read_key_set(
        R"( {"keys":[{"kty":"EC","kid":"a","x":"1"},{"kty":"RSA"},{"kid":"b","kty":"OKP"}]} )",
        why);
    ASSERT_TRUE(set) << why;
    EXPECT_EQ(set->keys, 3u);
    EXPECT_THAT(set->kids, ElementsAre("a", "b"));
    EXPECT_EQ(set->json,
              R"({"keys":[{"kid":"a","kty":"EC","x":"1"},{"kty":"RSA"},{"kid":"b","kty":"OKP"}]})");
}

TEST(KeySet, IsTheSameForTheSameContent) {
    EXPECT_EQ(json_of(R"({"keys":[{"kty":"EC","x":"1"}],"x":1})"),
              json_of("{\n \"keys\" : [ {\"x\":\"1\", \"kty\":\"EC\"} ] }"));
}

TEST(KeySet, LosesPrivateKeys) {
    for (const char* member : {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}) {
        std::string why;
        const auto set = read_key_set(R"({"keys":[{"kty":"RSA","n":"1","kid":"a",")" +
                                          std::string(member) + R"(":"3"},{"kty":"EC"}]})",
                                      why);
        ASSERT_TRUE(set) << why;
        EXPECT_EQ(set->json, R"({"keys":[{"kty":"EC"}]})") << member;
        EXPECT_EQ(set->keys, 1u);
        EXPECT_EQ(set->secret, 1u);
        EXPECT_THAT(set->kids, ElementsAre());
    }
}

TEST(KeySet, LosesSymmetricKeys) {
    std::string why;
    const auto set = read_key_set(
        R"({"keys":[{"kty":"oct","k":"s","kid":"a"},{"kty":"EC"},{"kty":"oct","k":"t"}]})", why);
    ASSERT_TRUE(set);
    EXPECT_EQ(set->json, R"({"keys":[{"kty":"EC"}]})");
    EXPECT_EQ(set->secret, 2u);
    EXPECT_THAT(set->kids, ElementsAre());
}

TEST(KeySet, MayBeEmpty) {
    EXPECT_EQ(json_of(R"({"keys":[]})"), R"({"keys":[]})");
}

TEST(KeySet, HasAtMost32Keys) {
    EXPECT_EQ(json_of(set_of(32)), set_of(32));
    EXPECT_EQ(json_of(set_of(33)), "has 33 keys, at most 32 are allowed");
}

TEST(KeySet, HasAtMost64KB) {
    const std::string start = R"({"keys":[],"x":")";
    std::string bytes =
        start + std::string(ring::trust::kMaxKeySet - start.size() - 2, 'x') + "\"}";
    EXPECT_EQ(json_of(bytes), R"({"keys":[]})");
    EXPECT_EQ(json_of(bytes + " "), "is larger than 65536 bytes");
}

TEST(KeySet, IsNothingElse) {
    EXPECT_EQ(json_of(""), "is empty");
    EXPECT_EQ(json_of(" \n"), "is empty");
    EXPECT_EQ(json_of("<!doctype html><html></html>"), "is HTML or XML, not a JWK set");
    EXPECT_THAT(json_of(R"({"keys":[{"kty":"RSA")"), HasSubstr("is not JSON (line 1"));
    EXPECT_THAT(json_of(R"({"keys":[]} x)"), HasSubstr("is not JSON"));
    EXPECT_THAT(json_of("[]"), HasSubstr("is not a JWK set"));
    EXPECT_THAT(json_of(R"({"keys":{}})"), HasSubstr("is not a JWK set"));
    EXPECT_THAT(json_of(R"({"kty":"RSA"})"), HasSubstr("is not a JWK set"));
    EXPECT_THAT(json_of(R"({"keys":["RSA"]})"), HasSubstr("is not a JWK set"));
    EXPECT_THAT(json_of("{\"keys\":[{\"kty\":\"\xff\"}]}"), HasSubstr("is not JSON"));
    EXPECT_THAT(json_of(R"({"keys":[],"keys":[]})"), HasSubstr("a member twice"));
    EXPECT_THAT(json_of(std::string(60'000, '[')), HasSubstr("is not JSON"));
}

TEST(KeySet, IsNotRepeatedInAnError) {
    EXPECT_THAT(json_of(R"({"keys":[{"k":"hush" "d"]})"), Not(HasSubstr("hush")));
}

}  // namespace
}  // namespace herald::sidecar
