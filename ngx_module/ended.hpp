// Channels that have ended: whether a client that comes back has had everything, its end included.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ngx.hpp"

namespace herald {

class Worker;

enum class AtEnd { No, Yes, AskIndex };

// Whether the newest event of these channels ends their streams, and `client_id` (Last-Event-ID as
// it came) is not before it. Of what is no longer in the ring, the index knows.
AtEnd is_at_end(Worker& worker, const std::vector<std::string>& channels,
                const std::string& client_id);

// Asks the index the same; `answered` is called once, later, unless the question is cancelled.
// Returns its number (Asks). The sidecar is there.
uint64_t ask_at_end(Worker& worker, const std::vector<std::string>& channels,
                    const std::string& client_id, std::function<void(bool at_end)> answered);

}  // namespace herald
