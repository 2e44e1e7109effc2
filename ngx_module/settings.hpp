// What the directives set: plain structs in the configuration's pools, filled by directives.cpp,
// read by all.
#pragma once

#include "fetch.hpp"
#include "ngx.hpp"
#include "template.hpp"

namespace herald {

enum TransportBit : ngx_uint_t { kOfferSse = 1, kOfferWebsocket = 2 };
enum CompressBit : ngx_uint_t { kCompressGzip = 1, kCompressDeflate = 2 };

// An event that nginx itself makes: `[EVENT] DATA`.
struct Message {
    Template* data;   // nullptr: off
    ngx_str_t event;  // may be empty
};

enum class KeepaliveKind : ngx_uint_t { Comment, Event };

struct Keepalive {
    ngx_msec_t interval;  // 0: off
    bool idle;            // counts from the last bytes sent instead of a fixed beat
    KeepaliveKind kind;
    ngx_str_t comment;
    Message event;
};

enum class StartKind : ngx_uint_t { Live, Last, All, Uri };

struct Start {
    StartKind kind;
    ngx_uint_t count;  // of Last
    FetchUri* uri;     // of Uri
    Message first;     // of Uri; data is nullptr where what was fetched goes out as it is
};

// What is answered for channels that nobody has heard of.
struct Unknown {
    bool refuse;     // with 404; else they are streams like others
    Template* body;  // nullptr: the usual one
};

struct BufferBound {
    size_t bytes;
    ngx_uint_t events;  // 0: no bound
    bool disconnect;    // else trim
};

struct Drain {
    ngx_msec_t time;
    bool abort;
};

struct Lifetime {
    ngx_msec_t time;  // 0: off
    bool jitter;      // each stream ends somewhere in the last quarter of it
};

struct MainSettings {
    ngx_str_t socket_path;     // without "unix:"
    ngx_shm_zone_t* zone;      // counters of all workers; nullptr: Herald is not used
    bool used;                 // some location has a content handler of ours
    ngx_flag_t io_uring;       // fan-out through it where the kernel has it
    ngx_array_t* key_sources;  // of ngx_str_t, as in trust.hpp; nullptr: none
};

struct LocationSettings {
    ngx_array_t* channels;              // of ngx_http_complex_value_t; nullptr: not a stream
    ngx_http_complex_value_t* channel;  // of herald_history and herald_publish; herald_view's NAME
    ngx_http_handler_pt handler;        // ours, where this location has one

    ngx_uint_t transports;  // TransportBit; NGX_CONF_UNSET_UINT until merged
    ngx_uint_t compress;    // CompressBit; likewise. 0: off
    Message* greeting;
    Keepalive* keepalive;
    ngx_msec_t retry;  // 0: none
    ngx_flag_t ids;
    ngx_flag_t names;
    ngx_flag_t hibernate;
    ngx_array_t* fills;  // of FillRule; nullptr: none
    Start* start;
    Unknown* unknown;
    ngx_flag_t resume;
    BufferBound* buffer;
    Drain* drain;
    Message* error_event;
    Message* end_event;
    ngx_flag_t replay_ended;  // herald_ended: else 204
    ngx_flag_t require_redis;
    ngx_msec_t idle_timeout;  // 0: off
    Lifetime* lifetime;
};

inline MainSettings* main_settings(ngx_http_request_t* r) {
    return static_cast<MainSettings*>(ngx_http_get_module_main_conf(r, ngx_http_herald_module));
}
inline LocationSettings* location_settings(ngx_http_request_t* r) {
    return static_cast<LocationSettings*>(ngx_http_get_module_loc_conf(r, ngx_http_herald_module));
}

// Callbacks of nginx's module context: defaults and inheritance (settings.cpp).
void* create_main_settings(ngx_conf_t* cf) noexcept;
char* init_main_settings(ngx_conf_t* cf, void* conf) noexcept;
void* create_location_settings(ngx_conf_t* cf) noexcept;
char* merge_location_settings(ngx_conf_t* cf, void* parent, void* child) noexcept;

}  // namespace herald
