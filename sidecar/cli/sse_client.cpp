// One connection to a server-sent event stream, as EventSource makes it (WHATWG HTML, section 9.2),
// but for what it cannot do: it shows a token, and comes back after an error of the server.
#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>

#include "sidecar/cli/sse_parser.hpp"
#include "sidecar/cli/stream_client.hpp"

namespace herald::cli {

namespace {

constexpr long kMaxRedirects = 5;
constexpr size_t kMaxBody = 4096;  // of a refusal
constexpr std::string_view kEventStream = "text/event-stream";

using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

void add(Headers& headers, const std::string& line) {
    curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
    if (longer == nullptr)
        throw std::bad_alloc();
    headers.release();
    headers.reset(longer);
}

bool is_event_stream(const char* type) {
    if (type == nullptr)
        return false;
    const std::string_view text(type);
    const bool same =
        text.size() >= kEventStream.size() &&
        std::equal(kEventStream.begin(), kEventStream.end(), text.begin(),
                   [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); });
    return same && (text.size() == kEventStream.size() || text[kEventStream.size()] == ';' ||
                    text[kEventStream.size()] == ' ');
}

class SseConnection {
  public:
    SseConnection(StreamOptions& options, StreamState& state, Listener& listener)
        : options_(options),
          state_(state),
          listener_(listener),
          parser_(state.last_id),
          easy_(make_easy(options, error_)) {}

    Outcome run(Turns& turns);

  private:
    void set_up();
    void end_header();
    bool take(std::string_view bytes);
    Outcome judge(CURLcode code);

    template <class Act>
    size_t guarded(size_t size, Act act) noexcept;

    StreamOptions& options_;
    StreamState& state_;
    Listener& listener_;
    SseParser parser_;
    char error_[CURL_ERROR_SIZE] = "";
    Headers headers_{nullptr, curl_slist_free_all};
    CurlEasy easy_;

    bool answered_ = false;
    bool streaming_ = false;
    bool stopped_ = false;
    std::string body_{};
    std::exception_ptr thrown_{};
};

// What a callback throws goes around libcurl. Anything but `size` ends the transfer.
template <class Act>
size_t SseConnection::guarded(size_t size, Act act) noexcept {
    try {
        return act() ? size : size + 1;
    } catch (...) {
        thrown_ = std::current_exception();
        return size + 1;
    }
}

void SseConnection::set_up() {
    add(headers_, "Accept: text/event-stream");
    add(headers_, "Cache-Control: no-cache");
    if (!state_.last_id.empty())
        add(headers_, "Last-Event-ID: " + state_.last_id);
    CURL* easy = easy_.get();
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());

    // libcurl keeps it from other hosts that a redirect may lead to.
    if (const std::string& token = options_.bearer.current(); !token.empty()) {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BEARER));
        curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, token.c_str());
    }
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, kMaxRedirects);
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L * 1024);

    using Callback = size_t (*)(char*, size_t, size_t, void*);
    const Callback header = [](char* bytes, size_t, size_t size, void* self) noexcept -> size_t {
        auto& connection = *static_cast<SseConnection*>(self);
        return connection.guarded(size, [&] {
            if (std::string_view(bytes, size) == "\r\n")
                connection.end_header();
            return true;
        });
    };
    const Callback body = [](char* bytes, size_t, size_t size, void* self) noexcept -> size_t {
        auto& connection = *static_cast<SseConnection*>(self);
        return connection.guarded(size, [&] { return connection.take({bytes, size}); });
    };
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
}

void SseConnection::end_header() {
    long status = 0;
    const char* type = nullptr;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy_.get(), CURLINFO_CONTENT_TYPE, &type);
    if (status < 200)
        return;
    answered_ = true;
    streaming_ = status == 200 && is_event_stream(type);
    if (streaming_)
        listener_.opened();
}

bool SseConnection::take(std::string_view bytes) {
    if (!streaming_) {
        body_.append(bytes.substr(0, kMaxBody - body_.size()));
        return body_.size() < kMaxBody;
    }
    const bool goes_on = parser_.feed(bytes, [this](const Received& received) {
        state_.last_id = parser_.last_id();
        return listener_.hear(received);
    });
    state_.last_id = parser_.last_id();
    if (parser_.retry_ms())
        state_.retry_ms = parser_.retry_ms();
    stopped_ = !goes_on;
    return goes_on;
}

Outcome SseConnection::run(Turns& turns) {
    set_up();
    const Transfer transfer(turns, easy_.get());
    const uint64_t answer_by = turns.now_ms() + kAnswerWithinMs;
    bool going = true;
    while (going && !turns.result()) {
        going = turns.turn(answered_ ? std::nullopt : std::optional(answer_by));
        if (thrown_)
            std::rethrow_exception(thrown_);
        listener_.batch_end();
        if (!answered_ && turns.now_ms() >= answer_by)
            return {Outcome::Kind::Lost, "the server does not answer", {}};
    }
    if (stopped_ || !turns.result())
        return {Outcome::Kind::Stopped, {}, {}};
    return judge(*turns.result());
}

Outcome SseConnection::judge(CURLcode code) {
    if (streaming_)
        return code == CURLE_OK ? Outcome{Outcome::Kind::Lost, "the server ends the connection", {}}
                                : judge_transfer(code, error_, options_);
    if (!answered_)
        return judge_transfer(code, error_, options_);

    long status = 0;
    curl_off_t retry_s = 0;
    const char* type = nullptr;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &retry_s);
    curl_easy_getinfo(easy_.get(), CURLINFO_CONTENT_TYPE, &type);
    if (code == CURLE_TOO_MANY_REDIRECTS)
        return judge_transfer(code, error_, options_);
    if (status == 200)
        return {Outcome::Kind::Refused,
                std::string("no event stream: its Content-Type is not text/event-stream but ") +
                    (type == nullptr ? "missing" : detail_of(type)),
                {}};
    Outcome outcome =
        judge_status(static_cast<int>(status), options_.bearer.without_token(detail_of(body_)));
    if (retry_s > 0)
        outcome.asked_ms = static_cast<uint64_t>(retry_s) * 1000;
    return outcome;
}

}  // namespace

Outcome read_sse(Turns& turns, StreamOptions& options, StreamState& state, Listener& listener) {
    return SseConnection(options, state, listener).run(turns);
}

}  // namespace herald::cli
