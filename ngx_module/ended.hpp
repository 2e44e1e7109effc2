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

// What the newest event of these channels does to their streams; GoesOn where there is none. Of
// what is no longer in the ring, the index knows.
enum class Newest { GoesOn, Ends, AskIndex };
Newest newest_of(Worker& worker, const std::vector<std::string>& channels);

// Whether this worker has seen an event of one of these channels. Otherwise the sidecar knows.
bool has_seen(Worker& worker, const std::vector<std::string>& channels);

// The question to the sidecar for both. Needs a ring.
struct ChannelQuestion {
    uint64_t seq = 0;    // of the client's id; 0: it has none
    uint64_t up_to = 0;  // how far the index has to have got
    std::string bytes{};

    // `client_id`: nullptr where there is none.
    ChannelQuestion(Worker& worker, const std::vector<std::string>& channels,
                    const std::string* client_id);

    struct Told {
        bool known = false;    // one of them has had an event, or has a folder
        bool unknown = false;  // certainly not; neither: the answer does not say
        bool ended = false;    // their newest event ends their streams
        bool at_end = false;   // and is the one that the client has
    };
    // `answer`: nullptr where none came.
    Told read(const std::string* answer) const;
};

}  // namespace herald
