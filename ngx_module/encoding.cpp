#include "encoding.hpp"

#include <charconv>
#include <cstring>

#include "ring/utf8.hpp"
#include "ws_frame.hpp"

namespace herald {

namespace {

constexpr unsigned kTextFrame = 1;  // RFC 6455, section 5.2: opcode

char* put(char* out, std::string_view text) {
    std::memcpy(out, text.data(), text.size());
    return out + text.size();
}

// The length of `text` inside a JSON string. Names and channels were checked where they came in:
// they are UTF-8 without control characters, so only the quote and the backslash grow.
size_t quoted_length(std::string_view text) {
    size_t length = text.size() + 2;
    for (char c : text)
        length += c == '"' || c == '\\';
    return length;
}

char* put_quoted(char* out, std::string_view text) {
    *out++ = '"';
    for (char c : text) {
        if (c == '"' || c == '\\')
            *out++ = '\\';
        *out++ = c;
    }
    *out++ = '"';
    return out;
}

char* put_quoted_or_null(char* out, std::string_view text) {
    return text.empty() ? put(out, "null") : put_quoted(out, text);
}

char* put_sse(bool ids, const OutEvent& event, char* out) {
    if (ids && event.id) {
        out = put(out, "id: ");
        out = ring::format_id(*event.id, out);
        *out++ = '\n';
    }
    if (!event.event.empty()) {
        out = put(out, "event: ");
        out = put(out, event.event);
        *out++ = '\n';
    }
    out = put(out, "data: ");
    out = put(out, event.data);
    return put(out, "\n\n");
}

char* put_envelope(const OutEvent& event, char* out) {
    char id[ring::kMaxIdLength];
    std::string_view id_text;
    if (event.id)
        id_text = {id, static_cast<size_t>(ring::format_id(*event.id, id) - id)};

    auto length_or_null = [](std::string_view text) {
        return text.empty() ? size_t{4} : quoted_length(text);
    };
    constexpr std::string_view kId = R"({"id":)", kEvent = R"(,"event":)",
                               kChannel = R"(,"channel":)", kData = R"(,"data":)";
    const size_t length = kId.size() + length_or_null(id_text) + kEvent.size() +
                          length_or_null(event.event) + kChannel.size() +
                          length_or_null(event.channel) + kData.size() + event.data.size() + 1;

    out += ws_header(out, kTextFrame, length);
    out = put_quoted_or_null(put(out, kId), id_text);
    out = put_quoted_or_null(put(out, kEvent), event.event);
    out = put_quoted_or_null(put(out, kChannel), event.channel);
    out = put(put(out, kData), event.data);
    *out++ = '}';
    return out;
}

}  // namespace

size_t encoded_bound(Transport transport, const OutEvent& event) {
    constexpr size_t kFraming = 128;  // more than any of the fixed parts and an id
    if (transport == Transport::WsEnvelope)
        return kFraming + 2 * (event.event.size() + event.channel.size()) + event.data.size();
    return kFraming + event.event.size() + event.data.size();
}

char* encode_event(Transport transport, bool ids, const OutEvent& event, char* out) {
    switch (transport) {
        case Transport::Sse:
            return put_sse(ids, event, out);
        case Transport::WsText:
            out += ws_header(out, kTextFrame, event.data.size());
            return put(out, event.data);
        case Transport::WsEnvelope:
            return put_envelope(event, out);
    }
    return out;
}

void append_event(std::string& out, Transport transport, bool ids, const OutEvent& event) {
    const size_t before = out.size();
    out.resize(before + encoded_bound(transport, event));
    char* end = encode_event(transport, ids, event, out.data() + before);
    out.resize(static_cast<size_t>(end - out.data()));
}

std::string_view name_of(GapReason reason) {
    switch (reason) {
        case GapReason::Evicted:
            return "evicted";
        case GapReason::Trimmed:
            return "trimmed";
        case GapReason::Redis:
            return "redis";
        case GapReason::UnknownId:
            return "unknown_id";
    }
    return "";
}

std::string gap_data(GapReason reason, std::optional<EventId> from, EventId to) {
    std::string data = R"({"type":"gap","reason":")";
    data.append(name_of(reason)).append(R"(","from":)");
    if (from)
        data.append("\"").append(ring::to_string(*from)).append("\"");
    else
        data.append("null");
    return data.append(R"(,"to":")").append(ring::to_string(to)).append("\"}");
}

void append_retry(std::string& out, uint64_t milliseconds) {
    out.append("retry: ").append(std::to_string(milliseconds)).append("\n\n");
}

void append_comment(std::string& out, std::string_view text) {
    out.append(": ").append(text).append("\n\n");
}

void append_json_text(std::string& out, std::string_view text) {
    constexpr char kHex[] = "0123456789abcdef";
    size_t at = 0;
    while (at < text.size()) {
        const auto c = static_cast<unsigned char>(text[at]);
        if (c >= 0x80) {
            const size_t length = ring::utf8_sequence(text.substr(at));
            if (length == 0) {
                out.append("\xef\xbf\xbd");
                ++at;
            } else {
                out.append(text.substr(at, length));
                at += length;
            }
            continue;
        }
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(static_cast<char>(c));
        } else if (c < 0x20 || c == 0x7f) {
            out.append("\\u00");
            out.push_back(kHex[c >> 4]);
            out.push_back(kHex[c & 15]);
        } else {
            out.push_back(static_cast<char>(c));
        }
        ++at;
    }
}

std::string chunk(std::string_view body) {
    char head[20];
    char* end = std::to_chars(head, head + 16, body.size(), 16).ptr;
    end = put(end, "\r\n");
    std::string bytes(head, end);
    return bytes.append(body).append("\r\n");
}

}  // namespace herald
