// Finds members of a JSON object by their paths, `state.status`, in one pass, as they are written.
//
// For text that is known to be one JSON value (json_scan.hpp): nothing is checked again. What is
// not on a path is stepped over, however deep it is nested; nothing recurses deeper than the paths.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace herald::sidecar {

class JsonPaths {
  public:
    // Returns the place of the path among the values. A path is a name or more, from the top; a
    // path and the ones that begin with it may all be wanted.
    size_t add(std::span<const std::string> path);

    // The values as they stand in `json`, a string with its quotes; empty where there is no such
    // member. The last one counts where an object has several of one name. The views are into
    // `json`; valid until the next call.
    std::span<const std::string_view> find(std::string_view json);

  private:
    struct Node {
        std::string name{};
        std::vector<size_t> values{};  // places of the paths that end here
        std::vector<Node> members{};
    };

    static Node& member_of(Node& node, const std::string& name);
    const Node* match(const Node& node, std::string_view key);
    void forget(const Node& node);
    void object(const Node& node);
    void value(const Node* node);

    Node top_{};
    std::vector<std::string_view> values_{};
    std::string key_{};  // where it had escapes
    const char* at_ = nullptr;
    const char* end_ = nullptr;
};

}  // namespace herald::sidecar
