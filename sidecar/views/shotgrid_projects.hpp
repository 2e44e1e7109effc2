// The projects of a ShotGrid site, by its REST API: a token for the script's credentials, then page
// by page. What comes of it is all of them or a failure, never a part.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sidecar/http_fetch.hpp"

namespace herald::sidecar {

struct ShotgridOptions {
    std::string url{};            // of the site: https://studio.example
    std::string client_id{};      // a text, env: or file:
    std::string client_secret{};  // env: or file:
    uint32_t page_size = 500;
    uint32_t max_pages = 200;
    FetchOptions fetch{};  // for each request
};

// One page, read. Pure; belongs on a thread.
struct ShotgridPage {
    std::string error{};               // what is wrong with it
    std::vector<std::string> names{};  // of projects that are not archived
    bool last = false;
};
ShotgridPage read_shotgrid_page(const std::string& bytes, uint32_t page_size);

class ShotgridProjects {
  public:
    struct Result {
        std::string error{};  // what went wrong; empty: these are all
        std::set<std::string> names{};
    };
    using Done = std::function<void(Result)>;

    // Begins. `done` is called once, on the loop, and may destroy the object; not after its end.
    // The references outlive it. Throws std::system_error.
    ShotgridProjects(uv_loop_t* loop, CurlLoop& curl, const ShotgridOptions& options, Done done);
    ~ShotgridProjects();
    ShotgridProjects(const ShotgridProjects&) = delete;
    ShotgridProjects& operator=(const ShotgridProjects&) = delete;

  private:
    void read_credentials();
    void ask_token();
    void take_token(const HttpFetch::Result& answer);
    void ask_page();
    void take_page(HttpFetch::Result answer);
    void add_page(const ShotgridPage& page);
    void request(HttpRequest request, HttpFetch::Done done);
    void finish(std::string error);

    uv_loop_t* loop_;
    CurlLoop& curl_;
    const ShotgridOptions& options_;
    Done done_;
    std::string form_{};    // of the request for a token
    std::string header_{};  // with the token
    bool renewed_ = false;  // the token was refused once and asked for again
    uint32_t page_ = 1;
    Result result_{};
    std::shared_ptr<void> alive_ = std::make_shared<char>();  // jobs under way hold it weakly
    std::unique_ptr<HttpFetch> fetch_{};
};

}  // namespace herald::sidecar
