// herald_hibernate: quiet streams on HTTP/1, over TLS or not, give nginx's request memory back.
//
// A stream that is live and has sent all it has keeps of its request only an image
// (request_image.hpp). The subscriber then owns the connection, with read and write handlers of its
// own: events, keepalives, slow sockets and a client's frames need no request. Where one is needed
// again (the stream ends, nginx closes the connection, a message has variables), it is made of
// the image, and everything goes on as if it had never been away: the access log's line is the
// same.
//
// Rules:
// 1. A stream that has anything which an image cannot hold stays awake: a context or a clean-up of
//    another module, bytes under way, a body, more than one reason to be counted.
// 2. Streams fall asleep from an event of their own alone, never while nginx or we are at work for
//    a request: both look at it again when a handler returns.
// 3. They may wake up anywhere but in a loop over a lane's slots; with the request comes
//    everything that nginx expects of one but what body filters know. So a stream that has slept
//    once is not ended through them (Subscriber::end).
// Single-threaded, one for each worker.
#pragma once

#include <vector>

#include "access.hpp"
#include "request_image.hpp"
#include "subscriber.hpp"

namespace herald {

// What a sleeping subscriber has in the place of a request.
struct Asleep {
    std::unique_ptr<RequestImage> image;
    AuthNote auth;
    ngx_http_log_ctx_t* log_context;  // the connection's log has it as data while it is awake
};

class Hibernation {
  public:
    explicit Hibernation(ngx_log_t* log);
    ~Hibernation();
    Hibernation(const Hibernation&) = delete;
    Hibernation& operator=(const Hibernation&) = delete;

    // Has a stream that is live fall asleep soon, where it may. Cheap for one that has been judged.
    void consider(Subscriber& subscriber) {
        if (subscriber.sleep == Sleep::Undecided)
            enqueue(subscriber);
    }
    // The subscriber is about to go.
    void forget(Subscriber& subscriber);

  private:
    static void on_posted(ngx_event_t* event) noexcept;
    void enqueue(Subscriber& subscriber);

    std::vector<Subscriber*> drowsy_;
    ngx_event_t posted_{};
};

// Gives the subscriber its request again; true when it has one afterwards. False: memory is out, it
// sleeps on.
bool wake_up(Subscriber& subscriber);

// For a sleeping subscriber that cannot be woken and has to go: frees it and closes the connection,
// without a line in the access log.
void abandon(Subscriber& subscriber);

}  // namespace herald
