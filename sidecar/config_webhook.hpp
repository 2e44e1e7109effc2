// The [[feed.webhook]] tables of herald.toml; a part of config_feed.cpp.
#pragma once

#include <string>

#include "sidecar/feed.hpp"
#include "sidecar/toml_reader.hpp"

namespace herald::sidecar {

// Reads the key `webhook` of a feed's table into `feed`, whose `event` and `rename` are read, and
// adds what is wrong to `problems`. Secrets are looked up here: one that is missing is a problem.
void read_webhooks(TableReader& feed_table, Feed& feed, Problems& problems);

// For `herald check`, without secrets: `sent to https://host (2 names, retried for 1d)`.
std::string summary_of(const WebhookConfig& webhook);

}  // namespace herald::sidecar
