#include "subscribe.hpp"

#include "ended.hpp"
#include "headers.hpp"
#include "inquiry.hpp"
#include "opening.hpp"
#include "ring/names.hpp"
#include "worker.hpp"

namespace herald {

const char kChannelRule[] = "a channel is 1 to 1024 bytes of UTF-8 without control characters";

namespace {

constexpr size_t kMaxClientId = 256;  // bytes of Last-Event-ID that are looked at

// The channels of this request. NGX_OK, or the status to answer.
ngx_int_t evaluate_channels(ngx_http_request_t* r, std::vector<std::string>& channels) {
    const ngx_array_t& values = *location_settings(r)->channels;
    auto* value = static_cast<ngx_http_complex_value_t*>(values.elts);
    for (ngx_uint_t i = 0; i < values.nelts; ++i) {
        ngx_str_t channel;
        if (ngx_http_complex_value(r, &value[i], &channel) != NGX_OK)
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        if (!ring::is_channel_name(view(channel))) {
            ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                          "herald: invalid channel of %uz bytes, %s", channel.len, kChannelRule);
            return NGX_HTTP_BAD_REQUEST;
        }
        channels.emplace_back(view(channel));
    }
    return NGX_OK;
}

// Last-Event-ID, from the header or else from the argument; an empty one is none.
std::unique_ptr<std::string> client_id_of(ngx_http_request_t* r) {
    std::string_view id;
    each_header(r, "Last-Event-ID", [&](std::string_view value) { id = value; });
    if (id.empty()) {
        constexpr std::string_view kArgument = "last_event_id";
        ngx_str_t value;
        if (ngx_http_arg(r, as_ngx_str(kArgument).data, kArgument.size(), &value) == NGX_OK)
            id = view(value);
    }
    if (id.empty())
        return nullptr;
    return std::make_unique<std::string>(id.substr(0, kMaxClientId));
}

ngx_int_t service_unavailable(ngx_http_request_t* r, std::string_view why) {
    Worker* worker = Worker::current();
    if (worker != nullptr)
        add(worker->counters.refused);
    return refuse(r, NGX_HTTP_SERVICE_UNAVAILABLE, why);
}

// -- herald_start uri=

// Nothing that is published from here on may be lost, whatever the subrequest has seen of it.
void note_position(Worker& worker, Wish& wish) {
    if (worker.ring() != nullptr) {
        wish.behind = worker.id_of(worker.last_seq());
        // It may have come while the index was asked about what was before.
        if (newest_of(worker, wish.channels) == Newest::Ends)
            wish.ended = true;
        return;
    }
    const ngx_time_t& now = *ngx_timeofday();
    wish.since_ms = static_cast<uint64_t>(now.sec) * 1000 + now.msec;
}

ngx_int_t open_with_first_event(ngx_http_request_t* r, RequestContext& context) {
    if (!context.first->has_json()) {
        add(Worker::current()->counters.refused);
        return context.first->refuse(r);
    }
    if (Worker::current()->is_draining())
        return come_back_later(r);
    return open_stream(r, context, std::move(*std::exchange(context.wish, nullptr)));
}

// Runs as the main request's write event, which the socket may bring about as well.
void on_first_event(ngx_http_request_t* r) noexcept {
    RequestContext* context = context_of(r);
    if (context == nullptr || context->first == nullptr || !context->first->is_done())
        return;
    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_request_empty_handler;
    const ngx_int_t failed = NGX_HTTP_INTERNAL_SERVER_ERROR;
    ngx_int_t rc =
        guard(r->connection->log, failed, [&] { return open_with_first_event(r, *context); });
    if (rc == failed && r->header_sent)
        rc = NGX_ERROR;
    ngx_http_finalize_request(r, rc);
}

// Asks also for a client that resumes: the answer says who may have the stream.
ngx_int_t fetch_first_event(ngx_http_request_t* r, RequestContext& context, Wish wish) {
    FetchTarget target;
    const ngx_int_t rc = evaluate_fetch_uri(r, *location_settings(r)->start->uri, target);
    if (rc == NGX_HTTP_BAD_REQUEST)
        return refuse(r, NGX_HTTP_BAD_REQUEST, "this path cannot be asked for");
    if (rc != NGX_OK)
        return rc;
    if (!wish.client_id)
        note_position(*Worker::current(), wish);
    context.wish = std::make_unique<Wish>(std::move(wish));
    context.first = Fetch::start(r, target, [r](Fetch&) {
        if (ngx_http_post_request(r, nullptr) != NGX_OK)
            r->connection->error = 1;
    });
    if (context.first == nullptr)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    if (!r->discard_body)
        r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = on_first_event;
    ++r->main->count;
    return NGX_DONE;
}

// What it wants is known to be there.
ngx_int_t answer_wish(ngx_http_request_t* r, RequestContext& context, Wish wish) {
    if (location_settings(r)->start->kind == StartKind::Uri)
        return fetch_first_event(r, context, std::move(wish));
    return open_stream(r, context, std::move(wish));
}

// -- what the worker itself does not know of the channels

// A stream that opens when the sidecar has told whether its channels are known, or have ended.
class LaterStream final : public Inquiry {
  public:
    LaterStream(ngx_http_request_t* r, RequestContext& context, Wish wish, bool must_be_known)
        : Inquiry(r),
          context_(context),
          wish_(std::move(wish)),
          must_be_known_(must_be_known),
          question_(*Worker::current(), wish_.channels, wish_.client_id.get()) {}

    const ChannelQuestion& question() const { return question_; }

  private:
    ngx_int_t respond(std::string* answer) override {
        request()->read_event_handler = ngx_http_block_reading;
        if (Worker::current()->is_draining())
            return come_back_later(request());
        const ChannelQuestion::Told told = question_.read(answer);
        if (must_be_known_ && !told.known)
            return told.unknown ? refuse_unknown(request())
                                : unavailable(request(), "Herald's sidecar is away");
        wish_.at_end = told.at_end;
        wish_.ended = told.ended;
        return answer_wish(request(), context_, std::move(wish_));
    }

    RequestContext& context_;
    Wish wish_;
    bool must_be_known_;
    ChannelQuestion question_;
};

ngx_int_t ask_first(ngx_http_request_t* r, RequestContext& context, Wish wish, bool must_be_known) {
    auto* later =
        Inquiry::keep(std::make_unique<LaterStream>(r, context, std::move(wish), must_be_known));
    if (later == nullptr)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    later->ask(*Worker::current(), later->question().bytes);
    ++r->main->count;
    return NGX_DONE;
}

// Looks at the channels, and asks the sidecar where the ring does not say.
ngx_int_t judge_channels(ngx_http_request_t* r, RequestContext& context, Wish wish) {
    Worker& worker = *Worker::current();
    const LocationSettings& settings = *location_settings(r);
    const bool must_be_known = settings.unknown->refuse && !has_seen(worker, wish.channels);
    if (must_be_known && (worker.ring() == nullptr || !worker.asks().is_open())) {
        add(worker.counters.refused);
        return unavailable(r, "Herald's sidecar is away");
    }

    Newest newest = Newest::GoesOn;
    if (wish.client_id) {
        const AtEnd at_end = is_at_end(worker, wish.channels, *wish.client_id);
        wish.at_end = at_end == AtEnd::Yes;
        newest = at_end == AtEnd::AskIndex ? Newest::AskIndex : newest;
    } else if (settings.start->kind == StartKind::Uri) {
        newest = newest_of(worker, wish.channels);
        wish.ended = newest == Newest::Ends;
    }
    if (must_be_known || newest == Newest::AskIndex)
        return ask_first(r, context, std::move(wish), must_be_known);
    return answer_wish(r, context, std::move(wish));
}

ngx_int_t subscribe(ngx_http_request_t* r) {
    const LocationSettings& settings = *location_settings(r);
    ngx_int_t rc = allow_get(r);
    if (rc != NGX_OK || r->header_sent)
        return rc;
    if (r->discard_body && r->http_version < NGX_HTTP_VERSION_20) {
        // The rest of the body would be read, and time out, in the place of the stream's own
        // events.
        r->keepalive = 0;
        return refuse(r, NGX_HTTP_BAD_REQUEST, "a stream takes no request body");
    }
    if (r != r->main) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "herald: a stream cannot be the answer to a subrequest");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    Worker* worker = Worker::current();
    if (worker == nullptr)
        return service_unavailable(r, "Herald is not running in this process");

    Wish wish;
    rc = evaluate_channels(r, wish.channels);
    if (rc == NGX_HTTP_BAD_REQUEST) {
        add(worker->counters.refused);
        return refuse(r, NGX_HTTP_BAD_REQUEST, kChannelRule);
    }
    if (rc != NGX_OK)
        return rc;
    if (settings.require_redis && worker->redis() != RedisView::Connected)
        return service_unavailable(r, "Redis unavailable");
    if (worker->is_draining())
        return come_back_later(r);

    RequestContext* context = make_context(r);
    if (context == nullptr)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    if (settings.resume)
        wish.client_id = client_id_of(r);
    return judge_channels(r, *context, std::move(wish));
}

}  // namespace

ngx_int_t subscribe_handler(ngx_http_request_t* r) noexcept {
    return guard(r->connection->log, ngx_int_t{NGX_HTTP_INTERNAL_SERVER_ERROR},
                 [&] { return subscribe(r); });
}

}  // namespace herald
