// The dashboard: upstream sections, project registry and what the sidecar itself knows, as three
// views (docs/views.md has their documents):
//
//   metrics    all sections as one document
//   cache      what is kept of upstream, and by which rules; its flush forgets it
//   projects   the registry; projects/NAME: what is kept of one project
#pragma once

#include <functional>
#include <string>

#include "sidecar/views/dashboard_config.hpp"
#include "sidecar/views/dashboard_environment.hpp"
#include "sidecar/views/gathering.hpp"
#include "sidecar/views/project_registry.hpp"
#include "sidecar/views/upstream_section.hpp"
#include "sidecar/views/view.hpp"

namespace herald::sidecar {

class Dashboard {
  public:
    // Adds its views to `views`, where it also looks for those of events when it is asked. `state`:
    // the state directory. The references outlive the object, which logs what the environment says
    // wrong. Throws std::runtime_error.
    Dashboard(uv_loop_t* loop, DashboardConfig config, const std::string& state,
              const Environment& environment, Views& views);
    Dashboard(const Dashboard&) = delete;
    Dashboard& operator=(const Dashboard&) = delete;

  private:
    // A view that a member function answers.
    class Entrance final : public View {
      public:
        using Ask = void (Dashboard::*)(const ViewRequest&, const Answered&);
        Entrance(Dashboard& dashboard, Ask answer) : dashboard_(dashboard), ask_(answer) {}
        void ask(ViewRequest request, Answered answered) override {
            (dashboard_.*ask_)(request, answered);
        }

      private:
        Dashboard& dashboard_;
        Ask ask_;
    };

    void ask_metrics(const ViewRequest& request, const View::Answered& answered);
    void ask_cache(const ViewRequest& request, const View::Answered& answered);
    void ask_projects(const ViewRequest& request, const View::Answered& answered);
    void ask_project(const std::string& name, const View::Answered& answered);
    void ask_events(const std::string& view, const std::string& zeros, Gatherings::Gathering& all,
                    const std::shared_ptr<std::string>& document);
    void flush();
    std::string cache_document() const;
    ViewAnswer project_answer(const std::string& name);

    DashboardConfig config_;
    const Views& views_;
    CurlLoop curl_;
    UpstreamSection status_;
    UpstreamSection review_;
    ProjectRegistry registry_;
    Gatherings gatherings_;
    Entrance metrics_{*this, &Dashboard::ask_metrics};
    Entrance cache_{*this, &Dashboard::ask_cache};
    Entrance projects_{*this, &Dashboard::ask_projects};
};

}  // namespace herald::sidecar
