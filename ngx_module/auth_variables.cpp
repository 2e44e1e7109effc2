#include "auth_variables.hpp"

#include "access.hpp"
#include "variables.hpp"

namespace herald {

namespace {

constexpr std::string_view kClaimPrefix = "herald_claim_";

std::string_view name_of(TokenFrom from) {
    switch (from) {
        case TokenFrom::Nowhere:
            return {};
        case TokenFrom::Header:
            return "header";
        case TokenFrom::ApiKey:
            return "api_key";
        case TokenFrom::Cookie:
            return "cookie";
        case TokenFrom::Query:
            return "query";
        case TokenFrom::Subprotocol:
            return "subprotocol";
    }
    return {};
}

// nginx knows variables in lower case alone.
const json_t* find_in_any_case(const json_t* claims, std::string_view name) {
    const std::string exact(name);
    const json_t* claim = json_object_get(claims, exact.c_str());
    if (claim != nullptr)
        return claim;
    const char* key;
    json_t* value;
    json_object_foreach(const_cast<json_t*>(claims), key, value) {
        const std::string_view text = key;
        if (text.size() == name.size() &&
            ngx_strncasecmp(reinterpret_cast<u_char*>(const_cast<char*>(key)),
                            as_ngx_str(name).data, name.size()) == 0)
            return value;
    }
    return nullptr;
}

std::string roles_of(const Identity& identity) {
    std::string all;
    for (const std::string& role : identity.claims.roles) {
        if (!all.empty())
            all += ',';
        all += role;
    }
    return is_plain_text(all) ? all : std::string();
}

using Text = std::string (*)(const AuthContext& context, std::string_view name);

std::string user_text(const AuthContext& context, std::string_view) {
    return context.identity == nullptr ? std::string() : context.identity->claims.user;
}
std::string roles_text(const AuthContext& context, std::string_view) {
    return context.identity == nullptr ? std::string() : roles_of(*context.identity);
}
std::string claim_value(const AuthContext& context, std::string_view name) {
    if (context.identity == nullptr || context.identity->claims.all == nullptr)
        return {};
    name.remove_prefix(kClaimPrefix.size());
    const json_t* claim = find_in_any_case(context.identity->claims.all.get(), name);
    return claim_text(claim).value_or(std::string());
}
std::string status_text(const AuthContext& context, std::string_view) {
    return std::string(name_of(context.status));
}
std::string from_text(const AuthContext& context, std::string_view) {
    return std::string(name_of(context.from));
}

// `data`: the name under which the variable was asked for.
template <Text text_of>
ngx_int_t get_variable(ngx_http_request_t* r, ngx_http_variable_value_t* value,
                       uintptr_t data) noexcept {
    return guard(r->connection->log, ngx_int_t{NGX_ERROR}, [&]() -> ngx_int_t {
        const AuthContext* context = auth_of(r);
        const auto* name = reinterpret_cast<const ngx_str_t*>(data);
        const std::string text =
            context == nullptr ? "" : text_of(*context, name == nullptr ? "" : view(*name));
        return give_text(r, value, text);
    });
}

}  // namespace

ngx_int_t add_auth_variables(ngx_conf_t* cf) noexcept {
    const struct {
        std::string_view name;
        ngx_http_get_variable_pt get;
        ngx_uint_t flags;
    } variables[] = {{"herald_user", get_variable<user_text>, 0},
                     {"herald_roles", get_variable<roles_text>, 0},
                     {"herald_auth_status", get_variable<status_text>, 0},
                     {"herald_token_from", get_variable<from_text>, 0},
                     {kClaimPrefix, get_variable<claim_value>, NGX_HTTP_VAR_PREFIX}};
    for (const auto& one : variables) {
        ngx_str_t name = as_ngx_str(one.name);
        ngx_http_variable_t* variable =
            ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE | one.flags);
        if (variable == nullptr)
            return NGX_ERROR;
        variable->get_handler = one.get;
        variable->data = 0;  // of a prefix, nginx puts the whole name there
    }
    return NGX_OK;
}

}  // namespace herald
