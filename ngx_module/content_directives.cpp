#include "content_directives.hpp"

#include "configuring.hpp"
#include "history.hpp"
#include "publish.hpp"
#include "redaction.hpp"
#include "ring/names.hpp"
#include "ring/view_question.hpp"
#include "settings.hpp"
#include "status.hpp"
#include "subscribe.hpp"
#include "view.hpp"
#include "view_query.hpp"

namespace herald {

namespace {

// Makes `handler` the location's content handler.
char* take_location(ngx_conf_t* cf, ngx_command_t* cmd, void* conf, ngx_http_handler_pt handler) {
    auto* settings = static_cast<LocationSettings*>(conf);
    auto* core = static_cast<ngx_http_core_loc_conf_t*>(
        ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
    if (settings->handler == handler)
        return reject(cf, cmd, "is duplicate");
    if (core->handler != nullptr)
        return reject(cf, cmd, "conflicts with another content handler of this location");
    core->handler = settings->handler = handler;

    auto* main =
        static_cast<MainSettings*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_herald_module));
    main->used = true;
    want_redaction(cf);
    return NGX_CONF_OK;
}

char* compile_channel(ngx_conf_t* cf, ngx_command_t* cmd, ngx_str_t* value,
                      ngx_http_complex_value_t* channel) {
    if (ngx_http_script_variables_count(value) == 0 && !ring::is_channel_name(view(*value)))
        return reject(cf, cmd, "channel \"%V\" is invalid, %s", value, kChannelRule);
    return compile_value(cf, value, channel);
}

// `CHANNEL` of a content handler that has one.
char* take_channel(ngx_conf_t* cf, ngx_command_t* cmd, void* conf, ngx_http_handler_pt handler) {
    auto* settings = static_cast<LocationSettings*>(conf);
    char* taken = take_location(cf, cmd, conf, handler);
    if (taken != NGX_CONF_OK)
        return taken;
    settings->channel = allocate<ngx_http_complex_value_t>(cf);
    if (settings->channel == nullptr)
        return kConfError;
    return compile_channel(cf, cmd, &arguments(cf)[1], settings->channel);
}

}  // namespace

char* set_subscribe(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    auto* settings = static_cast<LocationSettings*>(conf);
    char* taken = take_location(cf, cmd, conf, subscribe_handler);
    if (taken != NGX_CONF_OK)
        return taken;

    settings->channels =
        ngx_array_create(cf->pool, cf->args->nelts - 1, sizeof(ngx_http_complex_value_t));
    if (settings->channels == nullptr)
        return kConfError;
    for (ngx_uint_t i = 1; i < cf->args->nelts; ++i) {
        auto* channel = static_cast<ngx_http_complex_value_t*>(ngx_array_push(settings->channels));
        if (channel == nullptr)
            return kConfError;
        char* compiled = compile_channel(cf, cmd, &arguments(cf)[i], channel);
        if (compiled != NGX_CONF_OK)
            return compiled;
    }
    return NGX_CONF_OK;
}

char* set_history(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    return take_channel(cf, cmd, conf, history_handler);
}

char* set_publish(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    return take_channel(cf, cmd, conf, publish_handler);
}

char* set_view(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    auto* settings = static_cast<LocationSettings*>(conf);
    char* taken = take_location(cf, cmd, conf, view_handler);
    if (taken != NGX_CONF_OK)
        return taken;
    ngx_str_t* value = &arguments(cf)[1];
    if (ngx_http_script_variables_count(value) == 0) {
        const ViewPath path = split_view(view(*value));
        if (!ring::questions::is_view_name(path.name) || !ring::questions::is_view_item(path.item))
            return reject(cf, cmd, "view \"%V\" is invalid, %s", value, kViewRule);
    }
    settings->channel = allocate<ngx_http_complex_value_t>(cf);
    return settings->channel == nullptr ? kConfError : compile_value(cf, value, settings->channel);
}

char* set_health(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    return take_location(cf, cmd, conf, health_handler);
}

char* set_status(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    return take_location(cf, cmd, conf, status_handler);
}

}  // namespace herald
