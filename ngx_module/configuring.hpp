// What functions that set directives share: refusing a value with a reason, and small parsing.
#pragma once

#include "ngx.hpp"

namespace herald {

// Logs `"herald_x" what` as an error of the configuration.
template <class... Values>
char* reject(ngx_conf_t* cf, ngx_command_t* cmd, const char* format, Values... values) {
    u_char text[NGX_MAX_CONF_ERRSTR];
    u_char* end = ngx_snprintf(text, sizeof text - 1, format, values...);
    *end = '\0';
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" %s", &cmd->name, text);
    return static_cast<char*>(NGX_CONF_ERROR);
}

inline ngx_str_t* arguments(ngx_conf_t* cf) {
    return static_cast<ngx_str_t*>(cf->args->elts);
}

template <class Struct>
Struct* allocate(ngx_conf_t* cf) {
    return static_cast<Struct*>(ngx_pcalloc(cf->pool, sizeof(Struct)));
}

inline bool take_prefix(std::string_view& text, std::string_view prefix) {
    if (text.substr(0, prefix.size()) != prefix)
        return false;
    text.remove_prefix(prefix.size());
    return true;
}

// Makes the struct that a directive fills, at the command's offset; nullptr (and logged) when the
// directive was there already.
template <class Struct>
Struct* first_time(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) {
    Struct*& value = *reinterpret_cast<Struct**>(static_cast<char*>(conf) + cmd->offset);
    if (value != nullptr) {
        reject(cf, cmd, "is duplicate");
        return nullptr;
    }
    return value = allocate<Struct>(cf);
}

}  // namespace herald
