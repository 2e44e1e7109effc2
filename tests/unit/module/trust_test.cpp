// What a worker knows of keys and revocations: as it comes, in parts, again, and when it makes no
// sense.
#include "trust.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ring/control.hpp"

namespace herald {
namespace {

namespace control = ring::control;
namespace trust = ring::trust;
using testing::ElementsAre;
using testing::IsEmpty;
using Kind = Revocation::Kind;

const std::string kFile = "file:/etc/keys.json";
const std::string kUrl = "url:https://id.example/jwks";

class TrustTest : public testing::Test {
  protected:
    TrustTest() {
        worker.keys = [this](std::string_view source, std::string_view json) {
            told.push_back(std::string(source) + "=" + std::string(json));
        };
        worker.revoked = [this](const Revocation& revocation) {
            told.push_back("revoked " + revocation.value + "@" + std::to_string(revocation.before));
        };
        worker.open();
    }

    // Payloads of the frames in which a message travels.
    static std::vector<std::string> frames_of(uint64_t number, std::string_view message) {
        std::string bytes;
        control::append_message(bytes, control::Type::News, number, message);
        std::vector<std::string> payloads;
        for (std::string_view rest = bytes; !rest.empty();) {
            control::FrameHeader header;
            std::string_view payload;
            EXPECT_EQ(control::parse(rest, header, payload), control::Parse::Frame);
            payloads.emplace_back(payload);
            rest.remove_prefix(sizeof header + payload.size());
        }
        return payloads;
    }
    // Whether all of a message's frames are taken.
    bool take(std::string_view message) {
        for (const std::string& payload : frames_of(++number, message)) {
            if (!worker.take(payload))
                return false;
        }
        return true;
    }

    static std::string message(const std::vector<Revocation>& revocations, bool first, bool whole) {
        std::string items;
        for (const Revocation& revocation : revocations)
            trust::append_revocation(items, revocation);
        return trust::encode_revocations({static_cast<uint32_t>(revocations.size()),
                                          static_cast<uint8_t>(first), static_cast<uint8_t>(whole)},
                                         items);
    }
    bool take_set(const std::vector<Revocation>& revocations) {
        return take(message(revocations, true, true));
    }
    bool take_more(const std::vector<Revocation>& revocations) {
        return take(message(revocations, false, false));
    }

    // The sidecar is gone, and another one there.
    void come_back() {
        worker.close();
        worker.open();
        number = 0;
    }

    std::string wire;
    std::vector<std::string> told;
    uint64_t number = 0;
    Trust worker{{kFile, kUrl}, [this](std::string frames) { wire.append(frames); }};
};

TEST_F(TrustTest, TellsItsSourcesOnEveryConnection) {
    control::FrameHeader header;
    std::string_view payload;
    for (int i = 0; i < 2; ++i) {
        ASSERT_EQ(control::parse(wire, header, payload), control::Parse::Frame);
        EXPECT_EQ(header.type, control::Type::Watch);
        std::vector<std::string> sources;
        ASSERT_TRUE(trust::decode_watch(payload, sources));
        EXPECT_THAT(sources, ElementsAre(kFile, kUrl));
        EXPECT_EQ(wire.size(), sizeof header + payload.size());
        wire.clear();
        come_back();
    }
}

TEST_F(TrustTest, SaysNothingWhereItHasNoSources) {
    std::string said;
    Trust other({}, [&](std::string frames) { said.append(frames); });
    other.open();
    EXPECT_EQ(said, "");
}

TEST_F(TrustTest, AsksForNoMoreSourcesThanTheSidecarTakes) {
    std::vector<std::string> many;
    for (size_t i = 0; i < 40; ++i)
        many.push_back("file:/" + std::string(trust::kMaxSource - 8, 'x') + std::to_string(i + 10));
    std::string said;
    Trust other(many, [&](std::string frames) { said.append(frames); });
    other.open();
    control::FrameHeader header;
    std::string_view payload;
    ASSERT_EQ(control::parse(said, header, payload), control::Parse::Frame);
    std::vector<std::string> sources;
    ASSERT_TRUE(trust::decode_watch(payload, sources));
    EXPECT_EQ(sources.size(), trust::kMaxSources);
}

// -- keys

TEST_F(TrustTest, HandsOverAKeySetWhenItComes) {
    EXPECT_TRUE(take(trust::encode_keys(kUrl, R"({"keys":[]})")));
    EXPECT_THAT(told, ElementsAre(kUrl + R"(={"keys":[]})"));
}

TEST_F(TrustTest, HandsOverAKeySetOnlyWhenItIsAnother) {
    EXPECT_TRUE(take(trust::encode_keys(kUrl, "1")));
    EXPECT_TRUE(take(trust::encode_keys(kUrl, "1")));
    come_back();
    EXPECT_TRUE(take(trust::encode_keys(kUrl, "1")));
    EXPECT_TRUE(take(trust::encode_keys(kUrl, "2")));
    EXPECT_TRUE(take(trust::encode_keys(kFile, "2")));
    EXPECT_THAT(told, ElementsAre(kUrl + "=1", kUrl + "=2", kFile + "=2"));
}

TEST_F(TrustTest, PutsTheLargestKeySetTogetherFromItsFrames) {
    const std::string json(trust::kMaxKeySet, 'j');
    ASSERT_EQ(frames_of(1, trust::encode_keys(kUrl, json)).size(), 2u);
    EXPECT_TRUE(take(trust::encode_keys(kUrl, json)));
    EXPECT_THAT(told, ElementsAre(kUrl + "=" + json));
    EXPECT_FALSE(take(trust::encode_keys(kUrl, json + "j")));
}

TEST_F(TrustTest, PassesOverKeysOfASourceThatItDoesNotHave) {
    EXPECT_TRUE(take(trust::encode_keys("url:https://other/", "1")));
    EXPECT_THAT(told, IsEmpty());
}

TEST_F(TrustTest, TellsTheSidecarOfAnUnknownKeyAtMostOnceASecond) {
    wire.clear();
    worker.refetch(kUrl, 5000);
    const std::string expected = control::frame_of_bytes(control::Type::Refetch, kUrl);
    EXPECT_EQ(wire, expected);
    worker.refetch(kUrl, 5999);
    EXPECT_EQ(wire, expected);
    worker.refetch(kUrl, 6000);
    EXPECT_EQ(wire, expected + expected);
    worker.refetch("url:https://other/", 9000);
    EXPECT_EQ(wire, expected + expected);
}

TEST_F(TrustTest, AwaitsTheAnswerForTwoSecondsInThirty) {
    EXPECT_EQ(worker.refetch(kUrl, 5000), 2000u);
    EXPECT_EQ(worker.refetch(kUrl, 6500), 500u);
    EXPECT_EQ(worker.refetch(kUrl, 7000), 0u);
    EXPECT_EQ(worker.refetch(kUrl, 34'999), 0u);
    EXPECT_EQ(worker.refetch(kUrl, 35'000), 2000u);
    EXPECT_TRUE(take(trust::encode_keys(kUrl, R"({"keys":[]})")));
    EXPECT_EQ(worker.refetch(kUrl, 38'000), 2000u);
    EXPECT_EQ(worker.refetch("url:https://other/", 39'000), 0u);
}

TEST_F(TrustTest, TellsNobodyWhileTheSidecarIsAway) {
    wire.clear();
    worker.close();
    EXPECT_EQ(worker.refetch(kUrl, 5000), 0u);
    EXPECT_EQ(wire, "");
}

// -- revocations

TEST_F(TrustTest, RefusesTokensIssuedAtOrBeforeTheTime) {
    EXPECT_TRUE(take_set({{Kind::Sub, "u1", "", 1000}}));
    EXPECT_TRUE(worker.is_revoked("u1", "", "", 999));
    EXPECT_TRUE(worker.is_revoked("u1", "", "any", 1000));
    EXPECT_FALSE(worker.is_revoked("u1", "", "", 1001));
    EXPECT_FALSE(worker.is_revoked("u2", "", "", 999));
}

TEST_F(TrustTest, RefusesATokenWithoutATimeOfIssue) {
    EXPECT_TRUE(take_set({{Kind::Jti, "t1", "", 0}}));
    EXPECT_TRUE(worker.is_revoked("u1", "t1", "", std::nullopt));
    EXPECT_FALSE(worker.is_revoked("u1", "t2", "", std::nullopt));
}

TEST_F(TrustTest, KeepsSubjectsAndTokenIdsApart) {
    EXPECT_TRUE(take_set({{Kind::Sub, "a", "", 1000}, {Kind::Jti, "b", "", 1000}}));
    EXPECT_TRUE(worker.is_revoked("a", "", "", 1));
    EXPECT_FALSE(worker.is_revoked("", "a", "", 1));
    EXPECT_TRUE(worker.is_revoked("", "b", "", 1));
    EXPECT_FALSE(worker.is_revoked("b", "", "", 1));
}

TEST_F(TrustTest, RefusesTheTokensOfOneIssuerAlone) {
    EXPECT_TRUE(take_set({{Kind::Sub, "u1", "https://a", 1000}}));
    EXPECT_TRUE(worker.is_revoked("u1", "", "https://a", 1));
    EXPECT_FALSE(worker.is_revoked("u1", "", "https://b", 1));
    EXPECT_FALSE(worker.is_revoked("u1", "", "", 1));
    // Where the value ends and the issuer begins is not forgotten.
    EXPECT_FALSE(worker.is_revoked("u1h", "", "ttps://a", 1));
}

TEST_F(TrustTest, HasNothingAgainstATokenThatNamesNobody) {
    EXPECT_TRUE(take_set({{Kind::Sub, "u1", "", 1000}}));
    EXPECT_FALSE(worker.is_revoked("", "", "", std::nullopt));
    EXPECT_FALSE(worker.is_revoked(std::string(5000, 'u'), "", std::string(5000, 'i'), 1));
}

TEST_F(TrustTest, TellsOfEachRevocationOnce) {
    EXPECT_TRUE(take_set({{Kind::Sub, "a", "", 10}}));
    EXPECT_TRUE(take_more({{Kind::Sub, "b", "", 20}}));
    EXPECT_TRUE(take_more({{Kind::Sub, "b", "", 15}, {Kind::Sub, "a", "", 11}}));
    come_back();
    EXPECT_TRUE(take_set({{Kind::Sub, "a", "", 11}, {Kind::Sub, "c", "", 30}}));
    EXPECT_THAT(told, ElementsAre("revoked a@10", "revoked b@20", "revoked a@11", "revoked c@30"));
}

TEST_F(TrustTest, KeepsTheLatestTimeOfARevocation) {
    EXPECT_TRUE(take_set({{Kind::Sub, "a", "", 10}, {Kind::Sub, "a", "", 5}}));
    EXPECT_TRUE(worker.is_revoked("a", "", "", 10));
    EXPECT_EQ(worker.revocation_count(), 1u);
}

TEST_F(TrustTest, ForgetsWhatIsNotInTheNextSidecarsSet) {
    EXPECT_TRUE(take_set({{Kind::Sub, "a", "", 10}}));
    come_back();
    EXPECT_TRUE(worker.is_revoked("a", "", "", 1));
    EXPECT_TRUE(take(message({{Kind::Sub, "b", "", 10}}, true, false)));
    EXPECT_TRUE(worker.is_revoked("a", "", "", 1)) << "until the set is complete";
    EXPECT_TRUE(worker.is_revoked("b", "", "", 1)) << "at once";
    EXPECT_TRUE(take(message({{Kind::Sub, "c", "", 10}}, false, true)));
    EXPECT_FALSE(worker.is_revoked("a", "", "", 1));
    EXPECT_TRUE(worker.is_revoked("b", "", "", 1));
    EXPECT_TRUE(worker.is_revoked("c", "", "", 1));
}

TEST_F(TrustTest, KeepsWhatItHasWhereASetIsCutShort) {
    EXPECT_TRUE(take_set({{Kind::Sub, "a", "", 10}}));
    come_back();
    EXPECT_TRUE(take(message({{Kind::Sub, "b", "", 10}}, true, false)));
    come_back();
    EXPECT_TRUE(worker.is_revoked("a", "", "", 1));
    EXPECT_TRUE(worker.is_revoked("b", "", "", 1));
    EXPECT_TRUE(take_set({}));
    EXPECT_FALSE(worker.is_revoked("a", "", "", 1));
}

TEST_F(TrustTest, SaysWhetherAllRevocationsHaveCome) {
    EXPECT_FALSE(worker.knows_revocations());
    EXPECT_TRUE(take(message({}, true, false)));
    EXPECT_FALSE(worker.knows_revocations());
    EXPECT_TRUE(take(message({}, false, true)));
    EXPECT_TRUE(worker.knows_revocations());
    come_back();
    EXPECT_TRUE(worker.knows_revocations());
}

// -- nonsense

TEST_F(TrustTest, RefusesFramesThatAreNotWhole) {
    EXPECT_FALSE(worker.take(""));
    EXPECT_FALSE(worker.take(std::string(15, '\0')));
    std::string third = frames_of(1, trust::encode_keys(kUrl, "1")).front();
    third[8] = 2;  // neither the last part nor another one
    EXPECT_FALSE(worker.take(third));
}

TEST_F(TrustTest, RefusesMessagesOutOfOrder) {
    EXPECT_FALSE(worker.take(frames_of(2, trust::encode_keys(kUrl, "1")).front()));
    EXPECT_TRUE(worker.take(frames_of(1, trust::encode_keys(kUrl, "1")).front()));
    EXPECT_FALSE(worker.take(frames_of(1, trust::encode_keys(kUrl, "2")).front()));
}

TEST_F(TrustTest, RefusesAMessageThatIsMixedWithAnother) {
    const auto parts = frames_of(1, trust::encode_keys(kUrl, std::string(trust::kMaxKeySet, 'j')));
    EXPECT_TRUE(worker.take(parts[0]));
    EXPECT_FALSE(worker.take(frames_of(2, trust::encode_keys(kUrl, "1")).front()));
}

TEST_F(TrustTest, RefusesAMessageWithoutEnd) {
    const std::string endless(2 * trust::kMaxNews, 'x');
    EXPECT_FALSE(take(endless));
}

TEST_F(TrustTest, RefusesWhatDoesNotDecode) {
    std::vector<std::string> bad{
        "",
        std::string("\3\0\0\0", 4),
        trust::encode_keys("http://x", "1"),
        message({{Kind::Sub, "", "", 1}}, true, true),
        message({{Kind::Sub, std::string(1025, 'v'), "", 1}}, true, true),
        message({{Kind::Sub, "a", std::string(1025, 'v'), 1}}, true, true),
        message({{static_cast<Kind>(3), "a", "", 1}}, true, true),
        message({{Kind::Sub, "a", "", 1}}, true, true) + "x",
        trust::encode_revocations({2, 1, 1}, ""),
        trust::encode_revocations({0, 2, 1}, ""),
    };
    const std::string good = message({{Kind::Sub, "abc", "def", 1}}, true, true);
    for (size_t size = 0; size < good.size(); ++size)
        bad.push_back(good.substr(0, size));
    for (const std::string& bytes : bad) {
        come_back();
        EXPECT_FALSE(take(bytes)) << bytes;
    }
    come_back();
    EXPECT_TRUE(take(good));
}

TEST_F(TrustTest, RefusesAnAdditionToASetThatHasNotBegun) {
    EXPECT_FALSE(take_more({{Kind::Sub, "a", "", 1}}));
    EXPECT_FALSE(worker.is_revoked("a", "", "", 1));
}

TEST_F(TrustTest, RefusesTheEndOfASetThatHasNotBegun) {
    EXPECT_TRUE(take_set({}));
    EXPECT_FALSE(take(message({}, false, true)));
}

TEST(TrustWatch, DecodesOnlyWhatIsWithinItsBounds) {
    std::vector<std::string> sources;
    EXPECT_TRUE(trust::decode_watch(trust::encode_watch({}), sources));
    EXPECT_TRUE(trust::decode_watch(trust::encode_watch({kFile, kUrl}), sources));
    const std::string good = trust::encode_watch({kFile});
    for (size_t size = 0; size < good.size(); ++size)
        EXPECT_FALSE(trust::decode_watch(good.substr(0, size), sources)) << size;
    EXPECT_FALSE(trust::decode_watch(good + "x", sources));
    EXPECT_FALSE(trust::decode_watch(trust::encode_watch({""}), sources));
    EXPECT_FALSE(trust::decode_watch(trust::encode_watch({"file:relative"}), sources));
    EXPECT_FALSE(trust::decode_watch(
        trust::encode_watch({"url:" + std::string(trust::kMaxSource, 'x')}), sources));
    EXPECT_FALSE(trust::decode_watch(
        trust::encode_watch(std::vector<std::string>(trust::kMaxSources + 1, kFile)), sources));
}

}  // namespace
}  // namespace herald
