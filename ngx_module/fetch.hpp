// A subrequest whose response Herald reads itself: status and body are collected here, and nothing
// of them reaches the client.
//
// It is one of nginx's background subrequests: the main request stays the connection's active one,
// so that a stream may go on sending past nginx's filters meanwhile. A body filter ahead of those
// that order, compress and write takes the body out of nginx's hands. Its variables are its own:
// what its location sets does not change the main request's.
//
// It is a GET without a body whatever the client has sent, and has the client's other headers.
//
// A fetch lives as long as its request's pool. Should the request end first, `done` is not called.
#pragma once

#include <functional>
#include <string>

#include "ngx.hpp"

namespace herald {

// A URI with variables, as a directive has it.
struct FetchUri {
    ngx_http_complex_value_t path;
    ngx_http_complex_value_t* args;  // nullptr: none
};

// `text`: "/path" or "/path?args", cut here so that no variable's value can add arguments. Logs
// what is wrong with it, with the directive's name.
char* compile_fetch_uri(ngx_conf_t* cf, ngx_command_t* cmd, ngx_str_t text, FetchUri& uri);

// Where a subrequest goes: `uri` with the variables of one request, in whose pool it is.
struct FetchTarget {
    ngx_str_t path{};
    ngx_str_t args{};
};

// NGX_OK; 400, not answered yet, where the variables' values make it a path that is not to be asked
// for (logged); or 500.
ngx_int_t evaluate_fetch_uri(ngx_http_request_t* r, const FetchUri& uri, FetchTarget& target);

class Fetch {
  public:
    static constexpr size_t kMaxBody = 1 << 20;  // bytes

    // Starts one for `r`, which is a main request; it runs with `r`'s posted requests. `done` is
    // called once, from within nginx's finalizing of the subrequest: it may post events and
    // requests, and nothing else. nullptr: it cannot be started (logged).
    static Fetch* start(ngx_http_request_t* r, const FetchTarget& target,
                        std::function<void(Fetch&)> done);

    bool is_done() const { return status_ != 0; }
    // Whether the response is 2xx with one JSON value, which is `json` then, in one line.
    bool has_json() const { return has_json_; }
    const std::string& json() const { return body_; }
    ngx_uint_t status() const { return status_; }

    // Nobody waits for it any more.
    void forget() { done_ = nullptr; }
    // What it has brought is not needed any more.
    void release() { std::string().swap(body_); }

    // Refuses the main request for what was fetched in place of JSON: a 4xx as it came, anything
    // else with 502 or 503. Returns what a handler returns; an error_page may answer (refusal.hpp).
    ngx_int_t refuse(ngx_http_request_t* r);

    Fetch() = default;
    Fetch(const Fetch&) = delete;
    Fetch& operator=(const Fetch&) = delete;

  private:
    friend bool take_fetched_body(ngx_http_request_t* r, ngx_chain_t* in);
    static ngx_int_t on_done(ngx_http_request_t* sr, void* data, ngx_int_t rc) noexcept;
    void finish(ngx_http_request_t* sr, ngx_int_t rc);
    void take(ngx_chain_t* in);
    ngx_uint_t refusal_status() const;
    std::string refusal_body() const;

    ngx_http_post_subrequest_t post_{};
    std::function<void(Fetch&)> done_{};
    std::string body_{};
    ngx_uint_t status_ = 0;  // 0: not done yet
    ngx_str_t authenticate_{};
    bool too_large_ = false;
    bool has_json_ = false;
};

// -- hook of the body filter. Whether the request is a fetch: its body has been taken then.
bool take_fetched_body(ngx_http_request_t* r, ngx_chain_t* in);

}  // namespace herald
