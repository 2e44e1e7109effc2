// The token that a client shows, out of its command line, a file or the environment.
#pragma once

#include <string>
#include <string_view>

namespace herald::cli {

class Bearer {
  public:
    // `token`: itself; `file`: the path of a file with it, or env:NAME. At most one is not empty;
    // both empty: there is no token. Throws std::runtime_error where there is none to be had, or
    // where it cannot stand in a header. No message ever has it.
    Bearer(std::string token, std::string file);

    // The token, empty where there is none. A file is read again: tokens that are renewed while a
    // stream is recorded are used for its next connection. What cannot be read leaves the last one.
    const std::string& current();

    // `text` without the token, for what a server says about it.
    std::string without_token(std::string text) const;

  private:
    std::string token_;
    std::string path_{};  // empty: it does not come from a file
};

}  // namespace herald::cli
