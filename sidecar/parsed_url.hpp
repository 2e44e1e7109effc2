// URLs as libcurl reads them, so that what is checked is what is asked.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

namespace herald::sidecar {

class ParsedUrl {
  public:
    explicit ParsedUrl(const std::string& text);

    bool is_one() const { return url_ != nullptr; }  // parts are empty where it is none

    // `part`: CURLUPART_HOST and so on. Empty where the URL does not have it. `flags`: as of
    // curl_url_get, such as CURLU_DEFAULT_PORT.
    std::string part(CURLUPart part, unsigned flags = 0) const;
    // Takes a part out.
    void drop(CURLUPart part) { curl_url_set(url_.get(), part, nullptr, 0); }

    // Scheme, host and port. A port that is the scheme's own is there only with `flags` as above.
    std::string origin(unsigned flags = 0) const;

  private:
    struct Free {
        void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
    };
    std::unique_ptr<CURLU, Free> url_;
};

}  // namespace herald::sidecar
