// Requests of libuv outlive a destroyed stream. Their callbacks learn that it is gone from the
// status (UV_ECANCELED) or, for look-ups, from a null owner.
#include "sidecar/redis_stream.hpp"

#include <netdb.h>

#include <utility>

namespace herald::sidecar {

namespace {

constexpr uint64_t kStepTimeoutMs = 5000;  // for the look-up, and for each address
constexpr size_t kReadBuffer = 128 * 1024;

[[noreturn]] void fail(int error, const char* what) {
    throw std::system_error(-error, std::generic_category(), what);
}

}  // namespace

// Requests belong to libuv until their callback. `owner` is null once the stream is gone.
struct RedisStream::Lookup {
    uv_getaddrinfo_t request{};
    RedisStream* owner = nullptr;
};
struct RedisStream::Connect {
    uv_connect_t request{};
    RedisStream* owner = nullptr;
};
struct RedisStream::Write {
    uv_write_t request{};
    std::string bytes{};
};

RedisStream::RedisStream(uv_loop_t* loop, const RedisUrl& url, Listener& listener)
    : loop_(loop),
      url_(url),
      listener_(listener),
      timer_(make_timer(loop, this)),
      buffer_(kReadBuffer) {
    start_timer();
    if (url.path.empty())
        look_up();
    else
        connect_unix();
}

RedisStream::~RedisStream() {
    if (lookup_ == nullptr)
        return;
    lookup_->owner = nullptr;
    uv_cancel(reinterpret_cast<uv_req_t*>(&lookup_->request));
}

void RedisStream::start_timer() {
    uv_timer_start(
        timer_.get(),
        [](uv_timer_t* timer) noexcept {
            owner_of<RedisStream>(timer).listener_.on_closed("no connection within 5 s");
        },
        kStepTimeoutMs, 0);
}

void RedisStream::look_up() {
    auto lookup = std::make_unique<Lookup>();
    lookup->owner = this;
    lookup->request.data = lookup.get();
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    const int error = uv_getaddrinfo(loop_, &lookup->request, on_looked_up, url_.host.c_str(),
                                     std::to_string(url_.port).c_str(), &hints);
    if (error < 0)
        fail(error, "look up the address of Redis");
    lookup_ = lookup.release();
}

void RedisStream::on_looked_up(uv_getaddrinfo_t* request, int status, addrinfo* list) noexcept {
    const std::unique_ptr<Lookup> lookup(static_cast<Lookup*>(request->data));
    std::unique_ptr<addrinfo, FreeAddresses> addresses(list);
    RedisStream* self = lookup->owner;
    if (self == nullptr)
        return;
    self->lookup_ = nullptr;
    if (status < 0) {
        self->listener_.on_closed(uv_strerror(status));
        return;
    }
    self->next_address_ = addresses.get();
    self->addresses_ = std::move(addresses);
    try {
        self->connect_next(UV_EAI_NODATA);
    } catch (const std::exception&) {
        self->listener_.on_closed("out of memory or descriptors");
    }
}

// Tries the host's addresses in turn. A name such as localhost often has an IPv6 address first,
// where nobody listens.
void RedisStream::connect_next(int last_error) {
    for (; next_address_ != nullptr; next_address_ = next_address_->ai_next) {
        tcp_ = make_handle<uv_tcp_t>(this, "make a socket for Redis",
                                     [this](uv_tcp_t* tcp) { return uv_tcp_init(loop_, tcp); });
        stream_ = reinterpret_cast<uv_stream_t*>(tcp_.get());
        start_timer();
        auto connect = std::make_unique<Connect>();
        connect->owner = this;
        connect->request.data = connect.get();
        last_error =
            uv_tcp_connect(&connect->request, tcp_.get(), next_address_->ai_addr, on_connected);
        if (last_error == 0) {
            static_cast<void>(connect.release());
            next_address_ = next_address_->ai_next;
            return;
        }
    }
    listener_.on_closed(uv_strerror(last_error));
}

void RedisStream::connect_unix() {
    pipe_ = make_handle<uv_pipe_t>(this, "make a socket for Redis", [this](uv_pipe_t* pipe) {
        return uv_pipe_init(loop_, pipe, 0);
    });
    stream_ = reinterpret_cast<uv_stream_t*>(pipe_.get());
    auto connect = std::make_unique<Connect>();
    connect->owner = this;
    connect->request.data = connect.get();
    uv_connect_t* request = &connect.release()->request;
    uv_pipe_connect(request, pipe_.get(), url_.path.c_str(), on_connected);
}

void RedisStream::on_connected(uv_connect_t* request, int status) noexcept {
    const std::unique_ptr<Connect> connect(static_cast<Connect*>(request->data));
    if (status == UV_ECANCELED)
        return;  // the handle was closed; the owner may be gone
    RedisStream& self = *connect->owner;
    try {
        if (status == 0)
            self.opened();
        else
            self.connect_next(status);
    } catch (const std::exception&) {
        self.listener_.on_closed("out of memory or descriptors");
    }
}

void RedisStream::opened() {
    uv_timer_stop(timer_.get());
    addresses_.reset();
    next_address_ = nullptr;
    if (tcp_)
        uv_tcp_nodelay(tcp_.get(), 1);
    const int error = uv_read_start(
        stream_,
        [](uv_handle_t* handle, size_t, uv_buf_t* buffer) noexcept {
            std::vector<char>& bytes = owner_of<RedisStream>(handle).buffer_;
            *buffer = uv_buf_init(bytes.data(), static_cast<unsigned>(bytes.size()));
        },
        on_read);
    if (error < 0)
        fail(error, "read from Redis");
    listener_.on_open();
}

void RedisStream::on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) noexcept {
    if (size == 0)
        return;
    Listener& listener = owner_of<RedisStream>(stream).listener_;
    if (size > 0)
        listener.on_bytes({buffer->base, static_cast<size_t>(size)});
    else if (size == UV_EOF)
        listener.on_closed("Redis closed the connection");
    else
        listener.on_closed(uv_strerror(static_cast<int>(size)));
}

void RedisStream::write(std::string bytes) {
    auto write = std::make_unique<Write>();
    write->bytes = std::move(bytes);
    write->request.data = write.get();
    uv_buf_t buffer = uv_buf_init(write->bytes.data(), static_cast<unsigned>(write->bytes.size()));
    const int error = uv_write(
        &write->request, stream_, &buffer, 1,
        [](uv_write_t* request, int) noexcept { delete static_cast<Write*>(request->data); });
    if (error == 0)
        static_cast<void>(write.release());
}

}  // namespace herald::sidecar
