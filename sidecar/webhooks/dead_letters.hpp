// Events that a webhook has given up, one a line, for a person or a script to look after
// (docs/formats.md). The file is only appended to and opened anew for each batch, so that it may be
// moved away at any time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sidecar/webhooks/delivery.hpp"

namespace herald::sidecar {

class DeadLetters {
  public:
    // `origin`: of the webhook's URL, as the lines tell it.
    DeadLetters(std::string path, std::string origin)
        : path_(std::move(path)), origin_(std::move(origin)) {}

    void add(const Delivery& delivery, uint64_t now_ms);
    // Events that were never tried: the journal had lost those behind seq `from` up to `to`.
    void add_lost(uint64_t from, uint64_t to, uint64_t now_ms);

    bool empty() const { return lines_.empty(); }
    // Appends what was added; on disk on return. Throws std::system_error; what was added then
    // waits for the next call, which may write a part of it twice.
    void flush();

    const std::string& path() const { return path_; }

  private:
    std::string path_;
    std::string origin_;
    std::string lines_{};
};

}  // namespace herald::sidecar
