// What a feed does, in the order of docs/config.md.
#include "sidecar/check.hpp"

#include <cstdio>
#include <cstdlib>

#include "sidecar/config.hpp"
#include "sidecar/config_webhook.hpp"
#include "sidecar/log.hpp"
#include "sidecar/quantities.hpp"

namespace herald::sidecar {

std::string summary_of(const Feed& feed) {
    std::string text = "feed " + log::quote(feed.name) + ": " + feed.channels.text() +
                       " (PSUBSCRIBE " + feed.channels.glob() + "), ";
    text +=
        feed.event.empty() ? "events without names" : "events named by " + log::quote(feed.event);
    if (!feed.rename.empty())
        text += ", " + std::to_string(feed.rename.size()) + " renamed";
    if (!feed.end_on.empty())
        text += ", ends on " + std::to_string(feed.end_on.size()) +
                (feed.end_on.size() == 1 ? " name" : " names");
    if (!feed.dedupe.empty())
        text += ", repeats told by " + log::quote(feed.dedupe);
    if (!feed.time.empty())
        text += ", time from " + log::quote(feed.time);
    if (!feed.jsonl.empty())
        text += ", written to " + log::quote(feed.jsonl);
    if (feed.table)
        text += ", inserted into " + log::quote(postgres::text_of(*feed.table));
    if (feed.table && feed.table->history)
        text += ", which answers its history";
    if (feed.retention_ms != 0)
        text += ", kept " + format_duration(feed.retention_ms);
    if (feed.max_events != 0)
        text += ", at most " + std::to_string(feed.max_events) + " a channel";
    if (feed.log)
        text += ", logged";
    for (const WebhookConfig& webhook : feed.webhooks)
        text += ", " + summary_of(webhook);
    return text;
}

std::string summary_of(const ViewConfig& view) {
    std::string text = "view " + log::quote(view.name) + ": ";
    text += view.kind == ViewKind::Jobs ? "jobs"
                                        : "the newest " + std::to_string(view.recent) + " runs";
    return text + " of " + view.channels.text() + ", at most " + std::to_string(view.max_records) +
           " kept";
}

std::string summary_of(const IngestConfig& ingest) {
    return "ingest: runs of " + log::quote(ingest.registry) + ", told on " + ingest.channel;
}

int check(const std::string& file) {
    const Config config = load_config(file);
    std::printf("%s: ok\n", file.c_str());
    for (const Feed& feed : config.feeds)
        std::puts(summary_of(feed).c_str());
    for (const ViewConfig& view : config.views)
        std::puts(summary_of(view).c_str());
    if (config.dashboard)
        std::puts(summary_of(*config.dashboard).c_str());
    if (config.ingest.enabled)
        std::puts(summary_of(config.ingest).c_str());
    return EXIT_SUCCESS;
}

}  // namespace herald::sidecar
