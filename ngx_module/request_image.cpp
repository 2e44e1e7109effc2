#include "request_image.hpp"

#include <cstring>
#include <unordered_map>
#include <vector>

namespace herald {

namespace {

constexpr size_t kMaxImage = 32 * 1024;  // bytes; captures are 16 bits

// -- encoding: numbers in the machine's order, texts behind their size and with a NUL at the end,
// as nginx's parser leaves them

template <class Number>
void put(std::string& out, Number number) {
    out.append(reinterpret_cast<const char*>(&number), sizeof number);
}
template <class Number>
Number take_number(const char*& in) {
    Number number;
    std::memcpy(&number, in, sizeof number);
    in += sizeof number;
    return number;
}

void put_text(std::string& out, const ngx_str_t& text) {
    put(out, static_cast<uint32_t>(text.len));
    out.append(view(text)).push_back('\0');
}
ngx_str_t take_text(const char*& in) {
    const auto size = take_number<uint32_t>(in);
    const std::string_view text(in, size);
    in += size + 1;
    return as_ngx_str(text);
}

template <class Found>
void each_element(const ngx_list_t& list, Found&& found) {
    for (const ngx_list_part_t* part = &list.part; part != nullptr; part = part->next) {
        auto* elements = static_cast<ngx_table_elt_t*>(part->elts);
        for (ngx_uint_t i = 0; i < part->nelts; ++i)
            found(elements[i]);
    }
}

// -- headers that nginx finds by a pointer: one, a list, or up to nginx 1.22 an array of pointers

struct Pool {
    ngx_pool_t* pool;
    bool failed = false;
};

[[maybe_unused]] bool has(const ngx_table_elt_t* first, const ngx_table_elt_t* header) {
    for (; first != nullptr; first = [](auto* at) {
             if constexpr (requires { at->next; })
                 return static_cast<const ngx_table_elt_t*>(at->next);
             else
                 return static_cast<const ngx_table_elt_t*>(nullptr);
         }(first)) {
        if (first == header)
            return true;
    }
    return false;
}
[[maybe_unused]] bool has(const ngx_array_t& array, const ngx_table_elt_t* header) {
    auto** const first = static_cast<ngx_table_elt_t**>(array.elts);
    return std::find(first, first + array.nelts, header) != first + array.nelts;
}

template <class Element>
void refer(Pool&, Element*& first, Element* header) {
    Element** at = &first;
    if constexpr (requires { header->next; }) {
        while (*at != nullptr)
            at = &(*at)->next;
        header->next = nullptr;
        *at = header;
    } else if (*at == nullptr) {
        *at = header;
    }
}
[[maybe_unused]] void refer(Pool& pool, ngx_array_t& array, ngx_table_elt_t* header) {
    if (array.elts == nullptr &&
        ngx_array_init(&array, pool.pool, 1, sizeof(ngx_table_elt_t*)) != NGX_OK) {
        pool.failed = true;
        return;
    }
    auto** slot = static_cast<ngx_table_elt_t**>(ngx_array_push(&array));
    if (slot == nullptr)
        pool.failed = true;
    else
        *slot = header;
}

// Points headers_in at a header of the list, by nginx's own table.
template <class HeadersIn>
void refer_by_name(Pool& pool, ngx_http_request_t* r, HeadersIn& in, ngx_table_elt_t* header) {
    auto* core = static_cast<ngx_http_core_main_conf_t*>(
        ngx_http_get_module_main_conf(r, ngx_http_core_module));
    const auto* known = static_cast<const ngx_http_header_t*>(
        ngx_hash_find(&core->headers_in_hash, header->hash, header->lowcase_key, header->key.len));
    if (known == nullptr)
        return;
    auto* base = reinterpret_cast<char*>(&in);
    if constexpr (requires { in.cookies; }) {
        if (known->offset == offsetof(HeadersIn, cookies))
            return refer(pool, in.cookies, header);
    }
    if constexpr (requires { in.x_forwarded_for.elts; }) {
        if (known->offset == offsetof(HeadersIn, x_forwarded_for))
            return refer(pool, in.x_forwarded_for, header);
    }
    refer(pool, *reinterpret_cast<ngx_table_elt_t**>(base + known->offset), header);
}

enum Role : uint8_t {
    kCacheControl = 1,
    kLink = 2,
    kLocation = 4,
    kLastModified = 8,
    kContentLength = 16
};

// -- the response, shared by those that have the same

std::unordered_map<std::string, uint32_t>& responses() {
    static auto* all = new std::unordered_map<std::string, uint32_t>;  // outlives every image
    return *all;
}

void put_response(std::string& out, const ngx_http_headers_out_t& response) {
    put(out, response.status);
    put(out, response.content_length_n);
    put(out, response.last_modified_time);
    put(out, response.content_type_len);
    put_text(out, response.status_line);
    put_text(out, response.content_type);
    put_text(out, response.charset);
    each_element(response.headers, [&](const ngx_table_elt_t& header) {
        if (header.hash == 0)
            return;
        unsigned role = 0;
        role |= has(response.cache_control, &header) ? kCacheControl : 0;
        role |= has(response.link, &header) ? kLink : 0;
        role |= response.location == &header ? kLocation : 0;
        role |= response.last_modified == &header ? kLastModified : 0;
        role |= response.content_length == &header ? kContentLength : 0;
        put(out, static_cast<uint8_t>(role));
        put_text(out, header.key);
        put_text(out, header.value);
    });
}

bool restore_response(ngx_http_request_t* r, const std::string& encoded) {
    ngx_http_headers_out_t& response = r->headers_out;
    // Another stream's image may be the last to go, so the texts are copied.
    const ngx_str_t copy = copy_to_pool(r->pool, encoded);
    if (copy.data == nullptr)
        return false;
    const char* in = view(copy).data();
    const char* const end = in + copy.len;
    response.status = take_number<decltype(response.status)>(in);
    response.content_length_n = take_number<decltype(response.content_length_n)>(in);
    response.last_modified_time = take_number<decltype(response.last_modified_time)>(in);
    response.content_type_len = take_number<decltype(response.content_type_len)>(in);
    response.status_line = take_text(in);
    response.content_type = take_text(in);
    response.charset = take_text(in);

    Pool pool{r->pool};
    while (in != end) {
        const auto role = take_number<uint8_t>(in);
        auto* header = static_cast<ngx_table_elt_t*>(ngx_list_push(&response.headers));
        if (header == nullptr)
            return false;
        ngx_memzero(header, sizeof *header);
        header->hash = 1;
        header->key = take_text(in);
        header->value = take_text(in);
        if (role & kCacheControl)
            refer(pool, response.cache_control, header);
        if (role & kLink)
            refer(pool, response.link, header);
        if (role & kLocation)
            response.location = header;
        if (role & kLastModified)
            response.last_modified = header;
        if (role & kContentLength)
            response.content_length = header;
    }
    return !pool.failed;
}

template <class To, class From>
void assign(To& to, const From& from) {
    to = static_cast<To>(from);
}

}  // namespace

template <class From, class To>
void RequestImage::copy_numbers(const From& from, To& to) {
    assign(to.start_sec, from.start_sec);
    assign(to.start_msec, from.start_msec);
    assign(to.method, from.method);
    assign(to.header_size, from.header_size);
    assign(to.request_length, from.request_length);
    assign(to.http_version, from.http_version);
    assign(to.err_status, from.err_status);
    if constexpr (requires { from.port, to.port; })  // of newer nginx
        assign(to.port, from.port);
    to.http_state = from.http_state & 0xf;
}

template <class From, class To>
void RequestImage::copy_flags(const From& from, To& to) {
    to.complex_uri = from.complex_uri;
    to.quoted_uri = from.quoted_uri;
    to.plus_in_uri = from.plus_in_uri;
    to.empty_path_in_uri = from.empty_path_in_uri;
    to.add_uri_to_alias = from.add_uri_to_alias;
    to.valid_location = from.valid_location;
    to.valid_unparsed_uri = from.valid_unparsed_uri;
    to.uri_changes = from.uri_changes;
    to.limit_conn_status = from.limit_conn_status;
    to.limit_req_status = from.limit_req_status;
    to.limit_rate_set = from.limit_rate_set;
    to.limit_rate_after_set = from.limit_rate_after_set;
    to.pipeline = from.pipeline;
    to.chunked = from.chunked;
    to.keepalive = from.keepalive;
    to.lingering_close = from.lingering_close;
    to.internal = from.internal;
    to.error_page = from.error_page;
    to.header_sent = from.header_sent;
    to.expect_tested = from.expect_tested;
    to.root_tested = from.root_tested;
    to.allow_ranges = from.allow_ranges;
    to.disable_not_modified = from.disable_not_modified;
}

// -- taking

// Collects the bytes. A text that is a part of one that is there already is no further byte.
class RequestImage::Taker {
  public:
    explicit Taker(std::string& out) : out_(out) { out_.clear(); }

    Text keep(const ngx_str_t& text) {
        if (text.data == nullptr)
            return {kNowhere, 0};
        const auto size = static_cast<uint16_t>(text.len);
        for (const Source& source : sources_) {
            if (text.data >= source.data && text.data + text.len <= source.data + source.size)
                return {static_cast<uint16_t>(source.at + (text.data - source.data)), size};
        }
        return add(text) ? Text{sources_.back().at, size} : Text{kNowhere, 0};
    }

    void keep_header(const ngx_table_elt_t& header) {
        if (header.hash == 0 || header.key.len > kMaxImage || header.value.len > kMaxImage)
            fits_ = false;  // hash 0: some module has taken it out
        if (!fits_)
            return;
        put(out_, static_cast<uint16_t>(header.key.len));
        put(out_, static_cast<uint16_t>(header.value.len));
        out_.append(view(header.key)).push_back('\0');
        if (add(header.value))
            out_.push_back('\0');
        ++headers_;
    }

    void keep_variables(const ngx_http_request_t* r) {
        auto* core = static_cast<ngx_http_core_main_conf_t*>(
            ngx_http_get_module_main_conf(r, ngx_http_core_module));
        for (ngx_uint_t i = 0; i < core->variables.nelts; ++i) {
            const ngx_http_variable_value_t& value = r->variables[i];
            if (!value.valid && !value.not_found)
                continue;
            Variable kept;
            kept.index = static_cast<uint16_t>(i);
            kept.flags =
                static_cast<uint16_t>(value.valid | unsigned{value.no_cacheable} << 1 |
                                      unsigned{value.not_found} << 2 | unsigned{value.escape} << 3);
            kept.value = keep({value.valid ? value.len : 0, value.valid ? value.data : nullptr});
            put(tail_, kept);
            ++variables_;
            fits_ = fits_ && i < UINT16_MAX;
        }
    }

    void keep_captures([[maybe_unused]] const ngx_http_request_t* r) {
#if (NGX_PCRE)
        if (r->ncaptures == 0 || r->captures == nullptr || r->captures_data == nullptr)
            return;
        int end = 0;
        for (ngx_uint_t i = 0; i < r->ncaptures; ++i)
            end = std::max(end, r->captures[i]);
        if (static_cast<size_t>(end) > kMaxImage || r->ncaptures > kMaxImage) {
            fits_ = false;
            return;
        }
        captures_data_ = keep({static_cast<size_t>(end), r->captures_data});
        for (ngx_uint_t i = 0; i < r->ncaptures; ++i)
            put(tail_, static_cast<int16_t>(r->captures[i]));
        captures_ = static_cast<uint16_t>(r->ncaptures);
#endif
    }

    bool fits() const {
        return fits_ && out_.size() + tail_.size() <= kMaxImage;
    }
    uint16_t headers() const {
        return headers_;
    }
    uint16_t variables() const {
        return variables_;
    }
    uint16_t captures() const {
        return captures_;
    }
    Text captures_data() const {
        return captures_data_;
    }
    const std::string& tail() const {
        return tail_;
    }

  private:
    struct Source {
        const u_char* data;
        size_t size;
        uint16_t at;
    };

    bool add(const ngx_str_t& text) {
        if (out_.size() + text.len > kMaxImage)
            fits_ = false;
        if (!fits_)
            return false;
        sources_.push_back({text.data, text.len, static_cast<uint16_t>(out_.size())});
        out_.append(view(text));
        return true;
    }

    std::string& out_;
    std::string tail_{};
    std::vector<Source> sources_{};
    bool fits_ = true;
    uint16_t headers_ = 0;
    uint16_t variables_ = 0;
    uint16_t captures_ = 0;
    Text captures_data_{kNowhere, 0};
};

std::unique_ptr<RequestImage> RequestImage::take(const ngx_http_request_t* r) {
    if (r->request_length > INT32_MAX || r->header_size > INT32_MAX ||
        r->headers_in.content_length_n > 0)
        return nullptr;
    static std::string collected;  // memory for one image, used again
    Taker taker(collected);
    each_element(r->headers_in.headers,
                 [&](const ngx_table_elt_t& header) { taker.keep_header(header); });
    Texts texts{};
    texts.request_line = taker.keep(r->request_line);
    texts.unparsed_uri = taker.keep(r->unparsed_uri);
    texts.uri = taker.keep(r->uri);
    texts.args = taker.keep(r->args);
    texts.exten = taker.keep(r->exten);
    texts.method_name = taker.keep(r->method_name);
    texts.http_protocol = taker.keep(r->http_protocol);
    texts.schema = taker.keep(r->schema);
    texts.server = taker.keep(r->headers_in.server);
    texts.user = taker.keep(r->headers_in.user);
    taker.keep_variables(r);
    taker.keep_captures(r);
    texts.captures_data = taker.captures_data();
    if (!taker.fits())
        return nullptr;

    std::string response;
    put_response(response, r->headers_out);
    Response& shared = *responses().try_emplace(std::move(response), 0).first;
    const size_t size = collected.size() + taker.tail().size();
    void* memory = nullptr;
    try {
        memory = ::operator new(sizeof(RequestImage) + size);
    } catch (...) {
        if (shared.second == 0)
            responses().erase(shared.first);
        throw;
    }
    std::unique_ptr<RequestImage> image(new (memory) RequestImage);
    ++shared.second;
    image->response_ = &shared;
    image->srv_conf_ = r->srv_conf;
    image->loc_conf_ = r->loc_conf;
    image->http_connection_ = r->http_connection;
    image->numbers_ = {};
    copy_numbers(*r, image->numbers_);
    copy_flags(*r, image->flags_);
    image->texts_ = texts;
    image->size_ = static_cast<uint16_t>(size);
    image->headers_ = taker.headers();
    image->tail_ = static_cast<uint16_t>(collected.size());
    image->variables_ = taker.variables();
    image->captures_ = taker.captures();
    image->content_length_ = static_cast<int16_t>(r->headers_in.content_length_n);
    auto* bytes = reinterpret_cast<char*>(image.get() + 1);
    std::memcpy(bytes, collected.data(), collected.size());
    std::memcpy(bytes + collected.size(), taker.tail().data(), taker.tail().size());
    return image;
}

RequestImage::~RequestImage() {
    if (--response_->second == 0)
        responses().erase(responses().find(response_->first));
}

// -- making

// Puts the bytes, which are in the request's pool by now, where nginx looks for them.
class RequestImage::Maker {
  public:
    Maker(const RequestImage& image, ngx_http_request_t* r, const char* bytes)
        : image_(image), r_(r), bytes_(bytes) {}

    void give(ngx_str_t& to, Text text) const { to = text_of(text); }

    bool give_headers() {
        const char* in = bytes_;
        Pool pool{r_->pool};
        ngx_http_headers_in_t& headers_in = r_->headers_in;
        if (ngx_list_init(&headers_in.headers, r_->pool, std::max<ngx_uint_t>(image_.headers_, 1),
                          sizeof(ngx_table_elt_t)) != NGX_OK)
            return false;
        for (unsigned i = 0; i < image_.headers_; ++i) {
            auto* header = static_cast<ngx_table_elt_t*>(ngx_list_push(&headers_in.headers));
            if (header == nullptr)
                return false;
            ngx_memzero(header, sizeof *header);
            next_header(in, header->key, header->value);
            const size_t length = header->key.len;
            header->lowcase_key = static_cast<u_char*>(ngx_pnalloc(r_->pool, length + 1));
            if (header->lowcase_key == nullptr)
                return false;
            header->hash = ngx_hash_strlow(header->lowcase_key, header->key.data, length);
            refer_by_name(pool, r_, headers_in, header);
        }
        return !pool.failed;
    }

    void give_variables() {
        const char* in = bytes_ + image_.tail_;
        for (unsigned i = 0; i < image_.variables_; ++i) {
            const auto kept = take_number<Variable>(in);
            ngx_http_variable_value_t& value = r_->variables[kept.index];
            const ngx_str_t text = text_of(kept.value);
            value.data = text.data;
            value.len = static_cast<unsigned>(text.len) & 0xfffffff;
            value.valid = kept.flags & 1;
            value.no_cacheable = kept.flags >> 1 & 1;
            value.not_found = kept.flags >> 2 & 1;
            value.escape = kept.flags >> 3 & 1;
        }
    }

    bool give_captures() {
#if (NGX_PCRE)
        if (image_.captures_ == 0)
            return true;
        auto* core = static_cast<ngx_http_core_main_conf_t*>(
            ngx_http_get_module_main_conf(r_, ngx_http_core_module));
        const size_t room = std::max<size_t>(core->ncaptures, image_.captures_);
        r_->captures = static_cast<int*>(ngx_pcalloc(r_->pool, room * sizeof(int)));
        if (r_->captures == nullptr)
            return false;
        const char* in = bytes_ + image_.tail_ + image_.variables_ * sizeof(Variable);
        for (unsigned i = 0; i < image_.captures_; ++i)
            r_->captures[i] = take_number<int16_t>(in);
        r_->ncaptures = image_.captures_;
        r_->captures_data = text_of(image_.texts_.captures_data).data;
#endif
        return true;
    }

    static void next_header(const char*& in, ngx_str_t& name, ngx_str_t& value) {
        const auto name_size = take_number<uint16_t>(in);
        const auto value_size = take_number<uint16_t>(in);
        name = as_ngx_str({in, name_size});
        value = as_ngx_str({in + name_size + 1, value_size});
        in += name_size + 1 + value_size + 1;
    }

    ngx_str_t text_of(Text text) const {
        return text.at == kNowhere ? ngx_str_t{0, nullptr}
                                   : as_ngx_str({bytes_ + text.at, text.size});
    }

  private:
    const RequestImage& image_;
    ngx_http_request_t* r_;
    const char* bytes_;
};

bool RequestImage::restore(ngx_http_request_t* r) const {
    const ngx_str_t bytes_in_pool = copy_to_pool(r->pool, {bytes(), size_});
    if (bytes_in_pool.data == nullptr || !restore_response(r, response_->first))
        return false;
    r->srv_conf = srv_conf_;
    r->loc_conf = loc_conf_;
    copy_numbers(numbers_, *r);
    copy_flags(flags_, *r);

    Maker maker(*this, r, view(bytes_in_pool).data());
    maker.give(r->request_line, texts_.request_line);
    maker.give(r->uri, texts_.uri);
    maker.give(r->args, texts_.args);
    maker.give(r->exten, texts_.exten);
    maker.give(r->unparsed_uri, texts_.unparsed_uri);
    maker.give(r->method_name, texts_.method_name);
    maker.give(r->http_protocol, texts_.http_protocol);
    maker.give(r->schema, texts_.schema);
    if (!maker.give_headers() || !maker.give_captures())
        return false;
    maker.give(r->headers_in.server, texts_.server);
    maker.give(r->headers_in.user, texts_.user);
    r->headers_in.content_length_n = content_length_;
    maker.give_variables();
    return true;
}

u_char* RequestImage::describe(u_char* buffer, size_t room) const {
    u_char* const end = buffer + room;
    const auto* server =
        static_cast<const ngx_http_core_srv_conf_t*>(srv_conf_[ngx_http_core_module.ctx_index]);
    const Maker reader(*this, nullptr, bytes());
    ngx_str_t line = reader.text_of(texts_.request_line);
    buffer =
        ngx_slprintf(buffer, end, ", server: %V, request: \"%V\"", &server->server_name, &line);
    ngx_str_t host{}, referrer{};
    const char* in = bytes();
    for (unsigned i = 0; i < headers_; ++i) {
        ngx_str_t name, value;
        Maker::next_header(in, name, value);
        auto is = [&](std::string_view wanted) {
            return name.len == wanted.size() &&
                   ngx_strncasecmp(name.data, as_ngx_str(wanted).data, name.len) == 0;
        };
        if (is("host"))
            host = value;
        else if (is("referer"))
            referrer = value;
    }
    if (host.data != nullptr)
        buffer = ngx_slprintf(buffer, end, ", host: \"%V\"", &host);
    if (referrer.data != nullptr)
        buffer = ngx_slprintf(buffer, end, ", referrer: \"%V\"", &referrer);
    return buffer;
}

}  // namespace herald
