// STATE/continuity: what is read is what was kept last, or what was kept before.
#include "sidecar/continuity.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "journal_fixture.hpp"
#include "sidecar/disk_calls.hpp"
#include "sidecar/files.hpp"

namespace herald::sidecar {
namespace {

Promise promise(uint64_t limit) {
    return {0x7f3a2c01,      limit, "5f0c1c2e-1a2b-4c3d-8e9f-001122334455",
            Fsync::EverySec, false, true};
}

class ContinuityTest : public testing::Test {
  protected:
    ~ContinuityTest() override { g_disk = {}; }

    Continuity read() const { return Continuity(path_); }

    TemporaryDirectory directory_{};
    const std::string path_ = directory_ / "continuity";
};

TEST_F(ContinuityTest, IsMissingAtFirst) {
    EXPECT_EQ(read().found(), Continuity::Found::Missing);
    EXPECT_EQ(read().promise(), Promise{});
}

TEST_F(ContinuityTest, ComesBackAsItWasKept) {
    for (Fsync fsync : {Fsync::Always, Fsync::EverySec, Fsync::Never}) {
        for (bool clean : {false, true}) {
            Promise kept = promise(UINT64_MAX);
            kept.fsync = fsync;
            kept.clean = clean;
            kept.ahead = !clean;
            Continuity(path_).keep(kept);
            EXPECT_EQ(read().found(), Continuity::Found::Whole);
            EXPECT_EQ(read().promise(), kept);
        }
    }
}

TEST_F(ContinuityTest, StaysTheSameFileOfTheSameSize) {
    Continuity continuity(path_);
    continuity.keep(promise(1));
    struct stat before {
    }, after{};
    ASSERT_EQ(stat(path_.c_str(), &before), 0);
    for (uint64_t limit = 2; limit < 10; ++limit) {
        continuity.keep(promise(limit));
        EXPECT_EQ(read().promise().limit, limit);
    }
    ASSERT_EQ(stat(path_.c_str(), &after), 0);
    EXPECT_EQ(after.st_ino, before.st_ino);
    EXPECT_EQ(after.st_size, static_cast<off_t>(2 * kSlotDistance));
    EXPECT_EQ(after.st_size, before.st_size);
}

TEST_F(ContinuityTest, FallsBackToTheOlderSlotWhereAWriteWasTorn) {
    Continuity continuity(path_);
    continuity.keep(promise(1));
    continuity.keep(promise(2));
    const std::string older = read_file(path_);
    continuity.keep(promise(3));
    const std::string newer = read_file(path_);
    const auto slot = static_cast<size_t>(
        std::mismatch(newer.begin(), newer.end(), older.begin()).first - newer.begin());
    for (size_t torn = slot; torn <= slot + kSlotLength; ++torn) {
        // The first `torn` bytes of the write have reached the disk.
        const std::string mixed = newer.substr(0, torn) + older.substr(torn);
        put_file(path_, mixed);
        EXPECT_EQ(read().found(), Continuity::Found::Whole);
        EXPECT_EQ(read().promise().limit, mixed == newer ? 3u : 2u) << torn;
    }
}

TEST_F(ContinuityTest, IsDamagedWhereNoSlotIsWhole) {
    Continuity(path_).keep(promise(1));
    const std::string content = read_file(path_);
    const size_t slot = content.find('{');
    for (size_t at = slot; at < slot + kSlotLength; ++at) {
        std::string damaged = content;
        damaged[at] ^= 1;
        put_file(path_, damaged);
        EXPECT_EQ(read().found(), Continuity::Found::Damaged) << at;
    }
    for (const char* nothing : {"", "x"}) {
        put_file(path_, nothing);
        EXPECT_EQ(read().found(), Continuity::Found::Damaged);
    }
    Continuity(path_).keep(promise(7));
    EXPECT_EQ(read().promise().limit, 7u);
}

TEST_F(ContinuityTest, TriesTheSameSlotAgainWhereASyncHasFailed) {
    Continuity continuity(path_);
    continuity.keep(promise(1));
    const std::string before = read_file(path_);
    g_disk.fdatasync = [](int) {
        errno = EIO;
        return -1;
    };
    EXPECT_THROW(continuity.keep(promise(2)), std::system_error);
    EXPECT_THROW(continuity.keep(promise(3)), std::system_error);
    EXPECT_EQ(continuity.promise().limit, 1u);
    const size_t slot = before.find('{');
    EXPECT_EQ(read_file(path_).substr(slot, kSlotLength), before.substr(slot, kSlotLength));
    g_disk = {};
    continuity.keep(promise(4));
    EXPECT_EQ(read().promise().limit, 4u);
}

TEST(ContinuitySlot, IsALineOfFixedLength) {
    Promise kept = promise(1000044);
    kept.ahead = false;
    const std::string slot = encode_slot(kept, 7);
    EXPECT_EQ(slot.size(), kSlotLength);
    EXPECT_EQ(slot.back(), '\n');
    EXPECT_EQ(slot.substr(0, slot.find(' ')),
              R"({"version":1,"turn":7,"log":"7f3a2c01","limit":1000044,)"
              R"("boot":"5f0c1c2e-1a2b-4c3d-8e9f-001122334455","fsync":"everysec",)"
              R"("clean":false,"ahead":false,"xxh3":"0cae5337582059f1"})");
    Promise longest = promise(UINT64_MAX);
    longest.boot = std::string(1000, 'a');
    EXPECT_EQ(encode_slot(longest, UINT64_MAX).find("}"),
              encode_slot(longest, UINT64_MAX).rfind("}"));
    EXPECT_EQ(encode_slot(longest, UINT64_MAX).size(), kSlotLength);
}

TEST(BootId, IsTheKernels) {
    EXPECT_EQ(boot_id().size(), 36u);
    EXPECT_EQ(boot_id(), boot_id());
}

}  // namespace
}  // namespace herald::sidecar
