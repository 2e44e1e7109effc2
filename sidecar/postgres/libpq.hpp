// PostgreSQL through libpq, without blocking: its socket is polled, with a time limit on everything
// but the look-up of host names, which is libpq's own.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "sidecar/postgres/config.hpp"
#include "sidecar/postgres/database.hpp"
#include "sidecar/postgres/interrupt.hpp"

namespace herald::sidecar::postgres {

class Libpq final : public Database {
  public:
    // The references outlive it.
    Libpq(const PostgresConfig& config, const Interrupt& interrupt)
        : config_(config), interrupt_(interrupt) {}

    // Looks its URL up anew, so that a password in a file can be changed.
    std::unique_ptr<Connection> connect() override;

  private:
    const PostgresConfig& config_;
    const Interrupt& interrupt_;
};

}  // namespace herald::sidecar::postgres
