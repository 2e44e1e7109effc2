#include "messages.hpp"

#include "channel.hpp"
#include "delivery.hpp"
#include "hibernation.hpp"
#include "websocket.hpp"

namespace herald {

void push_message(Subscriber& s, const Message& message) {
    if (message.data == nullptr)
        return;
    if (message.data->has_variables() && !wake_up(s))
        return;
    std::string data;
    // The first evaluation may cache variables in the request; later ones must leave nothing
    // behind.
    const bool done = s.starting ? message.data->evaluate(s.request, data)
                                 : message.data->evaluate_again(s.request, data);
    if (!done)
        return;
    if (s.encoding.transport == Transport::WsEnvelope && !message.data->is_json()) {
        std::string quoted = "\"";
        append_json_text(quoted, data);
        data = quoted.append("\"");
    }

    OutEvent event;
    event.event = view(message.event);
    if (s.topic.channels().size() == 1)
        event.channel = s.topic.channels().front();
    event.data = data;
    s.push_event(event);
}

void push_keepalive(Subscriber& s) {
    const Keepalive& keepalive = *s.settings->keepalive;
    if (keepalive.kind == KeepaliveKind::Event) {
        push_message(s, keepalive.event);
        return;
    }
    std::string bytes;
    if (s.is_websocket())
        append_ws_ping(bytes, {});
    else
        append_comment(bytes, view(keepalive.comment));
    s.push(std::move(bytes));
}

void tell_redis_lost(Subscriber& s) {
    if (s.phase == Phase::Ending || s.dead || s.settings->error_event->data == nullptr)
        return;
    deliver(s);  // first what came before
    push_message(s, *s.settings->error_event);
    deliver(s);
}

}  // namespace herald
