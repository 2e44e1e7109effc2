// A database that knows the statements of a table's projection and nothing else: it has one
// checkpoint and one table, keeps what was committed, and fails where a test wants it to.
#pragma once

#include <jansson.h>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/postgres/database.hpp"

namespace herald::sidecar::postgres {

class FakeDatabase final : public Database {
  public:
    struct Content {
        std::vector<std::string> rows{};  // as compact JSON, in the order of insertion
        uint64_t seq = 0;                 // the checkpoint's
        std::string history_log{};        // empty: none
        uint64_t history_position = 0;
    };

    // -- what there is
    Content committed{};
    std::vector<std::string> columns{"k", "v"};
    std::string data_type = "text";      // of the column that history reads
    uint64_t next_position = 1;          // taken, and not given back by a rollback
    std::vector<std::string> wanting{};  // columns that are NOT NULL without default
    bool has_table = true;
    bool is_unique = true;
    std::set<std::string> repeats{};  // rows whose unique value is there already

    // -- what goes wrong; each may throw
    std::function<void()> at_connect{};
    std::function<void(const std::string& sql)> at_execute{};
    std::function<void(const std::string& row)> at_row{};
    std::function<void()> behind_commit{};  // it is done, but nobody hears of it

    // -- what was asked
    std::vector<std::string> statements{};
    size_t count(std::string_view start) const {
        size_t found = 0;
        for (const std::string& sql : statements)
            found += sql.starts_with(start);
        return found;
    }

    std::unique_ptr<Connection> connect() override {
        if (at_connect)
            at_connect();
        return std::make_unique<Session>(*this);
    }

  private:
    class Session final : public Connection {
      public:
        explicit Session(FakeDatabase& database)
            : database_(database), now_(database.committed), saved_(now_) {}

        Result execute(const std::string& sql, std::span<const std::string> values) override {
            database_.statements.push_back(sql);
            if (database_.at_execute)
                database_.at_execute(sql);
            return answer(sql, values);
        }

      private:
        static bool has(std::string_view sql, std::string_view part) {
            return sql.find(part) != sql.npos;
        }

        Result answer(const std::string& sql, std::span<const std::string> values) {
            Result result;
            if (sql.starts_with("BEGIN") || sql == "ROLLBACK")
                now_ = database_.committed;
            else if (sql.starts_with("SAVEPOINT"))
                saved_ = now_;
            else if (sql.starts_with("ROLLBACK TO"))
                now_ = saved_;
            else if (sql == "COMMIT")
                commit();
            else if (has(sql, "'history'"))
                result.affected = change_history(sql, values);
            else if (has(sql, "format_type"))
                result.rows = types();
            else if (sql.starts_with("WITH position"))
                result.rows.push_back({"t", "t_position_seq"});
            else if (has(sql, "to_regclass($1) AND attnum"))
                result.rows = columns();
            else if (has(sql, "FROM pg_class") && database_.is_unique)
                result.rows.push_back({"1"});
            else if (sql.starts_with("SELECT to_regclass"))
                result.rows.push_back({"herald_checkpoints"});
            else if (sql.starts_with("SELECT seq"))
                result.rows.push_back({std::to_string(now_.seq)});
            else if (sql.starts_with("INSERT INTO \"herald_checkpoints\""))
                now_.seq = std::stoull(values[3]);
            else if (sql.starts_with("UPDATE"))
                result.affected = move_checkpoint(values);
            else if (has(sql, "json_populate_recordset"))
                result = insert(sql, values[0]);
            return result;
        }

        void commit() {
            database_.committed = now_;
            if (database_.behind_commit)
                database_.behind_commit();
        }

        std::vector<std::vector<std::optional<std::string>>> columns() const {
            std::vector<std::vector<std::optional<std::string>>> rows;
            if (!database_.has_table)
                return rows;
            for (const std::string& name : database_.columns)
                rows.push_back({name, "f"});
            for (const std::string& name : database_.wanting)
                rows.push_back({name, "t"});
            return rows;
        }

        uint64_t move_checkpoint(std::span<const std::string> values) {
            if (now_.seq != std::stoull(values[3]))
                return 0;
            now_.seq = std::stoull(values[4]);
            return 1;
        }

        std::vector<std::vector<std::optional<std::string>>> types() const {
            return {{"position", "bigint"},
                    {"channel", "text"},
                    {"data", database_.data_type},
                    {"time", "timestamp with time zone"}};
        }

        uint64_t change_history(const std::string& sql, std::span<const std::string> values) {
            if (sql.starts_with("UPDATE")) {
                if (now_.history_position >= std::stoull(values[1]))
                    return 0;
                now_.history_position = std::stoull(values[2]);
                return 1;
            }
            const bool anew = has(sql, "DO UPDATE");
            if (values[1] == "log" && (anew || now_.history_log.empty()))
                now_.history_log = values[2];
            if (values[1] == "position" && anew)
                now_.history_position = std::stoull(values[2]);
            return 1;
        }

        Result insert(const std::string& sql, const std::string& array) {
            Result result;
            const uint64_t first = database_.next_position;
            result.affected = insert(array);
            if (!sql.starts_with("WITH inserted"))
                return result;
            database_.next_position += result.affected;
            result.rows.push_back({std::to_string(result.affected), std::to_string(first),
                                   std::to_string(database_.next_position - 1)});
            result.affected = 1;  // as PostgreSQL counts what SELECT gives
            return result;
        }

        // One row that does not fit takes the whole statement with it.
        uint64_t insert(const std::string& array) {
            const std::unique_ptr<json_t, void (*)(json_t*)> rows(
                json_loads(array.c_str(), 0, nullptr), [](json_t* json) { json_decref(json); });
            if (!rows)
                throw Error("22P02", "no JSON: " + array);
            uint64_t inserted = 0;
            size_t i = 0;
            json_t* row = nullptr;
            json_array_foreach(rows.get(), i, row) {
                char* text = json_dumps(row, JSON_COMPACT | JSON_SORT_KEYS);
                const std::string copy = text;
                free(text);
                if (database_.at_row)
                    database_.at_row(copy);
                if (database_.repeats.contains(copy))
                    continue;
                now_.rows.push_back(copy);
                ++inserted;
            }
            return inserted;
        }

        FakeDatabase& database_;
        Content now_;
        Content saved_;
    };
};

}  // namespace herald::sidecar::postgres
