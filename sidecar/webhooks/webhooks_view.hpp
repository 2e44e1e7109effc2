// The view `webhooks`: how each of them is doing.
//
//   {"webhooks":[{"feed":"orders","url":"https://hooks.example.com","file":"orders-1f2e3d4c",
//     "pending":3,"bytes":412,"read_seq":1042,"behind":7,"failing":true,"lagging":false,
//     "delivered":1030,"failed":12,"dead":0,"error":"HTTP status 503"}]}
#pragma once

#include "sidecar/segments.hpp"
#include "sidecar/views/view.hpp"
#include "sidecar/webhooks/webhooks.hpp"

namespace herald::sidecar {

class WebhooksView final : public View {
  public:
    // Both outlive it.
    WebhooksView(const Webhooks& webhooks, const Segments& segments)
        : webhooks_(webhooks), segments_(segments) {}

    void ask(ViewRequest request, Answered answered) override;

  private:
    const Webhooks& webhooks_;
    const Segments& segments_;
};

}  // namespace herald::sidecar
