// What happens to a stream as time passes: keepalives, idle timeout, lifetime, drain.
#pragma once

#include "subscriber.hpp"

namespace herald {

// Sets the beat and the deadline of a new stream, and its timer.
void start_timers(Subscriber& subscriber);
// Sets the timer anew, after one of its times has changed.
void reschedule(Subscriber& subscriber);
// Called by the worker's wheel.
void on_due(Subscriber& subscriber);

}  // namespace herald
