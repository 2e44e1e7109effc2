// The index as a projection: its checkpoint, and what happens to it and to its file.
#include "sidecar/index.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "index_fixture.hpp"
#include "sidecar/files.hpp"
#include "sidecar/index_store.hpp"
#include "sidecar/step.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

void change(const std::string& path, const char* sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
    sqlite3_close(database);
}

template <class Work>
std::string error_of(Work&& work) {
    try {
        work();
    } catch (const std::exception& error) {
        return error.what();
    }
    return "no error";
}

// Runs `work` in a process of its own, which is to end by SIGKILL.
void kill_during(const std::function<void()>& work) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        work();
        _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

class IndexProjection : public IndexTest {
  protected:
    void put_some(uint64_t first, uint64_t last) {
        for (uint64_t seq = first; seq <= last; ++seq)
            put(seq, "a");
    }
};

TEST_F(IndexProjection, StartsAtZero) {
    EXPECT_EQ(open(), 0u);
    EXPECT_EQ(index_.applied_seq(), 0u);
    EXPECT_FALSE(index_.is_gone());
    EXPECT_EQ(index_.name(), "index");
}

TEST_F(IndexProjection, GoesOnBehindItsLastCommit) {
    open();
    put_some(1, 5);
    put_notice(6, ring::Kind::RedisLost);
    index_.commit();
    EXPECT_EQ(open(), 6u);
    EXPECT_EQ(index_.applied_seq(), 6u);
    put_some(7, 8);
    EXPECT_THAT(ask({}).seqs(), ElementsAre(1, 2, 3, 4, 5, 7, 8));
}

TEST_F(IndexProjection, ForgetsWhatWasNotCommitted) {
    open();
    put_some(1, 5);
    index_.commit();
    put_some(6, 9);
    put(10, "b");
    EXPECT_EQ(ask({}).head.seen_seq, 10u);

    EXPECT_EQ(open(), 5u);
    EXPECT_THAT(ask({}).seqs(), ElementsAre(1, 2, 3, 4, 5));
    EXPECT_EQ(ask({}, {"b"}).head.known, 0u);
    put_some(6, 7);
    EXPECT_THAT(ask({}).seqs(), ElementsAre(1, 2, 3, 4, 5, 6, 7));
}

TEST_F(IndexProjection, IsKilledInTheMiddleOfABatch) {
    kill_during([&] {
        open();
        put_some(1, 100);
        index_.commit();
        // Enough to be written before the commit: more than the page cache holds.
        for (uint64_t seq = 101; seq <= 900; ++seq)
            put(seq, "a", "\"" + std::string(100'000, 'x') + "\"");
        raise(SIGKILL);
    });
    EXPECT_EQ(open(), 100u);
    EXPECT_EQ(ask({}).items.size(), 100u);
}

TEST_F(IndexProjection, IsKilledRightBeforeItsCommit) {
    kill_during([&] {
        open();
        put_some(1, 10);
        index_.commit();
        put_some(11, 20);
        g_at_step = [](const char* name) {
            if (std::string_view(name) == "index.applied")
                raise(SIGKILL);
        };
        index_.commit();
    });
    EXPECT_EQ(open(), 10u);
    EXPECT_EQ(ask({}).items.size(), 10u);
}

TEST_F(IndexProjection, IsKilledRightBehindItsCommit) {
    kill_during([&] {
        open();
        g_at_step = [](const char* name) {
            if (std::string_view(name) == "index.committed")
                raise(SIGKILL);
        };
        put_some(1, 10);
        index_.commit();
    });
    EXPECT_EQ(open(), 10u);
    EXPECT_EQ(ask({}).items.size(), 10u);
}

TEST_F(IndexProjection, RefusesWhatItHasHad) {
    open();
    put_some(1, 5);
    EXPECT_THROW(put(5, "a"), std::logic_error);
    EXPECT_THROW(put(4, "b"), std::logic_error);
    EXPECT_THROW(index_.skip(4, 9), std::logic_error);
    EXPECT_THROW(put_notice(6, ring::Kind::Padding), std::logic_error);
    put(6, "a");  // and goes on
    EXPECT_THAT(ask({}).seqs(), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(IndexProjection, RemembersWhatItNeverSaw) {
    open();
    index_.skip(0, 50);
    put(51, "a");
    index_.commit();
    EXPECT_EQ(open(), 51u);
    EXPECT_EQ(ask({}).head.lost_seq, 50u);
    EXPECT_EQ(ask({}, {"nobody"}).head.lost_seq, 50u);
    EXPECT_EQ(ask({.after_seq = 50}).head.lost_seq, 0u);
    EXPECT_EQ(ask({.up_to_seq = 40}).head.lost_seq, 40u);
}

TEST_F(IndexProjection, KeepsTheCheckpointOfASkipAlone) {
    open();
    index_.skip(0, 50);
    index_.commit();
    EXPECT_EQ(open(), 50u);
}

TEST_F(IndexProjection, IsRightForMoreChannelsThanItKeepsInMemory) {
    feeds_.push_back(feed("{id}"));
    feeds_[0].max_events = 4;
    Index index(path_, feeds_, {}, 3);
    index.open();
    JournalEntry entry;
    for (uint64_t seq = 1; seq <= 2000; ++seq) {
        const std::string channel = std::to_string(seq * 7 % 20);
        entry.id = {1, seq};
        entry.at_ms = 10'000 - seq % 13;
        entry.channel = channel;
        entry.data = "1";
        entry.ends = seq > 1990;
        index.apply(entry);
    }
    for (uint64_t last = 1981; last <= 2000; ++last) {
        HistoryQuestion question;
        question.channels = {std::to_string(last * 7 % 20)};
        const History history = parse_history(index.answer(question));
        EXPECT_THAT(history.seqs(), ElementsAre(last - 60, last - 40, last - 20, last));
        EXPECT_EQ(history.head.ended, last > 1990);
        EXPECT_EQ(history.head.lost_seq, last - 80);

        question.range.since_us = static_cast<int64_t>(entry.at_ms) * 1000;
        std::vector<uint64_t> later;
        for (uint64_t seq : history.seqs()) {
            if (10'000 - seq % 13 > entry.at_ms)
                later.push_back(seq);
        }
        EXPECT_EQ(parse_history(index.answer(question)).seqs(), later);
    }
}

// -- the file

TEST_F(IndexProjection, NoticesThatItsFileWasDeleted) {
    open();
    put_some(1, 5);
    index_.commit();
    EXPECT_FALSE(index_.is_gone());
    std::filesystem::remove(path_);
    EXPECT_TRUE(index_.is_gone());

    EXPECT_EQ(open(), 0u);
    EXPECT_FALSE(index_.is_gone());
    put_some(1, 5);
    index_.commit();
    EXPECT_EQ(open(), 5u);
}

TEST_F(IndexProjection, NoticesThatItsFileWasReplaced) {
    open();
    std::filesystem::rename(path_, path_ + ".old");
    replace_file(path_, "");
    EXPECT_TRUE(index_.is_gone());
}

TEST_F(IndexProjection, SetsAsideWhatIsNoDatabase) {
    replace_file(path_, std::string(20'000, 'x'));
    EXPECT_EQ(open(), 0u);
    put_some(1, 3);
    index_.commit();
    EXPECT_EQ(open(), 3u);
    EXPECT_EQ(read_file(path_ + ".broken"), std::string(20'000, 'x'));
}

TEST_F(IndexProjection, SetsAsideADatabaseWithoutItsTables) {
    open();
    put_some(1, 3);
    index_.commit();
    change(path_, "DELETE FROM meta");
    replace_file(path_ + ".broken", "older");
    EXPECT_EQ(open(), 0u);
    EXPECT_NE(read_file(path_ + ".broken"), "older");
}

TEST_F(IndexProjection, SetsAsideADatabaseThatIsAheadOfItsCheckpoint) {
    open();
    put_some(1, 3);
    index_.commit();
    change(path_, "UPDATE meta SET value = 2 WHERE key = 'applied_seq'");
    EXPECT_EQ(open(), 0u);
    EXPECT_TRUE(std::filesystem::exists(path_ + ".broken"));
}

TEST_F(IndexProjection, SetsAsideWhatTurnsOutToBeDamagedInUse) {
    {
        Index first(path_, feeds_);
        first.open();
        JournalEntry entry;
        entry.channel = "a";
        const std::string data(500, '1');
        entry.data = data;
        for (entry.id.seq = 1; entry.id.seq <= 2000; ++entry.id.seq)
            first.apply(entry);
        first.commit();
    }
    const auto size = std::filesystem::file_size(path_);
    {
        // All but the tables' roots: the database opens.
        std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(10 * 8192);
        for (size_t i = 10 * 8192; i + 8192 < size; ++i)
            file.put('\x55');
    }
    EXPECT_EQ(open(), 2000u);
    EXPECT_THAT(error_of([&] { ask({}); }), HasSubstr("malformed"));
    EXPECT_THAT(error_of([&] { put(2001, "a"); }), HasSubstr("not open"));

    EXPECT_EQ(open(), 0u);
    EXPECT_EQ(std::filesystem::file_size(path_ + ".broken"), size);
    put_some(1, 3);
    EXPECT_THAT(ask({}).seqs(), ElementsAre(1, 2, 3));
}

TEST_F(IndexProjection, BuildsAnotherVersionAnew) {
    open();
    put_some(1, 3);
    index_.commit();
    change(path_, "PRAGMA user_version = 99; DROP TABLE entries;");
    EXPECT_EQ(open(), 0u);
    EXPECT_FALSE(std::filesystem::exists(path_ + ".broken"));
    put_some(1, 3);
    EXPECT_THAT(ask({}).seqs(), ElementsAre(1, 2, 3));
}

TEST_F(IndexProjection, SaysWhatIsWrongWithAPlace) {
    Index index(directory_ / "nowhere/index.db", feeds_);
    EXPECT_THAT(error_of([&] { index.open(); }),
                testing::AllOf(HasSubstr("nowhere/index.db"), HasSubstr("No such file")));
    EXPECT_EQ(index.applied_seq(), 0u);
    EXPECT_TRUE(index.is_gone());
    EXPECT_THAT(error_of([&] { index.commit(); }), HasSubstr("not open"));
    EXPECT_THAT(error_of([&] { index.answer({}); }), HasSubstr("not open"));
}

// -- a journal that is lost

TEST_F(IndexProjection, SetsItselfAsideWhenTheJournalEndsBeforeIt) {
    open();
    put_some(1, 5);
    index_.commit();

    Index next(path_, feeds_, [] { return uint64_t{4}; });
    EXPECT_EQ(next.open(), 0u);
    Index old(path_ + ".old", feeds_);
    EXPECT_EQ(old.open(), 5u);
}

TEST_F(IndexProjection, StaysWhereTheJournalIsAsFar) {
    open();
    put_some(1, 5);
    index_.commit();

    Index next(path_, feeds_, [] { return uint64_t{5}; });
    EXPECT_EQ(next.open(), 5u);
    EXPECT_FALSE(std::filesystem::exists(path_ + ".old"));
}

TEST_F(IndexProjection, IsNotSetAsideForAJournalThatGoesBackLater) {
    uint64_t end = 0;
    Index index(path_, feeds_, [&end] { return end; });
    index.open();
    JournalEntry entry;
    entry.id = {1, 7};
    entry.channel = "a";
    entry.data = "1";
    index.apply(entry);
    index.commit();
    EXPECT_EQ(index.open(), 7u);
}

TEST_F(IndexProjection, AsksForTheJournalsEndBeforeItIsOpened) {
    open();
    put_some(1, 5);
    index_.commit();

    uint64_t end = 0;
    Index next(path_, feeds_, [&end] { return end; });
    end = 100;  // events have come before the thread has started
    EXPECT_EQ(next.open(), 0u);
}

// -- a disk that takes no more

// No file may grow beyond `bytes`, as long as it lives.
class FileSizeLimit {
  public:
    explicit FileSizeLimit(rlim_t bytes) : old_handler_(signal(SIGXFSZ, SIG_IGN)) {
        getrlimit(RLIMIT_FSIZE, &old_limit_);
        const rlimit limit{bytes, old_limit_.rlim_max};
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileSizeLimit() {
        setrlimit(RLIMIT_FSIZE, &old_limit_);
        signal(SIGXFSZ, old_handler_);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

  private:
    sighandler_t old_handler_;
    rlimit old_limit_{};
};

TEST_F(IndexProjection, GoesOnFromItsLastCommitAfterAWriteFailed) {
    open();
    put_some(1, 10);
    index_.commit();
    {
        const FileSizeLimit limit(256 * 1024);
        for (uint64_t seq = 11; seq <= 1010; ++seq)
            put(seq, "a", std::string(1000, '1'));
        EXPECT_THAT(error_of([&] { index_.commit(); }), HasSubstr("index.db: disk I/O error"));
        EXPECT_THAT(error_of([&] { put(1011, "a"); }), HasSubstr("not open"));
        EXPECT_EQ(open(), 10u);
        EXPECT_EQ(ask({}).items.size(), 10u);
    }
    EXPECT_EQ(open(), 10u);
    put_some(11, 1010);
    index_.commit();
    EXPECT_EQ(open(), 1010u);
    EXPECT_EQ(ask({.limit = 2000}).items.size(), 1010u);
    EXPECT_FALSE(std::filesystem::exists(path_ + ".broken"));
}

TEST_F(IndexProjection, AFullDiskIsNoDamage) {
    {
        IndexStore store(path_, false, feeds_, 10);
        store.database().execute("PRAGMA max_page_count = 20");
        const std::string data(1000, '1');
        JournalEntry entry;
        entry.channel = "a";
        entry.data = data;
        bool full = false;
        for (entry.id.seq = 1; entry.id.seq <= 1000 && !full; ++entry.id.seq) {
            try {
                store.add(entry);
                store.commit();
            } catch (const sqlite::Error& error) {
                EXPECT_THAT(error.what(), HasSubstr("database or disk is full"));
                EXPECT_FALSE(error.is_damage());
                full = true;
            }
        }
        ASSERT_TRUE(full);
    }
    const uint64_t applied = open();
    EXPECT_GT(applied, 10u);
    EXPECT_EQ(ask({}).items.size(), applied);
    put(applied + 1, "a");
    index_.commit();
    EXPECT_EQ(open(), applied + 1);
}

}  // namespace
}  // namespace herald::sidecar
