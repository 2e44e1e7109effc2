#include "sidecar/views/gathering.hpp"

#include <utility>

namespace herald::sidecar {

std::function<void()> Gatherings::Gathering::part() {
    ++missing_;
    return [weak = self_, there = false]() mutable {
        const auto self = weak.lock();
        if (self && !std::exchange(there, true))
            self->arrived();
    };
}

// Whoever holds `self` keeps the object until this is over.
void Gatherings::Gathering::arrived() {
    if (missing_ == 0 || --missing_ != 0)
        return;
    timer_.reset();
    const auto self = self_.lock();
    all_.under_way_.erase(self);
    finish_();
}

void Gatherings::begin(uint64_t within_ms, Gathering::Finish finish,
                       const std::function<void(Gathering&)>& add_parts) {
    const auto gathering = std::make_shared<Gathering>(*this, std::move(finish));
    gathering->self_ = gathering;
    under_way_.insert(gathering);
    add_parts(*gathering);
    if (gathering->missing_ == 1)
        return gathering->arrived();

    gathering->arrived();
    gathering->timer_ = make_timer(loop_, gathering.get());
    uv_timer_start(
        gathering->timer_.get(),
        [](uv_timer_t* timer) noexcept {
            const auto self = owner_of<Gathering>(timer).self_.lock();
            if (!self)
                return;
            self->missing_ = 1;
            try {
                self->arrived();
            } catch (const std::exception&) {
                // Out of memory: the client's own time runs out.
            }
        },
        within_ms, 0);
}

}  // namespace herald::sidecar
