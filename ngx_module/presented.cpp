#include "presented.hpp"

#include "edge_settings.hpp"
#include "headers.hpp"
#include "redaction.hpp"
#include "token_scan.hpp"
#include "websocket.hpp"

namespace herald {

namespace {

// What one kind of place holds.
struct Find {
    Scan scan = Scan::None;
    std::string_view token{};
    std::string_view secret{};

    bool is_there() const { return scan != Scan::None; }
};

// Adds what another place of the same kind holds: two that hold something are several.
void merge(Find& find, const Find& other) {
    if (!other.is_there())
        return;
    if (find.is_there())
        find.scan = Scan::Several;
    else
        find = other;
}

Find find_bearer(ngx_http_request_t* r) {
    Find find;
    int headers = 0;
    each_header(r, "Authorization", [&](std::string_view value) {
        ++headers;
        std::string_view token;
        if (const Scan scan = scan_bearer(value, token); scan != Scan::None)
            find = {scan, token};
    });
    if (headers > 1 && find.is_there())
        find.scan = Scan::Several;
    return find;
}

// A header that comes at most once, or with one value.
Find find_header(ngx_http_request_t* r, std::string_view name) {
    Find find;
    each_header(r, name, [&](std::string_view value) {
        if (value.empty())
            return;
        if (find.is_there() && value != find.token)
            find.scan = Scan::Several;
        else
            find = {Scan::One, value};
    });
    return find;
}

Find find_key(ngx_http_request_t* r, const TokenSources& sources) {
    Find all;
    for (const KeyHeaders& names : elements<KeyHeaders>(sources.keys)) {
        Find find = find_header(r, names.key);
        if (find.scan == Scan::One && !names.secret.empty()) {
            const Find secret = find_header(r, names.secret);
            find.secret = secret.token;
            if (secret.scan == Scan::Several)
                find.scan = Scan::Several;
        }
        merge(all, find);
    }
    return all;
}

Find find_cookie(ngx_http_request_t* r, const TokenSources& sources) {
    Find all;
    for (std::string_view name : elements<std::string_view>(sources.cookies)) {
        Find find;
        each_header(r, "Cookie", [&](std::string_view header) {
            if (find.scan == Scan::Several || find.scan == Scan::Malformed)
                return;
            find.scan = scan_cookie(header, name, find.token);
        });
        merge(all, find);
    }
    return all;
}

// Memory for `size` bytes that lives as long as the request.
char* allocate(ngx_http_request_t* r, size_t size) {
    return static_cast<char*>(ngx_pnalloc(r->pool, size + 1));
}

Find find_query(ngx_http_request_t* r, const TokenSources& sources) {
    const auto names = elements<std::string_view>(sources.queries);
    Find find;
    std::string_view raw;
    if (!names.empty())
        find.scan = scan_query(original_args(r), names, raw);
    if (find.scan != Scan::One)
        return find;
    char* token = allocate(r, raw.size());
    const auto length = token == nullptr ? std::nullopt : decode_query_token(raw, token);
    if (!length)
        find.scan = Scan::Malformed;
    else
        find.token = {token, *length};
    return find;
}

Find find_subprotocol(ngx_http_request_t* r) {
    Find find;
    std::string_view encoded;
    each_original_subprotocols(r, [&](std::string_view header) {
        std::string_view offer;
        const Scan scan = scan_subprotocols(header, offer);
        if (scan == Scan::None)
            return;
        find.scan = find.is_there() ? Scan::Several : scan;
        encoded = offer;
    });
    if (find.scan != Scan::One)
        return find;
    char* token = allocate(r, encoded.size());
    const auto length = token == nullptr ? std::nullopt : decode_subprotocol_token(encoded, token);
    if (!length)
        find.scan = Scan::Malformed;
    else
        find.token = {token, *length};
    return find;
}

}  // namespace

Presented presented_token(ngx_http_request_t* r) {
    r = r->main;
    const TokenSources& sources = *edge_settings(r)->token_from;

    struct {
        TokenFrom from;
        Find find;
        bool yields;  // to an Authorization header
    } places[] = {
        {TokenFrom::Header, sources.header ? find_bearer(r) : Find{}, false},
        {TokenFrom::Subprotocol,
         sources.header && asks_for_websocket(r) ? find_subprotocol(r) : Find{}, false},
        {TokenFrom::Query, find_query(r, sources), false},
        {TokenFrom::ApiKey, find_key(r, sources), true},
        {TokenFrom::Cookie, find_cookie(r, sources), true},
    };

    const bool by_header = places[0].find.is_there();
    Presented presented;
    for (const auto& [from, find, yields] : places) {
        if (!find.is_there() || (yields && by_header))
            continue;
        if (presented.from != TokenFrom::Nowhere || find.scan == Scan::Several) {
            presented = {.from = from, .ambiguous = true};
            return presented;
        }
        presented = {.from = from, .token = find.token, .secret = find.secret};
        presented.malformed = find.scan == Scan::Malformed;
    }
    return presented;
}

}  // namespace herald
