// A loop that turns also while other threads have to do their part, and a server to ask.
#pragma once

#include <gtest/gtest.h>

#include "../http_server.hpp"
#include "../temporary_directory.hpp"
#include "sidecar/loop.hpp"

namespace herald::sidecar {

class DashboardFixture : public testing::Test {
  protected:
    DashboardFixture() {
        uv_timer_start(
            pulse_.get(), [](uv_timer_t*) noexcept {}, 5, 5);
    }

    template <class Happened>
    void turn_until(Happened happened) {
        while (!happened())
            uv_run(loop_.get(), UV_RUN_ONCE);
    }

    TemporaryDirectory directory_{};
    HttpServer server_{};
    Loop loop_{};

  private:
    Handle<uv_timer_t> pulse_ = make_timer(loop_.get(), this);
};

}  // namespace herald::sidecar
