// Revocations as they are published and kept.
#include "sidecar/revocation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace herald::sidecar {
namespace {

using testing::HasSubstr;
using testing::Not;
using Kind = Revocation::Kind;

constexpr int64_t kNow = 1'763'719'200;  // 2025-11-21T10:00:00Z

Revocation read(std::string_view json) {
    std::string why;
    const auto revocation = read_revocation(json, kNow, why);
    EXPECT_TRUE(revocation) << json << ": " << why;
    return revocation.value_or(Revocation{});
}
std::string fault_in(std::string_view json) {
    std::string why;
    return read_revocation(json, kNow, why) ? "none" : why;
}
int64_t before(const std::string& value) {
    return read(R"({"sub":"u","before":)" + value + "}").before;
}

TEST(RevocationMessage, NamesASubjectOrAToken) {
    EXPECT_EQ(read(R"({"sub":"u1"})"), (Revocation{Kind::Sub, "u1", "", kNow}));
    EXPECT_EQ(read(R"({"jti":"t1","iss":"https://a","before":1000})"),
              (Revocation{Kind::Jti, "t1", "https://a", 1000}));
}

TEST(RevocationMessage, MeansATokenWheneverItWasIssued) {
    const Revocation revocation = read(R"({"jti":"t1"})");
    EXPECT_GT(revocation.before, kNow + int64_t{1000} * 365 * 86'400);
    std::string why;
    EXPECT_EQ(read_revocation(revocation_line(revocation), std::nullopt, why), revocation) << why;
}

TEST(RevocationMessage, MaySayMore) {
    EXPECT_EQ(read(R"({"sub":"u1","reason":"left","at":[1]})").value, "u1");
}

TEST(RevocationMessage, SaysUntilWhen) {
    EXPECT_EQ(before("1000"), 1000);
    EXPECT_EQ(before("1000.9"), 1000);
    EXPECT_EQ(before("-1.5"), -2);
    EXPECT_EQ(before("\"1000.9\""), 1000);
    EXPECT_EQ(before("\"2025-11-21T10:00:00Z\""), kNow);
    EXPECT_EQ(before("\"2025-11-21T11:00:00.5+01:00\""), kNow);
}

TEST(RevocationMessage, DoesNotTakeMillisecondsForSeconds) {
    for (const char* value : {"1763719200000", "1763719200000.5", "1e300", "\"\"", "\"soon\"",
                              "null", "true", "[]", "99999999999999999999"})
        EXPECT_NE(fault_in(R"({"sub":"u","before":)" + std::string(value) + "}"), "none") << value;
    EXPECT_THAT(fault_in(R"({"sub":"u","before":1763719200000})"), HasSubstr("seconds since 1970"));
}

TEST(RevocationMessage, IsNothingElse) {
    for (const char* json : {"", "x", "[]", "\"u\"", "{}{}", R"({"sub":"u","sub":"v"})"})
        EXPECT_THAT(fault_in(json), HasSubstr("not a JSON object")) << json;
    EXPECT_THAT(fault_in("{}"), HasSubstr(R"(either "sub" or "jti")"));
    EXPECT_THAT(fault_in(R"({"sub":"u","jti":"t"})"), HasSubstr(R"(either "sub" or "jti")"));
    for (const char* json :
         {R"({"sub":""})", R"({"sub":1})", R"({"sub":null})", R"({"jti":"t","sub":""})",
          R"({"sub":"u","iss":""})", R"({"sub":"u","iss":3})"})
        EXPECT_THAT(fault_in(json), HasSubstr("expected a string of 1 to 1024 bytes")) << json;
    EXPECT_EQ(fault_in(R"({"sub":")" + std::string(1024, 'u') + "\"}"), "none");
    EXPECT_NE(fault_in(R"({"sub":")" + std::string(1025, 'u') + "\"}"), "none");
}

TEST(RevocationMessage, IsNotRepeatedInAnError) {
    EXPECT_THAT(fault_in(R"({"sub":"hush","before":"hush"})"), Not(HasSubstr("hush")));
    EXPECT_THAT(fault_in(R"({"sub":"hush" hush)"), Not(HasSubstr("hush")));
}

TEST(RevocationLine, ReadsAsWhatWasWritten) {
    for (const Revocation& revocation :
         {Revocation{Kind::Sub, "u1", "", 0}, Revocation{Kind::Jti, "\"\n\xc3\xa4\\", "i", -5},
          Revocation{Kind::Sub, std::string(1024, 'v'), std::string(1024, 'i'), kNow}}) {
        const std::string line = revocation_line(revocation);
        EXPECT_EQ(line.find('\n'), line.size() - 1);
        std::string why;
        EXPECT_EQ(read_revocation(line, std::nullopt, why), revocation) << why;
    }
    EXPECT_EQ(revocation_line({Kind::Sub, "u1", "https://a", 7}),
              "{\"sub\":\"u1\",\"iss\":\"https://a\",\"before\":7}\n");
}

TEST(RevocationLine, HasATime) {
    std::string why;
    EXPECT_FALSE(read_revocation(R"({"sub":"u"})", std::nullopt, why));
}

TEST(RevocationSet, KeepsTheLatestTime) {
    using Put = RevocationSet::Put;
    RevocationSet set(2);
    EXPECT_EQ(set.put({Kind::Sub, "a", "", 10}), Put::Added);
    EXPECT_EQ(set.put({Kind::Sub, "a", "", 10}), Put::Known);
    EXPECT_EQ(set.put({Kind::Sub, "a", "", 9}), Put::Known);
    EXPECT_EQ(set.put({Kind::Jti, "a", "", 9}), Put::Added);
    EXPECT_EQ(set.put({Kind::Sub, "a", "i", 9}), Put::Full);
    EXPECT_EQ(set.put({Kind::Sub, "a", "", 11}), Put::Raised);
    std::vector<int64_t> times;
    set.each([&](const Revocation& revocation) { times.push_back(revocation.before); });
    EXPECT_THAT(times, testing::UnorderedElementsAre(9, 11));
}

}  // namespace
}  // namespace herald::sidecar
