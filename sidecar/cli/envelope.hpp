// The text frames of the subprotocol `herald.v1` (docs/formats.md):
// {"id","event","channel","data"}.
#pragma once

#include <string>
#include <string_view>

#include "sidecar/cli/received.hpp"
#include "sidecar/json_scan.hpp"

namespace herald::cli {

class EnvelopeReader {
  public:
    // False where `text` is no such object. What it sets lives as long as `text` and until the next
    // call; `data` is byte for byte what stands there. Members that it does not know are fine.
    bool read(std::string_view text, Received& received);

  private:
    bool name(size_t member, std::string& text);

    sidecar::JsonScanner json_{};
    std::string id_{};
    std::string event_{};
};

// The same object, for an event that came in any way; null for what it does not have. Data that is
// no JSON becomes a string.
void append_envelope(std::string& out, const Received& received, bool is_json);

}  // namespace herald::cli
