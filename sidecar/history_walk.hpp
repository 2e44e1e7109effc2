// How rows of the past become the items of an answer (ring/questions.hpp), wherever the rows come
// from: bounds, searches and directions are the same for the index and for a table.
//
// `Rows` go in one direction by seq, events and notices among each other:
//
//   bool is_end()            none is left; the next three are about the one that comes next
//   bool is_event()          false: a notice
//   uint64_t seq()
//   bool put(out, search)    appends it as an item; false: it is not what is searched for
//   void pop()
//   bool has_events()        some of those that are left are events
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ring/questions.hpp"
#include "sidecar/index_search.hpp"

namespace herald::sidecar {

class HistoryWalk {
  public:
    // Of the range, `limit` counts here. `max_bytes` of items are put, but one in any case. The
    // references outlive it.
    HistoryWalk(const ring::questions::HistoryRange& range, size_t max_bytes, IndexSearch& search,
                ring::questions::HistoryAnswer& answer)
        : limit_(range.limit), max_bytes_(max_bytes), search_(search), answer_(answer) {}

    // Rows from the oldest on. Sets count, more and behind_seq of the answer, appends to `out`.
    template <class Rows>
    void forward(Rows& rows, std::string& out);

    // Rows from the newest on; the items come out the other way round. Notices that are older than
    // the oldest event are left out.
    template <class Rows>
    void newest(Rows& rows, std::string& out);

  private:
    // Whether the answer has to end in front of the next event.
    bool is_full() const { return (limit_ != 0 && events_ == limit_) || search_.is_spent(); }

    // How far a search has got.
    template <class Rows>
    void leave_behind(const Rows& rows) {
        if (search_.is_any() && rows.is_event())
            answer_.behind_seq = rows.seq();
    }

    uint32_t limit_;
    size_t max_bytes_;
    IndexSearch& search_;
    ring::questions::HistoryAnswer& answer_;
    uint32_t events_ = 0;  // in the answer
};

template <class Rows>
void HistoryWalk::forward(Rows& rows, std::string& out) {
    const size_t end = out.size() + max_bytes_;
    for (; !rows.is_end(); rows.pop()) {
        if (rows.is_event() && is_full()) {
            answer_.more = 1;
            return;
        }
        const size_t before = out.size();
        const bool is_found = rows.put(out, search_);
        if (out.size() > end && answer_.count != 0) {
            out.resize(before);
            answer_.more = 1;
            return;
        }
        leave_behind(rows);
        if (!is_found)
            continue;
        ++answer_.count;
        events_ += rows.is_event();
    }
}

template <class Rows>
void HistoryWalk::newest(Rows& rows, std::string& out) {
    std::string items;
    std::vector<size_t> ends;  // of the items in `items`
    size_t kept = 0;           // items up to the oldest event
    for (; !rows.is_end(); rows.pop()) {
        if (rows.is_event() ? is_full() : events_ != 0 && !rows.has_events())
            break;
        const bool is_found = rows.put(items, search_);
        if (items.size() > max_bytes_ && !ends.empty())
            break;
        leave_behind(rows);
        if (!is_found)
            continue;
        ends.push_back(items.size());
        if (rows.is_event()) {
            ++events_;
            kept = ends.size();
        }
    }
    answer_.more = rows.has_events();

    if (events_ != 0)
        ends.resize(kept);
    answer_.count = static_cast<uint32_t>(ends.size());
    for (size_t i = ends.size(); i-- > 0;) {
        const size_t begin = i == 0 ? 0 : ends[i - 1];
        out.append(items, begin, ends[i] - begin);
    }
}

}  // namespace herald::sidecar
