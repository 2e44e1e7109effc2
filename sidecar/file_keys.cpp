// Never two readings at a time.
#include "sidecar/file_keys.hpp"

#include <utility>

#include "ring/trust.hpp"
#include "sidecar/background.hpp"
#include "sidecar/small_file.hpp"

namespace herald::sidecar {

struct FileKeys::Reading {
    std::string path{};
    std::string content{};
    std::string error = "out of memory";
};

FileKeys::FileKeys(uv_loop_t* loop, std::string path, WatchTimes times, KeyTaker& taker)
    : loop_(loop),
      path_(std::move(path)),
      taker_(taker),
      watch_(loop, path_, times, [this] { read(); }) {
    read();
}

void FileKeys::read() noexcept {
    if (reading_) {
        again_ = true;
        return;
    }
    try {
        auto reading = std::make_shared<Reading>();
        reading->path = path_;
        run_in_background(
            loop_, alive_,
            [reading] {
                std::string error;
                reading->content = read_small_file(reading->path, ring::trust::kMaxKeySet, error);
                reading->error = std::move(error);
            },
            [this, reading] { on_read(*reading); });
        reading_ = true;
    } catch (const std::exception&) {
        watch_.look_soon();  // later, when there is memory
    }
}

void FileKeys::on_read(Reading& reading) {
    reading_ = false;
    if (std::exchange(again_, false))
        watch_.look_soon();
    if (reading.error.empty())
        taker_.on_bytes(reading.content);
    else
        taker_.on_failure(reading.error);
}

}  // namespace herald::sidecar
