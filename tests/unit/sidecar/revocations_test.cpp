// What workers are told of revocations: everything, once, and nothing before it is on disk.
#include "sidecar/revocations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "run_until.hpp"
#include "sidecar/files.hpp"
#include "sidecar/loop.hpp"
#include "temporary_directory.hpp"

namespace herald::sidecar {
namespace {

namespace trust = ring::trust;
using testing::ElementsAre;
using testing::HasSubstr;
using Kind = Revocation::Kind;

// Whoever is told: what it knows, and how it came.
struct Told {
    Revocations::Cursor cursor{};
    std::map<std::string, int64_t> known{};
    std::vector<std::string> messages{};
    size_t count = 0;

    // Takes every message that there is.
    void take(const Revocations& revocations) {
        std::string message;
        while (revocations.next(cursor, message)) {
            std::string_view bytes = message;
            trust::Kind kind{};
            trust::RevocationsHead head;
            std::vector<Revocation> items;
            ASSERT_TRUE(trust::take_kind(bytes, kind));
            ASSERT_EQ(kind, trust::Kind::Revocations);
            ASSERT_TRUE(trust::decode_revocations(bytes, head, items));
            messages.push_back(std::to_string(items.size()) + (head.first != 0 ? " first" : "") +
                               (head.whole != 0 ? " whole" : ""));
            count += head.count;
            if (head.first != 0)
                known.clear();
            for (const Revocation& item : items)
                known[item.value] = std::max(known[item.value], item.before);
        }
    }
};

class RevocationsTest : public testing::Test {
  protected:
    void open(size_t limit = trust::kMaxRevocations) {
        revocations_.reset();
        changes_ = 0;
        revocations_ = std::make_unique<Revocations>(
            loop_.get(), path_,
            [this] {
                ++changes_;
                on_disk_ = read_file(path_);
            },
            limit);
    }
    void add(const std::string& sub, int64_t before) {
        EXPECT_TRUE(revocations_->add({Kind::Sub, sub, "", before}));
    }
    // Until as many revocations as this are told to whoever comes.
    void settle(size_t count) {
        const auto told = [this] {
            Told probe;
            probe.take(*revocations_);
            return probe.count;
        };
        run_until(loop_.get(), [&] { return told() >= count; });
    }

    TemporaryDirectory directory_{};
    std::string path_ = directory_ / "revocations";
    Loop loop_{};
    int changes_ = 0;
    std::string on_disk_{};
    std::unique_ptr<Revocations> revocations_{};
};

TEST_F(RevocationsTest, TellAnEmptySetAsWhole) {
    open();
    Told worker;
    worker.take(*revocations_);
    worker.take(*revocations_);
    EXPECT_THAT(worker.messages, ElementsAre("0 first whole"));
}

TEST_F(RevocationsTest, AreToldOnceTheyAreOnDisk) {
    open();
    Told worker;
    worker.take(*revocations_);
    add("a", 10);
    worker.take(*revocations_);
    EXPECT_THAT(worker.messages, ElementsAre("0 first whole")) << "not before";
    settle(1);
    EXPECT_THAT(on_disk_, HasSubstr(R"({"sub":"a","before":10})"));
    worker.take(*revocations_);
    EXPECT_THAT(worker.messages, ElementsAre("0 first whole", "1"));
}

TEST_F(RevocationsTest, AreToldWholeToWhoeverComes) {
    open();
    add("a", 10);
    add("b", 20);
    settle(2);
    Told worker;
    worker.take(*revocations_);
    EXPECT_THAT(worker.messages, ElementsAre("2 first whole"));
}

TEST_F(RevocationsTest, SurviveARestart) {
    open();
    add("a", 10);
    settle(1);
    open();
    Told worker;
    worker.take(*revocations_);
    EXPECT_THAT(worker.known, ElementsAre(testing::Pair("a", 10)));
}

TEST_F(RevocationsTest, AreToldInPiecesThatFitIntoAFrame) {
    open();
    constexpr int kCount = 5000;
    for (int i = 0; i < kCount; ++i)
        add("subject-" + std::to_string(i), i);
    settle(kCount);
    Told worker;
    worker.take(*revocations_);
    EXPECT_EQ(worker.known.size(), size_t{kCount});
    ASSERT_GT(worker.messages.size(), 2u);
    EXPECT_THAT(worker.messages.front(), HasSubstr("first"));
    EXPECT_THAT(worker.messages.back(), HasSubstr("whole"));
    add("late", 1);
    settle(kCount + 1);
    worker.take(*revocations_);
    EXPECT_EQ(worker.messages.back(), "1");
    EXPECT_EQ(worker.known.size(), size_t{kCount} + 1);
}

TEST_F(RevocationsTest, AreNotToldAgainWhereNothingIsNew) {
    open();
    add("a", 10);
    settle(1);
    Told worker;
    worker.take(*revocations_);
    add("a", 10);
    add("a", 5);
    add("a", 11);
    settle(2);
    worker.take(*revocations_);
    EXPECT_THAT(worker.messages, ElementsAre("1 first whole", "1"));
    EXPECT_EQ(worker.known["a"], 11);
}

TEST_F(RevocationsTest, AreBounded) {
    open(2);
    add("a", 1);
    add("b", 1);
    EXPECT_FALSE(revocations_->add({Kind::Sub, "c", "", 1}));
    add("a", 2);
    EXPECT_EQ(revocations_->size(), 2u);
}

TEST_F(RevocationsTest, AreToldAnewWhereMostWereSuperseded) {
    open();
    Told worker;
    worker.take(*revocations_);
    add("other", 1);
    for (int i = 1; i <= 12'000; ++i)
        add("a", i);
    run_until(loop_.get(), [&] {
        worker.take(*revocations_);
        return worker.known["a"] >= 12'000;
    });
    EXPECT_EQ(worker.known["other"], 1);
    Told late;
    late.take(*revocations_);
    EXPECT_EQ(late.known, worker.known);
    EXPECT_LT(late.messages.size(), 5u);
}

}  // namespace
}  // namespace herald::sidecar
