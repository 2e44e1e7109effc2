#include "hibernation.hpp"

#include "access.hpp"
#include "delivery.hpp"
#include "messages.hpp"
#include "opening.hpp"
#include "redaction.hpp"
#include "websocket.hpp"
#include "worker.hpp"

extern ngx_module_t ngx_http_chunked_filter_module;
extern ngx_module_t ngx_http_copy_filter_module;
extern ngx_module_t ngx_http_header_count_module;  // of Debian's nginx 1.22
#pragma weak ngx_http_header_count_module

// nginx may have been built without the status module, whatever our headers say.
#pragma weak ngx_stat_reading
#pragma weak ngx_stat_requests
#pragma weak ngx_stat_writing
#pragma weak ngx_ssl_free_buffer  // likewise without TLS
extern "C" {
void ngx_ssl_free_buffer(ngx_connection_t* c);
extern ngx_atomic_t* ngx_stat_reading;
extern ngx_atomic_t* ngx_stat_requests;
extern ngx_atomic_t* ngx_stat_writing;
}

namespace herald {

namespace {

enum class Fit { Yes, NotNow, Never };

// Whether a module's context may be forgotten: it is kept in another way, or was for the header's
// parsing or for the body filters, which a stream on its direct path is past.
bool is_replaceable(ngx_uint_t index) {
    for (const ngx_module_t* module :
         {&ngx_http_herald_module, &ngx_http_herald_auth_module, &ngx_http_chunked_filter_module,
          &ngx_http_copy_filter_module, &ngx_http_header_count_module}) {
        if (module != nullptr && module->ctx_index == index)
            return true;
    }
    return false;
}

// Only modules whose state is kept, or worth nothing any more, may have something at the request.
bool has_foreign_state(ngx_http_request_t* r) {
    for (ngx_uint_t i = 0; i < ngx_http_max_module; ++i) {
        if (r->ctx[i] != nullptr && !is_replaceable(i))
            return true;
    }
    for (const ngx_http_cleanup_t* at = r->cleanup; at != nullptr; at = at->next) {
        if (at->handler != nullptr && !is_stream_cleanup(at->handler))
            return true;
    }
    for (const ngx_pool_cleanup_t* at = r->pool->cleanup; at != nullptr; at = at->next) {
        if (at->handler != nullptr && !is_stream_pool_cleanup(at->handler) &&
            !is_auth_cleanup(at->handler) && !is_redaction_cleanup(at->handler))
            return true;
    }
    return false;
}

// Whether the request is one that an image can stand for.
bool has_place_in_image(ngx_http_request_t* r) {
    const auto* core = static_cast<const ngx_http_core_loc_conf_t*>(
        ngx_http_get_module_loc_conf(r, ngx_http_core_module));
    return r == r->main && r->parent == nullptr && r->post_subrequest == nullptr &&
           (r->http_version == NGX_HTTP_VERSION_10 || r->http_version == NGX_HTTP_VERSION_11) &&
           r->upstream == nullptr && r->upstream_states == nullptr && r->request_body == nullptr &&
           !r->reading_body && !r->discard_body && !r->expect_trailers &&
           r->headers_out.trailers.part.nelts == 0 && r->limit_rate == 0 &&
           core->post_action.data == nullptr && !has_foreign_state(r);
}

// Messages of every beat would wake it as often.
bool settings_let_sleep(const LocationSettings& settings) {
    const Message& beat = settings.keepalive->event;
    return settings.hibernate && settings.fills == nullptr &&
           (beat.data == nullptr || !beat.data->has_variables());
}

bool is_idle(ngx_http_request_t* r) {
    const ngx_connection_t* c = r->connection;
    const ngx_event_t& read = *c->read;
    const ngx_event_t& write = *c->write;
    return r->count == 1 && !r->blocked && !r->aio && r->out == nullptr && !r->buffered &&
           !c->buffered && r->postponed == nullptr && r->posted_requests == nullptr &&
           read.handler == write.handler && !read.timer_set && !write.timer_set && !write.delayed &&
           !c->close && !c->error && r->header_in->pos == r->header_in->last;
}

Fit judge(const Subscriber& s) {
    ngx_http_request_t* r = s.request;
    if (s.path == Path::Filter || !settings_let_sleep(*s.settings) || !has_place_in_image(r))
        return Fit::Never;
    if (s.starting || s.phase != Phase::Live || s.queued || s.has_own_bytes() || s.is_busy() ||
        s.replay != nullptr || s.is_trimmed() || !is_idle(r) || r->connection->data != r)
        return Fit::NotNow;
    return Fit::Yes;
}

// -- the connection's handlers while its stream sleeps

// nginx's own for a connection with a request, which it exports under no name.
ngx_event_handler_pt g_request_handler = nullptr;
ngx_log_handler_pt g_log_handler = nullptr;

Subscriber& sleeper_of(ngx_event_t* event) {
    return *static_cast<Subscriber*>(static_cast<ngx_connection_t*>(event->data)->data);
}

u_char* on_log_asleep(ngx_log_t* log, u_char* buffer, size_t room) noexcept;

// nginx's TLS puts handlers aside where a write has to wait for a read, and back later: its stream
// may have been woken in between.
bool is_awake(ngx_event_t* event) {
    const auto* c = static_cast<const ngx_connection_t*>(event->data);
    if (c->log->handler == on_log_asleep)
        return false;
    event->handler = g_request_handler;
    return true;
}

void on_readable_asleep(ngx_event_t* event) noexcept {
    if (is_awake(event))
        return event->handler(event);
    Subscriber& s = sleeper_of(event);
    guard(s.connection->log, [&] {
        if (s.connection->close) {  // nginx's shutdown is over (worker_shutdown_timeout)
            if (wake_up(s))
                event->handler(event);
            else
                abandon(s);
            return;
        }
        if (s.is_websocket())
            read_websocket(s);
        else
            read_sse(s);
        Worker::current()->run_later();
    });
}

void on_writable_asleep(ngx_event_t* event) noexcept {
    if (is_awake(event))
        return event->handler(event);
    Subscriber& s = sleeper_of(event);
    guard(s.connection->log, [&] {
        deliver(s);
        Worker::current()->run_later();
    });
}

// Continues a line of the error log, as nginx does for a request.
u_char* on_log_asleep(ngx_log_t* log, u_char* buffer, size_t room) noexcept {
    const auto& s = *static_cast<const Subscriber*>(log->data);
    u_char* const end = buffer + room;
    if (log->action != nullptr)
        buffer = ngx_slprintf(buffer, end, " while %s", log->action);
    buffer = ngx_slprintf(buffer, end, ", client: %V", &s.connection->addr_text);
    return s.asleep->image->describe(buffer, static_cast<size_t>(end - buffer));
}

// -- falling asleep

// As nginx does it between two requests of a connection.
void free_header_buffers(ngx_connection_t* c, ngx_http_connection_t& hc) {
    for (ngx_chain_t** buffers : {&hc.busy, &hc.free}) {
        for (ngx_chain_t* link = std::exchange(*buffers, nullptr); link != nullptr;) {
            ngx_chain_t* next = link->next;
            ngx_pfree(c->pool, link->buf->start);
            ngx_free_chain(c->pool, link);
            link = next;
        }
    }
    hc.nbusy = 0;
    ngx_buf_t& first = *c->buffer;
    if (first.start != nullptr && ngx_pfree(c->pool, first.start) == NGX_OK)
        first.start = first.end = nullptr;
    first.pos = first.last = first.start;
}

void fall_asleep(Subscriber& s) {
    ngx_http_request_t* r = s.request;
    ngx_connection_t* c = s.connection;
    auto asleep = std::make_unique<Asleep>();
    asleep->auth = note_auth(r);
    if (asleep->auth.identity != nullptr && asleep->auth.identity != s.identity.get()) {
        s.sleep = Sleep::Never;  // a redirect has let somebody else in
        return;
    }
    asleep->image = RequestImage::take(r);
    if (asleep->image == nullptr) {
        s.sleep = Sleep::Never;
        return;
    }

    // From here on nothing fails.
    release_subscriber(r);
    g_request_handler = c->read->handler;
    auto* context = static_cast<ngx_http_log_ctx_t*>(c->log->data);
    context->request = context->current_request = nullptr;
    asleep->log_context = context;
    g_log_handler = c->log->handler;
    s.request = nullptr;
    s.asleep = std::move(asleep);
    s.sleep = Sleep::Asleep;
    s.rebuilt = true;
    c->data = &s;
    c->log->data = &s;
    c->log->handler = on_log_asleep;
    c->read->handler = on_readable_asleep;
    c->write->handler = on_writable_asleep;
    // The request stays one that nginx's status counts as being written.
    ngx_http_connection_t& hc = *r->http_connection;
    ngx_destroy_pool(r->pool);
    free_header_buffers(c, hc);
    if (c->ssl != nullptr && &ngx_ssl_free_buffer != nullptr)
        ngx_ssl_free_buffer(c);
    add(Worker::current()->counters.hibernating);
}

// -- waking up

// nginx counts a request that it creates.
void count_no_new_request(ngx_http_request_t* r) {
    if (!r->stat_reading || &ngx_stat_reading == nullptr || &ngx_stat_requests == nullptr)
        return;
    (void)ngx_atomic_fetch_add(ngx_stat_reading, -1);
    (void)ngx_atomic_fetch_add(ngx_stat_requests, -1);
    r->stat_reading = 0;
    r->stat_writing = 1;
}

// The first header buffer again: what comes behind the stream's end may be another request.
bool make_header_buffer(ngx_connection_t* c, const ngx_http_connection_t& hc) {
    ngx_buf_t& first = *c->buffer;
    if (first.start != nullptr)
        return true;
    const auto* server = static_cast<const ngx_http_core_srv_conf_t*>(
        ngx_http_get_module_srv_conf(hc.conf_ctx, ngx_http_core_module));
    first.start = static_cast<u_char*>(ngx_palloc(c->pool, server->client_header_buffer_size));
    if (first.start == nullptr)
        return false;
    first.end = first.start + server->client_header_buffer_size;
    first.pos = first.last = first.start;
    return true;
}

ngx_http_request_t* make_request(ngx_connection_t* c, Subscriber& s) {
    const Asleep& asleep = *s.asleep;
    if (!make_header_buffer(c, *asleep.image->http_connection()))
        return nullptr;
    const ngx_uint_t requests = c->requests;
    ngx_http_request_t* r = ngx_http_create_request(c);
    c->requests = requests;
    if (r == nullptr)
        return nullptr;
    count_no_new_request(r);
    if (asleep.image->restore(r) && restore_auth(r, asleep.auth, s.identity) && adopt(r, s))
        return r;
    ngx_destroy_pool(r->pool);
    return nullptr;
}

void set_log(ngx_connection_t* c, void* data, ngx_log_handler_pt handler) {
    c->log->data = data;
    c->log->handler = handler;
}

}  // namespace

bool wake_up(Subscriber& s) {
    if (s.asleep == nullptr)
        return s.request != nullptr;
    ngx_connection_t* c = s.connection;
    Asleep& asleep = *s.asleep;
    c->data = asleep.image->http_connection();
    set_log(c, asleep.log_context, g_log_handler);
    ngx_http_request_t* r = make_request(c, s);
    if (r == nullptr) {
        asleep.log_context->request = asleep.log_context->current_request = nullptr;
        c->data = &s;
        set_log(c, &s, on_log_asleep);
        return false;
    }
    const auto* core = static_cast<const ngx_http_core_loc_conf_t*>(
        ngx_http_get_module_loc_conf(r, ngx_http_core_module));
    ngx_set_connection_log(c, core->error_log);
    c->data = r;
    c->read->handler = c->write->handler = g_request_handler;
    s.request = r;
    s.asleep.reset();
    s.sleep = Sleep::Undecided;
    attach_handlers(s);
    subtract(Worker::current()->counters.hibernating);
    return true;
}

void abandon(Subscriber& s) {
    ngx_connection_t* c = s.connection;
    ngx_log_error(NGX_LOG_ALERT, c->log, 0, "herald: no memory to end a stream in order");
    c->data = s.asleep->image->http_connection();
    set_log(c, s.asleep->log_context, g_log_handler);
    subtract(Worker::current()->counters.hibernating);
    if (&ngx_stat_writing != nullptr)
        (void)ngx_atomic_fetch_add(ngx_stat_writing, -1);
    discard(s);
    c->destroyed = 1;
    ngx_http_close_connection(c);
}

// -- whose turn it is

Hibernation::Hibernation(ngx_log_t* log) {
    posted_.handler = on_posted;
    posted_.data = this;
    posted_.log = log;
}

Hibernation::~Hibernation() {
    if (posted_.posted) {
        ngx_delete_posted_event(&posted_);
    }
}

void Hibernation::enqueue(Subscriber& s) {
    drowsy_.push_back(&s);
    s.sleep = Sleep::Queued;
    ngx_post_event(&posted_, &ngx_posted_events);
}

void Hibernation::forget(Subscriber& s) {
    if (s.sleep == Sleep::Queued)
        std::replace(drowsy_.begin(), drowsy_.end(), &s, static_cast<Subscriber*>(nullptr));
}

void Hibernation::on_posted(ngx_event_t* event) noexcept {
    auto* hibernation = static_cast<Hibernation*>(event->data);
    guard(event->log, [&] {
        for (Subscriber* s : std::exchange(hibernation->drowsy_, {})) {
            if (s == nullptr)
                continue;
            s->sleep = Sleep::Undecided;
            if (s->dead || s->finishing)
                continue;
            const Fit fit = judge(*s);
            if (fit == Fit::Yes)
                fall_asleep(*s);
            else if (fit == Fit::Never)
                s->sleep = Sleep::Never;
        }
    });
}

}  // namespace herald
