// When a client's event is answered, and with what.
#include "sidecar/client_events.hpp"

#include <optional>

#include "event_log_fixture.hpp"
#include "fake_redis.hpp"

namespace herald::sidecar {
namespace {

using ring::questions::PublishAnswer;
using ring::questions::PublishStatus;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

constexpr uint64_t kShortMs = 50;

class ClientEventsTest : public EventLogFixture {
  protected:
    ClientEventsTest() { redis_.listen(); }
    ~ClientEventsTest() override { clients_.reset(); }

    void start_clients(uint64_t patience_ms = ClientEvents::kPatienceMs) {
        start_log();
        clients_.emplace(loop_->get(), parse_redis_url("unix://" + path_), *events_, patience_ms);
        events_->on_commit([this] { clients_->answer_journaled(); });
    }

    // The answer's place in answers_ is its place among the answers.
    void send(const std::string& channel, const std::string& data) {
        clients_->send(channel, data, [this, data](PublishAnswer answer, const std::string& text) {
            const char* kNames[] = {"?",       "accepted",    "malformed", "too large",
                                    "no feed", "unavailable", "unknown"};
            std::string heard = data;
            heard += " ";
            heard += kNames[static_cast<int>(answer.status)];
            heard += " " + std::to_string(answer.seq);
            heard_.push_back(text.empty() ? heard : heard + ": " + text);
            answer_ = answer;
        });
    }

    // What the publisher does with a message from Redis.
    uint64_t come_back(const std::string& channel, const std::string& data) {
        JournalEntry entry;
        entry.channel = channel;
        entry.data = data;
        const uint64_t seq = events_->append(entry);
        clients_->came_back(channel, data, seq);
        return seq;
    }

    void run_until_heard(size_t count) {
        run_until([&] { return heard_.size() >= count; });
    }

    std::string path_ = directory_ / "redis.sock";
    FakeRedis redis_{path_};
    std::optional<ClientEvents> clients_{};
    std::vector<std::string> heard_{};
    PublishAnswer answer_{};
};

TEST_F(ClientEventsTest, GoToRedis) {
    start_clients();
    send("jobs:1", "{}");
    const Fd redis = redis_.accept(loop_->get());
    FakeRedis::expect_bytes(loop_->get(), redis, resp({"PUBLISH", "jobs:1", "{}"}));
    EXPECT_TRUE(clients_->is_waiting());
    EXPECT_THAT(heard_, IsEmpty());
}

TEST_F(ClientEventsTest, AreAcceptedOnceTheyAreInTheJournal) {
    start_clients();
    send("jobs:1", "{}");
    const uint64_t seq = come_back("jobs:1", "{}");
    EXPECT_THAT(heard_, IsEmpty());
    events_->commit();
    EXPECT_THAT(heard_, ElementsAre("{} accepted " + std::to_string(seq)));
    EXPECT_EQ(answer_.log, journal_->log());
    EXPECT_FALSE(clients_->is_waiting());
}

TEST_F(ClientEventsTest, AreAcceptedAtOnceAsRepeatsOfWhatIsInTheJournal) {
    start_clients();
    commit(1, 3);
    send("jobs:1", "{}");
    clients_->came_back("jobs:1", "{}", 2);
    EXPECT_THAT(heard_, ElementsAre("{} accepted 2"));
}

TEST_F(ClientEventsTest, AreNotAcceptedWhileTheJournalFails) {
    start_clients();
    send("jobs:1", "{}");
    g_faults.write = ENOSPC;
    come_back("jobs:1", "{}");
    events_->commit();
    EXPECT_THAT(heard_, IsEmpty());
    EXPECT_TRUE(clients_->is_waiting());
    g_faults.write = 0;
    run_until_caught_up();
    EXPECT_THAT(heard_, ElementsAre("{} accepted 1"));
}

TEST_F(ClientEventsTest, AreNotTakenForAnothers) {
    start_clients();
    send("jobs:1", "{}");
    come_back("jobs:2", "{}");
    come_back("jobs:1", "[]");
    come_back("jobs:1{", "}");
    events_->commit();
    EXPECT_THAT(heard_, IsEmpty());
    come_back("jobs:1", "{}");
    events_->commit();
    EXPECT_THAT(heard_, ElementsAre("{} accepted 4"));
}

TEST_F(ClientEventsTest, GetAnIdEachThoughTheyAreAlike) {
    start_clients();
    send("jobs:1", "{}");
    send("jobs:1", "{}");
    come_back("jobs:1", "{}");
    events_->commit();
    EXPECT_THAT(heard_, ElementsAre("{} accepted 1"));
    come_back("jobs:1", "{}");
    events_->commit();
    EXPECT_THAT(heard_, ElementsAre("{} accepted 1", "{} accepted 2"));
    EXPECT_FALSE(clients_->is_waiting());
}

TEST_F(ClientEventsTest, GetTheirOwnIdsInOneBatch) {
    start_clients();
    for (const char* data : {"1", "2", "1"})
        send("jobs:1", data);
    for (const char* data : {"2", "1", "1"})
        come_back("jobs:1", data);
    events_->commit();
    EXPECT_THAT(heard_, ElementsAre("1 accepted 2", "2 accepted 1", "1 accepted 3"));
}

TEST_F(ClientEventsTest, AreMalformedWhereTheyTurnOutToBeNone) {
    start_clients();
    send("jobs:1", "{}");
    clients_->turned_down("jobs:1", "[]", "not JSON");
    EXPECT_THAT(heard_, IsEmpty());
    clients_->turned_down("jobs:1", "{}", "not JSON");
    EXPECT_THAT(heard_, ElementsAre("{} malformed 0: not JSON"));
}

TEST_F(ClientEventsTest, AreUnavailableWhereRedisRefusesThem) {
    start_clients();
    send("jobs:1", "{}");
    const Fd redis = redis_.accept(loop_->get());
    FakeRedis::say(redis, "-OOM no memory\r\n");
    run_until_heard(1);
    EXPECT_THAT(heard_, ElementsAre(HasSubstr("{} unavailable 0: ")));
    EXPECT_THAT(heard_[0], HasSubstr("OOM"));
}

TEST_F(ClientEventsTest, AreUnknownWhereRedisIsLostBehindThem) {
    start_clients();
    send("jobs:1", "{}");
    {
        const Fd redis = redis_.accept(loop_->get());
        FakeRedis::expect_bytes(loop_->get(), redis, resp({"PUBLISH", "jobs:1", "{}"}));
    }
    run_until_heard(1);
    EXPECT_THAT(heard_, ElementsAre(StartsWith("{} unknown 0: ")));
}

TEST_F(ClientEventsTest, AreAcceptedThoughRedisIsLostOnceTheyAreBack) {
    start_clients();
    send("jobs:1", "{}");
    {
        const Fd redis = redis_.accept(loop_->get());
        FakeRedis::expect_bytes(loop_->get(), redis, resp({"PUBLISH", "jobs:1", "{}"}));
        g_faults.write = ENOSPC;
        come_back("jobs:1", "{}");
        events_->commit();
    }
    g_faults.write = 0;
    run_until_heard(1);
    EXPECT_THAT(heard_, ElementsAre("{} accepted 1"));
}

TEST_F(ClientEventsTest, AreUnknownWhenRedisDoesNotSendThemBack) {
    start_clients(kShortMs);
    send("jobs:1", "1");
    const Fd redis = redis_.accept(loop_->get());
    FakeRedis::say(redis, ":1\r\n");
    run_until_heard(1);
    EXPECT_THAT(heard_, ElementsAre("1 unknown 0: Redis has not sent it back in time"));

    // It may come all the same: nobody waits for it.
    come_back("jobs:1", "1");
    events_->commit();
    EXPECT_THAT(heard_, SizeIs(1));

    // The next one has its own time.
    send("jobs:1", "2");
    run_until_heard(2);
    EXPECT_EQ(heard_[1], "2 unknown 0: Redis has not sent it back in time");
}

TEST_F(ClientEventsTest, AreUnknownWhenTheJournalFailsForTooLong) {
    start_clients(kShortMs);
    send("jobs:1", "{}");
    g_faults.write = ENOSPC;
    come_back("jobs:1", "{}");
    run_until_heard(1);
    EXPECT_THAT(heard_, ElementsAre("{} unknown 0: the journal cannot be written"));
}

}  // namespace
}  // namespace herald::sidecar
