// Per-channel files through `kill -9` at every step, and through what a power failure leaves.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "jsonl_harness.hpp"

namespace herald::sidecar {
namespace {

class JsonlCrash : public testing::Test, public JsonlHarness {
  protected:
    void start_anew() {
        std::filesystem::remove_all(state());
        journal_.clear();
        next_seq_ = 1;
    }

    // Entries for files that are there, new and alike.
    void publish_many() {
        for (int i = 0; i < 16; ++i) {
            publish(std::to_string(i % 3),
                    i % 2 ? "\"same\"" : "{\"n\":" + std::to_string(i) + "}");
            if (i % 5 == 0)
                publish("x" + std::to_string(i), "1");
        }
    }

    // Runs the projection in a process that is killed at its `n`-th step. False where it got to
    // its end before.
    bool run_killed_at(int n, size_t batch) {
        const pid_t child = fork();
        if (child == 0) {
            steps_left = n;
            g_at_step = [](const char*) {
                if (--steps_left == 0)
                    kill(getpid(), SIGKILL);
            };
            run(batch);
            _exit(0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        return WIFSIGNALED(status);
    }

    // What a crash leaves: the first `size` bytes of a file, then `end`.
    void leave(const std::string& id, size_t size, std::string_view end) {
        const std::string before = content(id).substr(0, size);
        std::ofstream(file(id), std::ios::trunc) << before << end;
    }

    // Files that have been written to since the checkpoint: as `kill -9` leaves them.
    void write_without_checkpoint() {
        JsonlFiles files = projection();
        feed(files);
    }

    static inline int steps_left = 0;
};

TEST_F(JsonlCrash, AtAnyStepLosesAndRepeatsNothing) {
    int n = 1;
    for (;; ++n) {
        start_anew();
        publish_many();
        const bool killed = run_killed_at(n, 4);
        publish("1", "\"behind\"");
        run();
        ASSERT_EQ(found(), expected()) << "killed at step " << n;
        if (!killed)
            break;
    }
    EXPECT_GT(n, 40);
}

TEST_F(JsonlCrash, AtAnyStepOfARecoveryLosesAndRepeatsNothing) {
    int n = 1;
    for (;; ++n) {
        start_anew();
        publish_many();
        bool killed = run_killed_at(n, 6);
        for (int again = 1; again <= 9; again += 4)
            run_killed_at(again, 5);
        run();
        ASSERT_EQ(found(), expected()) << "killed at step " << n;
        if (!killed)
            break;
    }
    EXPECT_GT(n, 25);
}

TEST_F(JsonlCrash, WithSyncedFilesLosesAndRepeatsNothing) {
    fsync_ = Fsync::Always;
    for (int i = 0; i < 6; ++i)
        publish(i % 2 ? "a" : "b", "\"same\"");
    bool killed = true;
    for (int n = 1; killed; ++n) {
        std::filesystem::remove_all(state());
        killed = run_killed_at(n, 2);
        run();
        ASSERT_EQ(found(), expected()) << "killed at step " << n;
    }
}

TEST_F(JsonlCrash, WhileFilesAreRebuiltLosesAndRepeatsNothing) {
    limits_.open_files = 1;
    limits_.known_files = 1;
    bool killed = true;
    for (int n = 1; killed; ++n) {
        start_anew();
        for (int i = 0; i < 9; ++i)
            publish(std::to_string(i % 3), std::to_string(i));
        run();
        publish("0", "\"new\"");
        std::filesystem::remove_all(state() + "/jsonl");
        killed = run_killed_at(n, 2);
        run();
        ASSERT_EQ(found(), expected()) << "killed at step " << n;
    }
}

TEST_F(JsonlCrash, LeavesATornLineThatIsCompleted) {
    publish("a", "1");
    publish("a", "{\"n\":2}");
    publish("a", "{\"n\":3}");
    const std::string whole = expected()["a"];
    for (size_t size = 2; size <= whole.size(); ++size) {
        std::filesystem::remove_all(state());
        Published later[] = {journal_[1], journal_[2]};
        journal_.resize(1);
        run();
        journal_.insert(journal_.end(), std::begin(later), std::end(later));
        write_without_checkpoint();
        leave("a", size, "");
        run();
        ASSERT_EQ(content("a"), whole) << "torn at byte " << size;
    }
}

TEST_F(JsonlCrash, LeavesGarbageThatIsCutOff) {
    for (std::string_view garbage :
         {std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 18),
          std::string_view("{\"n\":2\0\0\0\0\0\0\0\0\0", 15),
          std::string_view("\xff\xfe\n{\"n\":3}\n"), std::string_view("{\"m\":")}) {
        start_anew();
        publish("a", "1");
        run();
        publish("a", "{\"n\":2}");
        publish("a", "{\"n\":3}");
        write_without_checkpoint();
        leave("a", 2, garbage);
        run();
        EXPECT_EQ(found(), expected());
    }
}

TEST_F(JsonlCrash, KeepsLinesThatTheJournalHasLost) {
    publish("a", "1");
    run();
    publish("a", "2");
    publish("a", "\"same\"");
    publish("a", "\"same\"");
    write_without_checkpoint();
    const std::string before = content("a");

    // The journal ends behind "2"; a gap says so, and new events follow.
    journal_.resize(2);
    next_seq_ = 100;
    journal_.push_back({next_seq_++, "", "", ring::Kind::Gap});
    publish("a", "\"same\"");
    limits_.checkpoint_ms = 3'600'000;
    run();
    EXPECT_EQ(content("a"), before + "\"same\"\n");
    run();
    EXPECT_EQ(content("a"), before + "\"same\"\n");
}

TEST_F(JsonlCrash, KeepsALineThatTheJournalHasLostInBetween) {
    publish("a", "1");
    run();
    for (int i = 2; i < 6; ++i)
        publish("a", std::to_string(i));
    write_without_checkpoint();
    journal_.erase(journal_.begin() + 2);
    run();
    EXPECT_EQ(content("a"), "1\n2\n3\n4\n5\n");
}

TEST_F(JsonlCrash, LeavesFilesAheadOfTheNextCheckpoint) {
    publish("a", "1");
    publish("b", "1");
    publish("a", "2");
    write_without_checkpoint();
    const auto all = journal_;
    // Only the first entry is had again before the next checkpoint.
    journal_.resize(1);
    run();
    EXPECT_EQ(projection().open(), 1u);
    journal_ = all;
    run();
    EXPECT_EQ(found(), expected());
}

TEST_F(JsonlCrash, LeavesATornIntentThatNobodyActedUpon) {
    publish("a", "1");
    run();
    publish("b", "2");
    const std::string checkpoint = state() + "/jsonl/checkpoint";
    std::ofstream(checkpoint, std::ios::app) << "1 0 runs/b/eve";
    write_without_checkpoint();
    run();
    EXPECT_EQ(found(), expected());
}

TEST_F(JsonlCrash, LeavesACheckpointThatCannotBeRead) {
    publish("a", "1");
    publish("a", "2");
    run();
    std::ofstream(state() + "/jsonl/checkpoint") << std::string(20, '\0');
    publish("a", "3");
    run();
    EXPECT_EQ(found(), expected());
}

}  // namespace
}  // namespace herald::sidecar
