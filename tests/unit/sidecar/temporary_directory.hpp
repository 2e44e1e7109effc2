// A directory that goes when the test does.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>

namespace herald::sidecar {

class TemporaryDirectory {
  public:
    TemporaryDirectory() {
        if (mkdtemp(path_.data()) == nullptr)
            throw std::runtime_error("mkdtemp");
    }
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_ = "/tmp/herald-test-XXXXXX";
};

}  // namespace herald::sidecar
