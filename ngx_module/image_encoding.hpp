// Encoded bytes of images, and the headers that nginx finds by a pointer: what request_image and
// response_image have in common.
#pragma once

#include <cstring>
#include <string>

#include "ngx.hpp"

namespace herald {

// Numbers in the machine's order.

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

// Bytes in a pool; nullptr: memory is out.
inline const char* copy_bytes(ngx_pool_t* pool, std::string_view bytes) {
    void* copy = ngx_pnalloc(pool, bytes.size() + 1);
    return copy == nullptr
               ? nullptr
               : static_cast<const char*>(std::memcpy(copy, bytes.data(), bytes.size()));
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

struct HeaderIndex {
    ngx_pool_t* pool;
    bool failed = false;
};

inline bool has(const ngx_table_elt_t* first, const ngx_table_elt_t* header) {
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
inline bool has(const ngx_array_t& array, const ngx_table_elt_t* header) {
    auto** const first = static_cast<ngx_table_elt_t**>(array.elts);
    return std::find(first, first + array.nelts, header) != first + array.nelts;
}

template <class Element>
void refer(HeaderIndex&, Element*& first, Element* header) {
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
inline void refer(HeaderIndex& index, ngx_array_t& array, ngx_table_elt_t* header) {
    if (array.elts == nullptr &&
        ngx_array_init(&array, index.pool, 1, sizeof(ngx_table_elt_t*)) != NGX_OK) {
        index.failed = true;
        return;
    }
    auto** slot = static_cast<ngx_table_elt_t**>(ngx_array_push(&array));
    if (slot == nullptr)
        index.failed = true;
    else
        *slot = header;
}

// Points headers_in at a header of the list, by nginx's own table.
template <class HeadersIn>
void refer_by_name(HeaderIndex& index, ngx_http_request_t* r, HeadersIn& in,
                   ngx_table_elt_t* header) {
    auto* core = static_cast<ngx_http_core_main_conf_t*>(
        ngx_http_get_module_main_conf(r, ngx_http_core_module));
    const auto* known = static_cast<const ngx_http_header_t*>(
        ngx_hash_find(&core->headers_in_hash, header->hash, header->lowcase_key, header->key.len));
    if (known == nullptr)
        return;
    auto* base = reinterpret_cast<char*>(&in);
    if constexpr (requires { in.cookies; }) {
        if (known->offset == offsetof(HeadersIn, cookies))
            return refer(index, in.cookies, header);
    }
    if constexpr (requires { in.x_forwarded_for.elts; }) {
        if (known->offset == offsetof(HeadersIn, x_forwarded_for))
            return refer(index, in.x_forwarded_for, header);
    }
    refer(index, *reinterpret_cast<ngx_table_elt_t**>(base + known->offset), header);
}

}  // namespace herald
