// Webhooks from journal to receiver: what is delivered, what is kept for later, and what a crash
// at any step leaves to the next start.
#include "sidecar/webhooks/webhooks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <thread>

#include "../journal_lines.hpp"
#include "fake_receiver.hpp"
#include "sidecar/event_log.hpp"
#include "sidecar/files.hpp"
#include "sidecar/step.hpp"
#include "sidecar/views/view.hpp"
#include "sidecar/wall_clock.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string data_of(uint64_t seq) {
    return "{\"n\":" + std::to_string(seq) + "}";
}

class WebhooksTest : public testing::Test {
  protected:
    WebhooksTest() {
        WebhookConfig config;
        config.url = receiver_.url();
        config.keys = {"a key of the tests alone"};
        feeds_.push_back({"jobs", ChannelPattern("jobs:{id}")});
        feeds_[0].webhooks.push_back(config);
        settings_.directory = directory_ / "webhooks";
    }

    WebhookConfig& config() { return feeds_[0].webhooks[0]; }
    std::unique_ptr<Webhooks> make() {
        settings_.started_ms = wall_clock_ms();
        return std::make_unique<Webhooks>(feeds_, journal_.segments(), settings_);
    }
    void start() { webhooks_ = make(); }
    void stop() { webhooks_.reset(); }

    void append(uint64_t first, uint64_t last, const std::string& channel = "jobs:1",
                const std::string& event = "") {
        for (uint64_t seq = first; seq <= last; ++seq) {
            const std::string data = data_of(seq);
            JournalEntry entry = JournalLines::event(seq);
            entry.channel = channel;
            entry.event = event;
            entry.data = data;
            journal_.append(entry);
        }
    }
    // A channel for each.
    void append_apart(uint64_t first, uint64_t last) {
        for (uint64_t seq = first; seq <= last; ++seq)
            append(seq, seq, "jobs:" + std::to_string(seq));
    }

    // For what no event announces.
    static bool becomes(const std::function<bool()>& condition) {
        for (int i = 0; i < 2000 && !condition(); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        return condition();
    }
    bool await_figures(const std::function<bool(const WebhookFigures&)>& wanted) {
        return becomes([&] { return wanted(webhooks_->figures()[0]); });
    }
    bool await_committed(uint64_t seq) {
        return becomes([&] { return webhooks_->committed_seq() >= seq; });
    }
    std::string path(const std::string& suffix) const {
        return settings_.directory + "/" + file_name_of("jobs", receiver_.url()) + suffix;
    }
    std::string dead_letters() const {
        return std::filesystem::exists(path(".dead.jsonl")) ? read_file(path(".dead.jsonl")) : "";
    }

    static constexpr int kNever = 1'000'000;
    // Runs in a process of its own that ends, without any further step, at the nth one; false
    // where it has delivered everything before that.
    bool crash_at(int step, uint64_t last) {
        auto quiet = receiver_.between_requests();
        const pid_t child = fork();
        if (child == 0) {
            static std::atomic<int> left;
            left = step;
            g_at_step = [](const char*) {
                if (--left == 0)
                    _exit(7);
            };
            start();
            await_figures([&](const WebhookFigures& now) {
                return now.read_seq == last && now.pending == 0;
            });
            stop();
            _exit(0);
        }
        quiet.unlock();
        int status = 0;
        waitpid(child, &status, 0);
        EXPECT_TRUE(WIFEXITED(status));
        return WEXITSTATUS(status) == 7;
    }

    TemporaryDirectory directory_{};
    JournalLines journal_{};
    FakeReceiver receiver_{};
    std::vector<Feed> feeds_{};
    WebhookSettings settings_{};
    std::unique_ptr<Webhooks> webhooks_{};
};

TEST_F(WebhooksTest, DeliverWhatComesAfterTheirStart) {
    append(1, 3);
    settings_.journal_end = 3;
    start();
    append(4, 5);
    EXPECT_THAT(receiver_.await(2), ElementsAre(data_of(4), data_of(5)));
}

TEST_F(WebhooksTest, DeliverNamesThatAreWantedAndChannelsOfTheirFeed) {
    config().every_event = false;
    config().on = {"done"};
    start();
    append(1, 1, "jobs:1", "started");
    append(2, 2, "other:1", "done");
    append(3, 3, "jobs:1");
    append(4, 4, "jobs:1", "done");
    EXPECT_THAT(receiver_.await(1), ElementsAre(data_of(4)));
    EXPECT_TRUE(await_figures([](const WebhookFigures& now) { return now.read_seq == 4; }));
}

TEST_F(WebhooksTest, GoOnWhereTheyStopped) {
    start();
    append(1, 2);
    receiver_.await(2);
    ASSERT_TRUE(await_figures([](const WebhookFigures& now) { return now.delivered == 2; }));
    stop();
    append(3, 4);
    settings_.journal_end = 4;
    start();
    EXPECT_THAT(receiver_.await(4), ElementsAre(data_of(1), data_of(2), data_of(3), data_of(4)));
}

TEST_F(WebhooksTest, LetTheJournalGoBehindWhatTheQueueFileHas) {
    receiver_.answer("500 Broken");
    start();
    append(1, 10);
    receiver_.await(1);
    EXPECT_TRUE(await_committed(10));
    EXPECT_EQ(webhooks_->figures()[0].pending, 10u);
}

TEST_F(WebhooksTest, DeliverFromTheQueueFileWhatTheJournalNoLongerHas) {
    receiver_.answer("500 Broken");
    start();
    append(1, 2);
    receiver_.await(1);
    ASSERT_TRUE(await_committed(2));
    stop();
    journal_.begin_segment(3);
    journal_.segments().remove_oldest();
    receiver_.answer("200 OK");
    settings_.journal_end = 2;
    start();
    append(3, 3);
    EXPECT_TRUE(await_figures([](const WebhookFigures& now) { return now.delivered == 3; }));
    EXPECT_EQ(dead_letters(), "");
}

TEST_F(WebhooksTest, ReadNoFurtherThanTheirQueueHasRoom) {
    config().max_pending = 3;
    receiver_.answer("500 Broken");
    start();
    append_apart(1, 50);
    ASSERT_TRUE(await_figures([](const WebhookFigures& now) { return now.lagging; }));
    EXPECT_EQ(webhooks_->figures()[0].pending, 3u);
    EXPECT_EQ(webhooks_->figures()[0].read_seq, 3u);
    EXPECT_LE(webhooks_->committed_seq(), 3u);
    receiver_.answer("200 OK");
    EXPECT_TRUE(await_figures([](const WebhookFigures& now) {
        return now.delivered == 50 && !now.lagging && !now.failing;
    }));
}

TEST_F(WebhooksTest, SayWhatTheJournalHadLostBeforeTheyReadIt) {
    start();
    append(1, 1);
    receiver_.await(1);
    journal_.begin_segment(7);
    append(7, 7);
    EXPECT_TRUE(await_figures([](const WebhookFigures& now) { return now.delivered == 2; }));
    EXPECT_TRUE(becomes([&] { return dead_letters() != ""; }));
    EXPECT_THAT(dead_letters(), HasSubstr("{\"lost\":{\"after_seq\":1,\"to_seq\":6}"));
}

TEST_F(WebhooksTest, MakeDeadLettersOfWhatIsLeftFromAJournalThatIsLost) {
    receiver_.answer("500 Broken");
    start();
    append(1, 9);
    ASSERT_TRUE(await_committed(9));
    stop();
    settings_.journal_end = 5;
    start();
    EXPECT_TRUE(becomes([&] {
        const std::string letters = dead_letters();
        return std::count(letters.begin(), letters.end(), '\n') == 9;
    }));
    EXPECT_THAT(dead_letters(), HasSubstr("the journal was lost"));
}

TEST_F(WebhooksTest, GiveUpWhatIsRefusedAndWhatTakesTooLong) {
    receiver_.answer("410 Gone");
    start();
    append(1, 1);
    ASSERT_TRUE(becomes([&] { return dead_letters() != ""; }));
    EXPECT_THAT(dead_letters(), HasSubstr("\"status\":410"));
    EXPECT_FALSE(webhooks_->figures()[0].failing);
    stop();
    config().retry_for_ms = 1;
    receiver_.answer("");
    settings_.journal_end = 1;
    start();
    append(2, 2);
    ASSERT_TRUE(await_figures([](const WebhookFigures& now) { return now.dead == 1; }));
    EXPECT_TRUE(becomes([&] { return dead_letters().find("\"status\":0") != std::string::npos; }));
    EXPECT_THAT(dead_letters(), HasSubstr("without an answer"));
}

TEST_F(WebhooksTest, WaitForADiskThatFails) {
    std::ofstream(settings_.directory) << "in the way";
    start();
    append(1, 1);
    EXPECT_EQ(webhooks_->committed_seq(), 0u);
    std::filesystem::remove(settings_.directory);
    EXPECT_THAT(receiver_.await(1), ElementsAre(data_of(1)));
}

TEST_F(WebhooksTest, EndWhileNobodyAnswers) {
    // Connections are taken by the kernel, and nobody ever reads from them.
    const Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    struct sockaddr_in address {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<struct sockaddr*>(&address);
    ASSERT_EQ(bind(listener.get(), generic, size), 0);
    ASSERT_EQ(listen(listener.get(), 8), 0);
    ASSERT_EQ(getsockname(listener.get(), generic, &size), 0);
    config().url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
    config().timeout_ms = 3'600'000;
    start();
    append(1, 3);
    ASSERT_TRUE(await_figures([](const WebhookFigures& now) { return now.read_seq == 3; }));
    stop();
}

TEST_F(WebhooksTest, DeliverEverythingAfterACrashAtAnyStep) {
    append(1, 3);
    append_apart(4, 6);
    std::set<std::string> wanted;
    for (uint64_t seq = 1; seq <= 6; ++seq)
        wanted.insert(data_of(seq));
    int step = 0;
    for (bool crashed = true; crashed;) {
        ASSERT_LT(++step, 100);
        std::filesystem::remove_all(settings_.directory);
        const size_t before = receiver_.await(0).size();
        crashed = crash_at(step, 6);
        ASSERT_FALSE(crash_at(kNever, 6)) << step;
        const auto bodies = receiver_.await(before + 6);
        const std::set<std::string> came(bodies.begin() + static_cast<ptrdiff_t>(before),
                                         bodies.end());
        ASSERT_EQ(came, wanted) << step;
    }
    EXPECT_GE(step, 8);
}

TEST_F(WebhooksTest, HaveEveryDeadLetterAfterACrashAtAnyStep) {
    receiver_.answer("410 Gone");
    append_apart(1, 4);
    int step = 0;
    for (bool crashed = true; crashed;) {
        ASSERT_LT(++step, 100);
        std::filesystem::remove_all(settings_.directory);
        crashed = crash_at(step, 4);
        ASSERT_FALSE(crash_at(kNever, 4)) << step;
        for (uint64_t seq = 1; seq <= 4; ++seq)
            ASSERT_THAT(dead_letters(), HasSubstr("\"data\":" + data_of(seq) + "}\n")) << step;
    }
    EXPECT_GE(step, 6);
}

TEST_F(WebhooksTest, AreShownByTheirView) {
    receiver_.answer("503 Busy");
    start();
    append(1, 1);
    ASSERT_TRUE(await_figures([](const WebhookFigures& now) { return now.failing; }));
    Views views;
    webhooks_->add_to(views);
    View* view = views.find("webhooks");
    ASSERT_NE(view, nullptr);
    ViewAnswer shown;
    view->ask({}, [&](ViewAnswer answer) { shown = std::move(answer); });
    EXPECT_EQ(shown.status, 200);
    EXPECT_THAT(shown.body, HasSubstr("{\"webhooks\":[{\"feed\":\"jobs\",\"url\":\"http://127"));
    EXPECT_THAT(shown.body, HasSubstr("\"pending\":1,"));
    EXPECT_THAT(shown.body, HasSubstr("\"failing\":true,\"lagging\":false,\"delivered\":0,"));
    EXPECT_THAT(shown.body, HasSubstr("\"error\":\"HTTP status 503\"}]}"));
}

}  // namespace
}  // namespace herald::sidecar
