#include "sidecar/views/project_file.hpp"

#include <sys/stat.h>

#include <cerrno>

#include "ring/timestamp.hpp"
#include "sidecar/files.hpp"
#include "sidecar/small_file.hpp"
#include "sidecar/views/upstream_json.hpp"

namespace herald::sidecar {

namespace {

constexpr size_t kMaxFile = 16 << 20;
constexpr size_t kMaxSynced = 64;

bool is_missing(const std::string& path) {
    struct stat status {};
    return stat(path.c_str(), &status) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

std::string directory_of(const std::string& path) {
    const size_t slash = path.rfind('/');
    return slash == path.npos ? std::string() : path.substr(0, slash);
}

}  // namespace

StoredProjects read_projects(const ProjectFile& file) {
    StoredProjects stored;
    if (is_missing(file.path))
        return stored;
    const std::string text = read_small_file(file.path, kMaxFile, stored.error);
    if (stored.error.empty() && text.size() > kMaxFile)
        stored.error = "is larger than " + std::to_string(kMaxFile) + " bytes";
    if (!stored.error.empty())
        return stored;
    std::string ignored;
    const UpstreamJson json = parse_upstream(text, ignored);
    if (!json_is_array(json.get())) {
        stored.error = "is no JSON array of names";
        return stored;
    }
    stored.found = true;
    for (size_t i = 0; i < json_array_size(json.get()); ++i) {
        if (std::string name = name_of(json_array_get(json.get(), i)); !name.empty())
            stored.names.insert(std::move(name));
    }

    const std::string synced = read_small_file(file.synced_path, kMaxSynced, ignored);
    if (ring::parse_time(trimmed_text(synced)))
        stored.synced = trimmed_text(synced);
    return stored;
}

std::string projects_text(const std::set<std::string>& names) {
    if (names.empty())
        return "[]\n";
    std::string text;
    for (const std::string& name : names)
        text += (text.empty() ? "[\n  " : ",\n  ") + json_string_of(name);
    return text + "\n]\n";
}

std::string write_projects(const ProjectFile& file, const std::set<std::string>& names,
                           const std::string& synced) {
    try {
        if (const std::string directory = directory_of(file.path); !directory.empty())
            make_directories(directory, 0755);
        replace_file(file.path, projects_text(names));
        replace_file(file.synced_path, synced + "\n");
    } catch (const std::exception& error) {
        return error.what();
    }
    return {};
}

}  // namespace herald::sidecar
