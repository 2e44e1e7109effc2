// From a subscriber's position to its socket, on one of three paths (subscriber.hpp, Path).
//
// `deliver` sends everything that a subscriber has not had, as far as its socket takes it; the
// lane's loop does the same for the many that need nothing but the newest segment, and calls the
// visitor here for the others. Nothing here finalizes a request: connections that broke or ended
// are put on the worker's list, so that no loop over slots loses its footing.
#pragma once

#include "subscriber.hpp"

namespace herald {

class Worker;

// Sends what there is. Not from within a lane's loop for a subscriber whose history or end may be
// due: those join and leave lanes.
void deliver(Subscriber& subscriber);

// Marks a subscriber whose connection is broken, or is to be cut; it is finalized soon after.
void give_up(Subscriber& subscriber, CloseReason reason);

// Finalizes the request of a subscriber that has given up or sent its last bytes. The subscriber is
// gone afterwards, or in nginx's hands.
void finalize(Subscriber& subscriber);

// nginx's write event for a request that is a stream.
void on_writable(ngx_http_request_t* r) noexcept;

// What Lane::fan_out asks for the slots that it cannot serve itself, of any lane.
class LaneVisitor {
  public:
    explicit LaneVisitor(Worker& worker) : worker_(worker) {}
    void blocked(Slot& slot, uint32_t index, uint64_t ordinal, uint64_t offset);
    void indirect(Slot& slot, uint32_t index);
    void busy(Slot& slot, uint32_t index);
    void broken(Slot& slot, uint32_t index);

  private:
    Worker& worker_;
};

}  // namespace herald
