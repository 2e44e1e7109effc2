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
constexpr int kMostPageFiles = 64;  // open at a time in a process

// A new file with these bytes, the caller's to close; kNoPageFile where there are too many already,
// or the kernel refuses. Sending them from memory is then the way.
int make_page_file(std::string_view bytes) noexcept;
void close_page_file(int file) noexcept;

// As send() with MSG_DONTWAIT: how many of `size` bytes at `offset` the socket took, which is less
// only where it is full or broken; or -1 and errno. SIGPIPE is the caller's to ignore.
ssize_t send_page_file(int socket, int file, size_t offset, size_t size) noexcept;

}  // namespace herald
