#include "environment.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "configuring.hpp"

namespace herald {

namespace {

const char* environment_value(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value == nullptr || *value == '\0' ? nullptr : value;
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    const size_t first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

}  // namespace

bool expand_environment(std::string_view text, std::string& out, std::string& missing) {
    out.clear();
    for (;;) {
        const size_t start = text.find("${");
        const size_t end = start == std::string_view::npos ? start : text.find('}', start);
        if (end == std::string_view::npos) {
            out.append(text);
            return true;
        }
        const std::string name(text.substr(start + 2, end - start - 2));
        const char* value = environment_value(name);
        if (value == nullptr) {
            missing = name;
            return false;
        }
        out.append(text.substr(0, start)).append(value);
        text.remove_prefix(end + 1);
    }
}

Reading read_small_file(const std::string& path, size_t limit, std::string& out, std::string& why) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        const Reading result =
            errno == ENOENT || errno == ENOTDIR ? Reading::Missing : Reading::Failed;
        why = "file \"" + path + "\" cannot be read: " + std::strerror(errno);
        return result;
    }
    out.resize(limit + 1);
    size_t size = 0;
    ssize_t got = 0;
    while (size < out.size() && (got = read(fd, out.data() + size, out.size() - size)) > 0)
        size += static_cast<size_t>(got);
    const int error = errno;
    close(fd);
    out.resize(size);
    if (got < 0) {
        why = "file \"" + path + "\" cannot be read: " + std::strerror(error);
        return Reading::Failed;
    }
    if (size > limit) {
        why = "file \"" + path + "\" has more than " + std::to_string(limit) + " bytes";
        return Reading::Failed;
    }
    return Reading::Read;
}

Reading read_value(std::string_view where, size_t limit, std::string& out, std::string& why) {
    if (take_prefix(where, "env:")) {
        const std::string name(where);
        const char* value = environment_value(name);
        if (value == nullptr) {
            why = "environment variable " + name + " is not set";
            return Reading::Missing;
        }
        out = trim(value);
    } else if (take_prefix(where, "file:")) {
        std::string path, missing;
        if (!expand_environment(where, path, missing)) {
            why = "environment variable " + missing + " is not set";
            return Reading::Missing;
        }
        const Reading read = read_small_file(path, limit, out, why);
        if (read != Reading::Read)
            return read;
        out = std::string(trim(out));
    } else {
        why = "must be env:NAME or file:PATH";
        return Reading::Failed;
    }
    if (!out.empty())
        return Reading::Read;
    why = "is empty";
    return Reading::Missing;
}

}  // namespace herald
