// The events that nginx itself makes: greeting, heartbeats, keepalives, the loss of Redis.
#pragma once

#include "subscriber.hpp"

namespace herald {

// Queues a message of the settings as an event without id, its variables evaluated now. Nothing
// when it is off.
void push_message(Subscriber& subscriber, const Message& message);

// Queues what keeps an SSE connection (a comment) or a WebSocket (a ping) alive, or a heartbeat
// event.
void push_keepalive(Subscriber& subscriber);

// Sends herald_error_event.
void tell_redis_lost(Subscriber& subscriber);

}  // namespace herald
