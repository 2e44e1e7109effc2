// What nginx knows of a response whose header is out, encoded once for all that have the same: most
// streams of a location do.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "ngx.hpp"

namespace herald {

// The encoded response, and how many share it.
using SharedResponse = std::pair<const std::string, uint32_t>;

// The caller is one more that shares it, until it lets go.
SharedResponse& share_response(const ngx_http_headers_out_t& response);
void let_go(SharedResponse& shared);

// Makes it the request's; false: memory is out.
bool restore_response(ngx_http_request_t* r, const SharedResponse& shared);

}  // namespace herald
