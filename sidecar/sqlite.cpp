// Errors carry the path, SQLite's words, its code, and what was being done.
#include "sidecar/sqlite.hpp"

#include <cstring>
#include <utility>

namespace herald::sidecar::sqlite {

bool Error::is_damage() const {
    // A constraint can only be broken where the tables contradict each other.
    return code_ == SQLITE_CORRUPT || code_ == SQLITE_NOTADB || code_ == SQLITE_CONSTRAINT;
}

Database::Database(const std::string& path) : path_(path) {
    // To count its memory, SQLite takes a lock for each allocation. Nobody asks for the sum. (Once
    // it runs it refuses to hear of it, which does no harm.)
    [[maybe_unused]] static const int uncounted = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    const int code = sqlite3_open_v2(path.c_str(), &handle_, flags, nullptr);
    if (code == SQLITE_OK)
        return;
    try {
        fail(code, "opening it");
    } catch (...) {
        sqlite3_close_v2(handle_);
        throw;
    }
}

Database::~Database() {
    sqlite3_close_v2(handle_);
}

Database::Database(Database&& other) noexcept
    : path_(std::move(other.path_)), handle_(std::exchange(other.handle_, nullptr)) {}

void Database::fail(int code, std::string_view doing) const {
    std::string text = path_ + ": ";
    text += handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
    text += " (SQLite's error " + std::to_string(code);
    const int system_error = handle_ != nullptr ? sqlite3_system_errno(handle_) : 0;
    if ((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN) {
        if (system_error != 0)
            text.append(", ").append(std::strerror(system_error));
    }
    text.append(") while ").append(doing);
    throw Error(code & 0xff, text);
}

void Database::execute(const char* sql) {
    const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK)
        fail(sqlite3_extended_errcode(handle_), sql);
}

std::string Database::text_of(const char* sql) {
    Statement statement(*this, sql);
    Query query(statement);
    return query.next() ? std::string(query.text(0)) : std::string();
}

int64_t Database::integer_of(const char* sql) {
    Statement statement(*this, sql);
    Query query(statement);
    return query.next() ? query.integer(0) : 0;
}

bool Database::has_moved() const {
    int moved = 0;
    sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved != 0;
}

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
    const int code = sqlite3_prepare_v3(database.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &handle_, nullptr);
    if (code != SQLITE_OK)
        database.fail(sqlite3_extended_errcode(database.get()), sql);
}

bool Query::next() {
    const int code = sqlite3_step(statement_.handle_);
    if (code == SQLITE_ROW)
        return true;
    if (code != SQLITE_DONE)
        check(sqlite3_extended_errcode(statement_.database_.get()));
    return false;
}

std::string_view Query::text(int column) const {
    // As a blob: asked for as text, SQLite would copy it to put a NUL behind it.
    const void* bytes = sqlite3_column_blob(statement_.handle_, column);
    const int length = sqlite3_column_bytes(statement_.handle_, column);
    if (bytes == nullptr)
        return {};
    return {static_cast<const char*>(bytes), static_cast<size_t>(length)};
}

void Query::bind(int parameter, int64_t value) {
    check(sqlite3_bind_int64(statement_.handle_, parameter, value));
}

void Query::bind(int parameter, std::string_view value) {
    // An empty view may have no address, which would be NULL.
    const char* text = value.empty() ? "" : value.data();
    check(sqlite3_bind_text64(statement_.handle_, parameter, text, value.size(), SQLITE_STATIC,
                              SQLITE_UTF8));
}

void Query::check(int code) {
    if (code != SQLITE_OK)
        statement_.database_.fail(code, sqlite3_sql(statement_.handle_));
}

}  // namespace herald::sidecar::sqlite
