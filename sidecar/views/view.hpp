// A view: what the sidecar shows of its events and of others' data as one JSON document, and what
// nginx serves by `herald_view NAME`. Lives on the loop; what takes long is done elsewhere.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace herald::sidecar {

struct ViewRequest {
    std::string item{};   // what is behind the view's name: "run-7" of "runs/run-7"; may be empty
    std::string query{};  // the client's query string, as it came: "limit=5"
    bool flush = false;   // POST: what the view keeps is to be made anew
};

struct ViewAnswer {
    int status = 200;    // an HTTP status
    std::string body{};  // JSON
};

class View {
  public:
    using Answered = std::function<void(ViewAnswer)>;

    // `answered` is called once, on the loop, now or later; not after the end of the view.
    virtual void ask(ViewRequest request, Answered answered) = 0;

  protected:
    ~View() = default;
};

// The views that there are, by name. They outlive it.
class Views {
  public:
    void add(std::string name, View& view) { views_.insert_or_assign(std::move(name), &view); }

    View* find(std::string_view name) const {
        const auto found = views_.find(name);
        return found == views_.end() ? nullptr : found->second;
    }

  private:
    std::map<std::string, View*, std::less<>> views_{};
};

}  // namespace herald::sidecar
