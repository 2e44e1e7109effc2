// What the directives of all our modules are parsed with. Each mistake is an error of `nginx -t`
// that names the directive.
#pragma once

#include <string_view>

#include "ngx.hpp"

namespace herald {

inline char* const kConfError = static_cast<char*>(NGX_CONF_ERROR);

// Logs `"herald_x" what` at this level of nginx's.
template <class... Values>
void remark(ngx_uint_t level, ngx_conf_t* cf, ngx_command_t* cmd, const char* format,
            Values... values) {
    u_char text[NGX_MAX_CONF_ERRSTR];
    u_char* end = ngx_snprintf(text, sizeof text - 1, format, values...);
    *end = '\0';
    ngx_conf_log_error(level, cf, 0, "\"%V\" %s", &cmd->name, text);
}
template <class... Values>
char* reject(ngx_conf_t* cf, ngx_command_t* cmd, const char* format, Values... values) {
    remark(NGX_LOG_EMERG, cf, cmd, format, values...);
    return kConfError;
}

inline ngx_str_t* arguments(ngx_conf_t* cf) {
    return static_cast<ngx_str_t*>(cf->args->elts);
}

template <class Struct>
Struct* allocate(ngx_conf_t* cf) {
    return static_cast<Struct*>(ngx_pcalloc(cf->pool, sizeof(Struct)));
}

// A time above zero, in milliseconds; false for anything else.
inline bool parse_time(ngx_str_t text, ngx_msec_t& out) {
    ngx_int_t value = ngx_parse_time(&text, 0);
    if (value == NGX_ERROR || value <= 0)
        return false;
    out = static_cast<ngx_msec_t>(value);
    return true;
}

inline bool take_prefix(std::string_view& text, std::string_view prefix) {
    if (text.substr(0, prefix.size()) != prefix)
        return false;
    text.remove_prefix(prefix.size());
    return true;
}

// `value` lives as long as the configuration. nullptr: logged.
inline char* compile_value(ngx_conf_t* cf, ngx_str_t* value, ngx_http_complex_value_t* out) {
    ngx_http_compile_complex_value_t compile{};
    compile.cf = cf;
    compile.value = value;
    compile.complex_value = out;
    return ngx_http_compile_complex_value(&compile) == NGX_OK ? NGX_CONF_OK : kConfError;
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

constexpr ngx_uint_t kEverywhere = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;

inline ngx_command_t entry(const char* name, ngx_uint_t type,
                           char* (*set)(ngx_conf_t*, ngx_command_t*, void*), ngx_uint_t conf,
                           ngx_uint_t offset) {
    return {as_ngx_str(name), type, set, conf, offset, nullptr};
}

}  // namespace herald
