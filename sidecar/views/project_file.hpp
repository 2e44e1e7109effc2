// The project registry on disk. Everything here may block, and belongs on a thread.
//
//   FILE                          a JSON array of the projects' names, sorted, each once: what
//                                 others read, so nothing else may be in it
//   dashboard-projects.synced     in the state directory: when FILE was last what ShotGrid had,
//                                 ISO 8601 and a line feed
#pragma once

#include <set>
#include <string>

namespace herald::sidecar {

struct ProjectFile {
    std::string path{};
    std::string synced_path{};
};

struct StoredProjects {
    std::string error{};  // why there are none; empty also where there is no file
    bool found = false;
    std::set<std::string> names{};
    std::string synced{};  // empty: not known
};

// Names are read in the forms that upstream has them in, objects among them.
StoredProjects read_projects(const ProjectFile& file);

// What goes into the file.
std::string projects_text(const std::set<std::string>& names);

// Replaces both files, each as a whole. Returns what went wrong, or an empty text.
std::string write_projects(const ProjectFile& file, const std::set<std::string>& names,
                           const std::string& synced);

}  // namespace herald::sidecar
