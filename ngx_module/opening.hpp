// From a request whose wish is known to a stream: negotiates the transport, sends the response's
// header, and makes the subscriber.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fetch.hpp"
#include "subscriber.hpp"

namespace herald {

// What a request asks for, and what is known of its channels.
struct Wish {
    std::vector<std::string> channels{};
    std::unique_ptr<std::string> client_id{};
    bool at_end = false;  // the client has had all, the end included
    bool ended = false;   // the channels' newest event ends their streams

    // herald_start uri=, unless there is a client_id: where the worker stood before it asked for
    // the first event. What has come since follows that event.
    std::optional<EventId> behind{};
    uint64_t since_ms = 0;  // wall clock; where there was no ring yet
};

// What hangs on the request: nginx frees it with the pool.
struct RequestContext {
    Subscriber* subscriber = nullptr;  // owned; nullptr: not made yet
    bool attached = false;             // the worker knows it
    std::unique_ptr<Wish> wish{};      // while the first event is fetched
    Fetch* first = nullptr;            // herald_start uri=, until it has been sent
};

// nullptr: memory is out.
RequestContext* make_context(ngx_http_request_t* r);
// nullptr: the request is none of herald_subscribe's.
RequestContext* context_of(ngx_http_request_t* r);

// -- while the stream sleeps (hibernation.hpp)

// Whether a clean-up of a request, or of its pool, is one of make_context's.
bool is_stream_cleanup(ngx_http_cleanup_pt handler);
bool is_stream_pool_cleanup(ngx_pool_cleanup_pt handler);
// The request's end is no longer its subscriber's.
void release_subscriber(ngx_http_request_t* r);
// From here on it is again; false: memory is out, and it is not.
bool adopt(ngx_http_request_t* r, Subscriber& subscriber);
// Has nginx call us for what happens to the connection.
void attach_handlers(Subscriber& subscriber);
// Ends a subscriber that has no request.
void discard(Subscriber& subscriber);
// Looks whether an SSE client is gone.
void read_sse(Subscriber& subscriber);

// Answers the request with a stream, or with what stands in its way. Returns what a content handler
// returns.
ngx_int_t open_stream(ngx_http_request_t* r, RequestContext& context, Wish wish);

// A worker that is leaving takes no streams. To EventSource anything but 200 would be final; to
// clients for whom a drain aborts, a 200 that ends cleanly would be. Those see their connection
// closed without an answer, as an idle one is, and ask again over another one.
ngx_int_t come_back_later(ngx_http_request_t* r);

}  // namespace herald
