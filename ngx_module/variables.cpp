#include "variables.hpp"

#include "subscriber.hpp"

namespace herald {

namespace {

enum class Field : uintptr_t {
    Channel,
    Transport,
    EventsSent,
    LastId,
    Gaps,
    Trimmed,
    CloseReason,
    Event
};

std::string text_of(const StreamLog& log, Field field) {
    switch (field) {
        case Field::Channel:
            return std::string(view(log.channel));
        case Field::Transport:
            return std::string(view(log.transport));
        case Field::EventsSent:
            return std::to_string(log.events_sent);
        case Field::LastId:
            return log.last_id ? ring::to_string(*log.last_id) : std::string();
        case Field::Gaps:
            return std::to_string(log.gaps);
        case Field::Trimmed:
            return std::to_string(log.trimmed);
        case Field::CloseReason:
            return std::string(name_of(log.reason));
        case Field::Event:
            return log.ended_by ? *log.ended_by : std::string();
    }
    return {};
}

ngx_int_t get_variable(ngx_http_request_t* r, ngx_http_variable_value_t* value,
                       uintptr_t data) noexcept {
    return guard(r->connection->log, ngx_int_t{NGX_ERROR}, [&]() -> ngx_int_t {
        const StreamLog* log = stream_log_of(r);
        const std::string text = log == nullptr ? "" : text_of(*log, static_cast<Field>(data));
        return give_text(r, value, text);
    });
}

}  // namespace

ngx_int_t give_text(ngx_http_request_t* r, ngx_http_variable_value_t* value,
                    std::string_view text) {
    if (text.empty()) {
        value->not_found = 1;
        return NGX_OK;
    }
    const ngx_str_t copy = copy_to_pool(r->pool, text);
    if (copy.data == nullptr)
        return NGX_ERROR;
    value->data = copy.data;
    value->len = static_cast<unsigned>(copy.len) & 0xfffffff;
    value->valid = 1;
    value->no_cacheable = 0;
    value->not_found = 0;
    return NGX_OK;
}

ngx_int_t add_variables(ngx_conf_t* cf) noexcept {
    const std::pair<std::string_view, Field> variables[] = {
        {"herald_channel", Field::Channel},
        {"herald_transport", Field::Transport},
        {"herald_events_sent", Field::EventsSent},
        {"herald_last_id", Field::LastId},
        {"herald_gaps", Field::Gaps},
        {"herald_trimmed", Field::Trimmed},
        {"herald_close_reason", Field::CloseReason},
        {"herald_event", Field::Event}};
    for (auto [name, field] : variables) {
        ngx_str_t text = as_ngx_str(name);
        ngx_http_variable_t* variable = ngx_http_add_variable(cf, &text, NGX_HTTP_VAR_NOCACHEABLE);
        if (variable == nullptr)
            return NGX_ERROR;
        variable->get_handler = get_variable;
        variable->data = static_cast<uintptr_t>(field);
    }
    return NGX_OK;
}

}  // namespace herald
