// Counts by reason, in the order of Decoder::Result.
#include "sidecar/rejects.hpp"

namespace herald::sidecar {

namespace {

constexpr size_t kChannelShown = 100;  // bytes

}  // namespace

void RejectSummary::add(Decoder::Result result, std::string_view channel) {
    if (total_++ == 0)
        channel_ = log::shorten(channel, kChannelShown);
    ++counts_[static_cast<size_t>(result)];
}

log::Line RejectSummary::take() {
    log::Line line("messages rejected");
    line.with("count", total_);
    for (size_t i = 0; i < kResults; ++i) {
        if (counts_[i] != 0)
            line.with(reason_of(static_cast<Decoder::Result>(i)), counts_[i]);
    }
    line.with("channel", channel_);
    *this = RejectSummary{};
    return line;
}

}  // namespace herald::sidecar
