// Defaults and inheritance of the edge's directives.
#include "error_log.hpp"
#include "redaction.hpp"

namespace herald {

void* create_edge_main_settings(ngx_conf_t* cf) noexcept {
    auto* settings =
        static_cast<EdgeMainSettings*>(ngx_pcalloc(cf->pool, sizeof(EdgeMainSettings)));
    if (settings == nullptr || !add_secret_name(cf, settings->queries, "token"))
        return nullptr;
    for (std::string_view name :
         {"authorization", "proxy-authorization", "cookie", "sec-websocket-protocol"}) {
        if (!add_secret_name(cf, settings->headers, name))
            return nullptr;
    }
    return settings;
}

void* create_edge_settings(ngx_conf_t* cf) noexcept {
    return ngx_pcalloc(cf->pool, sizeof(EdgeSettings));
}

char* merge_edge_settings(ngx_conf_t* cf, void* parent, void* child) noexcept {
    auto* outer = static_cast<EdgeSettings*>(parent);
    auto* inner = static_cast<EdgeSettings*>(child);
    static TokenSources header_alone{true, nullptr, nullptr, nullptr};
    static Cors closed{};

    if (inner->token_from == nullptr)
        inner->token_from = outer->token_from != nullptr ? outer->token_from : &header_alone;
    if (inner->cors == nullptr)
        inner->cors = outer->cors != nullptr ? outer->cors : &closed;
    return note_error_log(cf) ? NGX_CONF_OK : static_cast<char*>(NGX_CONF_ERROR);
}

}  // namespace herald
