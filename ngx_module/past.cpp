#include "past.hpp"

#include <algorithm>

#include "worker.hpp"

namespace herald {

namespace {

constexpr size_t kMostPositions = 4096;  // of a channel, that a replay remembers at a time

// Walks one channel back.
void walk_channel(Worker& worker, std::string_view channel, const Reach& reach, Past& past) {
    ring::Reader& reader = worker.ring()->reader;
    uint64_t position = worker.channels.last(channel);
    uint64_t known_from =
        worker.last_seq();  // nothing of the channel lies between here and the last step
    uint64_t hash = 0;
    bool missing = true;              // until the chain has been followed far enough
    std::vector<uint64_t> positions;  // the newest first
    for (size_t found = 0; found < reach.limit; ++found) {
        ring::RecordHeader header;
        if (position == ring::kNoPosition || position < reader.oldest())
            break;
        if (reader.header_at(position, header) != ring::Poll::Record)
            break;
        if (header.kind != ring::Kind::Event || (found != 0 && header.channel_hash != hash))
            break;
        hash = header.channel_hash;
        if (header.seq <= reach.after_seq || header.at_ms < reach.since_ms) {
            missing = false;
            break;
        }
        positions.push_back(position);
        if (positions.size() == 2 * kMostPositions && reach.limit == SIZE_MAX) {
            positions.erase(positions.begin(), positions.end() - kMostPositions);
            past.cut = std::min(past.cut, positions.front());
        }
        known_from = header.previous_seq;
        if (known_from <= reach.after_seq) {
            missing = false;
            break;
        }
        position = header.previous;
        if (found + 1 == reach.limit)
            missing = false;
    }
    past.positions.insert(past.positions.end(), positions.begin(), positions.end());
    // A channel without a record in the ring has had none since what was evicted last.
    if (missing)
        past.missing_to = std::max(past.missing_to, std::min(known_from, reader.evicted_seq()));
}

}  // namespace

Past collect(Worker& worker, const Topic& topic, const Reach& reach) {
    Past past;
    for (const std::string& channel : topic.channels())
        walk_channel(worker, channel, reach, past);
    if (past.missing_to <= reach.after_seq)
        past.missing_to = 0;
    if (reach.gaps) {
        for (const NotedGap& gap : worker.noted_gaps()) {
            if (gap.to_seq > reach.after_seq && gap.position >= worker.ring()->reader.oldest())
                past.positions.push_back(gap.position);
        }
    }
    std::sort(past.positions.begin(), past.positions.end());
    past.positions.erase(std::upper_bound(past.positions.begin(), past.positions.end(), past.cut),
                         past.positions.end());
    if (past.positions.size() > reach.limit)
        past.positions.erase(past.positions.begin(),
                             past.positions.end() - static_cast<ptrdiff_t>(reach.limit));
    return past;
}

}  // namespace herald
