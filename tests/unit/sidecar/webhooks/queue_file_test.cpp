// What the queue file remembers, also when its end is lost or damaged.
#include "sidecar/webhooks/queue_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "../temporary_directory.hpp"
#include "sidecar/files.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Delivery event(uint64_t seq, const std::string& data = "{\"n\":1}") {
    Delivery delivery;
    delivery.id = {0x7f3a2c01, seq};
    delivery.at_ms = 1763719200123;
    delivery.since_ms = 1763719300456;
    delivery.channel = "jobs:\"1\"";
    delivery.event = "done";
    delivery.data = data;
    delivery.ends = true;
    return delivery;
}

class QueueFileTest : public testing::Test {
  protected:
    QueueFile::Content load() { return QueueFile(path_).load().value_or(QueueFile::Content{}); }
    static std::vector<uint64_t> seqs(const QueueFile::Content& content) {
        std::vector<uint64_t> seqs;
        for (const Delivery& delivery : content.pending)
            seqs.push_back(delivery.id.seq);
        return seqs;
    }
    void put(const std::string& text) {
        std::ofstream(path_, std::ios::binary | std::ios::trunc) << text;
    }

    TemporaryDirectory directory_{};
    std::string path_ = directory_ / "jobs-00000000.queue";
    QueueFile file_{path_};
};

TEST_F(QueueFileTest, IsNothingAtFirst) {
    EXPECT_FALSE(file_.load().has_value());
}

TEST_F(QueueFileTest, KeepsADeliveryAsAWhole) {
    Delivery kept = event(7);
    kept.attempts = 3;
    file_.add(kept);
    file_.replace(9);
    const auto content = load();
    EXPECT_EQ(content.read_seq, 9u);
    EXPECT_EQ(content.lost_bytes, 0u);
    ASSERT_EQ(content.pending.size(), 1u);
    const Delivery& found = content.pending[0];
    EXPECT_EQ(found.id, kept.id);
    EXPECT_EQ(found.at_ms, kept.at_ms);
    EXPECT_EQ(found.since_ms, kept.since_ms);
    EXPECT_EQ(found.channel, kept.channel);
    EXPECT_EQ(found.event, kept.event);
    EXPECT_EQ(found.data, kept.data);
    EXPECT_TRUE(found.ends);
    EXPECT_EQ(found.attempts, 3u);
}

TEST_F(QueueFileTest, FollowsWhatComesOfThem) {
    file_.add(event(1));
    file_.add(event(2));
    file_.replace(2);
    file_.add(event(3));
    file_.note(2, 5);
    file_.drop(1);
    file_.commit(4);
    const auto content = load();
    EXPECT_EQ(content.read_seq, 4u);
    EXPECT_THAT(seqs(content), ElementsAre(2, 3));
    EXPECT_EQ(content.pending[0].attempts, 5u);
    EXPECT_EQ(file_.size(), read_file(path_).size());
}

TEST_F(QueueFileTest, IsReplacedAsAWhole) {
    file_.add(event(1));
    file_.replace(1);
    file_.add(event(2));
    file_.replace(2);
    EXPECT_THAT(seqs(load()), ElementsAre(2));
    EXPECT_EQ(file_.size(), read_file(path_).size());
}

// An earlier state, never a mixed one.
TEST_F(QueueFileTest, GoesBackToTheLastWholeGroupWhereverItsEndIsCut) {
    file_.add(event(1));
    file_.replace(1);
    const size_t first = file_.size();
    file_.add(event(2));
    file_.drop(1);
    file_.commit(2);
    const std::string text = read_file(path_);
    for (size_t size = first; size < text.size(); ++size) {
        put(text.substr(0, size));
        const auto content = load();
        EXPECT_EQ(content.read_seq, 1u) << size;
        EXPECT_THAT(seqs(content), ElementsAre(1)) << size;
        EXPECT_EQ(content.lost_bytes, size - first) << size;
    }
}

TEST_F(QueueFileTest, TrustsNoGroupWithAByteChanged) {
    file_.add(event(1));
    file_.replace(1);
    const size_t first = file_.size();
    file_.add(event(2));
    file_.commit(2);
    const std::string text = read_file(path_);
    for (size_t at = first; at < text.size(); ++at) {
        std::string damaged = text;
        damaged[at] = static_cast<char>(damaged[at] ^ 1);
        put(damaged);
        EXPECT_EQ(load().read_seq, 1u) << at;
    }
}

TEST_F(QueueFileTest, SetsAsideWhatIsNoQueue) {
    for (const std::string text :
         {"", "garbage\n", "webhook 2\n", "webhook 1\n", "webhook 1\n= 5 0000000000000000\n"}) {
        put(text);
        EXPECT_FALSE(QueueFile(path_).load().has_value()) << text;
        EXPECT_EQ(read_file(path_ + ".bad"), text);
    }
}

TEST_F(QueueFileTest, ForgetsAGroupThatIsCleared) {
    file_.replace(1);
    file_.add(event(2));
    file_.clear();
    file_.commit(3);
    EXPECT_THAT(seqs(load()), IsEmpty());
    EXPECT_EQ(load().read_seq, 3u);
}

TEST_F(QueueFileTest, SaysWhenItCannotBeWritten) {
    QueueFile nowhere(directory_ / "missing/x.queue");
    EXPECT_THROW(nowhere.replace(1), std::system_error);
}

}  // namespace
}  // namespace herald::sidecar
