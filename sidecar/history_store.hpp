// The projection that answers history, as the service that asks it sees it.
#pragma once

#include <string>

#include "ring/questions.hpp"
#include "sidecar/projection.hpp"

namespace herald::sidecar {

class HistoryStore : public Projection {
  public:
    // The answer to a question, as bytes: HistoryAnswer and its items. Sees what was applied.
    // Throws like the others.
    virtual std::string answer(const ring::questions::HistoryQuestion& question) = 0;

    // Whether the file on disk is no longer the one that is open: deleted or replaced. `open` makes
    // a new one then.
    virtual bool is_gone() const = 0;
};

}  // namespace herald::sidecar
