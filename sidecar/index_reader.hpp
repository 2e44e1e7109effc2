// Answers history questions from the open index (ring/questions.hpp, docs/formats.md). Never
// changes anything.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ring/questions.hpp"
#include "sidecar/index_search.hpp"
#include "sidecar/index_store.hpp"
#include "sidecar/sqlite.hpp"

namespace herald::sidecar {

class IndexReader {
  public:
    explicit IndexReader(IndexStore& store);

    // HistoryAnswer and its items. Throws sqlite::Error.
    std::string answer(const ring::questions::HistoryQuestion& question);

  private:
    struct Row;     // one event or notice, as it is merged
    struct Source;  // rows of one channel, or notices, in one direction
    class Merge;    // of several sources

    bool open_sources(const ring::questions::HistoryQuestion& question,
                      ring::questions::HistoryAnswer& answer, std::vector<Source>& sources);
    uint64_t first_later(const Source& source, int64_t since_us);
    void fill(Source& source);
    bool fill_notices(Source& source);
    bool fill_entries(Source& source);
    bool fill_events(Source& source);
    bool put_item(std::string& out, const Source& source, IndexSearch& search);
    void behind(Merge& merge, const ring::questions::HistoryRange& range,
                ring::questions::HistoryAnswer& answer);

    IndexStore& store_;
    sqlite::Database& database_;

    sqlite::Statement entries_up_;
    sqlite::Statement entries_down_;
    sqlite::Statement events_up_;  // entries with their events
    sqlite::Statement events_down_;
    sqlite::Statement entry_at_{database_,
                                "SELECT seq, time_us + late_us FROM entries "
                                "WHERE channel = ? AND seq >= ? ORDER BY seq LIMIT 1"};
    sqlite::Statement event_{database_, "SELECT at_ms, event, data FROM events WHERE seq = ?"};
    sqlite::Statement notices_up_{database_,
                                  "SELECT seq, kind, from_seq, at_ms FROM notices WHERE seq > ? "
                                  "AND seq <= ? AND at_ms > ? ORDER BY seq LIMIT ?"};
    sqlite::Statement notices_down_{database_,
                                    "SELECT seq, kind, from_seq, at_ms FROM notices WHERE seq > ? "
                                    "AND seq <= ? AND at_ms > ? ORDER BY seq DESC LIMIT ?"};
};

}  // namespace herald::sidecar
