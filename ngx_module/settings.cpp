// Defaults, inheritance, and what contradicts what across directives.
#include "settings.hpp"

namespace herald {

namespace {

template <class Struct>
Struct* allocate(ngx_conf_t* cf) {
    return static_cast<Struct*>(ngx_pcalloc(cf->pool, sizeof(Struct)));
}

}  // namespace

void* create_main_settings(ngx_conf_t* cf) noexcept {
    auto* settings = allocate<MainSettings>(cf);
    if (settings != nullptr)
        settings->io_uring = NGX_CONF_UNSET;
    return settings;
}

char* init_main_settings(ngx_conf_t*, void* conf) noexcept {
    auto* settings = static_cast<MainSettings*>(conf);
    if (settings->socket_path.data == nullptr)
        settings->socket_path = as_ngx_str("/run/herald/herald.sock");
    ngx_conf_init_value(settings->io_uring, 0);
    return NGX_CONF_OK;
}

void* create_location_settings(ngx_conf_t* cf) noexcept {
    auto* settings = allocate<LocationSettings>(cf);
    if (settings == nullptr)
        return nullptr;
    settings->transports = NGX_CONF_UNSET_UINT;
    settings->compress = NGX_CONF_UNSET_UINT;
    settings->retry = NGX_CONF_UNSET_MSEC;
    settings->ids = NGX_CONF_UNSET;
    settings->names = NGX_CONF_UNSET;
    settings->hibernate = NGX_CONF_UNSET;
    settings->resume = NGX_CONF_UNSET;
    settings->require_redis = NGX_CONF_UNSET;
    settings->replay_ended = NGX_CONF_UNSET;
    settings->idle_timeout = NGX_CONF_UNSET_MSEC;
    return settings;
}

char* merge_location_settings(ngx_conf_t* cf, void* parent, void* child) noexcept {
    auto* outer = static_cast<LocationSettings*>(parent);
    auto* inner = static_cast<LocationSettings*>(child);

    static Keepalive default_keepalive{
        30000, false, KeepaliveKind::Comment, ngx_string("keepalive"), {}};
    static BufferBound default_buffer{256 * 1024, 0, false};
    static Start default_start{StartKind::Live, 0, nullptr, {}};
    static Unknown allow_unknown{};
    static Drain default_drain{10000, false};
    static Lifetime no_lifetime{};
    static Message no_message{};

    auto merge = [](auto*& value, auto* above, auto& fallback) {
        if (value == nullptr)
            value = above != nullptr ? above : &fallback;
    };
    merge(inner->keepalive, outer->keepalive, default_keepalive);
    merge(inner->buffer, outer->buffer, default_buffer);
    merge(inner->start, outer->start, default_start);
    merge(inner->unknown, outer->unknown, allow_unknown);
    merge(inner->drain, outer->drain, default_drain);
    merge(inner->lifetime, outer->lifetime, no_lifetime);
    merge(inner->greeting, outer->greeting, no_message);
    merge(inner->error_event, outer->error_event, no_message);
    merge(inner->end_event, outer->end_event, no_message);
    ngx_conf_merge_uint_value(inner->transports, outer->transports, kOfferSse | kOfferWebsocket);
    ngx_conf_merge_uint_value(inner->compress, outer->compress, 0);
    ngx_conf_merge_msec_value(inner->retry, outer->retry, 3000);
    ngx_conf_merge_value(inner->ids, outer->ids, 1);
    ngx_conf_merge_value(inner->names, outer->names, 1);
    ngx_conf_merge_value(inner->hibernate, outer->hibernate, 1);
    if (inner->fills == nullptr)
        inner->fills = outer->fills;
    ngx_conf_merge_value(inner->resume, outer->resume, 1);
    ngx_conf_merge_value(inner->require_redis, outer->require_redis, 0);
    ngx_conf_merge_value(inner->replay_ended, outer->replay_ended, 0);
    ngx_conf_merge_msec_value(inner->idle_timeout, outer->idle_timeout, 0);

    // `if` and `limit_except` are nameless locations inside one: the content handler goes with
    // them.
    auto* core = static_cast<ngx_http_core_loc_conf_t*>(
        ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
    if (core->noname && core->handler == nullptr && outer->handler != nullptr) {
        inner->channels = outer->channels;
        inner->channel = outer->channel;
        core->handler = inner->handler = outer->handler;
    }
    // A handler that came later in the location has overwritten ours without a word.
    if (inner->handler != nullptr && core->handler != inner->handler) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "location \"%V\" has a herald content handler (herald_subscribe, "
                           "herald_history, herald_publish, herald_view, herald_health or "
                           "herald_status) and another one; keep one of them",
                           &core->name);
        return static_cast<char*>(NGX_CONF_ERROR);
    }
    // Beats closer than the timeout keep nothing alive: they count as neither events nor client
    // traffic.
    if (inner->channels != nullptr && inner->lifetime->time != 0 && inner->idle_timeout != 0 &&
        inner->idle_timeout > inner->lifetime->time) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"herald_idle_timeout\" is longer than \"herald_lifetime\" in location "
                           "\"%V\" and could never end a stream",
                           &core->name);
        return static_cast<char*>(NGX_CONF_ERROR);
    }
    return NGX_CONF_OK;
}

}  // namespace herald
