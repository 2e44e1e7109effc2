#include "auth_directives.hpp"

#include <algorithm>

#include "configuring.hpp"
#include "environment.hpp"
#include "issuer_block.hpp"
#include "redaction.hpp"

namespace herald {

namespace {

constexpr size_t kMaxToken = 64 * 1024;              // bytes of a file with one
constexpr size_t kMaxCredentials = 4 * 1024 * 1024;  // bytes of a list

char* set_auth(ngx_conf_t* cf, ngx_command_t* cmd, AuthSettings& settings) {
    if (settings.names)
        return reject(cf, cmd, "is duplicate");
    settings.names.emplace();
    for (ngx_uint_t i = 1; i < cf->args->nelts; ++i) {
        ngx_str_t* value = &arguments(cf)[i];
        if (view(*value) == "off") {
            if (cf->args->nelts > 2)
                return reject(cf, cmd, "off takes no further parameter");
            return NGX_CONF_OK;
        }
        settings.names->emplace_back(view(*value));
    }
    want_redaction(cf);
    return NGX_CONF_OK;
}

char* set_static_token(ngx_conf_t* cf, ngx_command_t* cmd, AuthSettings& settings) {
    ngx_str_t* value = arguments(cf);
    std::string user;
    std::vector<std::string> roles;
    for (ngx_uint_t i = 2; i < cf->args->nelts; ++i) {
        std::string_view text = view(value[i]);
        if (take_prefix(text, "user=") && user.empty() && !text.empty())
            user = text;
        else if (take_prefix(text, "role=") && !text.empty())
            roles.emplace_back(text);
        else
            return reject(cf, cmd, "knows one user= and any number of role=, not \"%V\"",
                          &value[i]);
    }
    if (settings.static_tokens == nullptr)
        settings.static_tokens = std::make_shared<OpaqueTokens>();

    std::string_view where = view(value[1]);
    Digest digest;
    if (take_prefix(where, "sha256:")) {
        if (!parse_digest(where, digest))
            return reject(cf, cmd, "sha256: needs the 64 hex digits of the token's SHA-256");
    } else {
        std::string token, why;
        const Reading read = read_value(where, kMaxToken, token, why);
        ngx_str_t text = as_ngx_str(why);
        if (read == Reading::Failed)
            return reject(cf, cmd, "%V (or sha256:HEX)", &text);
        if (read == Reading::Missing) {
            remark(NGX_LOG_WARN, cf, cmd, "is without a token: %V", &text);
            return NGX_CONF_OK;
        }
        digest = digest_of(token);
    }
    settings.static_tokens->add_token(digest, opaque_identity(user, std::move(roles)));
    return NGX_CONF_OK;
}

char* set_credentials(ngx_conf_t* cf, ngx_command_t* cmd, AuthSettings& settings) {
    ngx_str_t* where = &arguments(cf)[1];
    const bool is_off = view(*where) == "off";
    if (is_off && settings.credentials != nullptr)
        return reject(cf, cmd, "is off, and has credentials as well; keep one of them");
    if (settings.credentials == nullptr)
        settings.credentials = std::make_shared<OpaqueTokens>();
    if (is_off)
        return NGX_CONF_OK;  // an empty list: that of the level above does not come down
    // Anything else may be the credentials themselves, which are not for the log.
    if (!view(*where).starts_with("env:") && !view(*where).starts_with("file:"))
        return reject(cf, cmd, "must be env:NAME, file:PATH or off");
    std::string json, why;
    const Reading read = read_value(view(*where), kMaxCredentials, json, why);
    std::vector<std::string> skipped;
    const bool imported =
        read == Reading::Read && import_credentials(json, *settings.credentials, skipped, why);
    ngx_str_t text = as_ngx_str(why);
    if (read == Reading::Missing) {
        // Of a variable and a file, as the services take them, one is often left out.
        remark(NGX_LOG_NOTICE, cf, cmd, "\"%V\" has no credentials: %V", where, &text);
        return NGX_CONF_OK;
    }
    if (!imported)
        return reject(cf, cmd, "\"%V\" %V; it must be a JSON list of credentials", where, &text);
    for (const std::string& one : skipped) {
        text = as_ngx_str(one);
        remark(NGX_LOG_WARN, cf, cmd, "\"%V\": %V, and is left out", where, &text);
    }
    return NGX_CONF_OK;
}

char* set_require(ngx_conf_t* cf, ngx_command_t* cmd, AuthSettings& settings) {
    GrantLine line;
    for (ngx_uint_t i = 1; i < cf->args->nelts; ++i) {
        ngx_str_t* whole = &arguments(cf)[i];
        std::string_view text = view(*whole);
        Grant grant;
        if (take_prefix(text, "role=")) {
            grant.kind = Grant::Kind::Role;
        } else if (take_prefix(text, "user=")) {
            grant.kind = Grant::Kind::User;
        } else if (take_prefix(text, "claim=") && text.find('=') != std::string_view::npos) {
            grant.kind = Grant::Kind::Claim;
            grant.path = text.substr(0, text.find('='));
            text.remove_prefix(grant.path.size() + 1);
        } else {
            return reject(cf, cmd, "knows role=NAME, claim=PATH=VALUE and user=VALUE, not \"%V\"",
                          whole);
        }
        if (text.empty() || (grant.kind == Grant::Kind::Claim && grant.path.empty()))
            return reject(cf, cmd, "needs something to compare with, not \"%V\"", whole);
        ngx_str_t value = as_ngx_str(text);
        char* compiled = compile_value(cf, &value, &grant.value);
        if (compiled != NGX_CONF_OK)
            return compiled;
        line.push_back(std::move(grant));
    }
    settings.required.push_back(std::move(line));
    return NGX_CONF_OK;
}

char* set_admin_role(ngx_conf_t* cf, ngx_command_t* cmd, AuthSettings& settings) {
    ngx_str_t* value = &arguments(cf)[1];
    if (settings.admin_role)
        return reject(cf, cmd, "is duplicate");
    if (value->len == 0)
        return reject(cf, cmd, "needs a role");
    settings.admin_role = std::string(view(*value));
    return NGX_CONF_OK;
}

char* set_denied_body(ngx_conf_t* cf, ngx_command_t* cmd, std::string_view text, Denied& denied) {
    if (denied.body != nullptr)
        return reject(cf, cmd, "has two bodies");
    denied.body = Template::compile(cf, cmd->name, as_ngx_str(text));
    if (denied.body == nullptr)
        return kConfError;
    if (!denied.body->is_json())
        return reject(cf, cmd, "needs a body that is JSON");
    return NGX_CONF_OK;
}

char* set_denied(ngx_conf_t* cf, ngx_command_t* cmd, AuthSettings& settings) {
    if (settings.denied)
        return reject(cf, cmd, "is duplicate");
    Denied denied;
    for (ngx_uint_t i = 1; i < cf->args->nelts; ++i) {
        ngx_str_t* whole = &arguments(cf)[i];
        std::string_view text = view(*whole);
        if (take_prefix(text, "body=")) {
            char* set = set_denied_body(cf, cmd, text, denied);
            if (set != NGX_CONF_OK)
                return set;
            continue;
        }
        ngx_uint_t* status = take_prefix(text, "none=")           ? &denied.none
                             : take_prefix(text, "invalid=")      ? &denied.invalid
                             : take_prefix(text, "forbidden=")    ? &denied.forbidden
                             : take_prefix(text, "unconfigured=") ? &denied.unconfigured
                                                                  : nullptr;
        if (status == nullptr)
            return reject(cf, cmd,
                          "knows none=, invalid=, forbidden=, unconfigured= and body=, not \"%V\"",
                          whole);
        ngx_str_t digits = as_ngx_str(text);
        const ngx_int_t number = ngx_atoi(digits.data, digits.len);
        // 444 and the like of nginx's own mean something else to it.
        if (number < 400 || number > 599 || number == 444 || (number >= 494 && number <= 499))
            return reject(cf, cmd, "needs a status of 400 to 599, not \"%V\"", whole);
        *status = static_cast<ngx_uint_t>(number);
    }
    settings.denied = denied;
    return NGX_CONF_OK;
}

// A setter at nginx's edge.
template <char* (*set)(ngx_conf_t*, ngx_command_t*, AuthSettings&)>
char* guarded(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    return guard(cf->log, kConfError,
                 [&] { return set(cf, cmd, *static_cast<AuthSettings*>(conf)); });
}

template <char* (*set)(ngx_conf_t*, ngx_command_t*, AuthSettings&)>
ngx_command_t everywhere(const char* name, ngx_uint_t arguments) {
    return entry(name, kEverywhere | arguments, guarded<set>, NGX_HTTP_LOC_CONF_OFFSET, 0);
}

}  // namespace

ngx_command_t auth_commands[] = {
    entry("herald_issuer", NGX_HTTP_MAIN_CONF | NGX_CONF_BLOCK | NGX_CONF_TAKE1, set_issuer,
          NGX_HTTP_MAIN_CONF_OFFSET, 0),
    everywhere<set_auth>("herald_auth", NGX_CONF_1MORE),
    everywhere<set_static_token>("herald_static_token", NGX_CONF_1MORE),
    everywhere<set_credentials>("herald_credentials", NGX_CONF_TAKE1),
    everywhere<set_require>("herald_require", NGX_CONF_1MORE),
    everywhere<set_admin_role>("herald_admin_role", NGX_CONF_TAKE1),
    everywhere<set_denied>("herald_denied", NGX_CONF_1MORE),
    ngx_null_command,
};

}  // namespace herald
