// Takes a path for a Unix socket and gives it back, without ever removing what is somebody else's.
#include "sidecar/listening_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "sidecar/files.hpp"

namespace herald::sidecar {

namespace {

constexpr int kBacklog = 256;

[[noreturn]] void fail(const std::string& what, const std::string& path) {
    throw std::system_error(errno, std::generic_category(), what + " " + path);
}

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        throw std::runtime_error("socket path " + path + " has " + std::to_string(path.size()) +
                                 " bytes; a Unix socket's path has at most " +
                                 std::to_string(sizeof address.sun_path - 1));
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

Fd make_socket() {
    Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd)
        throw std::system_error(errno, std::generic_category(), "make the control socket");
    return fd;
}

// Removes the socket of a sidecar that died. Only a refused connection proves that it did.
void remove_stale(const std::string& path, const sockaddr_un& address) {
    struct stat status {};
    if (lstat(path.c_str(), &status) != 0) {
        if (errno == ENOENT)
            return;
        fail("look at", path);
    }
    if (!S_ISSOCK(status.st_mode))
        throw std::runtime_error(path +
                                 " is there and is no socket; remove it or choose another "
                                 "path");

    const Fd probe = make_socket();
    if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
        errno == EAGAIN)
        throw std::runtime_error("another process answers on " + path);
    if (errno == ENOENT)
        return;
    if (errno != ECONNREFUSED)
        fail("connect to", path);
    if (unlink(path.c_str()) != 0 && errno != ENOENT)
        fail("remove", path);
}

}  // namespace

ListeningSocket::ListeningSocket(std::string path) : path_(std::move(path)) {
    const sockaddr_un address = address_of(path_);
    const size_t slash = path_.rfind('/');
    if (slash != path_.npos && slash != 0)
        make_directories(path_.substr(0, slash), 0755);
    remove_stale(path_, address);

    fd_ = make_socket();
    if (bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        fail("bind", path_);
    struct stat status {};
    if (lstat(path_.c_str(), &status) != 0 || chmod(path_.c_str(), 0666) != 0)
        fail("set the mode of", path_);
    device_ = status.st_dev;
    inode_ = status.st_ino;
    if (listen(fd_.get(), kBacklog) != 0)
        fail("listen on", path_);
}

ListeningSocket::~ListeningSocket() {
    struct stat status {};
    if (lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_)
        unlink(path_.c_str());
}

}  // namespace herald::sidecar
