#include "sidecar/ingest/registry_file.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include "sidecar/small_file.hpp"

namespace herald::sidecar {

namespace {

// False: `look` says why there is none.
bool stat_file(const std::string& path, Look& look, FileKey& key) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) {
        look.wrong = std::string("cannot be read: ") + std::strerror(errno);
        return false;
    }
    key = {status.st_mtim.tv_sec, status.st_mtim.tv_nsec, static_cast<uint64_t>(status.st_size),
           status.st_ino};
    return true;
}

}  // namespace

Look look_at_registry(const std::string& path, const KnownFile& known) {
    Look look;
    if (!stat_file(path, look, look.key))
        return look;
    if (known.judged == look.key) {
        look.found = Look::Found::Same;
        return look;
    }
    if (known.seen != look.key) {
        look.found = Look::Found::Moving;
        return look;
    }
    if (look.key.size > known.max_size) {
        look.found = Look::Found::Bad;
        look.wrong =
            "has " + std::to_string(look.key.size) +
            " bytes, more than [ingest] max_size allows: " + std::to_string(known.max_size);
        return look;
    }

    std::string error;
    const std::string content = read_small_file(path, look.key.size, error);
    FileKey after;
    if (!error.empty()) {
        look.wrong = "cannot be read: " + error;
        return look;
    }
    if (!stat_file(path, look, after))
        return look;
    if (after != look.key || content.size() != look.key.size) {
        look.found = Look::Found::Moving;
        look.key = after;
        return look;
    }

    ReadRegistry read = read_registry(content, *known.told);
    if (!read.runs) {
        look.found = Look::Found::Bad;
        look.wrong = std::move(read.wrong);
        return look;
    }
    look.changes = changes_between(*known.told, *read.runs);
    look.runs = std::move(read.runs);
    look.left_out = read.left_out;
    look.found = Look::Found::Good;
    return look;
}

}  // namespace herald::sidecar
