#include "response_image.hpp"

#include <unordered_map>

#include "image_encoding.hpp"

namespace herald {

namespace {

// Texts stand behind their size and have a NUL at the end, as nginx's parser leaves them.
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

enum Role : uint8_t {
    kCacheControl = 1,
    kLink = 2,
    kLocation = 4,
    kLastModified = 8,
    kContentLength = 16
};

std::unordered_map<std::string, uint32_t>& responses() {
    static auto* all = new std::unordered_map<std::string, uint32_t>;  // outlives every image
    return *all;
}

// Most streams in a row have the same response: the one found last, looked at before any hash is
// made. nullptr: it is gone.
SharedResponse* g_newest = nullptr;

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

}  // namespace

SharedResponse& share_response(const ngx_http_headers_out_t& response) {
    static std::string encoded;  // memory for one, used again
    encoded.clear();
    put_response(encoded, response);
    if (g_newest == nullptr || g_newest->first != encoded)
        g_newest = &*responses().try_emplace(encoded, 0).first;
    ++g_newest->second;
    return *g_newest;
}

void let_go(SharedResponse& shared) {
    if (--shared.second != 0)
        return;
    if (g_newest == &shared)
        g_newest = nullptr;
    responses().erase(responses().find(shared.first));
}

bool restore_response(ngx_http_request_t* r, const SharedResponse& shared) {
    const std::string& encoded = shared.first;
    ngx_http_headers_out_t& response = r->headers_out;
    // Another stream's image may be the last to go, so the texts are copied.
    const char* in = copy_bytes(r->pool, encoded);
    if (in == nullptr)
        return false;
    const char* const end = in + encoded.size();
    response.status = take_number<decltype(response.status)>(in);
    response.content_length_n = take_number<decltype(response.content_length_n)>(in);
    response.last_modified_time = take_number<decltype(response.last_modified_time)>(in);
    response.content_type_len = take_number<decltype(response.content_type_len)>(in);
    response.status_line = take_text(in);
    response.content_type = take_text(in);
    response.charset = take_text(in);

    HeaderIndex index{r->pool};
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
            refer(index, response.cache_control, header);
        if (role & kLink)
            refer(index, response.link, header);
        if (role & kLocation)
            response.location = header;
        if (role & kLastModified)
            response.last_modified = header;
        if (role & kContentLength)
            response.content_length = header;
    }
    return !index.failed;
}

}  // namespace herald
