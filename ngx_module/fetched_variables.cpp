#include "fetched_variables.hpp"

#include "fetch_access.hpp"
#include "json_text.hpp"
#include "opening.hpp"
#include "variables.hpp"

namespace herald {

namespace {

constexpr std::string_view kStartPrefix = "herald_start_";
constexpr std::string_view kFetchPrefix = "herald_fetch_";

// What the subrequest behind this variable has brought; nullptr: nothing, or it is gone.
const Fetch* fetch_of(ngx_http_request_t* r, std::string_view name) {
    if (name.starts_with(kFetchPrefix))
        return fetched_for_access(r->main);
    const RequestContext* context = context_of(r->main);
    return context == nullptr ? nullptr : context->first;
}

std::optional<std::string_view> find(ngx_http_request_t* r, std::string_view name) {
    const Fetch* fetch = fetch_of(r, name);
    if (fetch == nullptr || !fetch->has_json())
        return std::nullopt;
    static_assert(kStartPrefix.size() == kFetchPrefix.size());
    return json_member_any_case(fetch->json(), name.substr(kStartPrefix.size()));
}

ngx_int_t get_variable(ngx_http_request_t* r, ngx_http_variable_value_t* value,
                       uintptr_t data) noexcept {
    return guard(r->connection->log, ngx_int_t{NGX_ERROR}, [&]() -> ngx_int_t {
        const auto found = find(r, view(*reinterpret_cast<const ngx_str_t*>(data)));
        const std::string text = found ? plain_text(*found) : std::string();
        return give_text(r, value, text);
    });
}

}  // namespace

bool is_json_variable(std::string_view name) {
    return (name.starts_with(kStartPrefix) || name.starts_with(kFetchPrefix)) &&
           name.size() > kStartPrefix.size();
}

std::string json_variable(ngx_http_request_t* r, std::string_view name) {
    return std::string(find(r, name).value_or("null"));
}

ngx_int_t add_fetched_variables(ngx_conf_t* cf) noexcept {
    for (std::string_view prefix : {kStartPrefix, kFetchPrefix}) {
        ngx_str_t name = as_ngx_str(prefix);
        ngx_http_variable_t* variable =
            ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE | NGX_HTTP_VAR_PREFIX);
        if (variable == nullptr)
            return NGX_ERROR;
        variable->get_handler = get_variable;
        variable->data = 0;  // nginx puts the whole name there
    }
    return NGX_OK;
}

}  // namespace herald
