#include "compression_offers.hpp"

#include "ws_handshake.hpp"

namespace herald {

namespace {

std::string_view trimmed(std::string_view text) {
    const size_t first = text.find_first_not_of(" \t");
    if (first == text.npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

// Takes what comes before the next `separator` off `rest`.
std::string_view take(std::string_view& rest, char separator) {
    const size_t end = rest.find(separator);
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    return trimmed(part);
}

bool is_zero_weight(std::string_view parameters) {
    while (!parameters.empty()) {
        std::string_view value = take(parameters, ';');
        const std::string_view name = take(value, '=');
        if ((name == "q" || name == "Q") && !value.empty())
            return trimmed(value).find_first_not_of("0.") == value.npos;
    }
    return false;
}

// 8 to 15, with or without quotes; 0: it is none of these.
unsigned window_bits(std::string_view value) {
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
        value = value.substr(1, value.size() - 2);
    if (value == "8" || value == "9")
        return static_cast<unsigned>(value[0] - '0');
    if (value.size() == 2 && value[0] == '1' && value[1] >= '0' && value[1] <= '5')
        return 10 + static_cast<unsigned>(value[1] - '0');
    return 0;
}

DeflateOffer judge_offer(std::string_view parameters) {
    enum : unsigned { kServerTakeover = 1, kClientTakeover = 2, kServerBits = 4, kClientBits = 8 };
    unsigned seen = 0;
    while (!parameters.empty()) {
        std::string_view value = take(parameters, ';');
        const bool has_value = value.find('=') != value.npos;
        const std::string_view name = take(value, '=');
        value = trimmed(value);

        unsigned parameter = 0;
        bool valid = !has_value;
        if (has_token(name, "server_no_context_takeover")) {
            parameter = kServerTakeover;
        } else if (has_token(name, "client_no_context_takeover")) {
            parameter = kClientTakeover;
        } else if (has_token(name, "client_max_window_bits")) {
            parameter = kClientBits;
            valid = !has_value || window_bits(value) != 0;
        } else if (has_token(name, "server_max_window_bits")) {
            parameter = kServerBits;
            valid = has_value && window_bits(value) == 15;
        }
        if (parameter == 0 || !valid || (seen & parameter))
            return DeflateOffer::None;
        seen |= parameter;
    }
    return seen & kServerBits ? DeflateOffer::Bounded : DeflateOffer::Plain;
}

}  // namespace

bool accepts_gzip(std::string_view header_value) {
    bool any = false;
    while (!header_value.empty()) {
        std::string_view element = take(header_value, ',');
        const std::string_view coding = take(element, ';');
        const bool accepted = !is_zero_weight(element);
        if (has_token(coding, "gzip") || has_token(coding, "x-gzip"))
            return accepted;
        if (coding == "*")
            any = accepted;
    }
    return any;
}

DeflateOffer find_deflate_offer(std::string_view header_value) {
    while (!header_value.empty()) {
        std::string_view element = take(header_value, ',');
        if (!has_token(take(element, ';'), "permessage-deflate"))
            continue;
        const DeflateOffer offer = judge_offer(element);
        if (offer != DeflateOffer::None)
            return offer;
    }
    return DeflateOffer::None;
}

}  // namespace herald
