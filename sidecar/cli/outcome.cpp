#include "sidecar/cli/outcome.hpp"

#include <algorithm>
#include <array>

#include "ring/utf8.hpp"
#include "sidecar/json_scan.hpp"

namespace herald::cli {

namespace {

constexpr size_t kMaxDetail = 200;

bool comes_back(int status) {
    return status >= 500 || status == 408 || status == 425 || status == 429;
}

const char* advice(int status) {
    if (status == 401)
        return "the token is missing, wrong or expired (--token-file)";
    if (status == 403)
        return "the token does not allow this stream";
    if (status == 404)
        return "there is no such stream";
    if (status >= 300 && status < 400)
        return "the stream is elsewhere: give the URL that it is redirected to";
    return "no event stream is to be had there";
}

}  // namespace

Outcome judge_status(int status, std::string_view detail) {
    if (status == 204)
        return {Outcome::Kind::Finished, "the stream has ended", {}};
    const bool lost = comes_back(status);
    std::string why = "the server answers " + std::to_string(status);
    if (!detail.empty())
        why += " (" + std::string(detail) + ")";
    if (!lost)
        why += std::string(": ") + advice(status);
    return {lost ? Outcome::Kind::Lost : Outcome::Kind::Refused, why, {}};
}

Outcome judge_close(uint16_t code, std::string_view reason) {
    if (code == 1000)
        return {Outcome::Kind::Finished, "the stream has ended", {}};
    std::string why = "the server closes with " + std::to_string(code);
    if (code == 1005)
        why = "the server closes";
    if (const std::string said = detail_of(reason); !said.empty())
        why += " (" + said + ")";
    return {Outcome::Kind::Lost, why, {}};
}

std::string detail_of(std::string_view body) {
    std::string detail;
    sidecar::JsonScanner json;
    const bool is_json = json.scan(body, std::array<std::string_view, 1>{"detail"});
    if (is_json && json.member(0) == sidecar::Member::String) {
        if (!sidecar::unescape_json(json.raw(0), detail))
            return {};
    } else if (!body.starts_with('<')) {
        detail = body.substr(0, body.find_last_not_of(" \r\n") + 1);
    }
    const bool printable = std::none_of(detail.begin(), detail.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
    return printable && detail.size() <= kMaxDetail && ring::is_utf8(detail) ? detail : "";
}

}  // namespace herald::cli
