#include "sidecar/cli/envelope.hpp"

#include <array>
#include <cstdio>

namespace herald::cli {

namespace {

using sidecar::Member;

constexpr std::array<std::string_view, 3> kMembers = {"id", "event", "data"};

// RFC 8259, section 7. Other bytes go as they are.
void append_string(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
            out += escaped;
        } else {
            out += c;
        }
    }
    out += '"';
}

}  // namespace

bool EnvelopeReader::read(std::string_view text, Received& received) {
    if (!json_.scan(text, kMembers) || json_.member(2) == Member::Absent)
        return false;
    if (!name(0, id_) || !name(1, event_))
        return false;
    std::string_view data = json_.raw(2);
    if (json_.member(2) == Member::String)
        data = {data.data() - 1, data.size() + 2};  // with its quotes
    received = {.data = data, .event = event_, .id = id_};
    return true;
}

// A member that is a string, or null.
bool EnvelopeReader::name(size_t member, std::string& text) {
    text.clear();
    if (json_.member(member) == Member::String)
        return sidecar::unescape_json(json_.raw(member), text);
    return json_.member(member) == Member::Other && json_.raw(member) == "null";
}

void append_envelope(std::string& out, const Received& received, bool is_json) {
    const auto append_name = [&out](std::string_view text) {
        if (text.empty())
            out += "null";
        else
            append_string(out, text);
    };
    out += R"({"id":)";
    append_name(received.id);
    out += R"(,"event":)";
    append_name(received.event);
    out += R"(,"data":)";
    if (is_json)
        out += received.data;
    else
        append_string(out, received.data);
    out += '}';
}

}  // namespace herald::cli
