// The thread that keeps a projection up to date: order, failure, jobs and its end.
#include "sidecar/projection_thread.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <future>
#include <memory>
#include <numeric>

#include "fake_store.hpp"
#include "journal_lines.hpp"

namespace herald::sidecar {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using State = FakeStore::State;

std::vector<uint64_t> up_to(uint64_t last) {
    std::vector<uint64_t> seqs(last);
    std::iota(seqs.begin(), seqs.end(), 1);
    return seqs;
}

class ProjectionThreadTest : public testing::Test {
  protected:
    void start(ProjectionThread::Visitor* visitor = nullptr) {
        thread_ = std::make_unique<ProjectionThread>(store_, journal_.segments(), visitor);
    }
    bool await_shown(uint64_t seq) {
        return store_.await([=](const State& s) { return s.seq == seq && !s.shown.empty(); });
    }
    bool await_committed(uint64_t seq) {
        return store_.await([=](const State& s) { return s.committed_seq == seq; });
    }

    JournalLines journal_{};
    FakeStore store_{};
    std::unique_ptr<ProjectionThread> thread_{};
};

TEST_F(ProjectionThreadTest, AppliesEachEntryOnceInOrder) {
    journal_.append(1, 2500);
    start();
    ASSERT_TRUE(await_committed(2500));
    journal_.append(2501, 2501);
    ASSERT_TRUE(await_committed(2501));
    for (uint64_t seq = 2502; seq <= 2600; ++seq)
        journal_.append(seq, seq);
    ASSERT_TRUE(await_committed(2600));
    EXPECT_EQ(store_.state().committed, up_to(2600));
}

TEST_F(ProjectionThreadTest, LosesNothingWhereASliceEndsByTime) {
    journal_.append(1, 1000);
    // Longer than a slice may take: it ends as soon as it looks at the clock.
    store_.on_apply = [](uint64_t seq) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(10);
        while (seq % 100 == 1 && std::chrono::steady_clock::now() < until) {
        }
    };
    start();
    ASSERT_TRUE(await_committed(1000));
    EXPECT_EQ(store_.state().committed, up_to(1000));
}

TEST_F(ProjectionThreadTest, GoesOnBehindWhatTheProjectionHas) {
    journal_.append(1, 10);
    store_.change([](State& s) {
        s.committed = up_to(7);
        s.committed_seq = 7;
    });
    start();
    ASSERT_TRUE(await_committed(10));
    EXPECT_EQ(store_.state().committed, up_to(10));
}

TEST_F(ProjectionThreadTest, CommitsWhenItStops) {
    journal_.append(1, 5);
    start();
    ASSERT_TRUE(await_committed(5));
    journal_.append(6, 9);
    ASSERT_TRUE(await_shown(9));
    thread_.reset();
    EXPECT_EQ(store_.state().committed, up_to(9));
}

TEST_F(ProjectionThreadTest, SaysHowFarItIs) {
    journal_.append(1, 5);
    start();
    ASSERT_TRUE(await_committed(5));
    std::promise<void> looked;
    // A job runs between slices: by then everybody is told.
    ASSERT_TRUE(thread_->post([&] { looked.set_value(); }));
    looked.get_future().wait();
    EXPECT_EQ(thread_->applied_seq(), 5u);
    EXPECT_EQ(thread_->committed_seq(), 5u);
    EXPECT_FALSE(thread_->is_failing());
}

TEST_F(ProjectionThreadTest, RunsBehindTheLoop) {
    start();
    std::promise<int> niceness;
    ASSERT_TRUE(thread_->post(
        [&] { niceness.set_value(getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()))); }));
    EXPECT_GE(niceness.get_future().get(), 10);
}

TEST_F(ProjectionThreadTest, SkipsWhatIsNotToBeHad) {
    journal_.append(4, 5);
    journal_.append(9, 9);
    start();
    ASSERT_TRUE(await_committed(9));
    EXPECT_EQ(store_.state().shown, (std::vector<uint64_t>{4, 5, 9}));
    EXPECT_THAT(store_.state().calls, Contains("skip 0-3"));
    EXPECT_THAT(store_.state().calls, Contains("skip 5-8"));
}

TEST_F(ProjectionThreadTest, LeavesItToAGapToSayWhatIsMissing) {
    journal_.append(1, 3);
    journal_.append(JournalLines::gap(3, 8));
    journal_.append(9, 9);
    start();
    ASSERT_TRUE(await_committed(9));
    EXPECT_EQ(store_.state().shown, (std::vector<uint64_t>{1, 2, 3, 8, 9}));
    for (const std::string& call : store_.state().calls)
        EXPECT_NE(call.substr(0, 4), "skip") << call;
}

TEST_F(ProjectionThreadTest, SkipsWhatIsMissingBeforeAGap) {
    journal_.append(1, 3);
    journal_.append(JournalLines::gap(5, 8));
    start();
    ASSERT_TRUE(await_committed(8));
    EXPECT_THAT(store_.state().calls, Contains("skip 3-5"));
}

TEST_F(ProjectionThreadTest, SkipsWhatOnlySegmentsThatAreGoneHadBeforeTheNextEntryComes) {
    journal_.append(1, 3);
    journal_.begin_segment(101);
    start();
    ASSERT_TRUE(store_.await([](const State& s) { return s.committed_seq == 100; }));
    EXPECT_THAT(store_.state().calls, Contains("skip 3-100"));
    journal_.append(101, 102);
    ASSERT_TRUE(await_committed(102));
    EXPECT_EQ(store_.state().shown, (std::vector<uint64_t>{1, 2, 3, 101, 102}));
}

TEST_F(ProjectionThreadTest, CommitsOnceForManyEntries) {
    journal_.append(1, 45'000);
    start();
    ASSERT_TRUE(await_committed(45'000));
    uint64_t last = 0;
    int commits = 0;
    for (const std::string& call : store_.state().calls) {
        if (call.rfind("commit ", 0) != 0)
            continue;
        const uint64_t seq = std::stoull(call.substr(7));
        EXPECT_LE(seq - last, 20'000u);
        last = seq;
        ++commits;
    }
    // Twice for their number, once at the end; the upkeep of each second may add one.
    EXPECT_LT(commits, 40);
}

TEST_F(ProjectionThreadTest, GathersWhatTricklesIn) {
    const auto begin = std::chrono::steady_clock::now();
    start();
    for (uint64_t seq = 1; seq <= 500; ++seq) {
        journal_.append(seq, seq);
        ASSERT_TRUE(await_shown(seq));
    }
    ASSERT_TRUE(await_committed(500));
    const auto took = std::chrono::steady_clock::now() - begin;
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
    EXPECT_LE(store_.state().commits, ms / 20 + ms / 1000 + 2);
}

TEST_F(ProjectionThreadTest, TendsAfterACommit) {
    journal_.append(1, 3);
    start();
    ASSERT_TRUE(store_.await([](const State& s) {
        return std::find(s.calls.begin(), s.calls.end(), "tend") != s.calls.end();
    }));
    EXPECT_EQ(store_.state().committed_seq, 3u);
}

TEST_F(ProjectionThreadTest, OpensAgainAfterAFailureAndLosesAndRepeatsNothing) {
    journal_.append(1, 10);
    start();
    ASSERT_TRUE(await_committed(10));
    store_.change([](State& s) {
        s.apply_fails = 1;
        s.commit_fails = 2;
        s.open_fails = 1;
    });
    journal_.append(11, 3000);
    ASSERT_TRUE(await_committed(3000));
    EXPECT_EQ(store_.state().committed, up_to(3000));
    thread_.reset();
    EXPECT_EQ(store_.state().open_fails + store_.state().commit_fails, 0);
}

TEST_F(ProjectionThreadTest, SaysThatItFailsUntilACommitWorks) {
    store_.change([](State& s) { s.commit_fails = 2; });
    journal_.append(1, 3);
    start();
    ASSERT_TRUE(store_.await([](const State& s) { return s.commits == 1; }));
    std::promise<bool> failing;
    ASSERT_TRUE(thread_->post([&] { failing.set_value(thread_->is_failing()); }));
    EXPECT_TRUE(failing.get_future().get());

    ASSERT_TRUE(await_committed(3));
    std::promise<bool> still_failing;
    ASSERT_TRUE(thread_->post([&] { still_failing.set_value(thread_->is_failing()); }));
    EXPECT_FALSE(still_failing.get_future().get());
}

TEST_F(ProjectionThreadTest, RunsJobsWhileItCannotOpen) {
    store_.change([](State& s) { s.open_fails = 1'000'000; });
    start();
    ASSERT_TRUE(store_.await([](const State& s) { return s.opens == 1; }));
    std::promise<bool> open;
    ASSERT_TRUE(thread_->post([&] { open.set_value(thread_->is_open()); }));
    EXPECT_FALSE(open.get_future().get());
}

TEST_F(ProjectionThreadTest, CanBeUsedBetweenFailuresToWrite) {
    store_.change([](State& s) { s.commit_fails = 1'000'000; });
    journal_.append(1, 3);
    start();
    // Opened again at once, and left open while it waits to try the next commit.
    ASSERT_TRUE(store_.await([](const State& s) { return s.commits == 1 && s.opens == 2; }));
    std::promise<bool> open;
    ASSERT_TRUE(
        thread_->post([&] { open.set_value(thread_->is_open() && thread_->is_failing()); }));
    EXPECT_TRUE(open.get_future().get());
}

TEST_F(ProjectionThreadTest, StopsWhileItWaitsToTryAgain) {
    store_.change([](State& s) { s.open_fails = 1'000'000; });
    start();
    ASSERT_TRUE(store_.await([](const State& s) { return s.opens == 3; }));
    thread_.reset();
    EXPECT_EQ(store_.state().commits, 0);
}

TEST_F(ProjectionThreadTest, StopsWhileThereIsNothingToDo) {
    start();
    ASSERT_TRUE(store_.await([](const State& s) { return s.opens == 1; }));
    thread_.reset();
    EXPECT_EQ(store_.state().opens, 1);
}

TEST_F(ProjectionThreadTest, KeepsWhatItHasWhenItStopsOnTheWay) {
    journal_.append(1, 30'000);
    std::promise<void> begun;
    store_.on_apply = [&](uint64_t seq) {
        if (seq == 1)
            begun.set_value();
    };
    start();
    begun.get_future().wait();
    thread_.reset();
    const State end = store_.state();
    EXPECT_EQ(end.committed, end.shown);
    EXPECT_EQ(end.committed, up_to(end.committed.size()));
}

TEST_F(ProjectionThreadTest, RunsJobsBetweenSlices) {
    journal_.append(1, 20'000);
    std::promise<void> begun;
    std::promise<void> posted;
    store_.on_apply = [&](uint64_t seq) {
        if (seq != 1)
            return;
        begun.set_value();
        posted.get_future().wait();
    };
    start();
    begun.get_future().wait();
    std::promise<uint64_t> seen;
    ASSERT_TRUE(thread_->post([&] { seen.set_value(store_.state().seq); }));
    posted.set_value();
    EXPECT_LE(seen.get_future().get(), 1000u);
    ASSERT_TRUE(await_committed(20'000));
}

TEST_F(ProjectionThreadTest, RunsJobsInTheirOrderAndRefusesTooMany) {
    std::promise<void> begun;
    std::promise<void> go_on;
    start();
    ASSERT_TRUE(thread_->post([&] {
        begun.set_value();
        go_on.get_future().wait();
    }));
    begun.get_future().wait();
    std::vector<size_t> ran;
    std::promise<void> all;
    for (size_t i = 0; i < ProjectionThread::kMaxJobs; ++i) {
        const bool is_last = i + 1 == ProjectionThread::kMaxJobs;
        ASSERT_TRUE(thread_->post([&, i, is_last] {
            ran.push_back(i);
            if (is_last)
                all.set_value();
        }));
    }
    EXPECT_FALSE(thread_->post([&] { ran.push_back(0); }));
    go_on.set_value();
    all.get_future().wait();
    EXPECT_EQ(ran.size(), ProjectionThread::kMaxJobs);
    EXPECT_TRUE(std::is_sorted(ran.begin(), ran.end()));
}

TEST_F(ProjectionThreadTest, TakesAJobThatThrowsForAFailure) {
    journal_.append(1, 3);
    start();
    ASSERT_TRUE(await_committed(3));
    std::promise<bool> failing;
    ASSERT_TRUE(thread_->post([] { throw std::runtime_error("broken"); }));
    ASSERT_TRUE(thread_->post([&] { failing.set_value(thread_->is_failing()); }));
    EXPECT_TRUE(failing.get_future().get());
    ASSERT_TRUE(store_.await([](const State& s) { return s.opens == 2; }));
    journal_.append(4, 4);
    ASSERT_TRUE(await_committed(4));
    EXPECT_EQ(store_.state().committed, up_to(4));
}

TEST_F(ProjectionThreadTest, OpensAnewWhenAskedTo) {
    journal_.append(1, 3);
    start();
    ASSERT_TRUE(await_committed(3));
    store_.change([](State& s) { s.gone = true; });
    ASSERT_TRUE(thread_->post([&] { thread_->reopen(); }));
    ASSERT_TRUE(store_.await([](const State& s) { return s.opens == 2 && s.committed_seq == 3; }));
    EXPECT_EQ(store_.state().committed, up_to(3));
    EXPECT_FALSE(thread_->is_failing());
}

TEST_F(ProjectionThreadTest, CallsItsVisitorAgainWhileThatHasMoreToDo) {
    struct Visitor final : ProjectionThread::Visitor {
        bool visit() override {
            if (++visits == 1000)
                done.set_value();
            return visits < 1000;
        }
        int visits = 0;
        std::promise<void> done{};
    } visitor;
    start(&visitor);
    visitor.done.get_future().wait();
    thread_.reset();
    EXPECT_GE(visitor.visits, 1000);
}

TEST_F(ProjectionThreadTest, LeavesSignalsToTheLoop) {
    start();
    std::promise<bool> blocked;
    ASSERT_TRUE(thread_->post([&] {
        sigset_t mask;
        pthread_sigmask(SIG_BLOCK, nullptr, &mask);
        blocked.set_value(sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGINT) == 1);
    }));
    EXPECT_TRUE(blocked.get_future().get());
    sigset_t mine;
    pthread_sigmask(SIG_BLOCK, nullptr, &mine);
    EXPECT_EQ(sigismember(&mine, SIGTERM), 0);
}

}  // namespace
}  // namespace herald::sidecar
