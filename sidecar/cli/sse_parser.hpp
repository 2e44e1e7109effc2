// Reads a server-sent event stream (WHATWG HTML, section 9.2.6, "Interpreting an event stream")
// out of chunks that are cut anywhere.
//
// It does not decode UTF-8 and does not look into the data: bytes go on as they came. What the end
// of the stream cuts off is no event, and its id does not count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sidecar/cli/received.hpp"

namespace herald::cli {

class SseParser {
  public:
    // What is larger is stepped over, and told as `too_long`.
    static constexpr size_t kMaxEvent = 64 << 20;  // bytes of one event's data

    // `last_id` is the id that an event without one inherits from the connection before.
    explicit SseParser(std::string last_id = {}, size_t max_event = kMaxEvent)
        : max_event_(max_event), id_(last_id), last_id_(std::move(last_id)) {}

    // Calls `hear` for each event that is whole now; false from it ends the reading there, and what
    // is left of `bytes` is dropped. Returns what `hear` returned last.
    bool feed(std::string_view bytes, const std::function<bool(const Received&)>& hear);

    // What to send as Last-Event-ID. Already that of the event while `hear` is called with it.
    const std::string& last_id() const { return last_id_; }
    // The last `retry:`, in milliseconds.
    std::optional<uint64_t> retry_ms() const { return retry_ms_; }

  private:
    bool end_line(std::string_view line, const std::function<bool(const Received&)>& hear);
    void field(std::string_view name, std::string_view value);
    bool dispatch(const std::function<bool(const Received&)>& hear);
    void keep(std::string_view part);
    // What is longer has too much data for an event. The first line may begin with a byte order
    // mark.
    size_t max_line() const {
        return max_event_ + std::string_view("data: ").size() + (first_line_ ? 3 : 0);
    }

    const size_t max_event_;
    std::string line_{};     // what has come of an unfinished one
    bool after_cr_ = false;  // an LF that comes next belongs to it
    bool first_line_ = true;

    // Of the event that is being read.
    std::string data_{};
    bool has_data_ = false;
    bool too_long_ = false;
    bool own_id_ = false;
    std::string event_{};
    std::string id_;  // inherited by the next events, too

    std::string last_id_;
    std::optional<uint64_t> retry_ms_{};
};

}  // namespace herald::cli
