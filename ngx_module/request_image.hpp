// What nginx knows of a request whose response has begun, in the few hundred bytes that it takes to
// make an equal request later.
//
// It holds what log formats, the error log and nginx's own ending of a request look at: the request
// line and its parts, the headers of both directions, the variables that have been evaluated, the
// captures of regular expressions, times, sizes and flags. Texts are kept as they are now, not as
// the client sent them: what redaction has overwritten stays overwritten. It does not hold what
// modules keep in contexts and clean-ups, nor a body: who takes an image has seen that there is
// none (hibernation.cpp).
//
// Response headers are alike for most streams: one copy is shared by all that have the same.
#pragma once

#include <memory>
#include <string>

#include "ngx.hpp"
#include "response_image.hpp"

namespace herald {

class RequestImage {
  public:
    // nullptr: it is larger than an image may be, or something in it has no place in one.
    static std::unique_ptr<RequestImage> take(const ngx_http_request_t* r);

    RequestImage(const RequestImage&) = delete;
    RequestImage& operator=(const RequestImage&) = delete;
    ~RequestImage();
    static void operator delete(void* memory) { ::operator delete(memory); }

    // Makes of a request, which ngx_http_create_request has just returned for the same connection,
    // the one that the image was taken of. False: memory is out.
    bool restore(ngx_http_request_t* r) const;

    // Where nginx keeps what the requests of a connection have in common; to be the connection's
    // `data` when a request is created.
    ngx_http_connection_t* http_connection() const { return http_connection_; }

    // Appends to a line of the error log what nginx appends for a request; returns its end.
    u_char* describe(u_char* buffer, size_t room) const;

  private:
    // Bytes behind the object.
    struct Text {
        uint16_t at;  // kNowhere: the text's pointer was null
        uint16_t size;
    };
    static constexpr uint16_t kNowhere = UINT16_MAX;

    // Members have the names of nginx's.
    struct Numbers {
        time_t start_sec;
        uint32_t start_msec;
        uint32_t method;
        uint32_t header_size;
        uint32_t request_length;
        uint16_t http_version;
        uint16_t err_status;
        uint16_t port;
        uint16_t http_state;
    };
    struct Flags {
        unsigned complex_uri : 1;
        unsigned quoted_uri : 1;
        unsigned plus_in_uri : 1;
        unsigned empty_path_in_uri : 1;
        unsigned add_uri_to_alias : 1;
        unsigned valid_location : 1;
        unsigned valid_unparsed_uri : 1;
        unsigned uri_changes : 4;
        unsigned limit_conn_status : 2;
        unsigned limit_req_status : 3;
        unsigned limit_rate_set : 1;
        unsigned limit_rate_after_set : 1;
        unsigned pipeline : 1;
        unsigned chunked : 1;
        unsigned keepalive : 1;
        unsigned lingering_close : 1;
        unsigned internal : 1;
        unsigned error_page : 1;
        unsigned header_sent : 1;
        unsigned expect_tested : 1;
        unsigned root_tested : 1;
        unsigned allow_ranges : 1;
        unsigned disable_not_modified : 1;
    };
    struct Texts {
        Text request_line, uri, args, exten, unparsed_uri, method_name, http_protocol, schema;
        Text server, user;  // of headers_in
        Text captures_data;
    };
    struct Variable {
        uint16_t index;
        uint16_t flags;
        Text value;
    };

    class Taker;
    class Maker;
    RequestImage() = default;
    const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
    template <class From, class To>
    static void copy_numbers(const From& from, To& to);
    template <class From, class To>
    static void copy_flags(const From& from, To& to);

    void** srv_conf_;
    void** loc_conf_;
    ngx_http_connection_t* http_connection_;
    SharedResponse* response_ = nullptr;
    Numbers numbers_;
    Flags flags_;
    Texts texts_;
    uint16_t size_;       // of the bytes
    uint16_t headers_;    // how many, from the first byte on
    uint16_t tail_;       // where variables and captures are
    uint16_t variables_;  // how many
    uint16_t captures_;   // likewise
    int16_t content_length_;
};

}  // namespace herald
