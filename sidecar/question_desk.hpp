// Looks into the workers' questions, and passes each to whoever can answer it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ring/questions.hpp"
#include "sidecar/control_server.hpp"
#include "sidecar/history_service.hpp"
#include "sidecar/log.hpp"
#include "sidecar/polled_past.hpp"
#include "sidecar/views/view.hpp"

namespace herald::sidecar {

// Takes events that clients send.
class EventIntake {
  public:
    // `text` is for the client; empty where the event was accepted.
    using Answered = std::function<void(ring::questions::PublishAnswer answer, std::string text)>;

    // `answered` is called once, on the loop, now or later.
    virtual void publish(std::string channel, std::string data, Answered answered) = 0;

  protected:
    ~EventIntake() = default;
};

class QuestionDesk final : public Questions {
  public:
    // The references outlive the desk. Whoever answers after its end is not listened to.
    // `pasts`: of channels whose polls are not for the index.
    QuestionDesk(ControlServer& server, HistoryService& history, EventIntake& intake,
                 const Views& views, std::vector<PolledPast*> pasts = {});

    void on_question(PeerId peer, uint64_t number, std::string bytes) override;

  private:
    void ask_history(PeerId peer, uint64_t number, std::string_view bytes);
    void poll(PeerId peer, uint64_t number, std::string_view bytes);
    HistoryAnswers::Answered answer_to(PeerId peer, uint64_t number) const;
    void publish(PeerId peer, uint64_t number, std::string_view bytes);
    void ask_view(PeerId peer, uint64_t number, std::string_view bytes);

    std::shared_ptr<ControlServer*> server_;  // answers under way hold it weakly
    HistoryService& history_;
    EventIntake& intake_;
    const Views& views_;
    std::vector<PolledPast*> pasts_;
    log::Limit complaints_{1};  // of views
};

}  // namespace herald::sidecar
