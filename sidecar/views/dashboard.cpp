// Documents are put together as text: what is in them is JSON already.
#include "sidecar/views/dashboard.hpp"

#include <algorithm>
#include <utility>

#include "sidecar/log.hpp"
#include "sidecar/views/upstream_json.hpp"

namespace herald::sidecar {

namespace {

constexpr long kMaxConnectMs = 5000;
constexpr uint64_t kSlackMs = 500;  // behind the upstream's time-out, for what is done with it

constexpr const char* kNoRuns = R"({"counts":{"total":0,"successful":0,"failed":0,"running":0},)"
                                R"("last_success_at":null,"failure_streak":0})";
constexpr const char* kNoJobs = R"({"jobs":0,"by_status":{},"by_farm":{}})";

DashboardConfig with_environment(DashboardConfig config, const Environment& environment) {
    std::vector<std::string> warnings;
    apply_environment(environment, config, warnings);
    for (const std::string& warning : warnings)
        log::warn(log::Line("dashboard setting of the environment").with("reason", warning));
    return config;
}

FetchOptions fetch_of(const DashboardConfig& config) {
    FetchOptions options = fetch_options();
    options.plain_http = true;
    options.max_bytes = config.max_bytes;
    options.max_redirects = config.max_redirects;
    options.total_ms = static_cast<long>(config.timeout_ms);
    options.connect_ms = std::min(kMaxConnectMs, options.total_ms);
    return options;
}

UpstreamOptions upstream_of(const DashboardConfig& config, const std::string& url) {
    UpstreamOptions options;
    options.url = url;
    options.fetch = fetch_of(config);
    for (const auto& [name, value] : config.headers)
        options.headers.add(name, value);
    if (!config.token.empty())
        options.headers.add("Authorization", config.token, "Bearer ");
    return options;
}

CacheLimits limits_of(const DashboardConfig& config) {
    return {config.cache_ttl_ms, config.cache_max_records, config.cache_max_projects};
}

RegistryOptions registry_of(const DashboardConfig& config, const Environment& environment,
                            const std::string& state) {
    RegistryOptions options;
    options.file.path = registry_path(environment, config, state);
    options.file.synced_path = state + "/dashboard-projects.synced";
    options.times.refresh_ms = config.shotgrid.refresh_ms;
    options.shotgrid.url = config.shotgrid.url;
    options.shotgrid.client_id = config.shotgrid.client_id;
    options.shotgrid.client_secret = config.shotgrid.client_secret;
    options.shotgrid.page_size = config.shotgrid.page_size;
    options.shotgrid.fetch = fetch_of(config);
    return options;
}

ViewAnswer not_found(const char* detail) {
    return {404, std::string("{\"detail\":") + json_string_of(detail) + "}"};
}

std::string time_or_null(const std::string& time) {
    return time.empty() ? "null" : json_string_of(time);
}

std::string array_of(const std::vector<std::string>& records) {
    std::string text = "[";
    for (auto record = records.rbegin(); record != records.rend(); ++record)
        text += (text.size() == 1 ? "" : ",") + *record;
    return text + "]";
}

std::string review_document(const UpstreamSection& review) {
    std::string text;
    for (const auto& [name, project] : review.buckets().projects())
        text += (text.empty() ? "{\"project\":" : ",{\"project\":") + json_string_of(name) + "," +
                project.sums.substr(1);
    return "{\"totals\":" + review.totals() + ",\"projects\":[" + text + "]}";
}

std::string bucket_document(const UpstreamSection& section) {
    size_t entries = 0;
    std::string projects;
    for (const auto& [name, project] : section.buckets().projects()) {
        entries += project.records.size();
        projects += (projects.empty() ? "" : ",") + json_string_of(name) + ":" +
                    std::to_string(project.records.size());
    }
    return "{\"entries\":" + std::to_string(entries) + ",\"projects\":{" + projects +
           "},\"last_refresh\":" + time_or_null(section.last_refresh()) + "}";
}

}  // namespace

Dashboard::Dashboard(uv_loop_t* loop, DashboardConfig config, const std::string& state,
                     const Environment& environment, Views& views)
    : config_(with_environment(std::move(config), environment)),
      views_(views),
      curl_(loop),
      status_(loop, curl_, kStatusUpstream, upstream_of(config_, config_.status),
              limits_of(config_)),
      review_(loop, curl_, kReviewUpstream, upstream_of(config_, config_.review),
              limits_of(config_)),
      registry_(loop, curl_, registry_of(config_, environment, state)),
      gatherings_(loop) {
    views.add("metrics", metrics_);
    views.add("cache", cache_);
    views.add("projects", projects_);
}

void Dashboard::flush() {
    status_.flush();
    review_.flush();
    registry_.expire();
}

// -- metrics

void Dashboard::ask_metrics(const ViewRequest& request, const View::Answered& answered) {
    if (!request.item.empty())
        return answered(not_found("Not Found"));
    if (request.flush)
        flush();
    registry_.touch();
    const auto ingest = std::make_shared<std::string>();
    const auto render = std::make_shared<std::string>();
    const auto finish = [this, ingest, render, answered] {
        answered({200, "{\"status\":" + status_.totals() + ",\"ingest\":" + *ingest +
                           ",\"render\":" + *render + ",\"review\":" + review_document(review_) +
                           "}"});
    };
    gatherings_.begin(config_.timeout_ms + kSlackMs, finish, [&](Gatherings::Gathering& all) {
        status_.ask(all.part());
        review_.ask(all.part());
        ask_events(config_.ingest, kNoRuns, all, ingest);
        ask_events(config_.render, kNoJobs, all, render);
    });
}

// Of a view of events; zeros where there is none, or it has nothing to show yet.
void Dashboard::ask_events(const std::string& view, const std::string& zeros,
                           Gatherings::Gathering& all,
                           const std::shared_ptr<std::string>& document) {
    *document = zeros;
    if (View* found = views_.find(view))
        found->ask(ViewRequest{}, [document, done = all.part()](ViewAnswer answer) {
            if (answer.status == 200)
                *document = std::move(answer.body);
            done();
        });
}

// -- cache

void Dashboard::ask_cache(const ViewRequest& request, const View::Answered& answered) {
    if (!request.item.empty())
        return answered(not_found("Not Found"));
    if (request.flush) {
        flush();
        log::info(log::Line("dashboard caches flushed"));
    }
    answered({200, cache_document()});
}

std::string Dashboard::cache_document() const {
    return "{\"ttl_seconds\":" + decimal(static_cast<double>(config_.cache_ttl_ms) / 1000) +
           ",\"max_records\":" + std::to_string(config_.cache_max_records) +
           ",\"max_projects\":" + std::to_string(config_.cache_max_projects) +
           ",\"buckets\":{\"status\":" + bucket_document(status_) +
           ",\"review\":" + bucket_document(review_) +
           ",\"projects\":{\"entries\":" + std::to_string(registry_.names().size()) +
           ",\"last_refresh\":" + time_or_null(registry_.synced()) + "}}}";
}

// -- projects

void Dashboard::ask_projects(const ViewRequest& request, const View::Answered& answered) {
    if (request.flush)
        registry_.expire();
    registry_.touch();
    if (!request.item.empty())
        return ask_project(request.item, answered);
    answered({200, registry_.json()});
}

void Dashboard::ask_project(const std::string& name, const View::Answered& answered) {
    const auto finish = [this, name, answered] { answered(project_answer(name)); };
    gatherings_.begin(config_.timeout_ms + kSlackMs, finish, [&](Gatherings::Gathering& all) {
        status_.ask_project(name, all.part());
        review_.ask_project(name, all.part());
    });
}

ViewAnswer Dashboard::project_answer(const std::string& name) {
    const UpstreamProject* status = status_.buckets().use(name);
    const UpstreamProject* review = review_.buckets().use(name);
    if (status == nullptr && review == nullptr && !registry_.names().contains(name))
        return not_found("Project not found");
    const auto sums = [](const UpstreamProject* project, const UpstreamSection& section) {
        return project == nullptr ? std::string(section.kind().no_project_sums) : project->sums;
    };
    const auto records = [](const UpstreamProject* project) {
        return project == nullptr ? std::string("[]") : array_of(project->records);
    };
    return {200, "{\"project\":" + json_string_of(name) + ",\"status\":" + sums(status, status_) +
                     ",\"review\":" + sums(review, review_) + ",\"versions\":" + records(status) +
                     ",\"playlists\":" + records(review) + "}"};
}

}  // namespace herald::sidecar
