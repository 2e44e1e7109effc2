#include "opening.hpp"

#include <algorithm>

#include "compression_offers.hpp"
#include "delivery.hpp"
#include "headers.hpp"
#include "messages.hpp"
#include "replay.hpp"
#include "stream_access.hpp"
#include "timers.hpp"
#include "websocket.hpp"
#include "worker.hpp"

namespace herald {

namespace {

void leave_worker(Subscriber& s) {
    Worker& worker = *Worker::current();
    s.leave_lane();
    cancel_replay(s);
    if (s.log.reason == CloseReason::None)
        s.log.reason = CloseReason::Client;
    s.connection->sent += static_cast<off_t>(s.direct_bytes);  // for $bytes_sent
    worker.remove(s);
    worker.channels.release(s.topic);
}

// nginx has given up the request: the stream is over. The memory stays, see destroy.
void detach(void* data) noexcept {
    auto* context = static_cast<RequestContext*>(data);
    if (!context->attached)
        return;
    Subscriber& s = *context->subscriber;
    context->attached = false;
    if (Worker::current() == nullptr) {
        s.log.channel = {};
        return;
    }
    guard(s.connection->log, [&] {
        s.log.channel = copy_to_pool(s.request->pool, view(s.log.channel));
        leave_worker(s);
    });
}

void destroy(void* data) noexcept {
    auto* context = static_cast<RequestContext*>(data);
    delete context->subscriber;
    context->~RequestContext();
}

bool set_sse_header(ngx_http_request_t* r) {
    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_type = as_ngx_str("text/event-stream; charset=utf-8");
    r->headers_out.content_type_len = std::string_view("text/event-stream").size();
    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);
    return add_header(r, "Cache-Control", "no-cache, no-transform") &&
           add_header(r, "X-Accel-Buffering", "no");
}

bool is_rate_limited(ngx_http_request_t* r) {
    if (r->limit_rate_set)
        return r->limit_rate != 0;
    auto* core = static_cast<ngx_http_core_loc_conf_t*>(
        ngx_http_get_module_loc_conf(r, ngx_http_core_module));
    return ngx_http_complex_value_size(r, core->limit_rate, 0) != 0;
}

// Which way the stream's bytes take; the response's header has been made.
Path choose_path(ngx_http_request_t* r, bool gzip) {
    // A content coding that is not ours is made by a filter. Over TLS nginx itself wants its main
    // filters to have everything in memory.
    const bool filtered = (r->headers_out.content_encoding != nullptr) != gzip ||
                          r->filter_need_in_memory || r->filter_need_temporary ||
                          (r->main_filter_need_in_memory && !is_secure(r));
    if (r->http_version >= NGX_HTTP_VERSION_20 || filtered || is_rate_limited(r))
        return Path::Filter;
    return is_secure(r) ? Path::Tls : Path::Direct;
}

// Whether an SSE client is gone. It has nothing to say, so that the end of its side is its end.
bool is_gone(const Subscriber& s) {
    ngx_connection_t* c = s.connection;
    ngx_event_t* read = c->read;
    if (c->error || read->error)
        return true;
    if (s.request != nullptr && s.request->http_version >= NGX_HTTP_VERSION_20)
        return false;  // the end of a request's side is not the end of its stream
#if (NGX_HAVE_EPOLLRDHUP)
    if ((ngx_event_flags & NGX_USE_EPOLL_EVENT) && ngx_use_epoll_rdhup)
        return read->pending_eof;
#endif
    char byte;
    const ssize_t size = recv(c->fd, &byte, 1, MSG_PEEK);
    return size == 0 || (size < 0 && ngx_socket_errno != NGX_EAGAIN);
}

void on_sse_readable(ngx_http_request_t* r) noexcept {
    guard(r->connection->log, [&] {
        Subscriber* s = subscriber_of(r);
        if (s == nullptr)
            return;
        read_sse(*s);
        Worker::current()->run_later();
    });
}

// herald_compress gzip. What another client would get is said to caches, too.
bool agree_on_gzip(ngx_http_request_t* r, Encoding& encoding) {
    if (!(location_settings(r)->compress & kCompressGzip))
        return true;
    if (!add_header(r, "Vary", "Accept-Encoding"))
        return false;
    bool accepted = false;
    each_header(r, "Accept-Encoding",
                [&](std::string_view value) { accepted |= accepts_gzip(value); });
    if (!accepted)
        return true;
    if (!add_header(r, "Content-Encoding", "gzip"))
        return false;
    // nginx's filters find it there.
    ngx_list_part_t& part = *r->headers_out.headers.last;
    r->headers_out.content_encoding = static_cast<ngx_table_elt_t*>(part.elts) + part.nelts - 1;
    encoding.compressed = true;
    return true;
}

// Decides the transport and makes the response's header; NGX_OK, or what the handler has to return.
ngx_int_t negotiate(ngx_http_request_t* r, Encoding& encoding, bool& websocket) {
    const LocationSettings& settings = *location_settings(r);
    websocket = asks_for_websocket(r) && r->method == NGX_HTTP_GET;
    if (websocket && !(settings.transports & kOfferWebsocket))
        return refuse(r, NGX_HTTP_BAD_REQUEST, "this location does not offer WebSocket");
    if (!websocket && !(settings.transports & kOfferSse)) {
        r->headers_out.status_line = as_ngx_str("426 Upgrade Required");
        return add_header(r, "Upgrade", "websocket") && add_header(r, "Sec-WebSocket-Version", "13")
                   ? refuse(r, 426, "this location offers WebSocket only")
                   : NGX_ERROR;
    }

    if (websocket) {
        std::string_view why;
        const ngx_int_t status = accept_websocket(r, encoding, why);
        if (status != NGX_OK)
            return status == NGX_ERROR ? status : refuse(r, static_cast<ngx_uint_t>(status), why);
        return NGX_OK;
    }
    encoding.ids = settings.ids != 0;
    encoding.names = settings.names != 0;
    return set_sse_header(r) && agree_on_gzip(r, encoding) ? NGX_OK : NGX_ERROR;
}

// The `retry:` block that most streams of a worker begin with is made once for all of them.
std::shared_ptr<const std::string> retry_block(uint64_t milliseconds) {
    static uint64_t made_for;
    static std::shared_ptr<const std::string> block;
    if (!block || made_for != milliseconds) {
        std::string bytes;
        append_retry(bytes, milliseconds);
        block = std::make_shared<const std::string>(std::move(bytes));
        made_for = milliseconds;
    }
    return block;
}

// herald_start uri=: what was fetched, as it is or as `data=` shapes it.
void push_first_event(Subscriber& s, RequestContext& context) {
    const Start& start = *s.settings->start;
    if (start.first.data != nullptr) {
        push_message(s, start.first);
    } else {
        OutEvent event;
        event.event = view(start.first.event);
        if (s.topic.channels().size() == 1)
            event.channel = s.topic.channels().front();
        event.data = context.first->json();
        s.push_event(event);
    }
}

// The response's header is made: from here on it is a stream.
ngx_int_t start_stream(ngx_http_request_t* r, RequestContext& context, Wish wish, Encoding encoding,
                       bool websocket) {
    Worker& worker = *Worker::current();
    std::vector<std::string>& channels = wish.channels;
    Topic& topic = worker.channels.acquire(std::move(channels), location_settings(r)->fills);
    try {
        context.subscriber = new Subscriber(r, topic);
    } catch (...) {
        worker.channels.release(topic);
        throw;
    }
    Subscriber& s = *context.subscriber;
    s.log.transport = as_ngx_str(websocket ? "websocket" : "sse");
    s.log.channel = as_ngx_str(topic.channels().front());
    const bool gzip = encoding.compressed && !websocket;
    s.later_path = choose_path(r, gzip);
    encoding.chunked = !websocket && r->chunked && s.later_path != Path::Filter;
    s.encoding = encoding;
    if (websocket)
        s.websocket = std::make_unique<WebSocket>(encoding.compressed);
    if (gzip) {
        s.gzip = std::make_unique<GzipStream>();
        s.push_encoded(std::string(kGzipHeader));
    }
    if (!websocket && s.settings->retry != 0) {
        if (gzip)
            s.push(*retry_block(s.settings->retry));
        else
            s.push_frame({retry_block(s.settings->retry)});  // its chunk is nginx's to make
    }
    worker.add(s);
    context.attached = true;

    attach_handlers(s);
    ++r->main->count;

    auto* core = static_cast<ngx_http_core_loc_conf_t*>(
        ngx_http_get_module_loc_conf(r, ngx_http_core_module));
    if (r->http_version < NGX_HTTP_VERSION_20 && core->tcp_nodelay)
        ngx_tcp_nodelay(r->connection);

    const bool resumes = wish.client_id != nullptr;
    if ((wish.at_end && s.settings->replay_ended) ||
        (context.first != nullptr && !resumes && wish.ended))
        s.from_start = true;
    else if (wish.behind)
        s.client_id = std::make_unique<std::string>(ring::to_string(*wish.behind));
    else
        s.client_id = std::move(wish.client_id);
    s.waiting_since_ms = wish.since_ms;
    const bool welcome = bind_identity(s);
    start_timers(s);
    if (!welcome) {
        s.end(CloseReason::Expired, kWsTokenOver, "revoked");
    } else if (wish.at_end && !s.from_start) {
        s.end(CloseReason::Ended, kWsNormal, "ended");
    } else {
        push_message(s, *s.settings->greeting);
        if (context.first != nullptr && !resumes)
            push_first_event(s, context);
        if (worker.ring() != nullptr)
            begin_history(s);
        else
            worker.wait_for_ring(s);
    }

    if (context.first != nullptr)
        std::exchange(context.first, nullptr)->release();
    if (!s.outbox && ngx_http_send_special(r, NGX_HTTP_FLUSH) == NGX_ERROR)
        give_up(s, CloseReason::Client);
    deliver(s);
    if (websocket)
        read_websocket(s);  // frames may have come right behind the handshake
    else if (is_gone(s))
        give_up(s, CloseReason::Client);
    worker.run_later_soon();
    return NGX_DONE;
}

}  // namespace

RequestContext* context_of(ngx_http_request_t* r) {
    return static_cast<RequestContext*>(ngx_http_get_module_ctx(r, ngx_http_herald_module));
}

// Both clean-ups are registered before there is anything to clean up.
RequestContext* make_context(ngx_http_request_t* r) {
    void* memory = ngx_palloc(r->pool, sizeof(RequestContext));
    ngx_pool_cleanup_t* at_end = ngx_pool_cleanup_add(r->pool, 0);
    ngx_http_cleanup_t* at_close = ngx_http_cleanup_add(r, 0);
    if (memory == nullptr || at_end == nullptr || at_close == nullptr)
        return nullptr;
    auto* context = new (memory) RequestContext;
    at_end->handler = destroy;
    at_end->data = context;
    at_close->handler = detach;
    at_close->data = context;
    ngx_http_set_ctx(r, context, ngx_http_herald_module);
    return context;
}

ngx_int_t come_back_later(ngx_http_request_t* r) {
    if (location_settings(r)->drain->abort)
        return NGX_HTTP_CLOSE;
    std::string body;
    append_retry(body, std::max<ngx_msec_t>(location_settings(r)->retry, 1000));
    return add_header(r, "Cache-Control", "no-cache, no-transform")
               ? send_body(r, NGX_HTTP_OK, "text/event-stream; charset=utf-8", body)
               : NGX_ERROR;
}

// The answer to what the request wishes for.
ngx_int_t open_stream(ngx_http_request_t* r, RequestContext& context, Wish wish) {
    // 204 ends the life of an EventSource. A WebSocket is opened, and closed in order.
    if (wish.at_end && !location_settings(r)->replay_ended && !asks_for_websocket(r))
        return NGX_HTTP_NO_CONTENT;
    Encoding encoding;
    bool websocket = false;
    ngx_int_t rc = negotiate(r, encoding, websocket);
    if (rc != NGX_OK || r->header_sent)
        return rc;
    rc = ngx_http_send_header(r);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only)
        return rc;
    return start_stream(r, context, std::move(wish), encoding, websocket);
}

Subscriber* subscriber_of(ngx_http_request_t* r) {
    RequestContext* context = context_of(r);
    return context != nullptr && context->attached ? context->subscriber : nullptr;
}

const StreamLog* stream_log_of(ngx_http_request_t* r) {
    RequestContext* context = context_of(r);
    if (context == nullptr || context->subscriber == nullptr)
        return nullptr;
    if (context->attached)
        context->subscriber->settle();
    return &context->subscriber->log;
}

// -- while the stream sleeps

bool is_stream_cleanup(ngx_http_cleanup_pt handler) {
    return handler == detach;
}

bool is_stream_pool_cleanup(ngx_pool_cleanup_pt handler) {
    return handler == destroy;
}

void release_subscriber(ngx_http_request_t* r) {
    RequestContext& context = *context_of(r);
    context.subscriber = nullptr;
    context.attached = false;
}

bool adopt(ngx_http_request_t* r, Subscriber& s) {
    RequestContext* context = make_context(r);
    if (context == nullptr)
        return false;
    context->subscriber = &s;
    context->attached = true;
    return true;
}

void attach_handlers(Subscriber& s) {
    s.request->read_event_handler = s.is_websocket() ? on_websocket_readable : on_sse_readable;
    s.request->write_event_handler = on_writable;
}

void discard(Subscriber& s) {
    leave_worker(s);
    delete &s;
}

void read_sse(Subscriber& s) {
    ngx_event_t* read = s.connection->read;
    if (is_gone(s))
        give_up(s, CloseReason::Client);
    // A level-triggered method would report the bytes that nobody reads again and again.
    else if ((ngx_event_flags & NGX_USE_LEVEL_EVENT) && read->active)
        ngx_del_event(read, NGX_READ_EVENT, 0);
}

}  // namespace herald
