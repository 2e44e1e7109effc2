// herald_token_from and herald_cors.
#include <algorithm>

#include "configuring.hpp"
#include "edge_settings.hpp"
#include "redaction.hpp"

namespace herald {

namespace {

// RFC 9110, section 5.6.2
bool is_token(std::string_view text) {
    constexpr std::string_view kSigns = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](unsigned char c) {
        return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
               kSigns.find(static_cast<char>(c)) != std::string_view::npos;
    });
}

// What an argument's name may be: what needs no percent-encoding (RFC 3986, section 2.3).
bool is_argument_name(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' ||
               c == '.' || c == '_' || c == '~';
    });
}

// The same text in lower case, in the configuration's pool; empty: no memory.
std::string_view lowered(ngx_conf_t* cf, std::string_view text) {
    ngx_str_t copy = copy_to_pool(cf->pool, text);
    ngx_strlow(copy.data, copy.data, copy.len);
    return view(copy);
}

template <class Element>
bool push(ngx_conf_t* cf, ngx_array_t*& array, const Element& element) {
    if (array == nullptr)
        array = ngx_array_create(cf->pool, 2, sizeof(Element));
    void* slot = array == nullptr ? nullptr : ngx_array_push(array);
    if (slot != nullptr)
        new (slot) Element(element);
    return slot != nullptr;
}

bool has(const ngx_array_t* names, std::string_view name) {
    const auto known = elements<std::string_view>(names);
    return std::find(known.begin(), known.end(), name) != known.end();
}

char* const kFailed = static_cast<char*>(NGX_CONF_ERROR);

char* add_cookie(ngx_conf_t* cf, ngx_command_t* cmd, ngx_str_t* value, std::string_view name,
                 TokenSources& sources) {
    if (!is_token(name))
        return reject(cf, cmd,
                      "cookie= needs a name of letters, digits and any of !#$%%&'*+-.^_`|~, not "
                      "\"%V\"",
                      value);
    if (has(sources.cookies, name))
        return reject(cf, cmd, "has \"%V\" twice", value);
    return push(cf, sources.cookies, name) ? NGX_CONF_OK : kFailed;
}

char* add_query(ngx_conf_t* cf, ngx_command_t* cmd, ngx_str_t* value, std::string_view name,
                TokenSources& sources) {
    if (!is_argument_name(name))
        return reject(cf, cmd,
                      "query= needs a name of letters, digits, \"-\", \".\", \"_\" and "
                      "\"~\", not \"%V\"",
                      value);
    name = lowered(cf, name);
    if (has(sources.queries, name))
        return reject(cf, cmd, "has \"%V\" twice", value);
    return !name.empty() && push(cf, sources.queries, name) &&
                   add_secret_name(cf, edge_main_settings(cf)->queries, name)
               ? NGX_CONF_OK
               : kFailed;
}

char* add_key(ngx_conf_t* cf, ngx_command_t* cmd, ngx_str_t* value, std::string_view names,
              TokenSources& sources) {
    const size_t colon = names.find(':');
    KeyHeaders headers{names.substr(0, colon), {}};
    if (colon != std::string_view::npos)
        headers.secret = names.substr(colon + 1);
    if (!is_token(headers.key) || (colon != std::string_view::npos && !is_token(headers.secret)))
        return reject(cf, cmd,
                      "api_key= needs the name of a header, or of two with \":\" between, "
                      "not \"%V\"",
                      value);
    headers = {lowered(cf, headers.key), lowered(cf, headers.secret)};
    if (headers.key == headers.secret)
        return reject(cf, cmd, "api_key= has one header for the key and the secret in \"%V\"",
                      value);
    for (std::string_view name : {headers.key, headers.secret}) {
        if (name == "authorization" || name == "cookie")
            return reject(cf, cmd,
                          "api_key= cannot be the header of \"%V\": tokens come from it by "
                          "\"header\" and \"cookie=\"",
                          value);
    }
    for (const KeyHeaders& known : elements<KeyHeaders>(sources.keys)) {
        if (known.key == headers.key)
            return reject(cf, cmd, "has the header of \"%V\" twice", value);
    }
    EdgeMainSettings* main = edge_main_settings(cf);
    return push(cf, sources.keys, headers) && add_secret_name(cf, main->headers, headers.key) &&
                   (headers.secret.empty() || add_secret_name(cf, main->headers, headers.secret))
               ? NGX_CONF_OK
               : kFailed;
}

char* set_token_from(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    auto* sources = first_time<TokenSources>(cf, cmd, conf);
    if (sources == nullptr)
        return kFailed;
    for (ngx_uint_t i = 1; i < cf->args->nelts; ++i) {
        ngx_str_t* value = &arguments(cf)[i];
        std::string_view text = view(*value);
        char* added = NGX_CONF_OK;
        if (text == "header") {
            if (sources->header)
                return reject(cf, cmd, "has \"%V\" twice", value);
            sources->header = true;
        } else if (take_prefix(text, "cookie=")) {
            added = add_cookie(cf, cmd, value, text, *sources);
        } else if (take_prefix(text, "query=")) {
            added = add_query(cf, cmd, value, text, *sources);
        } else if (take_prefix(text, "api_key=")) {
            added = add_key(cf, cmd, value, text, *sources);
        } else {
            return reject(cf, cmd, "knows header, cookie=, query= and api_key=, not \"%V\"", value);
        }
        if (added != NGX_CONF_OK)
            return added;
    }
    want_redaction(cf);
    return NGX_CONF_OK;
}


}  // namespace

ngx_command_t edge_commands[] = {
    {ngx_string("herald_token_from"), kEverywhere | NGX_CONF_1MORE, set_token_from,
     NGX_HTTP_LOC_CONF_OFFSET, offsetof(EdgeSettings, token_from), nullptr},
    ngx_null_command,
};

}  // namespace herald
