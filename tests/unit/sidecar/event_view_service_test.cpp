// The configured views as the loop asks them, with their thread.
#include "sidecar/views/event_view_service.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <thread>

#include "journal_lines.hpp"
#include "temporary_directory.hpp"

namespace herald::sidecar {
namespace {

class EventViewServiceTest : public testing::Test {
  protected:
    EventViewServiceTest() {
        configs_.push_back({"render", ViewKind::Jobs, ChannelPattern("render")});
    }

    ViewAnswer ask(ViewRequest request = {}) {
        std::optional<ViewAnswer> answer;
        View* view = views_.find("render");
        if (view != nullptr)
            view->ask(std::move(request), [&](ViewAnswer given) { answer = std::move(given); });
        EXPECT_TRUE(answer) << "not at once";
        return answer.value_or(ViewAnswer{});
    }
    // Asks until that is the answer; the thread takes as long as it takes.
    void await(const std::string& body) {
        while (ask().body != body)
            std::this_thread::yield();
    }
    void write_job(uint64_t seq) {
        const std::string data = R"({"event":"job.created","job":{"job_id":)" +
                                 std::to_string(seq) + R"(,"status":"queued","farm":"mock"}})";
        JournalEntry entry = JournalLines::event(seq);
        entry.channel = "render";
        entry.data = data;
        journal_.append(entry);
    }
    static std::string jobs(int count) {
        const std::string text = std::to_string(count);
        return R"({"jobs":)" + text + R"(,"by_status":{"queued":)" + text +
               R"(},"by_farm":{"mock":)" + text + "}}";
    }
    void start() {
        service_.emplace(directory_ / "state", configs_, journal_.segments(), JournalLines::kLog,
                         journal_.segments().last_seq());
        service_->add_to(views_);
    }

    TemporaryDirectory directory_{};
    JournalLines journal_{};
    std::vector<ViewConfig> configs_{};
    std::optional<EventViewService> service_{};
    Views views_{};
};

TEST_F(EventViewServiceTest, FollowsTheJournal) {
    write_job(1);
    start();
    await(jobs(1));
    write_job(2);
    await(jobs(2));
    EXPECT_EQ(ask().status, 200);
}

TEST_F(EventViewServiceTest, AnswersAlsoBeforeThereIsAView) {
    for (uint64_t seq = 1; seq <= 3000; ++seq)
        write_job(seq);
    start();
    // Whatever it is, it is one of the two, and nothing in between.
    for (;;) {
        const ViewAnswer answer = ask();
        if (answer.status == 200) {
            EXPECT_EQ(answer.body, jobs(3000));
            break;
        }
        EXPECT_EQ(answer.status, 503);
        EXPECT_EQ(answer.body, R"({"detail":"The view is being made"})");
        std::this_thread::yield();
    }
}

TEST_F(EventViewServiceTest, AnswersAFlushWithWhatThereIs) {
    write_job(1);
    start();
    await(jobs(1));
    // The journal begins anew: what is made of it has the second job alone.
    journal_.begin_segment(2);
    write_job(2);
    await(jobs(2));
    journal_.segments().remove_oldest();
    EXPECT_EQ(ask({.flush = true}).body, jobs(2));
    await(jobs(1));
}

TEST_F(EventViewServiceTest, HasNoItems) {
    start();
    EXPECT_EQ(ask({.item = "a"}).status, 404);
    EXPECT_EQ(ask({.item = "a", .flush = true}).status, 404);
}

TEST_F(EventViewServiceTest, GoesOnWhereItsThreadIsNotAtTheEnd) {
    write_job(1);
    journal_.pretend(5);  // and never come
    start();
    await(jobs(1));
}

}  // namespace
}  // namespace herald::sidecar
