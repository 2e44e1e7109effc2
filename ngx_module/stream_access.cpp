#include "stream_access.hpp"

#include "access.hpp"
#include "websocket.hpp"
#include "worker.hpp"

namespace herald {

namespace {

void end_revoked(Subscriber& subscriber) {
    if (subscriber.identity != nullptr && is_revoked(*subscriber.identity))
        subscriber.end(CloseReason::Expired, kWsTokenOver, "revoked");
}

}  // namespace

bool bind_identity(Subscriber& subscriber) {
    subscriber.identity = admitted(subscriber.request);
    return subscriber.identity == nullptr || !is_revoked(*subscriber.identity);
}

void follow_news(AuthMainSettings& settings, ngx_log_t* log) {
    Worker* worker = Worker::current();
    if (worker == nullptr)
        return;
    static bool some_revoked;
    some_revoked = false;
    worker->trust().keys = [&settings, log](std::string_view source, std::string_view json) {
        Judge::current().take_keys(settings, source, json, log);
    };
    worker->trust().revoked = [](const Revocation&) { some_revoked = true; };
    // One look at the streams for however many revocations have come together.
    worker->trust_changed = [worker] {
        if (std::exchange(some_revoked, false)) {
            worker->each_subscriber(end_revoked);
            worker->run_later();
        }
        AccessWait::resume_all();
    };
}

}  // namespace herald
