// Review activity: how many playlists, clips and shots there are, and how long they run.
#include <map>
#include <set>
#include <stdexcept>

#include "sidecar/views/upstream_records.hpp"

namespace herald::sidecar {

namespace {

struct Tally {
    int64_t playlists = 0;
    int64_t clips = 0;
    int64_t shots = 0;              // that are only counted
    std::set<std::string> named{};  // shots
    double seconds = 0;

    int64_t all_shots() const { return sum_of(shots, static_cast<int64_t>(named.size())); }
};

struct Totals {
    int64_t projects = 0;
    int64_t playlists = 0;
    int64_t clips = 0;
    int64_t shots = 0;
    double seconds = 0;

    void add(const Tally& tally) {
        ++projects;
        playlists = sum_of(playlists, tally.playlists);
        clips = sum_of(clips, tally.clips);
        shots = sum_of(shots, tally.all_shots());
        seconds += tally.seconds;
    }
};

std::string numbers_text(int64_t playlists, int64_t clips, int64_t shots, double seconds) {
    return "\"playlists\":" + std::to_string(playlists) + ",\"clips\":" + std::to_string(clips) +
           ",\"shots\":" + std::to_string(shots) + ",\"duration_seconds\":" + decimal(seconds) +
           "}";
}

std::string totals_text(const Totals& totals) {
    return "{\"projects\":" + std::to_string(totals.projects) + "," +
           numbers_text(totals.playlists, totals.clips, totals.shots, totals.seconds);
}

std::string sums_text(const Tally& tally) {
    return "{" + numbers_text(tally.playlists, tally.clips, tally.all_shots(), tally.seconds);
}

const json_t* duration_in(const json_t* json) {
    const json_t* seconds = json_object_get(json, "duration_seconds");
    return seconds == nullptr ? json_object_get(json, "duration") : seconds;
}

// Shots as a count, or as a list of their names.
void add_shots(const json_t* shots, Tally& tally) {
    if (!json_is_array(shots)) {
        tally.shots = sum_of(tally.shots, count_of(shots));
        return;
    }
    for (size_t i = 0; i < json_array_size(shots); ++i) {
        const std::string shot = name_of(json_array_get(shots, i));
        if (!shot.empty())
            tally.named.insert(shot);
    }
}

// What a playlist does not say of itself, its clips may.
void add_clips(const json_t* clips, bool shots, bool seconds, Tally& tally) {
    tally.clips = sum_of(tally.clips, count_of(clips));
    if (!json_is_array(clips))
        return;
    for (size_t i = 0; i < json_array_size(clips); ++i) {
        const json_t* clip = json_array_get(clips, i);
        const std::string shot = name_of(json_object_get(clip, "shot"));
        if (shots && !shot.empty())
            tally.named.insert(shot);
        if (seconds)
            tally.seconds += seconds_of(duration_in(clip));
    }
}

void add_playlist(const json_t* playlist, Tally& tally) {
    const json_t* shots = json_object_get(playlist, "shots");
    const json_t* seconds = duration_in(playlist);
    ++tally.playlists;
    add_shots(shots, tally);
    tally.seconds += seconds_of(seconds);
    add_clips(json_object_get(playlist, "clips"), shots == nullptr, seconds == nullptr, tally);
}

UpstreamAnswer read_playlists(const json_t* records, size_t max_records) {
    std::map<std::string, Tally> tallies;
    ProjectRecords kept;
    for (size_t i = 0; i < json_array_size(records); ++i) {
        const json_t* record = json_array_get(records, i);
        const std::string project = name_of(json_object_get(record, "project"));
        if (project.empty())
            continue;
        add_playlist(record, tallies[project]);
        kept.add(project, record);
    }

    Totals totals;
    for (const auto& [name, tally] : tallies)
        totals.add(tally);
    return {totals_text(totals), kept.newest(max_records, [&](const std::string& project) {
                return sums_text(tallies[project]);
            })};
}

// Sums of projects: each is its project's one record.
UpstreamAnswer read_sums(const json_t* json, size_t max_records) {
    const json_t* given = json_object_get(json, "totals");
    const json_t* projects = json_object_get(json, "projects");
    if (!json_is_object(given) && !json_is_array(projects))
        throw std::runtime_error(
            "the answer has neither totals nor projects, and is no array of playlists");

    std::map<std::string, Tally> tallies;
    ProjectRecords kept;
    for (size_t i = 0; i < json_array_size(projects); ++i) {
        const json_t* sums = json_array_get(projects, i);
        const std::string project = name_of(json_object_get(sums, "project"));
        if (project.empty() || tallies.contains(project))
            continue;
        Tally& tally = tallies[project];
        tally.playlists = count_of(json_object_get(sums, "playlists"));
        tally.clips = count_of(json_object_get(sums, "clips"));
        tally.shots = count_of(json_object_get(sums, "shots"));
        tally.seconds = seconds_of(duration_in(sums));
        kept.add(project, sums);
    }

    Totals totals;
    if (json_is_object(given)) {
        totals = {count_of(json_object_get(given, "projects")),
                  count_of(json_object_get(given, "playlists")),
                  count_of(json_object_get(given, "clips")),
                  count_of(json_object_get(given, "shots")), seconds_of(duration_in(given))};
    } else {
        for (const auto& [name, tally] : tallies)
            totals.add(tally);
    }
    return {totals_text(totals), kept.newest(max_records, [&](const std::string& project) {
                return sums_text(tallies[project]);
            })};
}

UpstreamAnswer read_review(std::string_view bytes, size_t max_records) {
    const UpstreamDocument document(bytes, kReviewUpstream.name);
    if (const json_t* records = document.records(kReviewUpstream.records))
        return read_playlists(records, max_records);
    return read_sums(document.json(), max_records);
}

}  // namespace

const UpstreamKind kReviewUpstream = {
    "review",
    "playlists",
    read_review,
    R"({"projects":0,"playlists":0,"clips":0,"shots":0,"duration_seconds":0.0})",
    R"({"playlists":0,"clips":0,"shots":0,"duration_seconds":0.0})",
};

}  // namespace herald::sidecar
