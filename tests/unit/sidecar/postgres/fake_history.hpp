// A database that knows the statements of a history's reader and nothing else: it has a past and
// rows, and is slow or away where a test wants it to be.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/postgres/database.hpp"

namespace herald::sidecar::postgres {

class FakeHistory final : public Database {
  public:
    struct Row {
        uint64_t position = 0;
        std::string event{};
        std::string data{};
        bool in_time = true;
    };

    // -- what there is; of one channel
    std::string log = "2130324481";  // 7efa2c01; empty: none
    std::string newest_anywhere = "0";
    std::vector<Row> rows{};  // in the order of positions

    // -- what goes wrong; each may throw
    std::function<void()> at_connect{};
    std::function<void(const std::string& sql)> at_execute{};

    // -- what was asked
    std::vector<std::string> statements{};
    std::vector<size_t> batches{};
    int connects = 0;

    std::unique_ptr<Connection> connect() override {
        ++connects;
        if (at_connect)
            at_connect();
        return std::make_unique<Session>(*this);
    }

  private:
    class Session final : public Connection {
      public:
        explicit Session(FakeHistory& database) : database_(database) {}

        Result execute(const std::string& sql, std::span<const std::string> values) override {
            database_.statements.push_back(sql);
            if (database_.at_execute)
                database_.at_execute(sql);
            Result result;
            if (sql.starts_with("SELECT feed, seq") && !database_.log.empty())
                result.rows = {{"log", database_.log}, {"position", database_.newest_anywhere}};
            else if (sql.starts_with("SELECT \"position\"") && !database_.rows.empty())
                result.rows = {{std::to_string(database_.rows.back().position)}};
            else if (sql.starts_with("SELECT p, e"))
                result.rows = batch(sql.ends_with("DESC"), values);
            return result;
        }

      private:
        using Rows = std::vector<std::vector<std::optional<std::string>>>;

        Rows batch(bool down, std::span<const std::string> values) {
            const uint64_t low = std::stoull(values[1]);
            const uint64_t high = std::stoull(values[2]);
            const size_t limit = std::stoull(values[5]);
            const size_t most = std::stoull(values[6]);
            std::vector<const Row*> picked;
            for (const Row& row : database_.rows) {
                if (row.position > low && row.position <= high)
                    picked.push_back(&row);
            }
            if (down)
                std::reverse(picked.begin(), picked.end());
            picked.resize(std::min(picked.size(), limit));
            Rows found;
            size_t bytes = 0;
            for (const Row* row : picked) {
                if (bytes >= most)
                    break;
                found.push_back({std::to_string(row->position), row->event,
                                 row->in_time ? std::optional(row->data) : std::nullopt,
                                 row->in_time ? "t" : "f"});
                bytes += row->in_time ? row->data.size() : 0;
            }
            database_.batches.push_back(found.size());
            return found;
        }

        FakeHistory& database_;
    };
};

}  // namespace herald::sidecar::postgres
