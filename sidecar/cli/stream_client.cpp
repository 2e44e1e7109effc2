// What the clients for SSE and for WebSocket have in common: libcurl resolves, connects, goes
// through proxies and speaks TLS for both.
#include "sidecar/cli/stream_client.hpp"

#include <new>

namespace herald::cli {

namespace {

constexpr long kConnectWithinS = 15;
constexpr long kIdleBeforeProbeS = 30;
constexpr long kBetweenProbesS = 10;

// It would fail the same way again.
bool is_final(CURLcode code) {
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
           code == CURLE_TOO_MANY_REDIRECTS || code == CURLE_UNSUPPORTED_PROTOCOL ||
           code == CURLE_URL_MALFORMAT;
}

}  // namespace

CurlEasy make_easy(const StreamOptions& options, char* error) {
    CurlEasy easy(curl_easy_init(), curl_easy_cleanup);
    if (easy == nullptr)
        throw std::bad_alloc();
    *error = '\0';
    CURL* handle = easy.get();
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(handle, CURLOPT_URL, options.endpoint.url.c_str());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "herald/" HERALD_VERSION);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, kConnectWithinS);
    // Finds out about a peer that is gone without a word.
    curl_easy_setopt(handle, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(handle, CURLOPT_TCP_KEEPIDLE, kIdleBeforeProbeS);
    curl_easy_setopt(handle, CURLOPT_TCP_KEEPINTVL, kBetweenProbesS);
    if (!options.ca.empty())
        curl_easy_setopt(handle, CURLOPT_CAINFO, options.ca.c_str());
    return easy;
}

Outcome judge_transfer(CURLcode code, const char* error, const StreamOptions& options) {
    std::string why =
        options.bearer.without_token(*error != '\0' ? error : curl_easy_strerror(code));
    if (!is_final(code))
        return {Outcome::Kind::Lost, why, {}};
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        why += ": the server's certificate is not trusted (--ca FILE names whom to trust)";
    return {Outcome::Kind::Refused, why, {}};
}

}  // namespace herald::cli
