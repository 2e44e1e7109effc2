// One GET of a key set, over https alone.
#pragma once

#include <string>
#include <utility>

#include "sidecar/http_fetch.hpp"

namespace herald::sidecar {

// Why a URL is not fetched; empty where it is fine.
inline std::string fault_of_url(const std::string& url) {
    return fault_of_url(url, false);
}

class HttpsFetch {
  public:
    using Result = HttpFetch::Result;
    using Done = HttpFetch::Done;

    // As HttpFetch. Throws std::runtime_error.
    HttpsFetch(CurlLoop& loop, const std::string& url, const FetchOptions& options, Done done)
        : fetch_(loop, {.url = url, .accept = "application/jwk-set+json, application/json"},
                 options, std::move(done)) {}

  private:
    HttpFetch fetch_;
};

}  // namespace herald::sidecar
