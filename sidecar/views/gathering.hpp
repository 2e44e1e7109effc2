// Answers that wait for several parts, each of which comes now, later or never. Lives on the loop.
#pragma once

#include <functional>
#include <memory>
#include <set>

#include "sidecar/uv.hpp"

namespace herald::sidecar {

class Gatherings {
  public:
    explicit Gatherings(uv_loop_t* loop) : loop_(loop) {}

    // One answer. `finish` is called once: when all parts are there, or after `within_ms` without
    // them; not after the end of the Gatherings.
    class Gathering {
      public:
        using Finish = std::function<void()>;

        Gathering(Gatherings& all, Finish finish) : all_(all), finish_(std::move(finish)) {}

        // One part more; the function says that it is there, and may come at any time.
        std::function<void()> part();

      private:
        friend class Gatherings;
        void arrived();

        Gatherings& all_;
        Finish finish_;
        std::weak_ptr<Gathering> self_{};
        size_t missing_ = 1;  // one for those who still add parts
        Handle<uv_timer_t> timer_{};
    };

    // `add_parts` is called at once, with what the parts are added to.
    void begin(uint64_t within_ms, Gathering::Finish finish,
               const std::function<void(Gathering&)>& add_parts);

  private:
    uv_loop_t* loop_;
    std::set<std::shared_ptr<Gathering>> under_way_{};
};

}  // namespace herald::sidecar
