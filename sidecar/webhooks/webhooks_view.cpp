#include "sidecar/webhooks/webhooks_view.hpp"

#include <jansson.h>

#include <cstdlib>
#include <memory>

namespace herald::sidecar {

namespace {

json_int_t number(uint64_t value) {
    return static_cast<json_int_t>(value);
}

json_t* json_of(const WebhookFigures& figures, uint64_t journal_seq) {
    const uint64_t behind = journal_seq > figures.read_seq ? journal_seq - figures.read_seq : 0;
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:b, s:I, s:I, s:I, s:s}", "feed",
                     figures.feed.c_str(), "url", figures.url.c_str(), "file", figures.file.c_str(),
                     "pending", number(figures.pending), "bytes", number(figures.bytes), "read_seq",
                     number(figures.read_seq), "behind", number(behind), "failing",
                     int{figures.failing}, "lagging", int{figures.lagging}, "delivered",
                     number(figures.delivered), "failed", number(figures.failed), "dead",
                     number(figures.dead), "error", figures.error.c_str());
}

}  // namespace

void WebhooksView::ask(ViewRequest, Answered answered) {
    struct FreeJson {
        void operator()(json_t* json) const noexcept { json_decref(json); }
    };
    struct FreeText {
        void operator()(char* text) const noexcept { free(text); }
    };
    json_t* list = json_array();
    const std::unique_ptr<json_t, FreeJson> document(json_pack("{s:o}", "webhooks", list));
    for (const WebhookFigures& figures : webhooks_.figures())
        json_array_append_new(list, json_of(figures, segments_.last_seq()));
    const std::unique_ptr<char, FreeText> text(json_dumps(document.get(), JSON_COMPACT));
    ViewAnswer answer;
    answer.status = text ? 200 : 500;
    answer.body = text ? text.get() : "{}";
    answered(std::move(answer));
}

}  // namespace herald::sidecar
