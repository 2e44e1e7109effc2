// DATA of a directive: text with nginx variables, whose values are escaped as JSON text. Those that
// are JSON themselves (fetched_variables.hpp) go in as they are: a string with its quotes where
// none stand around the variable.
//
// nginx's own complex values cannot escape, so the text is cut into literals and variables here,
// and each variable is evaluated as a complex value of its own.
#pragma once

#include "ngx.hpp"

namespace herald {

class Template {
  public:
    // Compiles at configuration time. On failure it has logged what is wrong, with the directive's
    // name, and returns nullptr. Lives as long as the configuration's pool.
    static Template* compile(ngx_conf_t* cf, const ngx_str_t& directive, ngx_str_t text);

    // Appends the text with the variables of `r`; false when nginx is out of memory.
    bool evaluate(ngx_http_request_t* r, std::string& out) const;

    // The same, again and again on a long-lived request, without growing its pool: whatever the
    // evaluation allocates is freed, and the request's variables are afterwards as they were.
    bool evaluate_again(ngx_http_request_t* r, std::string& out) const;

    bool has_variables() const { return has_variables_; }
    // Whether it is one JSON value; variables count as digits, so they may stand inside strings or
    // for numbers.
    bool is_json() const { return is_json_; }

  private:
    struct Part {
        ngx_str_t literal;                   // used when variable is nullptr and json is empty
        ngx_http_complex_value_t* variable;  // in the configuration's pool
        ngx_str_t json;                      // the name of a variable that is JSON
        bool in_string;                      // it stands inside a JSON string
    };

    ngx_array_t* parts_ = nullptr;  // of Part
    bool has_variables_ = false;
    bool is_json_ = false;
};

}  // namespace herald
