// The Unix socket that workers connect to, as a file: made at the start, removed at the end.
//
// Everybody may connect (mode 0666); who may attach is decided by credentials afterwards.
#pragma once

#include <sys/types.h>

#include <string>

#include "sidecar/fd.hpp"

namespace herald::sidecar {

class ListeningSocket {
  public:
    // Makes the directory where it is missing, and takes the place of a socket that nobody answers
    // on. Throws std::runtime_error where somebody does, or the path cannot be used.
    explicit ListeningSocket(std::string path);
    ~ListeningSocket();  // removes the file, if it still is this socket's
    ListeningSocket(const ListeningSocket&) = delete;
    ListeningSocket& operator=(const ListeningSocket&) = delete;

    int fd() const { return fd_.get(); }  // non-blocking; owned by this object

  private:
    std::string path_;
    Fd fd_{};
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

}  // namespace herald::sidecar
