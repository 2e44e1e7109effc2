// herald_token_from and herald_cors.
#include <jansson.h>

#include <algorithm>
#include <memory>

#include "configuring.hpp"
#include "edge_settings.hpp"
#include "origin.hpp"
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

// One origin, and where it was read (" in env:NAME", or nothing).
char* add_origin(ngx_conf_t* cf, ngx_command_t* cmd, std::string_view text, std::string_view where,
                 Cors& cors) {
    ngx_str_t given = as_ngx_str(text), place = as_ngx_str(where);
    if (text == "*") {
        cors.any = true;
        return NGX_CONF_OK;
    }
    if (text == "null")
        return reject(cf, cmd, "cannot allow the origin \"null\"%V, which every sandboxed page has",
                      &place);
    const std::string_view origin = lowered(cf, text);
    if (const std::string_view problem = origin_problem(origin); !problem.empty()) {
        ngx_str_t reason = as_ngx_str(problem);
        return reject(cf, cmd, "origin \"%V\"%V %V", &given, &place, &reason);
    }
    if (has(cors.origins, origin))
        return NGX_CONF_OK;
    return push(cf, cors.origins, origin) ? NGX_CONF_OK : kFailed;
}

struct ReleaseJson {
    void operator()(json_t* json) const { json_decref(json); }
};

char* add_origins_of_json(ngx_conf_t* cf, ngx_command_t* cmd, std::string_view text,
                          std::string_view where, Cors& cors) {
    json_error_t error;
    const std::unique_ptr<json_t, ReleaseJson> list(
        json_loadb(text.data(), text.size(), 0, &error));
    ngx_str_t place = as_ngx_str(where);
    if (list == nullptr)
        return reject(cf, cmd, "needs a JSON array of strings or a comma-separated list%V: %s",
                      &place, error.text);
    size_t index;
    json_t* element;
    json_array_foreach(list.get(), index, element) {
        if (!json_is_string(element))
            return reject(cf, cmd, "needs a JSON array of strings%V, element %uz is none", &place,
                          index + 1);
        char* added = add_origin(cf, cmd, {json_string_value(element), json_string_length(element)},
                                 where, cors);
        if (added != NGX_CONF_OK)
            return added;
    }
    return NGX_CONF_OK;
}

char* add_origins_of_list(ngx_conf_t* cf, ngx_command_t* cmd, std::string_view text,
                          std::string_view where, Cors& cors) {
    constexpr std::string_view kBlanks = " \t\r\n";
    for (size_t end = 0; end != std::string_view::npos;
         text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1)) {
        end = text.find(',');
        std::string_view origin = text.substr(0, end);
        origin.remove_prefix(std::min(origin.find_first_not_of(kBlanks), origin.size()));
        origin = origin.substr(0, origin.find_last_not_of(kBlanks) + 1);
        if (origin.empty())
            continue;  // a comma at the end, as scripts leave it
        char* added = add_origin(cf, cmd, origin, where, cors);
        if (added != NGX_CONF_OK)
            return added;
    }
    return NGX_CONF_OK;
}

// The origins of an environment variable, as nginx sees it when it reads its configuration.
char* add_origins_of_env(ngx_conf_t* cf, ngx_command_t* cmd, ngx_str_t* value,
                         std::string_view name, Cors& cors) {
    if (name.empty() || name.find('=') != std::string_view::npos)
        return reject(cf, cmd, "env: needs the name of an environment variable, not \"%V\"", value);
    const char* set = std::getenv(std::string(name).c_str());
    std::string_view text = set == nullptr ? "" : set;
    const size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"%V\" reads \"%V\", which is not set: it allows no origin", &cmd->name,
                           value);
        return NGX_CONF_OK;
    }
    text.remove_prefix(first);
    const std::string where = " in " + std::string(view(*value));
    return text.front() == '[' ? add_origins_of_json(cf, cmd, text, where, cors)
                               : add_origins_of_list(cf, cmd, text, where, cors);
}

char* set_cors(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    auto* cors = first_time<Cors>(cf, cmd, conf);
    if (cors == nullptr)
        return kFailed;
    ngx_str_t* value = arguments(cf);
    if (view(value[1]) == "off") {
        if (cf->args->nelts > 2)
            return reject(cf, cmd, "off takes no further parameter, not \"%V\"", &value[2]);
        return NGX_CONF_OK;
    }
    cors->on = true;
    ngx_uint_t sources = 0;
    for (ngx_uint_t i = 1; i < cf->args->nelts; ++i) {
        std::string_view text = view(value[i]);
        if (text == "credentials") {
            if (cors->credentials)
                return reject(cf, cmd, "has \"%V\" twice", &value[i]);
            cors->credentials = true;
            continue;
        }
        ++sources;
        char* added = guard(cf->log, kFailed, [&] {
            return take_prefix(text, "env:") ? add_origins_of_env(cf, cmd, &value[i], text, *cors)
                                             : add_origin(cf, cmd, text, "", *cors);
        });
        if (added != NGX_CONF_OK)
            return added;
    }
    if (sources == 0)
        return reject(cf, cmd, "needs an origin, such as https://example.com");
    if (cors->any && cors->origins != nullptr)
        return reject(cf, cmd, "has \"*\" and other origins, which it would make idle");
    if (cors->any && cors->credentials)
        return reject(cf, cmd, "cannot have \"*\" with credentials: list the origins");
    return NGX_CONF_OK;
}

}  // namespace

ngx_command_t edge_commands[] = {
    {ngx_string("herald_token_from"), kEverywhere | NGX_CONF_1MORE, set_token_from,
     NGX_HTTP_LOC_CONF_OFFSET, offsetof(EdgeSettings, token_from), nullptr},
    {ngx_string("herald_cors"), kEverywhere | NGX_CONF_1MORE, set_cors, NGX_HTTP_LOC_CONF_OFFSET,
     offsetof(EdgeSettings, cors), nullptr},
    ngx_null_command,
};

}  // namespace herald
