// Grants by role and claim, and what of a claim may stand in a header.
#include "identity.hpp"

#include <gtest/gtest.h>

namespace herald {
namespace {

Identity identity_of(const char* claims, std::vector<std::string> roles = {}) {
    Identity identity;
    identity.claims.all.reset(json_loads(claims, 0, nullptr));
    EXPECT_NE(identity.claims.all, nullptr);
    identity.claims.roles = std::move(roles);
    return identity;
}

TEST(Identity, HasTheRolesOfItsTokenAndNoPartOfThem) {
    const Identity identity = identity_of("{}", {"render:read", "admin"});
    EXPECT_TRUE(has_role(identity, "render:read"));
    EXPECT_FALSE(has_role(identity, "render"));
    EXPECT_FALSE(has_role(identity, "Admin"));
    EXPECT_FALSE(has_role(identity, ""));
}

TEST(Identity, KeepsControlCharactersOutOfText) {
    const Identity identity =
        identity_of(R"({"good":"a b\u00fc","bad":"a\r\nX-Admin: 1","list":["x","y"],"n":1.5})");
    const json_t* all = identity.claims.all.get();
    EXPECT_EQ(claim_text(json_object_get(all, "good")), "a b\u00fc");
    EXPECT_EQ(claim_text(json_object_get(all, "bad")), std::nullopt);
    EXPECT_EQ(claim_text(json_object_get(all, "list")), R"(["x","y"])");
    EXPECT_EQ(claim_text(json_object_get(all, "n")), "1.5");
    EXPECT_EQ(claim_text(nullptr), std::nullopt);
}

TEST(Identity, IsAcceptedUntilItsExpiryAndTheLeeway) {
    Identity identity;
    EXPECT_EQ(identity.accepted_until(), std::nullopt);
    identity.claims.expires = 1000;
    identity.claims.leeway = 30;
    EXPECT_EQ(identity.accepted_until(), 1030);
    identity.claims.expires = INT64_MAX;
    EXPECT_GT(*identity.accepted_until(), int64_t{1} << 59);
}

}  // namespace
}  // namespace herald
