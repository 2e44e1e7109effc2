// The registry file, watched: what becomes of each of its states, through bad ones and restarts.
#include "sidecar/ingest/ingest_registry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "../journal_lines.hpp"
#include "../run_until.hpp"
#include "sidecar/loop.hpp"

namespace herald::sidecar {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

class IngestRegistryTest : public testing::Test, protected OwnEvents {
  protected:
    IngestRegistryTest() {
        fs::create_directory(directory_ / "cache");
        config_.registry = directory_ / "cache/ingest_runs.json";
        config_.channel = "runs";
        config_.poll_ms = 3600'000;  // inotify alone tells of changes
    }

    void start() {
        OwnEvents& events = *this;
        ingest_ = std::make_unique<IngestRegistry>(
            loop_.get(), config_, directory_ / "ingest.db", journal_.segments(),
            [this] { return journal_.segments().last_seq(); }, events, 1);
    }
    void stop() { ingest_.reset(); }
    void restart() {
        stop();
        start();
    }

    // Into a journal, as the event log does.
    bool add_own(std::string_view channel, std::string_view data) override {
        if (refuse_ != 0) {
            --refuse_;
            return false;
        }
        EXPECT_EQ(channel, "runs");
        const std::string text(data);
        const size_t event = text.find("run.") + 4;
        const size_t id = text.find(R"("id":)") + 5;
        const size_t quote = text.find('"', id);
        told_.push_back(text.substr(event, text.find('"', event) - event) + " " +
                        text.substr(quote + 1, text.find('"', quote + 1) - quote - 1));
        JournalEntry entry;
        entry.id = {JournalLines::kLog, ++seq_};
        entry.channel = channel;
        entry.data = data;
        journal_.append(entry);
        return true;
    }
    void commit_own() override { ++commits_; }

    void write(const std::string& content) { write(config_.registry, content); }
    static void write(const std::string& path, const std::string& content) {
        std::ofstream(path, std::ios::binary) << content;
    }
    void replace(const std::string& content) {
        write(config_.registry + ".new", content);
        fs::rename(config_.registry + ".new", config_.registry);
    }
    static std::string runs(std::initializer_list<const char*> ids) {
        std::string out = "[";
        for (const char* id : ids)
            out.append(out.size() == 1 ? "" : ",").append(R"({"id":")").append(id).append("\"}");
        return out + "]";
    }
    void wait_for(size_t events) {
        run_until(loop_.get(), [&] { return told_.size() >= events; });
    }
    ViewAnswer ask(std::string item = "") {
        ViewAnswer out;
        ingest_->view().ask({std::move(item), "", false},
                            [&](ViewAnswer answer) { out = std::move(answer); });
        return out;
    }
    // Until what the table says is shown.
    void wait_for_view() {
        run_until(loop_.get(), [this] { return ask().status == 200; });
    }
    void wait_for_run(const std::string& id) {
        run_until(loop_.get(), [&] { return ask(id).status == 200; });
    }

    TemporaryDirectory directory_{};
    JournalLines journal_{};
    Loop loop_{};
    IngestConfig config_{};
    uint64_t seq_ = 0;
    int refuse_ = 0;
    int commits_ = 0;
    std::vector<std::string> told_{};
    std::unique_ptr<IngestRegistry> ingest_{};
};

TEST_F(IngestRegistryTest, TellsWhatIsThereAtFirst) {
    write(runs({"a", "b"}));
    start();
    wait_for(2);
    EXPECT_THAT(told_, testing::UnorderedElementsAre("created a", "created b"));
    EXPECT_GT(commits_, 0);
}

TEST_F(IngestRegistryTest, TellsWhatChangesInPlaceAndByRenaming) {
    write(runs({"a"}));
    start();
    wait_for(1);
    write(R"([{"id":"a","completed_at":"2024-01-01T00:00:00Z"},{"id":"b"}])");
    wait_for(3);
    replace(runs({"b"}));
    wait_for(4);
    EXPECT_THAT(told_, ElementsAre("created a", "created b", "updated a", "removed a"));
}

TEST_F(IngestRegistryTest, TellsNothingOfAFileThatIsWrittenAgainAsItWas) {
    write(runs({"a"}));
    start();
    wait_for(1);
    replace(runs({"a"}));
    write(runs({"a"}));
    replace(runs({"a", "b"}));
    wait_for(2);
    EXPECT_THAT(told_, ElementsAre("created a", "created b"));
}

TEST_F(IngestRegistryTest, KeepsWhatItKnewOfAFileThatIsNotWhole) {
    write(runs({"a", "b"}));
    start();
    wait_for(2);
    for (const char* bad : {"", "[", R"([{"id":"a"})", "{}", "nonsense", "7"}) {
        write(bad);
        for (int turns = 0; turns < 20; ++turns)
            uv_run(loop_.get(), UV_RUN_NOWAIT);
        EXPECT_EQ(ask("b").status, 200);
    }
    write(runs({"a", "b", "c"}));
    wait_for(3);
    EXPECT_EQ(told_.back(), "created c");
}

TEST_F(IngestRegistryTest, KeepsWhatItKnewOfAFileThatGoes) {
    write(runs({"a"}));
    start();
    wait_for(1);
    fs::remove(config_.registry);
    for (int turns = 0; turns < 20; ++turns)
        uv_run(loop_.get(), UV_RUN_NOWAIT);
    EXPECT_EQ(ask("a").status, 200);
    write(runs({"b"}));
    wait_for(3);
    EXPECT_THAT(told_, ElementsAre("created a", "created b", "removed a"));
}

TEST_F(IngestRegistryTest, FindsAFileThatIsCreatedLater) {
    start();
    wait_for_view();
    EXPECT_EQ(ask().body, "[]");
    write(runs({"a"}));
    wait_for(1);
    EXPECT_THAT(told_, ElementsAre("created a"));
}

TEST_F(IngestRegistryTest, FindsADirectoryThatIsCreatedLater) {
    fs::remove(directory_ / "cache");
    config_.poll_ms = 5;
    start();
    wait_for_view();
    fs::create_directory(directory_ / "cache");
    write(runs({"a"}));
    wait_for(1);
    replace(runs({}));
    wait_for(2);
    EXPECT_THAT(told_, ElementsAre("created a", "removed a"));
}

TEST_F(IngestRegistryTest, PollsWhereNothingElseTells) {
    config_.poll_ms = 5;
    // Changes behind a link are seen in no directory that is watched.
    fs::create_directory(directory_ / "real");
    const std::string real = directory_ / "real/runs.json";
    write(real, runs({"a"}));
    fs::create_symlink(real, config_.registry);
    start();
    wait_for(1);
    write(real, runs({"a", "b"}));
    wait_for(2);
}

TEST_F(IngestRegistryTest, AFileThatIsTooLargeSaysNothing) {
    config_.max_size = 1024;
    write(runs({"a"}));
    start();
    wait_for(1);
    write(runs({"b"}) + std::string(1024, ' '));
    for (int turns = 0; turns < 20; ++turns)
        uv_run(loop_.get(), UV_RUN_NOWAIT);
    write(runs({"a", "c"}));
    wait_for(2);
    EXPECT_THAT(told_, ElementsAre("created a", "created c"));
}

TEST_F(IngestRegistryTest, TellsNothingAgainAfterARestart) {
    write(runs({"a", "b"}));
    start();
    wait_for(2);
    restart();
    wait_for_run("a");
    EXPECT_EQ(told_.size(), 2u);
    replace(runs({"b", "c"}));
    wait_for(4);
    EXPECT_THAT(std::vector(told_.begin() + 2, told_.end()), ElementsAre("created c", "removed a"));
}

TEST_F(IngestRegistryTest, TellsWhatChangedWhileItWasAway) {
    write(runs({"a", "b"}));
    start();
    wait_for(2);
    stop();
    write(runs({"b", "c"}));
    start();
    wait_for(4);
    EXPECT_THAT(std::vector(told_.begin() + 2, told_.end()), ElementsAre("created c", "removed a"));
}

TEST_F(IngestRegistryTest, ShowsItsLastStateAfterARestartWithoutTheFile) {
    write(runs({"a"}));
    start();
    wait_for(1);
    stop();
    fs::remove(config_.registry);
    start();
    wait_for_run("a");
    EXPECT_EQ(told_.size(), 1u);
}

TEST_F(IngestRegistryTest, TellsEachOnceWhereverItIsStopped) {
    std::string all = "[";
    for (int i = 0; i < 1500; ++i)
        all.append(i == 0 ? "" : ",").append(R"({"id":"r)" + std::to_string(i) + "\"}");
    write(all + "]");
    for (size_t events : {1u, 300u, 301u, 900u, 1500u}) {
        start();
        wait_for(events);
        stop();
    }
    EXPECT_EQ(told_.size(), 1500u);
    std::sort(told_.begin(), told_.end());
    EXPECT_EQ(std::unique(told_.begin(), told_.end()), told_.end());
}

TEST_F(IngestRegistryTest, TellsLaterWhatCannotBeToldNow) {
    write(runs({"a", "b"}));
    refuse_ = 1;
    start();
    wait_for(2);
    EXPECT_THAT(told_, testing::UnorderedElementsAre("created a", "created b"));
}

TEST_F(IngestRegistryTest, AnswersFromMemory) {
    write(runs({"a"}));
    start();
    wait_for(1);
    fs::remove_all(directory_ / "cache");
    for (int i = 0; i < 1000; ++i) {
        ASSERT_EQ(ask("a").status, 200);
        ASSERT_EQ(ask("b").status, 404);
    }
}

}  // namespace
}  // namespace herald::sidecar
