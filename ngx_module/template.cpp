#include "template.hpp"

#include <jansson.h>

#include <algorithm>
#include <vector>

#include "encoding.hpp"
#include "fetched_variables.hpp"
#include "json_text.hpp"

namespace herald {

namespace {

bool is_name(u_char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The length of the variable that starts at text[at] == '$', or 0: `$name`, `${name}` or `$1`.
size_t variable_length(std::string_view text, size_t at) {
    size_t end = at + 1;
    if (end == text.size())
        return 0;
    if (text[end] >= '1' && text[end] <= '9')
        return 2;
    if (text[end] == '{') {
        end = text.find('}', end);
        return end == std::string_view::npos || end == at + 2 ? 0 : end + 1 - at;
    }
    while (end < text.size() && is_name(static_cast<u_char>(text[end])))
        ++end;
    return end == at + 1 ? 0 : end - at;
}

bool is_one_json_value(const std::string& text) {
    json_t* value =
        json_loadb(text.data(), text.size(), JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, nullptr);
    json_decref(value);
    return value != nullptr;
}

// Follows a template through its literals: whether what comes next is inside a JSON string.
class StringState {
  public:
    void pass(std::string_view text) {
        for (char c : text) {
            if (escaped_)
                escaped_ = false;
            else if (c == '\\' && inside_)
                escaped_ = true;
            else if (c == '"')
                inside_ = !inside_;
        }
    }
    bool inside() const { return inside_; }

  private:
    bool inside_ = false;
    bool escaped_ = false;
};

std::string_view name_in(std::string_view variable) {
    variable.remove_prefix(1);
    if (variable[0] == '{')
        variable = variable.substr(1, variable.size() - 2);
    return variable;
}

void append_json_variable(ngx_http_request_t* r, std::string_view name, bool in_string,
                          std::string& out) {
    const std::string value = json_variable(r, name);
    if (!in_string)
        out.append(value);
    else if (value[0] == '"')
        out.append(value, 1, value.size() - 2);
    else
        append_json_text(out, plain_text(value));
}

// Gives a request a pool of its own for a while. nginx caches the values of variables in the
// request, modules keep contexts and clean-ups there; these would point into that pool, so they are
// put back, too.
class ScratchPool {
  public:
    explicit ScratchPool(ngx_http_request_t* r) : r_(r), pool_(r->pool) {
        auto* core = static_cast<ngx_http_core_main_conf_t*>(
            ngx_http_get_module_main_conf(r, ngx_http_core_module));
        variables_.assign(r->variables, r->variables + core->variables.nelts);
        contexts_.assign(r->ctx, r->ctx + ngx_http_max_module);
        cleanup_ = r->main->cleanup;
#if (NGX_PCRE)
        ncaptures_ = r->ncaptures;
        captures_ = r->captures;
        captures_data_ = r->captures_data;
#endif
        scratch_ = ngx_create_pool(1024, r->connection->log);
        if (scratch_ != nullptr)
            r->pool = scratch_;
    }
    ~ScratchPool() {
        if (scratch_ == nullptr)
            return;
        r_->pool = pool_;
        std::copy(variables_.begin(), variables_.end(), r_->variables);
        std::copy(contexts_.begin(), contexts_.end(), r_->ctx);
        r_->main->cleanup = cleanup_;
#if (NGX_PCRE)
        r_->ncaptures = ncaptures_;
        r_->captures = captures_;
        r_->captures_data = captures_data_;
#endif
        ngx_destroy_pool(scratch_);
    }
    ScratchPool(const ScratchPool&) = delete;
    ScratchPool& operator=(const ScratchPool&) = delete;

    bool ready() const {
        return scratch_ != nullptr;
    }

  private:
    ngx_http_request_t* r_;
    ngx_pool_t* pool_;
    ngx_pool_t* scratch_ = nullptr;
    std::vector<ngx_http_variable_value_t> variables_;
    std::vector<void*> contexts_;
    ngx_http_cleanup_t* cleanup_;
#if (NGX_PCRE)
    ngx_uint_t ncaptures_;
    int* captures_;
    u_char* captures_data_;
#endif
};

}  // namespace

Template* Template::compile(ngx_conf_t* cf, const ngx_str_t& directive, ngx_str_t text) {
    void* memory = ngx_palloc(cf->pool, sizeof(Template));
    if (memory == nullptr)
        return nullptr;
    auto* made = new (memory) Template;
    made->parts_ = ngx_array_create(cf->pool, 4, sizeof(Part));
    if (made->parts_ == nullptr)
        return nullptr;

    auto fail = [&](const char* why) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" %s in \"%V\"", &directive, why, &text);
        return nullptr;
    };
    std::string_view rest = view(text);
    std::string sample;
    StringState state;
    for (unsigned char c : rest) {
        if (c < 0x20 || c == 0x7f)
            return fail("must be one line without control characters");
    }

    while (!rest.empty()) {
        auto* part = static_cast<Part*>(ngx_array_push(made->parts_));
        if (part == nullptr)
            return nullptr;
        *part = {};
        if (rest[0] != '$') {
            std::string_view literal = rest.substr(0, rest.find('$'));
            part->literal = as_ngx_str(literal);
            sample.append(literal);
            state.pass(literal);
            rest.remove_prefix(literal.size());
            continue;
        }

        const size_t length = variable_length(rest, 0);
        if (length == 0)
            return fail("has an invalid variable name");
        ngx_str_t name = as_ngx_str(rest.substr(0, length));
        made->has_variables_ = true;
        sample.push_back('1');
        rest.remove_prefix(length);
        if (is_json_variable(name_in(view(name)))) {
            part->json = as_ngx_str(name_in(view(name)));
            part->in_string = state.inside();
            continue;
        }
        part->variable = static_cast<ngx_http_complex_value_t*>(
            ngx_pcalloc(cf->pool, sizeof(ngx_http_complex_value_t)));
        if (part->variable == nullptr)
            return nullptr;
        ngx_http_compile_complex_value_t compile{};
        compile.cf = cf;
        compile.value = &name;
        compile.complex_value = part->variable;
        if (ngx_http_compile_complex_value(&compile) != NGX_OK)
            return nullptr;
    }
    made->is_json_ = is_one_json_value(sample);
    return made;
}

bool Template::evaluate(ngx_http_request_t* r, std::string& out) const {
    auto* parts = static_cast<const Part*>(parts_->elts);
    for (ngx_uint_t i = 0; i < parts_->nelts; ++i) {
        if (parts[i].json.len != 0) {
            append_json_variable(r, view(parts[i].json), parts[i].in_string, out);
            continue;
        }
        if (parts[i].variable == nullptr) {
            out.append(view(parts[i].literal));
            continue;
        }
        ngx_str_t value;
        if (ngx_http_complex_value(r, parts[i].variable, &value) != NGX_OK)
            return false;
        append_json_text(out, view(value));
    }
    return true;
}

bool Template::evaluate_again(ngx_http_request_t* r, std::string& out) const {
    if (!has_variables_)
        return evaluate(r, out);
    ScratchPool scratch(r);
    return scratch.ready() && evaluate(r, out);
}

}  // namespace herald
