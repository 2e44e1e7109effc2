#include "directives.hpp"

#include <sys/un.h>

#include <algorithm>

#include "configuring.hpp"
#include "content_directives.hpp"
#include "fill.hpp"
#include "ring/names.hpp"

namespace herald {

namespace {

constexpr char kEventRule[] =
    "event name \"%V\" is invalid, it must be 1 to 255 bytes without control characters and \"$\"";

char* parse_message(ngx_conf_t* cf, ngx_command_t* cmd, ngx_str_t* event, ngx_str_t* data,
                    Message& message) {
    if (event != nullptr) {
        if (!ring::is_event_name(view(*event)) || view(*event).find('$') != std::string_view::npos)
            return reject(cf, cmd, kEventRule, event);
        message.event = *event;
    }
    message.data = Template::compile(cf, cmd->name, *data);
    return message.data == nullptr ? kConfError : NGX_CONF_OK;
}

char* set_sidecar(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    auto* settings = static_cast<MainSettings*>(conf);
    ngx_str_t* value = &arguments(cf)[1];
    if (settings->socket_path.data != nullptr)
        return reject(cf, cmd, "is duplicate");
    std::string_view path = view(*value);
    if (!take_prefix(path, "unix:") || path.empty() || path[0] != '/')
        return reject(cf, cmd, "must be \"unix:\" and an absolute path, not \"%V\"", value);
    if (path.size() >= sizeof(sockaddr_un::sun_path))
        return reject(cf, cmd, "has a path of %uz bytes, a socket's path may have %uz", path.size(),
                      sizeof(sockaddr_un::sun_path) - 1);
    settings->socket_path = as_ngx_str(path);
    return NGX_CONF_OK;
}

struct Word {
    std::string_view word;
    ngx_uint_t bit;
};

// One or both of two words, each as its bit.
char* set_bits(ngx_conf_t* cf, ngx_command_t* cmd, ngx_uint_t& bits, const Word (&words)[2]) {
    if (bits != NGX_CONF_UNSET_UINT)
        return reject(cf, cmd, "is duplicate");
    bits = 0;
    for (ngx_uint_t i = 1; i < cf->args->nelts; ++i) {
        ngx_str_t* value = &arguments(cf)[i];
        const Word* found =
            std::find_if(std::begin(words), std::end(words),
                         [&](const Word& known) { return view(*value) == known.word; });
        if (found == std::end(words))
            return reject(cf, cmd, "knows \"%*s\" and \"%*s\", not \"%V\"", words[0].word.size(),
                          words[0].word.data(), words[1].word.size(), words[1].word.data(), value);
        if (bits & found->bit)
            return reject(cf, cmd, "has \"%V\" twice", value);
        bits |= found->bit;
    }
    return NGX_CONF_OK;
}

char* set_transport(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    return set_bits(cf, cmd, static_cast<LocationSettings*>(conf)->transports,
                    {{"sse", kOfferSse}, {"websocket", kOfferWebsocket}});
}

char* set_compress(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    ngx_uint_t& bits = static_cast<LocationSettings*>(conf)->compress;
    if (cf->args->nelts == 2 && view(arguments(cf)[1]) == "off" && bits == NGX_CONF_UNSET_UINT) {
        bits = 0;
        return NGX_CONF_OK;
    }
    return set_bits(cf, cmd, bits, {{"gzip", kCompressGzip}, {"deflate", kCompressDeflate}});
}

// `[EVENT] DATA`, or `off`.
char* set_message(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    auto* message = first_time<Message>(cf, cmd, conf);
    if (message == nullptr)
        return kConfError;
    ngx_str_t* value = arguments(cf);
    if (cf->args->nelts == 2) {
        if (view(value[1]) == "off")
            return NGX_CONF_OK;
        return parse_message(cf, cmd, nullptr, &value[1], *message);
    }
    return parse_message(cf, cmd, &value[1], &value[2], *message);
}

char* set_keepalive(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    auto* keepalive = first_time<Keepalive>(cf, cmd, conf);
    if (keepalive == nullptr)
        return kConfError;
    ngx_str_t* value = arguments(cf);
    keepalive->kind = KeepaliveKind::Comment;
    keepalive->comment = as_ngx_str("keepalive");

    if (view(value[1]) == "off") {
        if (cf->args->nelts > 2)
            return reject(cf, cmd, "off takes no further parameter, not \"%V\"", &value[2]);
        return NGX_CONF_OK;
    }
    if (!parse_time(value[1], keepalive->interval))
        return reject(cf, cmd, "has an invalid time \"%V\", it must be above 0 or \"off\"",
                      &value[1]);

    bool comment = false;
    ngx_str_t event{}, data{};
    for (ngx_uint_t i = 2; i < cf->args->nelts; ++i) {
        std::string_view text = view(value[i]);
        bool repeated = false;
        if (text == "idle") {
            repeated = keepalive->idle;
            keepalive->idle = true;
        } else if (take_prefix(text, "comment=")) {
            repeated = comment;
            comment = true;
            keepalive->comment = as_ngx_str(text);
            if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20; }))
                return reject(cf, cmd, "comment must be one line");
        } else if (take_prefix(text, "event=")) {
            repeated = event.data != nullptr;
            event = as_ngx_str(text);
        } else if (take_prefix(text, "data=")) {
            repeated = data.data != nullptr;
            data = as_ngx_str(text);
        } else {
            return reject(cf, cmd, "knows idle, comment=, event= and data=, not \"%V\"", &value[i]);
        }
        if (repeated)
            return reject(cf, cmd, "has \"%V\" twice", &value[i]);
    }
    if (comment && (event.data != nullptr || data.data != nullptr))
        return reject(cf, cmd, "is either a comment or an event, not both");
    if (event.data != nullptr && data.data == nullptr)
        return reject(cf, cmd, "event= needs data=: an event without data is never dispatched");
    if (data.data == nullptr)
        return NGX_CONF_OK;
    keepalive->kind = KeepaliveKind::Event;
    return parse_message(cf, cmd, event.data == nullptr ? nullptr : &event, &data,
                         keepalive->event);
}

// A time above zero, or `off`.
char* set_time_or_off(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    auto* field = reinterpret_cast<ngx_msec_t*>(static_cast<char*>(conf) + cmd->offset);
    if (*field != NGX_CONF_UNSET_MSEC)
        return reject(cf, cmd, "is duplicate");
    ngx_str_t* value = &arguments(cf)[1];
    if (view(*value) == "off") {
        *field = 0;
        return NGX_CONF_OK;
    }
    if (!parse_time(*value, *field))
        return reject(cf, cmd, "has an invalid time \"%V\", it must be above 0 or \"off\"", value);
    return NGX_CONF_OK;
}

// `uri=URI [event=NAME] [data=DATA]`
char* parse_start_uri(ngx_conf_t* cf, ngx_command_t* cmd, std::string_view uri, Start& start) {
    start.kind = StartKind::Uri;
    start.uri = allocate<FetchUri>(cf);
    if (start.uri == nullptr)
        return kConfError;
    ngx_str_t* value = arguments(cf);
    for (ngx_uint_t i = 2; i < cf->args->nelts; ++i) {
        std::string_view text = view(value[i]);
        if (start.first.event.data == nullptr && take_prefix(text, "event=")) {
            start.first.event = as_ngx_str(text);
            if (!ring::is_event_name(text) || text.find('$') != std::string_view::npos)
                return reject(cf, cmd, kEventRule, &start.first.event);
        } else if (start.first.data == nullptr && take_prefix(text, "data=")) {
            start.first.data = Template::compile(cf, cmd->name, as_ngx_str(text));
            if (start.first.data == nullptr)
                return kConfError;
        } else {
            return reject(cf, cmd, "knows event= and data= behind uri=, each once, not \"%V\"",
                          &value[i]);
        }
    }
    return compile_fetch_uri(cf, cmd, as_ngx_str(uri), *start.uri);
}

char* set_start(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    auto* start = first_time<Start>(cf, cmd, conf);
    if (start == nullptr)
        return kConfError;
    ngx_str_t* value = &arguments(cf)[1];
    std::string_view text = view(*value);
    if (take_prefix(text, "uri="))
        return parse_start_uri(cf, cmd, text, *start);
    if (cf->args->nelts > 2)
        return reject(cf, cmd, "takes \"%V\" only behind uri=", &value[1]);
    if (text == "live") {
        start->kind = StartKind::Live;
    } else if (text == "all") {
        start->kind = StartKind::All;
    } else if (text == "last") {
        start->kind = StartKind::Last;
        start->count = 1;
    } else if (take_prefix(text, "last=")) {
        ngx_str_t digits = as_ngx_str(text);
        ngx_int_t count = ngx_atoi(digits.data, digits.len);
        if (count == NGX_ERROR || count == 0)
            return reject(cf, cmd, "last= needs a number above 0, not \"%V\"", &digits);
        start->kind = StartKind::Last;
        start->count = static_cast<ngx_uint_t>(count);
    } else {
        return reject(cf, cmd, "knows live, last, last=N, all and uri=URI, not \"%V\"", value);
    }
    return NGX_CONF_OK;
}

// `EVENT MEMBER uri=URI`
char* set_fill(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    auto* settings = static_cast<LocationSettings*>(conf);
    ngx_str_t* value = arguments(cf);
    if (!ring::is_event_name(view(value[1])))
        return reject(cf, cmd, kEventRule, &value[1]);
    std::string_view uri = view(value[3]);
    if (!take_prefix(uri, "uri="))
        return reject(cf, cmd, "needs EVENT, MEMBER and uri=URI, not \"%V\"", &value[3]);
    if (settings->fills == nullptr)
        settings->fills = ngx_array_create(cf->pool, 2, sizeof(FillRule));
    auto* rule = settings->fills == nullptr
                     ? nullptr
                     : static_cast<FillRule*>(ngx_array_push(settings->fills));
    if (rule == nullptr)
        return kConfError;
    *rule = {value[1], value[2], {}};
    return compile_fetch_uri(cf, cmd, as_ngx_str(uri), rule->uri);
}

// `allow`, or `404 [body=JSON]`.
char* set_unknown(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    auto* unknown = first_time<Unknown>(cf, cmd, conf);
    if (unknown == nullptr)
        return kConfError;
    ngx_str_t* value = arguments(cf);
    if (view(value[1]) != "allow" && view(value[1]) != "404")
        return reject(cf, cmd, "knows allow and 404, not \"%V\"", &value[1]);
    unknown->refuse = view(value[1]) == "404";
    if (cf->args->nelts == 2)
        return NGX_CONF_OK;
    std::string_view body = view(value[2]);
    if (!unknown->refuse || !take_prefix(body, "body="))
        return reject(cf, cmd, "takes body=JSON behind 404, and nothing else, not \"%V\"",
                      &value[2]);
    unknown->body = Template::compile(cf, cmd->name, as_ngx_str(body));
    if (unknown->body != nullptr && !unknown->body->is_json())
        return reject(cf, cmd, "has a body that is no JSON: %V", &value[2]);
    return unknown->body == nullptr ? kConfError : NGX_CONF_OK;
}

char* set_ended(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    auto* settings = static_cast<LocationSettings*>(conf);
    ngx_str_t* value = &arguments(cf)[1];
    if (settings->replay_ended != NGX_CONF_UNSET)
        return reject(cf, cmd, "is duplicate");
    if (view(*value) != "204" && view(*value) != "replay")
        return reject(cf, cmd, "knows 204 and replay, not \"%V\"", value);
    settings->replay_ended = view(*value) == "replay" ? 1 : 0;
    return NGX_CONF_OK;
}

char* set_buffer(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    auto* buffer = first_time<BufferBound>(cf, cmd, conf);
    if (buffer == nullptr)
        return kConfError;
    ngx_str_t* value = arguments(cf);
    ssize_t bytes = ngx_parse_size(&value[1]);
    if (bytes == NGX_ERROR || bytes < 4096)
        return reject(cf, cmd, "has an invalid size \"%V\", it must be at least 4k", &value[1]);
    buffer->bytes = static_cast<size_t>(bytes);

    bool policy = false;
    for (ngx_uint_t i = 2; i < cf->args->nelts; ++i) {
        std::string_view text = view(value[i]);
        if (text == "trim" || text == "disconnect") {
            if (policy)
                return reject(cf, cmd, "is either trim or disconnect, not both");
            policy = true;
            buffer->disconnect = text == "disconnect";
        } else if (take_prefix(text, "events=")) {
            ngx_str_t digits = as_ngx_str(text);
            ngx_int_t events = ngx_atoi(digits.data, digits.len);
            if (events == NGX_ERROR || events == 0 || buffer->events != 0)
                return reject(cf, cmd, "events= needs one number above 0, not \"%V\"", &digits);
            buffer->events = static_cast<ngx_uint_t>(events);
        } else {
            return reject(cf, cmd, "knows events=, trim and disconnect, not \"%V\"", &value[i]);
        }
    }
    return NGX_CONF_OK;
}

char* set_drain(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    auto* drain = first_time<Drain>(cf, cmd, conf);
    if (drain == nullptr)
        return kConfError;
    ngx_str_t* value = arguments(cf);
    if (!parse_time(value[1], drain->time))
        return reject(cf, cmd, "has an invalid time \"%V\", it must be above 0", &value[1]);
    if (cf->args->nelts == 3) {
        if (view(value[2]) != "abort")
            return reject(cf, cmd, "knows \"abort\", not \"%V\"", &value[2]);
        drain->abort = true;
    }
    return NGX_CONF_OK;
}

char* set_lifetime(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    auto* lifetime = first_time<Lifetime>(cf, cmd, conf);
    if (lifetime == nullptr)
        return kConfError;
    ngx_str_t* value = arguments(cf);
    if (view(value[1]) == "off") {
        if (cf->args->nelts > 2)
            return reject(cf, cmd, "off takes no further parameter, not \"%V\"", &value[2]);
        return NGX_CONF_OK;
    }
    if (!parse_time(value[1], lifetime->time))
        return reject(cf, cmd, "has an invalid time \"%V\", it must be above 0 or \"off\"",
                      &value[1]);
    if (cf->args->nelts == 3) {
        if (view(value[2]) != "jitter")
            return reject(cf, cmd, "knows \"jitter\", not \"%V\"", &value[2]);
        lifetime->jitter = true;
    }
    return NGX_CONF_OK;
}

// A stream is chosen by location; `if` blocks would copy half of its settings.
constexpr ngx_uint_t kLocation = NGX_HTTP_LOC_CONF;

}  // namespace

#define IN_LOCATION(name, arguments, set, field)                          \
    entry(name, kEverywhere | (arguments), set, NGX_HTTP_LOC_CONF_OFFSET, \
          offsetof(LocationSettings, field))

ngx_command_t commands[] = {
    entry("herald_sidecar", NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_sidecar,
          NGX_HTTP_MAIN_CONF_OFFSET, 0),
    entry("herald_io_uring", NGX_HTTP_MAIN_CONF | NGX_CONF_FLAG, ngx_conf_set_flag_slot,
          NGX_HTTP_MAIN_CONF_OFFSET, offsetof(MainSettings, io_uring)),
    entry("herald_subscribe", kLocation | NGX_CONF_1MORE, set_subscribe, NGX_HTTP_LOC_CONF_OFFSET,
          0),
    entry("herald_history", kLocation | NGX_CONF_TAKE1, set_history, NGX_HTTP_LOC_CONF_OFFSET, 0),
    entry("herald_publish", kLocation | NGX_CONF_TAKE1, set_publish, NGX_HTTP_LOC_CONF_OFFSET, 0),
    entry("herald_view", kLocation | NGX_CONF_TAKE1, set_view, NGX_HTTP_LOC_CONF_OFFSET, 0),
    entry("herald_health", kLocation | NGX_CONF_NOARGS, set_health, NGX_HTTP_LOC_CONF_OFFSET, 0),
    entry("herald_status", kLocation | NGX_CONF_NOARGS, set_status, NGX_HTTP_LOC_CONF_OFFSET, 0),
    IN_LOCATION("herald_transport", NGX_CONF_TAKE12, set_transport, transports),
    IN_LOCATION("herald_compress", NGX_CONF_TAKE12, set_compress, compress),
    IN_LOCATION("herald_greeting", NGX_CONF_TAKE12, set_message, greeting),
    IN_LOCATION("herald_keepalive", NGX_CONF_1MORE, set_keepalive, keepalive),
    IN_LOCATION("herald_retry", NGX_CONF_TAKE1, set_time_or_off, retry),
    IN_LOCATION("herald_ids", NGX_CONF_FLAG, ngx_conf_set_flag_slot, ids),
    IN_LOCATION("herald_names", NGX_CONF_FLAG, ngx_conf_set_flag_slot, names),
    IN_LOCATION("herald_hibernate", NGX_CONF_FLAG, ngx_conf_set_flag_slot, hibernate),
    IN_LOCATION("herald_fill", NGX_CONF_TAKE3, set_fill, fills),
    IN_LOCATION("herald_start", NGX_CONF_TAKE123, set_start, start),
    IN_LOCATION("herald_unknown", NGX_CONF_TAKE12, set_unknown, unknown),
    IN_LOCATION("herald_resume", NGX_CONF_FLAG, ngx_conf_set_flag_slot, resume),
    IN_LOCATION("herald_buffer", NGX_CONF_TAKE123, set_buffer, buffer),
    IN_LOCATION("herald_drain", NGX_CONF_TAKE12, set_drain, drain),
    IN_LOCATION("herald_error_event", NGX_CONF_TAKE12, set_message, error_event),
    IN_LOCATION("herald_end_event", NGX_CONF_TAKE12, set_message, end_event),
    IN_LOCATION("herald_ended", NGX_CONF_TAKE1, set_ended, replay_ended),
    IN_LOCATION("herald_require_redis", NGX_CONF_FLAG, ngx_conf_set_flag_slot, require_redis),
    IN_LOCATION("herald_idle_timeout", NGX_CONF_TAKE1, set_time_or_off, idle_timeout),
    IN_LOCATION("herald_lifetime", NGX_CONF_TAKE12, set_lifetime, lifetime),
    ngx_null_command,
};

}  // namespace herald
