#include "history.hpp"

#include <algorithm>

#include "headers.hpp"
#include "history_query.hpp"
#include "inquiry.hpp"
#include "subscribe.hpp"
#include "worker.hpp"

namespace herald {

namespace questions = ring::questions;

namespace {

constexpr std::string_view kUnavailable = "History unavailable";
constexpr std::string_view kOtherLog =
    "Invalid 'before': the id is of another log. Start again without it.";

// A request and what is known of it when it asks.
struct Asked {
    std::string channel{};
    HistoryQuery query{};
    uint64_t hash = 0;               // of the query, in its tag
    std::optional<EventId> known{};  // the newest event that the client has
    uint32_t log = 0;
    Place place{};
    uint64_t up_to_seq = 0;
};

class History final : public Inquiry {
  public:
    History(ngx_http_request_t* r, Asked asked) : Inquiry(r), asked_(std::move(asked)) {}

    void start(Worker& worker) {
        const bool same_log = asked_.known && asked_.known->log == asked_.log;
        const uint64_t known_seq = same_log ? asked_.known->seq : 0;
        questions::HistoryQuestion question =
            make_question(asked_.channel, asked_.query, asked_.place, asked_.up_to_seq, known_seq);
        question.poll = {asked_.query.after, asked_.query.before, asked_.known};
        ask(worker, questions::encode(question));
    }

  protected:
    ngx_int_t respond(std::string* answer) override {
        ngx_http_request_t* r = request();
        HistoryPage page;
        if (answer == nullptr)
            return unavailable(r, kUnavailable);
        if (!decode_page(*answer, page)) {
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "herald: the sidecar's answer about history does not decode");
            return unavailable(r, kUnavailable);
        }
        take_log(page);
        if (page.header.status == questions::HistoryStatus::NotModified && asked_.known)
            return not_modified(r, make_tag(*asked_.known, asked_.hash));
        if (page.header.status == questions::HistoryStatus::OtherLog ||
            (asked_.query.before && asked_.query.before->log != asked_.log &&
             page.header.status == questions::HistoryStatus::Found))
            return refuse(r, NGX_HTTP_BAD_REQUEST, kOtherLog);
        if (page.header.status != questions::HistoryStatus::Found)
            return unavailable(r, kUnavailable);
        if (location_settings(r)->unknown->refuse && page.header.known != 1) {
            const bool sure = page.header.known == 0 && page.header.seen_seq >= asked_.up_to_seq;
            return sure ? refuse_unknown(r) : unavailable(r, kUnavailable);
        }

        ngx_time_t& now = *ngx_timeofday();
        const uint64_t now_ms = static_cast<uint64_t>(now.sec) * 1000 + now.msec;
        body_ = history_json(asked_.query, asked_.place, asked_.log, page, now_ms);
        // An event that the index has and this answer leaves out must not be in its tag.
        const EventId newest{asked_.log, page.header.newest_seq};
        if (newest.seq <= asked_.up_to_seq && !set_etag(r, make_tag(newest, asked_.hash)))
            return NGX_ERROR;
        return add_header(r, "Cache-Control", "no-cache") ? send_kept(r, NGX_HTTP_OK, body_)
                                                          : NGX_ERROR;
    }

  private:
    // Where the past is kept elsewhere, its log is not the ring's: nothing is as it was asked.
    void take_log(const HistoryPage& page) {
        const questions::HistoryAnswer& header = page.header;
        if (header.log == 0)
            return;
        asked_.log = header.log;
        asked_.place = place_of(asked_.query.after, {header.log, header.seen_seq, {}});
        asked_.up_to_seq = header.seen_seq;
    }

    Asked asked_;
    std::string body_{};
};

// Whether the channel's newest record in the ring is this event.
bool is_newest(Worker& worker, const Asked& asked) {
    if (!asked.known || asked.known->log != asked.log)
        return false;
    ring::RecordHeader header;
    const uint64_t position = worker.channels.last(asked.channel);
    return position != ring::kNoPosition &&
           worker.ring()->reader.header_at(position, header) == ring::Poll::Record &&
           header.kind == ring::Kind::Event && header.seq == asked.known->seq;
}

// Where the log stands; what any worker has shown so far is part of it.
void look_at_log(Worker& worker, Asked& asked) {
    const ring::Header& header = worker.ring()->header();
    const uint64_t newest = header.last_seq.load(std::memory_order_relaxed);
    if (newest > worker.last_seq())
        worker.catch_up(newest);

    const uint32_t past_logs = std::min(header.past_log_count, ring::kPastLogs);
    asked.log = header.log;
    asked.place = place_of(asked.query.after, {header.log, newest, {header.past_logs, past_logs}});
    asked.up_to_seq = worker.last_seq();
    // The index gets no further than the journal; nobody is to wait for what may be lost.
    if (header.journal.load(std::memory_order_relaxed) == ring::JournalState::Failing)
        asked.up_to_seq =
            std::min(asked.up_to_seq, header.journaled_seq.load(std::memory_order_relaxed));
}

ngx_int_t history(ngx_http_request_t* r) {
    ngx_int_t rc = allow_get(r);
    if (rc != NGX_OK || r->header_sent)
        return rc;
    Asked asked;
    rc = evaluate_channel(r, *location_settings(r)->channel, asked.channel);
    if (rc == NGX_HTTP_BAD_REQUEST)
        return refuse(r, NGX_HTTP_BAD_REQUEST, kChannelRule);
    if (rc != NGX_OK)
        return rc;
    const std::string_view wrong = parse_arguments(split_arguments(view(r->args)), asked.query);
    if (!wrong.empty())
        return refuse(r, NGX_HTTP_BAD_REQUEST, wrong);
    Worker* worker = Worker::current();
    if (worker == nullptr || worker->ring() == nullptr)
        return unavailable(r, kUnavailable);

    look_at_log(*worker, asked);
    asked.hash = hash_query(asked.channel, asked.query);
    // A subrequest shows its main request's headers; a part of an answer cannot be unmodified.
    if (r == r->main && r->headers_in.if_none_match != nullptr)
        asked.known = find_tag(view(r->headers_in.if_none_match->value), asked.hash);
    if (is_newest(*worker, asked))
        return not_modified(r, make_tag(*asked.known, asked.hash));
    if (!worker->asks().is_open())
        return unavailable(r, kUnavailable);

    History* made = Inquiry::keep(std::make_unique<History>(r, std::move(asked)));
    if (made == nullptr)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    made->start(*worker);
    ++r->main->count;
    return NGX_DONE;
}

}  // namespace

ngx_int_t history_handler(ngx_http_request_t* r) noexcept {
    return guard(r->connection->log, ngx_int_t{NGX_HTTP_INTERNAL_SERVER_ERROR},
                 [&] { return history(r); });
}

}  // namespace herald
