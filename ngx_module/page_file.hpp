// Bytes that go to many sockets without being copied for each: pages of a file in memory, to which
// the queues of all those sockets refer (sendfile(2) from memfd_create(2)).
//
// A file is written once and never changed, for its pages may lie in queues long after the last
// send has returned; closing it gives each page back when the last queue has let go of it. So every
// file is its own: a hole punched into a larger one could clear a page that is still on its way.
//
// Knows nothing of nginx. Single-threaded.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string_view>

namespace herald {

constexpr int kNoPageFile = -1;
constexpr int kMostPageFiles = 64;              // open at a time in a process
constexpr size_t kMostPageFileBytes = 4 << 20;  // of one of them

// A new file with these bytes, the caller's to close; kNoPageFile where they are too many, there
// are too many files already, or the kernel refuses. Sending them from memory is then the way.
int make_page_file(std::string_view bytes) noexcept;
void close_page_file(int file) noexcept;

enum class PagesSent { All, Full, Refused };

// Sends `size` bytes at `offset` to a non-blocking socket, and adds to `sent` how many it took.
// Full: it takes no more now. Refused: the kernel does not send, be it for the socket's sake or the
// file's (sendfile(2) needs memory of its own, and may be forbidden); what is left can be tried
// from memory, where a broken socket says so again. SIGPIPE is the caller's to ignore.
PagesSent send_page_file(int socket, int file, size_t offset, size_t size, size_t& sent) noexcept;

}  // namespace herald
