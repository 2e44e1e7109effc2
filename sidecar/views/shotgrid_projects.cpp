// Pages are asked for by their number: the links in them are not followed, so that no answer can
// lead the token elsewhere.
#include "sidecar/views/shotgrid_projects.hpp"

#include <algorithm>
#include <utility>

#include "sidecar/background.hpp"
#include "sidecar/secret.hpp"
#include "sidecar/views/upstream_json.hpp"
#include "sidecar/views/upstream_secret.hpp"

namespace herald::sidecar {

namespace {

constexpr size_t kMaxToken = 16 * 1024;

bool is_archived(const json_t* attributes) {
    if (json_is_true(json_object_get(attributes, "archived")))
        return true;
    std::string status = name_of(json_object_get(attributes, "sg_status"));
    std::transform(status.begin(), status.end(), status.begin(),
                   [](unsigned char c) { return c < 0x80 ? std::tolower(c) : c; });
    return status == "archived";
}

// The token of an answer, or an empty text: only what can stand in a header.
std::string token_in(const std::string& bytes) {
    std::string ignored;
    const UpstreamJson json = parse_upstream(bytes, ignored);
    const json_t* token = json_object_get(json.get(), "access_token");
    if (!json_is_string(token) || json_string_length(token) > kMaxToken)
        return {};
    const std::string text(json_string_value(token), json_string_length(token));
    const bool visible =
        std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
    return visible ? text : std::string();
}

struct Credentials {
    std::string error = "out of memory";
    std::string id{};
    std::string secret{};
};

std::string text_or_secret(const std::string& text, std::string& error) {
    return names_secret(text) ? read_header_secret(text, error) : text;
}

}  // namespace

ShotgridPage read_shotgrid_page(const std::string& bytes, uint32_t page_size) {
    ShotgridPage page;
    const UpstreamJson json = parse_upstream(bytes, page.error);
    if (!json)
        return page;
    const json_t* data = json_object_get(json.get(), "data");
    if (!json_is_array(data)) {
        page.error = "the page has no array \"data\"";
        return page;
    }
    for (size_t i = 0; i < json_array_size(data); ++i) {
        const json_t* project = json_array_get(data, i);
        const json_t* inner = json_object_get(project, "attributes");
        const json_t* attributes = json_is_object(inner) ? inner : project;
        std::string name = name_of(attributes);
        if (!name.empty() && !is_archived(attributes))
            page.names.push_back(std::move(name));
    }
    const json_t* next = json_object_get(json_object_get(json.get(), "links"), "next");
    page.last = json_array_size(data) < page_size || next == nullptr || json_is_null(next);
    return page;
}

ShotgridProjects::ShotgridProjects(uv_loop_t* loop, CurlLoop& curl, const ShotgridOptions& options,
                                   Done done)
    : loop_(loop), curl_(curl), options_(options), done_(std::move(done)) {
    read_credentials();
}

ShotgridProjects::~ShotgridProjects() = default;

void ShotgridProjects::read_credentials() {
    auto found = std::make_shared<Credentials>();
    run_in_background(
        loop_, alive_,
        [found, id = options_.client_id, secret = options_.client_secret] {
            std::string error;
            found->id = text_or_secret(id, error);
            if (error.empty())
                found->secret = text_or_secret(secret, error);
            found->error = error;
        },
        [this, found] {
            if (!found->error.empty())
                return finish(found->error);
            form_ = form_text({{"grant_type", "client_credentials"},
                               {"client_id", found->id},
                               {"client_secret", found->secret}});
            ask_token();
        });
}

void ShotgridProjects::ask_token() {
    request({.url = options_.url + "/api/v1/auth/access_token", .form = form_},
            [this](HttpFetch::Result answer) { take_token(answer); });
}

void ShotgridProjects::take_token(const HttpFetch::Result& answer) {
    fetch_.reset();
    if (!answer.error.empty())
        return finish("no access token: " + answer.error);
    const std::string token = token_in(answer.body);
    if (token.empty())
        return finish("no access token: the answer has none");
    header_ = "Authorization: Bearer " + token;
    ask_page();
}

void ShotgridProjects::ask_page() {
    const std::string query =
        "fields=name,code,archived,sg_status&page%5Bsize%5D=" + std::to_string(options_.page_size) +
        "&page%5Bnumber%5D=" + std::to_string(page_);
    request({.url = options_.url + "/api/v1/entity/projects?" + query, .headers = {header_}},
            [this](HttpFetch::Result answer) { take_page(std::move(answer)); });
}

void ShotgridProjects::take_page(HttpFetch::Result answer) {
    fetch_.reset();
    if (answer.status == 401 && !std::exchange(renewed_, true))
        return ask_token();
    if (!answer.error.empty())
        return finish("page " + std::to_string(page_) + ": " + answer.error);

    auto page = std::make_shared<ShotgridPage>();
    page->error = "out of memory";
    try {
        run_in_background(
            loop_, alive_,
            [page, body = std::move(answer.body), size = options_.page_size] {
                *page = read_shotgrid_page(body, size);
            },
            [this, page] { add_page(*page); });
    } catch (const std::exception& error) {
        finish(error.what());
    }
}

void ShotgridProjects::add_page(const ShotgridPage& page) {
    if (!page.error.empty())
        return finish("page " + std::to_string(page_) + ": " + page.error);
    result_.names.insert(page.names.begin(), page.names.end());
    if (page.last)
        return finish({});
    if (page_ == options_.max_pages)
        return finish("more than " + std::to_string(options_.max_pages) + " pages");
    ++page_;
    ask_page();
}

void ShotgridProjects::request(HttpRequest request, HttpFetch::Done done) {
    try {
        fetch_ =
            std::make_unique<HttpFetch>(curl_, std::move(request), options_.fetch, std::move(done));
    } catch (const std::exception& error) {
        finish(error.what());
    }
}

// The callee may destroy the object.
void ShotgridProjects::finish(std::string error) {
    result_.error = std::move(error);
    const Done done = std::move(done_);
    done(std::exchange(result_, {}));
}

}  // namespace herald::sidecar
