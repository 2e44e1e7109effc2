// What the directives of the edge set: where tokens may come from, and who may call from a browser.
// Plain structs in the configuration's pools, filled by edge_directives.cpp.
#pragma once

#include <span>

#include "ngx.hpp"

extern ngx_module_t ngx_http_herald_edge_module;

namespace herald {

// An API key's headers.
struct KeyHeaders {
    std::string_view key;
    std::string_view secret;  // empty: the key comes alone
};

// herald_token_from. The arrays may be nullptr: none.
struct TokenSources {
    bool header;           // Authorization, and WebSocket's subprotocol
    ngx_array_t* cookies;  // of std::string_view
    ngx_array_t* queries;  // of std::string_view, in lower case
    ngx_array_t* keys;     // of KeyHeaders
};

// herald_cors.
struct Cors {
    bool on;
    bool any;  // `*`
    bool credentials;
    ngx_array_t* origins;  // of std::string_view; nullptr: none
};

struct EdgeMainSettings {
    // Tokens may come in: what could show them is redacted, in all servers.
    bool redacts;
    ngx_array_t* queries;  // of std::string_view, in lower case: every location's, and `token`
    ngx_array_t* headers;  // of std::string_view, in lower case: those that carry secrets
    ngx_array_t* logs;     // of ngx_log_t*: every location's error_log
};

struct EdgeSettings {
    TokenSources* token_from;  // nullptr until merged
    Cors* cors;                // nullptr until merged
};

inline EdgeMainSettings* edge_main_settings(ngx_http_request_t* r) {
    return static_cast<EdgeMainSettings*>(
        ngx_http_get_module_main_conf(r, ngx_http_herald_edge_module));
}
inline EdgeMainSettings* edge_main_settings(ngx_conf_t* cf) {
    return static_cast<EdgeMainSettings*>(
        ngx_http_conf_get_module_main_conf(cf, ngx_http_herald_edge_module));
}
inline EdgeSettings* edge_settings(ngx_http_request_t* r) {
    return static_cast<EdgeSettings*>(ngx_http_get_module_loc_conf(r, ngx_http_herald_edge_module));
}

// The elements of an array that may be nullptr.
template <class Element>
std::span<const Element> elements(const ngx_array_t* array) {
    if (array == nullptr)
        return {};
    return {static_cast<const Element*>(array->elts), array->nelts};
}

// Callbacks of nginx's module context.
void* create_edge_main_settings(ngx_conf_t* cf) noexcept;
void* create_edge_settings(ngx_conf_t* cf) noexcept;
char* merge_edge_settings(ngx_conf_t* cf, void* parent, void* child) noexcept;

extern ngx_command_t edge_commands[];  // edge_directives.cpp

}  // namespace herald
