#include "issuer_block.hpp"

#include <algorithm>

#include "configuring.hpp"
#include "environment.hpp"

namespace herald {

namespace {

constexpr size_t kMaxSecret = 64 * 1024;  // bytes of a file with one

// What is collected until the block ends: keys are imported when the algorithms are known.
struct Block {
    IssuerSettings* settings;
    std::vector<std::string> secrets{};  // env: and file:
    std::vector<std::string> sources{};  // file: and url:
    std::string missing{};               // an environment variable that is not set
    std::vector<std::string> seen{};     // directives that may be there once
};

template <class... Values>
char* wrong(ngx_conf_t* cf, const char* format, Values... values) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, format, values...);
    return kConfError;
}

// `${NAME}` is an environment variable. Where it is not set the issuer is not configured.
bool expand(Block& block, const ngx_str_t& value, std::string& out) {
    std::string missing;
    if (expand_environment(view(value), out, missing))
        return true;
    block.missing = missing;
    return false;
}

void add_audiences(std::string_view list, std::vector<std::string>& audiences) {
    while (!list.empty()) {
        const size_t comma = std::min(list.find(','), list.size());
        std::string_view one = list.substr(0, comma);
        while (!one.empty() && one.front() == ' ')
            one.remove_prefix(1);
        while (!one.empty() && one.back() == ' ')
            one.remove_suffix(1);
        if (!one.empty())
            audiences.emplace_back(one);
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
}

char* add_algorithms(ngx_conf_t* cf, Block& block) {
    for (ngx_uint_t i = 1; i < cf->args->nelts; ++i) {
        ngx_str_t* value = &arguments(cf)[i];
        const auto algorithm = jwt::algorithm_of(view(*value));
        if (!algorithm)
            return wrong(cf,
                         "\"alg\" knows HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, "
                         "PS512, ES256, ES384 and EdDSA, not \"%V\"",
                         value);
        block.settings->issuer.algorithms.add(*algorithm);
    }
    return NGX_CONF_OK;
}

char* add_source(ngx_conf_t* cf, Block& block) {
    ngx_str_t* value = &arguments(cf)[1];
    std::string source;
    const std::string_view text = view(*value);
    const bool is_file = text.substr(0, 5) == "file:";
    const bool is_url = text.substr(0, 12) == "url:https://";
    if (!is_file && !is_url)
        return wrong(cf, "\"jwks\" must be file:PATH or url:https://..., not \"%V\"", value);
    if (!expand(block, *value, source))
        return NGX_CONF_OK;
    if (is_file && source.substr(5, 1) != "/")
        return wrong(cf, "\"jwks\" needs an absolute path, not \"%V\"", value);
    block.sources.push_back(source);
    return NGX_CONF_OK;
}

char* take_leeway(ngx_conf_t* cf, Block& block) {
    ngx_str_t* value = &arguments(cf)[1];
    const ngx_int_t seconds = ngx_parse_time(value, 1);
    if (seconds == NGX_ERROR || seconds > 3600)
        return wrong(cf, "\"leeway\" must be a time of at most 1h, not \"%V\"", value);
    block.settings->issuer.leeway = seconds;
    return NGX_CONF_OK;
}

char* take_directive(ngx_conf_t* cf, Block& block) {
    ngx_str_t* value = arguments(cf);
    const std::string_view name = view(value[0]);
    jwt::Issuer& issuer = block.settings->issuer;
    if (cf->args->nelts < 2)
        return wrong(cf, "\"%V\" needs a value", &value[0]);
    if (name == "aud") {
        for (ngx_uint_t i = 1; i < cf->args->nelts; ++i) {
            std::string list;
            if (!expand(block, value[i], list))
                continue;
            const size_t before = issuer.audiences.size();
            add_audiences(list, issuer.audiences);
            // Without any, every audience would do.
            if (issuer.audiences.size() == before)
                return wrong(cf, "\"aud\" needs an audience, there is none in \"%V\"", &value[i]);
        }
        return NGX_CONF_OK;
    }
    if (name == "alg")
        return add_algorithms(cf, block);

    const bool once =
        name == "iss" || name == "leeway" || name == "user_claim" || name == "roles_claim";
    if (!once && name != "secret" && name != "jwks")
        return wrong(cf,
                     "herald_issuer knows iss, aud, secret, jwks, alg, leeway, user_claim and "
                     "roles_claim, not \"%V\"",
                     &value[0]);
    if (cf->args->nelts != 2)
        return wrong(cf, "\"%V\" takes one value", &value[0]);
    if (once && std::find(block.seen.begin(), block.seen.end(), name) != block.seen.end())
        return wrong(cf, "\"%V\" is duplicate", &value[0]);
    block.seen.emplace_back(name);

    if (name == "secret") {
        if (block.secrets.size() == jwt::kMaxAttempts)
            return wrong(cf, "herald_issuer takes at most %uz secrets: more are not tried",
                         jwt::kMaxAttempts);
        block.secrets.emplace_back(view(value[1]));
        return NGX_CONF_OK;
    }
    if (name == "jwks")
        return add_source(cf, block);
    if (name == "leeway")
        return take_leeway(cf, block);
    std::string& target = name == "iss"          ? issuer.iss
                          : name == "user_claim" ? issuer.user_claim
                                                 : issuer.roles_claim;
    if (expand(block, value[1], target) && target.empty())
        return wrong(cf, "\"%V\" needs a value that is not empty", &value[0]);
    return NGX_CONF_OK;
}

char* on_directive(ngx_conf_t* cf, ngx_command_t*, void*) noexcept {
    return guard(cf->log, kConfError,
                 [&] { return take_directive(cf, *reinterpret_cast<Block*>(cf->handler_conf)); });
}

char* import_secrets(ngx_conf_t* cf, Block& block) {
    ngx_str_t name = as_ngx_str(block.settings->issuer.name);
    for (const std::string& where : block.secrets) {
        std::string secret, why;
        const Reading read = read_value(where, kMaxSecret, secret, why);
        ngx_str_t text = as_ngx_str(why);
        if (read == Reading::Failed)
            return wrong(cf, "\"secret\" of herald_issuer \"%V\": %V", &name, &text);
        if (read == Reading::Missing) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                               "\"secret\" of herald_issuer \"%V\": %V; it vouches for no token",
                               &name, &text);
            continue;
        }
        auto keys = jwt::import_secret(secret, block.settings->issuer.algorithms, why);
        if (keys == nullptr) {
            text = as_ngx_str(why);
            return wrong(cf, "\"secret\" of herald_issuer \"%V\" %V", &name, &text);
        }
        block.settings->secrets.push_back(std::move(keys));
    }
    return NGX_CONF_OK;
}

// A file's keys are there from the start; those of a URL come with the sidecar.
char* watch_sources(ngx_conf_t* cf, Block& block) {
    ngx_str_t name = as_ngx_str(block.settings->issuer.name);
    for (const std::string& source : block.sources) {
        IssuerSettings::Watched watched{source, nullptr};
        if (source.compare(0, 5, "file:") == 0) {
            std::string json, why;
            std::vector<std::string> skipped;
            const Reading read = read_small_file(source.substr(5), jwt::kMaxKeySet, json, why);
            if (read == Reading::Read) {
                watched.keys =
                    jwt::import_jwks(json, block.settings->issuer.algorithms, skipped, why);
            }
            ngx_str_t text = as_ngx_str(why);
            if (read == Reading::Failed || (read == Reading::Read && watched.keys == nullptr))
                return wrong(cf, "\"jwks\" of herald_issuer \"%V\": %V", &name, &text);
            if (read == Reading::Missing)
                ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                                   "\"jwks\" of herald_issuer \"%V\": %V; it vouches for no token",
                                   &name, &text);
            for (const std::string& one : skipped) {
                text = as_ngx_str(one);
                ngx_conf_log_error(NGX_LOG_WARN, cf, 0, "\"jwks\" of herald_issuer \"%V\": %V",
                                   &name, &text);
            }
        }
        block.settings->watched.push_back(std::move(watched));
    }
    return NGX_CONF_OK;
}

char* finish(ngx_conf_t* cf, Block& block) {
    IssuerSettings& settings = *block.settings;
    ngx_str_t name = as_ngx_str(settings.issuer.name);
    if (!block.missing.empty()) {
        ngx_str_t variable = as_ngx_str(block.missing);
        ngx_conf_log_error(NGX_LOG_NOTICE, cf, 0,
                           "herald_issuer \"%V\" is not configured: environment variable %V is "
                           "not set",
                           &name, &variable);
        return NGX_CONF_OK;
    }
    if (block.secrets.empty() && block.sources.empty())
        return wrong(cf, "herald_issuer \"%V\" needs a \"secret\" or a \"jwks\"", &name);

    char* imported = import_secrets(cf, block);
    if (imported == NGX_CONF_OK)
        imported = watch_sources(cf, block);
    if (imported != NGX_CONF_OK)
        return imported;
    settings.configured = !settings.secrets.empty() || !settings.watched.empty();
    settings.collect_keys();
    return NGX_CONF_OK;
}

char* parse_issuer(ngx_conf_t* cf, ngx_command_t* cmd, AuthMainSettings& main) {
    ngx_str_t* name = &arguments(cf)[1];
    if (view(*name) == "static" || view(*name) == "off" || name->len == 0)
        return reject(cf, cmd, "cannot be named \"%V\": herald_auth would mistake it", name);
    if (main.find(view(*name)) != nullptr)
        return reject(cf, cmd, "\"%V\" is duplicate", name);
    auto settings = std::make_unique<IssuerSettings>();
    settings->issuer.name = view(*name);
    Block block{settings.get()};
    main.issuers.push_back(std::move(settings));

    const ngx_conf_t saved = *cf;
    cf->handler = on_directive;
    cf->handler_conf = reinterpret_cast<char*>(&block);
    char* parsed = ngx_conf_parse(cf, nullptr);
    *cf = saved;
    return parsed == NGX_CONF_OK ? finish(cf, block) : parsed;
}

}  // namespace

char* set_issuer(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) noexcept {
    return guard(cf->log, kConfError,
                 [&] { return parse_issuer(cf, cmd, *static_cast<AuthMainSettings*>(conf)); });
}

}  // namespace herald
