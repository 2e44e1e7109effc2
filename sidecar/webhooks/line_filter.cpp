#include "sidecar/webhooks/line_filter.hpp"

namespace herald::sidecar {

namespace {

constexpr std::string_view kChannel = R"(","channel":")";
constexpr std::string_view kEvent = R"(","event":")";
constexpr size_t kLongestHead = 96;  // bytes of the members before the channel, and its name

bool has_escape(std::string_view text) {
    return text.find('\\') != text.npos;
}

}  // namespace

LineFilter::LineFilter(const Feed& feed, const WebhookConfig& config) : config_(config) {
    const std::string& pattern = feed.channels.text();
    const std::string prefix = pattern.substr(0, pattern.find('{'));
    if (prefix.find_first_of("\"\\") == prefix.npos)
        prefix_ = prefix;
}

// Whatever has an escape in it is left to the parser.
bool LineFilter::operator()(std::string_view line) const {
    const size_t head = line.substr(0, kLongestHead).find(kChannel);
    if (head == line.npos)
        return true;
    std::string_view rest = line.substr(head + kChannel.size());
    if (!prefix_.empty() && !rest.starts_with(prefix_))
        return false;
    if (config_.every_event)
        return true;

    // Each ends at a quote; one with an escape in it may go on behind that.
    const size_t end = rest.find('"');
    if (end == rest.npos || has_escape(rest.substr(0, end)))
        return true;
    rest.remove_prefix(end);
    if (!rest.starts_with(kEvent))
        return false;
    rest.remove_prefix(kEvent.size());
    const std::string_view name = rest.substr(0, rest.find('"'));
    return has_escape(name) || config_.wants(name);
}

}  // namespace herald::sidecar
