// The past of some channels that is kept elsewhere than in the index, as polls ask for it.
#pragma once

#include "ring/questions.hpp"
#include "sidecar/history_answers.hpp"

namespace herald::sidecar {

class PolledPast {
  public:
    // Whether polls of this channel are to be asked here.
    virtual bool has(std::string_view channel) const = 0;

    // A poll of one such channel. `answered` is called once, on the loop, never from within `ask`.
    virtual void ask(ring::questions::HistoryQuestion question,
                     HistoryAnswers::Answered answered) = 0;

  protected:
    ~PolledPast() = default;
};

}  // namespace herald::sidecar
