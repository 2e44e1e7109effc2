// A ring's memory: sealed by the writer, and refused by the reader where it is not what it should
// be.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>

#include "ring_fixture.hpp"

namespace herald::ring {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// --- Seals ---

class RingSeals : public RingTest {};

TEST_F(RingSeals, RefuseToShrink) {
    EXPECT_EQ(ftruncate(writer->fd(), 4096), -1);
    EXPECT_EQ(errno, EPERM);
}

TEST_F(RingSeals, RefuseToGrow) {
    EXPECT_EQ(ftruncate(writer->fd(), static_cast<off_t>(writer->map_size()) + 4096), -1);
    EXPECT_EQ(errno, EPERM);
}

TEST_F(RingSeals, RefuseAWritableMapping) {
    void* map = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, writer->fd(), 0);
    EXPECT_EQ(map, MAP_FAILED);
    EXPECT_EQ(errno, EPERM);
}

TEST_F(RingSeals, RefuseToMakeAReadOnlyMappingWritable) {
    void* map = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, writer->fd(), 0);
    ASSERT_NE(map, MAP_FAILED);
    EXPECT_EQ(mprotect(map, 4096, PROT_READ | PROT_WRITE), -1);
    EXPECT_EQ(errno, EACCES);
    munmap(map, 4096);
}

TEST_F(RingSeals, RefuseWrites) {
    EXPECT_EQ(pwrite(writer->fd(), "x", 1, 0), -1);
    EXPECT_EQ(errno, EPERM);
}

TEST_F(RingSeals, RefuseToPunchHoles) {
    EXPECT_EQ(fallocate(writer->fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
    EXPECT_EQ(errno, EPERM);
}

TEST_F(RingSeals, RefuseFurtherSeals) {
    EXPECT_EQ(fcntl(writer->fd(), F_ADD_SEALS, F_SEAL_WRITE), -1);
    EXPECT_EQ(errno, EPERM);
}

TEST_F(RingSeals, LetTheWriterWriteOn) {
    append("c", "1");
    EXPECT_EQ(seqs(), "1 ");
}

// --- What a reader refuses ---

class RingMapping : public testing::Test {
  protected:
    static constexpr uint64_t kSize = kHeaderSize + 4096;

    void SetUp() override {
        fd = memfd_create("herald-test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        ASSERT_GE(fd, 0);
        ASSERT_EQ(ftruncate(fd, kSize), 0);
        map = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ASSERT_NE(map, MAP_FAILED);
        header = new (map) Header{};
        header->magic = kMagic;
        header->version = kVersion;
        header->header_size = kHeaderSize;
        header->capacity = 4096;
    }
    void TearDown() override {
        munmap(map, kSize);
        close(fd);
    }

    // Seals the memory and says why a reader refuses it; empty: it does not.
    std::string refusal(uint64_t expected_size = kSize, int seals = F_SEAL_SHRINK | F_SEAL_GROW) {
        EXPECT_EQ(fcntl(fd, F_ADD_SEALS, seals), 0);
        try {
            Mapping mapping(fd, expected_size);
            return "";
        } catch (const std::exception& error) {
            return error.what();
        }
    }

    int fd = -1;
    void* map = nullptr;
    Header* header = nullptr;
};

TEST_F(RingMapping, AcceptsASealedRing) {
    EXPECT_EQ(refusal(), "");
}

TEST_F(RingMapping, NeedsNoDescriptorOnceMapped) {
    ASSERT_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    const int copy = dup(fd);
    Mapping mapping(copy, kSize);
    close(copy);
    EXPECT_EQ(mapping.header().magic, kMagic);
    EXPECT_EQ(mapping.capacity(), 4096u);
}

TEST_F(RingMapping, RefusesAnotherMagic) {
    header->magic = 123456789;
    EXPECT_EQ(refusal(), "ring has magic 123456789, expected " + std::to_string(kMagic));
}

TEST_F(RingMapping, RefusesAnotherVersion) {
    header->version = 7;
    EXPECT_EQ(refusal(), "ring has version 7, expected 2");
}

TEST_F(RingMapping, RefusesAnotherHeaderSize) {
    header->header_size = 8192;
    EXPECT_EQ(refusal(), "ring has header size 8192, expected 4096");
}

TEST_F(RingMapping, RefusesACapacityThatIsNotTheMemorys) {
    header->capacity = 8192;
    EXPECT_EQ(refusal(), "ring has capacity 8192, expected 4096");
}

TEST_F(RingMapping, RefusesASizeThatIsNotTheAnnouncedOne) {
    EXPECT_EQ(refusal(kSize + 4096), "ring has size 8192, expected 12288");
}

TEST_F(RingMapping, RefusesLessThanAHeader) {
    const int small = memfd_create("herald-test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    ASSERT_EQ(ftruncate(small, 100), 0);
    EXPECT_THROW(Mapping(small, 100), std::runtime_error);
    close(small);
}

TEST_F(RingMapping, RefusesAHeaderWithoutRecords) {
    const int small = memfd_create("herald-test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    header->capacity = 0;
    ASSERT_EQ(pwrite(small, map, kHeaderSize, 0), static_cast<ssize_t>(kHeaderSize));
    ASSERT_EQ(fcntl(small, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    EXPECT_THROW(Mapping(small, kHeaderSize), std::runtime_error);
    close(small);
}

TEST_F(RingMapping, RefusesACapacityThatIsNotAligned) {
    const int odd = memfd_create("herald-test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    header->capacity = 100;
    ASSERT_EQ(ftruncate(odd, kHeaderSize + 100), 0);
    ASSERT_EQ(pwrite(odd, map, kHeaderSize, 0), static_cast<ssize_t>(kHeaderSize));
    ASSERT_EQ(fcntl(odd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    EXPECT_THROW(Mapping(odd, kHeaderSize + 100), std::runtime_error);
    close(odd);
}

TEST_F(RingMapping, RefusesMemoryThatCanShrink) {
    EXPECT_THAT(refusal(kSize, F_SEAL_GROW),
                AllOf(HasSubstr("seals " + std::to_string(F_SEAL_GROW)),
                      HasSubstr("expected " + std::to_string(F_SEAL_SHRINK | F_SEAL_GROW))));
}

TEST_F(RingMapping, RefusesMemoryThatCanGrow) {
    EXPECT_THAT(refusal(kSize, F_SEAL_SHRINK), HasSubstr("seals " + std::to_string(F_SEAL_SHRINK)));
}

TEST_F(RingMapping, RefusesWhatCannotBeSealed) {
    char path[] = "/tmp/herald-ring-XXXXXX";
    const int file = mkstemp(path);
    unlink(path);
    ASSERT_EQ(ftruncate(file, kSize), 0);
    EXPECT_THROW(Mapping(file, kSize), std::runtime_error);
    close(file);
}

TEST_F(RingMapping, RefusesAClosedDescriptor) {
    EXPECT_THROW(Mapping(-1, kSize), std::system_error);
}

}  // namespace
}  // namespace herald::ring
