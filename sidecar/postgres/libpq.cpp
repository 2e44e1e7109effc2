// Every call of libpq that could wait is followed by a poll of ours, which the sidecar's end cuts
// short. What libpq says about rows is kept apart from its sentence: the sentence may have values
// in it.
#include "sidecar/postgres/libpq.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <utility>

namespace herald::sidecar::postgres {

namespace {

using Clock = Interrupt::Clock;
using std::chrono::milliseconds;

// Longer than the server's own limit, so that it is the server that says what took too long.
constexpr milliseconds kBeyondStatement{5000};

struct Finish {
    void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
};
struct Clear {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using ResultHandle = std::unique_ptr<PGresult, Clear>;

// On one line, without the line end that libpq's texts have.
std::string one_line(std::string_view text) {
    while (!text.empty() && text.back() == '\n')
        text.remove_suffix(1);
    std::string line(text);
    std::ranges::replace(line, '\n', ' ');
    std::ranges::replace(line, '\t', ' ');
    return line;
}

void ignore_notice(void*, const PGresult*) noexcept {}

class LibpqConnection final : public Connection {
  public:
    LibpqConnection(const std::string& url, const PostgresConfig& config,
                    const Interrupt& interrupt)
        : config_(config), interrupt_(interrupt) {
        // `dbname` may be a whole connection string; what is behind it wins.
        const char* keys[] = {"fallback_application_name", "dbname", "client_encoding", nullptr};
        const char* values[] = {"herald", url.c_str(), "UTF8", nullptr};
        connection_.reset(PQconnectStartParams(keys, values, 1));
        if (!connection_)
            throw std::bad_alloc();
        PQsetNoticeReceiver(connection_.get(), ignore_notice, nullptr);
        finish_connecting(Clock::now() + milliseconds(config.connect_timeout_ms));
        if (PQsetnonblocking(connection_.get(), 1) != 0)
            fail();
    }

    using Connection::execute;
    Result execute(const std::string& sql, std::span<const std::string> values) override {
        const auto deadline =
            Clock::now() + milliseconds(config_.statement_timeout_ms) + kBeyondStatement;
        send(sql, values);
        flush(deadline);

        Result result;
        std::optional<Error> error;
        while (const ResultHandle got = next_result(deadline)) {
            if (is_error(got.get()))
                error.emplace(error_of(got.get()));
            else
                result = take(got.get());
        }
        if (error)
            throw Error(*error);
        return result;
    }

  private:
    void finish_connecting(Clock::time_point deadline) {
        PGconn* connection = connection_.get();
        if (PQstatus(connection) == CONNECTION_BAD)
            fail();
        for (auto next = PGRES_POLLING_WRITING; next != PGRES_POLLING_OK;) {
            if (next == PGRES_POLLING_FAILED)
                fail();
            wait(next == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline,
                 "no connection within " + std::to_string(config_.connect_timeout_ms) + " ms");
            next = PQconnectPoll(connection);
        }
    }

    void send(const std::string& sql, std::span<const std::string> values) {
        if (values.empty()) {
            if (PQsendQuery(connection_.get(), sql.c_str()) != 1)
                fail();
            return;
        }
        std::vector<const char*> texts;
        std::vector<int> lengths;
        const std::vector<int> formats(values.size(), 0);
        for (const std::string& value : values) {
            texts.push_back(value.c_str());
            lengths.push_back(static_cast<int>(value.size()));
        }
        if (PQsendQueryParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()),
                              nullptr, texts.data(), lengths.data(), formats.data(), 0) != 1)
            fail();
    }

    void flush(Clock::time_point deadline) {
        for (;;) {
            const int left = PQflush(connection_.get());
            if (left == 0)
                return;
            if (left < 0)
                fail();
            // The server may have to get rid of something before it takes more.
            wait(POLLIN | POLLOUT, deadline, "no answer in time");
            if (PQconsumeInput(connection_.get()) != 1)
                fail();
        }
    }

    ResultHandle next_result(Clock::time_point deadline) {
        while (PQisBusy(connection_.get()) != 0) {
            wait(POLLIN, deadline, "no answer in time");
            if (PQconsumeInput(connection_.get()) != 1)
                fail();
        }
        return ResultHandle(PQgetResult(connection_.get()));
    }

    void wait(int events, Clock::time_point deadline, const std::string& otherwise) {
        if (interrupt_.wait(PQsocket(connection_.get()), static_cast<short>(events), deadline))
            return;
        if (interrupt_.is_stopping())
            throw Stopped{};
        throw Error("", otherwise);
    }

    static bool is_error(const PGresult* result) {
        const ExecStatusType status = PQresultStatus(result);
        return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK;
    }

    Error error_of(const PGresult* result) const {
        const char* sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        const char* text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        // A server that ends says so, and is gone.
        const bool alive = PQstatus(connection_.get()) == CONNECTION_OK;
        return {sqlstate != nullptr && alive ? sqlstate : "",
                one_line(text != nullptr ? text : PQerrorMessage(connection_.get()))};
    }

    static Result take(const PGresult* result) {
        Result taken;
        const int columns = PQnfields(result);
        for (int row = 0; row < PQntuples(result); ++row) {
            auto& values = taken.rows.emplace_back();
            for (int column = 0; column < columns; ++column) {
                if (PQgetisnull(result, row, column) != 0)
                    values.emplace_back();
                else
                    values.emplace_back(
                        std::string(PQgetvalue(result, row, column),
                                    static_cast<size_t>(PQgetlength(result, row, column))));
            }
        }
        const char* affected = PQcmdTuples(const_cast<PGresult*>(result));
        taken.affected = *affected == '\0' ? 0 : std::stoull(affected);
        return taken;
    }

    [[noreturn]] void fail() const { throw Error("", one_line(PQerrorMessage(connection_.get()))); }

    const PostgresConfig& config_;
    const Interrupt& interrupt_;
    std::unique_ptr<PGconn, Finish> connection_{};
};

}  // namespace

// Classes of SQLSTATE (PostgreSQL's appendix A): data exceptions, constraints, a view's check,
// limits of a value or an index, and what a trigger of the operator's raises.
bool Error::concerns_a_row() const {
    constexpr std::string_view kClasses[] = {"22", "23", "44", "54", "P0"};
    return std::ranges::any_of(
        kClasses, [this](std::string_view known) { return sqlstate_.starts_with(known); });
}

std::unique_ptr<Connection> Libpq::connect() {
    if (interrupt_.is_stopping())
        throw Stopped{};
    std::string url;
    try {
        url = read_url(config_.url);
    } catch (const std::invalid_argument& error) {
        throw Error("", "[postgres] url " + std::string(error.what()));
    }
    return std::make_unique<LibpqConnection>(url, config_, interrupt_);
}

}  // namespace herald::sidecar::postgres
