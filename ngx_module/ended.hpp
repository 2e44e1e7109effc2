// Channels that have ended: whether a client that comes back has had everything, its end included.
#pragma once

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

// The question to the index for the same.
struct EndQuestion {
    uint64_t seq = 0;    // of the client's id
    uint64_t up_to = 0;  // how far the index has to have got
    std::string bytes{};

    EndQuestion(Worker& worker, const std::vector<std::string>& channels,
                const std::string& client_id);
    // `answer`: nullptr where none came.
    bool says_at_end(const std::string* answer) const;
};

}  // namespace herald
