// What workers are told of keys and revocations, each what it has not been told yet.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/control_server.hpp"
#include "sidecar/key_store.hpp"
#include "sidecar/log.hpp"
#include "sidecar/revocations.hpp"

namespace herald::sidecar {

class TrustDesk final : public News {
  public:
    // `state`: the state directory. The server outlives the desk. Throws std::system_error.
    TrustDesk(uv_loop_t* loop, ControlServer& server, const std::string& state,
              KeyStoreOptions options);

    // A message that was published on herald:revoke; false where it is none, or there is no room:
    // that has been said.
    bool revoke(std::string_view message);

    void on_watch(PeerId peer, std::vector<std::string> sources) override;
    void on_refetch(PeerId peer, std::string_view source) override;
    bool next_news(PeerId peer, std::string& message) override;
    void on_gone(PeerId peer) noexcept override;

  private:
    struct Worker {
        std::vector<std::string> sources{};
        std::set<std::string> stale{};  // of these, those whose keys it has to be told
        Revocations::Cursor cursor{};
    };
    void on_keys_changed(const std::string& source);

    uv_loop_t* loop_;
    ControlServer& server_;
    std::map<PeerId, Worker> workers_{};
    KeyStore keys_;
    Revocations revocations_;
    log::Limit refusals_{1};  // anybody who may publish can cause them
};

}  // namespace herald::sidecar
