#include "request_image.hpp"

#include <vector>

#include "image_encoding.hpp"

namespace herald {

namespace {

constexpr size_t kMaxImage = 32 * 1024;  // bytes; captures are 16 bits

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
    struct Source {
        const u_char* data;
        size_t size;
        uint16_t at;
    };
    // For one image, used again for the next.
    struct Memory {
        std::string out{};
        std::string tail{};
        std::vector<Source> sources{};
    };

    explicit Taker(Memory& memory)
        : out_(memory.out), tail_(memory.tail), sources_(memory.sources) {
        out_.clear();
        tail_.clear();
        sources_.clear();
    }

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
            kept.value =
                keep(value.valid ? ngx_str_t{value.len, value.data} : ngx_str_t{0, nullptr});
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

  private:
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
    std::string& tail_;
    std::vector<Source>& sources_;
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
    static Taker::Memory collected;
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

    const size_t size = collected.out.size() + collected.tail.size();
    void* memory = ::operator new(sizeof(RequestImage) + size);
    std::unique_ptr<RequestImage> image(new (memory) RequestImage);
    image->response_ = &share_response(r->headers_out);
    image->srv_conf_ = r->srv_conf;
    image->loc_conf_ = r->loc_conf;
    image->http_connection_ = r->http_connection;
    image->numbers_ = {};
    copy_numbers(*r, image->numbers_);
    copy_flags(*r, image->flags_);
    image->texts_ = texts;
    image->size_ = static_cast<uint16_t>(size);
    image->headers_ = taker.headers();
    image->tail_ = static_cast<uint16_t>(collected.out.size());
    image->variables_ = taker.variables();
    image->captures_ = taker.captures();
    image->content_length_ = static_cast<int16_t>(r->headers_in.content_length_n);
    auto* bytes = reinterpret_cast<char*>(image.get() + 1);
    std::memcpy(bytes, collected.out.data(), collected.out.size());
    std::memcpy(bytes + collected.out.size(), collected.tail.data(), collected.tail.size());
    return image;
}

RequestImage::~RequestImage() {
    if (response_ != nullptr)
        let_go(*response_);
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
        HeaderIndex index{r_->pool};
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
            refer_by_name(index, r_, headers_in, header);
        }
        return !index.failed;
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
    const char* in_pool = copy_bytes(r->pool, {bytes(), size_});
    if (in_pool == nullptr || !restore_response(r, *response_))
        return false;
    r->srv_conf = srv_conf_;
    r->loc_conf = loc_conf_;
    copy_numbers(numbers_, *r);
    copy_flags(flags_, *r);

    Maker maker(*this, r, in_pool);
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
