// Files and directories as the sidecar needs them. Every function throws std::system_error, whose
// text names the path.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace herald::sidecar {

// Makes a directory, and the ones above it where they are missing too. What is made gets exactly
// `mode`, whatever the umask; what is there stays as it is.
void make_directories(const std::string& path, mode_t mode);

std::string read_file(const std::string& path);

// Replaces a file's content as a whole: after a crash there is the old content or the new one.
void replace_file(const std::string& path, std::string_view content);

}  // namespace herald::sidecar
