#include "sidecar/parsed_url.hpp"

namespace herald::sidecar {

namespace {

struct FreeText {
    void operator()(char* text) const noexcept { curl_free(text); }
};

}  // namespace

ParsedUrl::ParsedUrl(const std::string& text) : url_(curl_url()) {
    if (url_ != nullptr && curl_url_set(url_.get(), CURLUPART_URL, text.c_str(),
                                        CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
        url_.reset();
}

std::string ParsedUrl::part(CURLUPart part, unsigned flags) const {
    char* text = nullptr;
    if (url_ == nullptr || curl_url_get(url_.get(), part, &text, flags) != CURLUE_OK)
        return {};
    return std::unique_ptr<char, FreeText>(text).get();
}

std::string ParsedUrl::origin(unsigned flags) const {
    if (!is_one())
        return {};
    const std::string port = part(CURLUPART_PORT, flags);
    return part(CURLUPART_SCHEME) + "://" + part(CURLUPART_HOST) + (port.empty() ? "" : ":" + port);
}

}  // namespace herald::sidecar
