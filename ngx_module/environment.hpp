// Values that operators keep outside of nginx.conf: environment variables and files, read once
// while the configuration is. The master keeps its environment, so that a reload reads the same.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>

#include "ngx.hpp"

namespace herald {

// Puts the values of environment variables in the place of `${NAME}`. False where one of them is
// not set, or empty; `missing` is its name.
bool expand_environment(std::string_view text, std::string& out, std::string& missing);

enum class Reading { Read, Missing, Failed };

// The bytes of a file of at most `limit` bytes. Failed: `why` says so, with nothing of its content.
Reading read_small_file(const std::string& path, size_t limit, std::string& out, std::string& why);

// What `env:NAME` or `file:PATH` holds, `${NAME}` in the path expanded; blanks and line ends around
// it are not part of it. Missing: the variable is not set or empty, the file is not there, or its
// path needs a variable that is not set; `why` says which. Failed: neither of the two forms, or the
// file cannot be read.
Reading read_value(std::string_view where, size_t limit, std::string& out, std::string& why);

}  // namespace herald
