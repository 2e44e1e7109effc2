// Checks in the order of their price: lengths first, then UTF-8, then JSON; the name last.
#include "sidecar/event.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "ring/names.hpp"

namespace herald::sidecar {

namespace {

// The members that are looked for, by their place in a scan.
enum Place : size_t { kEvent, kDedupe };

}  // namespace

Decoder::Result Decoder::decode(const Feed& feed, std::string_view channel,
                                std::string_view payload, Event& event) {
    if (!ring::is_channel_name(channel))
        return Result::BadChannel;
    if (!feed.channels.matches(channel))
        return Result::Unmatched;

    if (payload.empty())
        return Result::Empty;
    if (payload.size() > max_message_)
        return Result::TooLarge;
    if (!ring::is_utf8(payload))
        return Result::NotUtf8;
    if (!scanner_.scan(payload, std::array<std::string_view, 2>{feed.event, feed.dedupe}))
        return Result::NotJson;

    event = Event{};
    name_event(feed, event);
    const Member dedupe = scanner_.member(kDedupe);
    if (dedupe == Member::String || dedupe == Member::Number)
        event.dedupe_value = scanner_.raw(kDedupe);

    // In JSON a raw line break can only be white space, so a space in its place changes nothing.
    event.data = payload;
    if (std::memchr(payload.data(), '\n', payload.size()) != nullptr ||
        std::memchr(payload.data(), '\r', payload.size()) != nullptr) {
        line_.assign(payload);
        for (char& c : line_) {
            if (c == '\n' || c == '\r')
                c = ' ';
        }
        event.data = line_;
    }
    return Result::Event;
}

void Decoder::name_event(const Feed& feed, Event& event) {
    if (scanner_.member(kEvent) == Member::Absent)
        return;
    event.unfit_name = true;
    if (scanner_.member(kEvent) != Member::String)
        return;

    std::string_view published = scanner_.raw(kEvent);
    if (published.find('\\') != published.npos) {
        name_.clear();
        if (!unescape_json(published, name_))
            return;
        published = name_;
    }
    std::string_view name = published;
    if (const auto renamed = feed.rename.find(name); renamed != feed.rename.end())
        name = renamed->second;
    if (!ring::is_event_name(name))
        return;
    event.name = name;
    event.unfit_name = false;
    event.ends = feed.end_on.contains(name) || feed.end_on.contains(published);
}

ring::Counter counter_of(Decoder::Result result) {
    switch (result) {
        case Decoder::Result::Event:
            break;
        case Decoder::Result::Empty:
            return ring::kRejectedEmpty;
        case Decoder::Result::TooLarge:
            return ring::kRejectedTooLarge;
        case Decoder::Result::NotUtf8:
            return ring::kRejectedUtf8;
        case Decoder::Result::NotJson:
            return ring::kRejectedJson;
        case Decoder::Result::BadChannel:
            return ring::kRejectedChannel;
        case Decoder::Result::Unmatched:
            return ring::kUnmatched;
    }
    return ring::kPublished;
}

std::string_view reason_of(Decoder::Result result) {
    switch (result) {
        case Decoder::Result::Event:
            break;
        case Decoder::Result::Empty:
            return "empty";
        case Decoder::Result::TooLarge:
            return "too_large";
        case Decoder::Result::NotUtf8:
            return "not_utf8";
        case Decoder::Result::NotJson:
            return "not_json";
        case Decoder::Result::BadChannel:
            return "bad_channel";
        case Decoder::Result::Unmatched:
            return "unmatched";
    }
    return "";
}

}  // namespace herald::sidecar
