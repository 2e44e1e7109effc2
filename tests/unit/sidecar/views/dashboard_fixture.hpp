// A loop, and a server to ask.
#pragma once

#include <gtest/gtest.h>

#include "../http_server.hpp"
#include "../run_until.hpp"
#include "../temporary_directory.hpp"
#include "sidecar/loop.hpp"

namespace herald::sidecar {

class DashboardFixture : public testing::Test {
  protected:
    template <class Happened>
    void turn_until(Happened happened) {
        run_until(loop_.get(), happened);
    }

    TemporaryDirectory directory_{};
    HttpServer server_{};
    Loop loop_{};
};

}  // namespace herald::sidecar
