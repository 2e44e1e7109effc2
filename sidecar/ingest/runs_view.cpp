// What clients see is what FastAPI made of the original, its refusals included.
#include "sidecar/ingest/runs_view.hpp"

#include <charconv>
#include <optional>
#include <utility>

namespace herald::sidecar {

namespace {

constexpr int64_t kDefaultLimit = 20;
constexpr int64_t kMaxLimit = 100;

ViewAnswer refuse_limit(std::string_view message, std::string_view type) {
    std::string body = R"({"detail":[{"loc":["query","limit"],"msg":")";
    body.append(message).append(R"(","type":")").append(type).append(R"("}]})");
    return {422, std::move(body)};
}

// The first argument of the name; nothing: there is none.
std::optional<std::string_view> argument(std::string_view query, std::string_view name) {
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), pair.size() + 1));
        if (pair.starts_with(name) && pair.substr(name.size()).starts_with('='))
            return pair.substr(name.size() + 1);
    }
    return std::nullopt;
}

}  // namespace

void RunsView::ask(ViewRequest request, Answered answered) {
    answered(answer(request));
}

ViewAnswer RunsView::answer(const ViewRequest& request) const {
    if (request.flush)
        return {405, R"({"detail":"Method Not Allowed"})"};
    if (!runs_)
        return {503, R"({"detail":"The run registry has not been read yet"})"};
    if (request.item.empty())
        return list(request.query);
    const RunPtr* run = runs_->find(request.item);
    if (run == nullptr || (*run)->text.empty())
        return {404, R"({"detail":"Run not found"})"};
    return {200, (*run)->text};
}

ViewAnswer RunsView::list(std::string_view query) const {
    int64_t limit = kDefaultLimit;
    if (const auto text = argument(query, "limit")) {
        const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
        if (error == std::errc::invalid_argument || end != text->data() + text->size())
            return refuse_limit("value is not a valid integer", "type_error.integer");
        if (limit < 1 || (error != std::errc{} && text->starts_with('-')))
            return refuse_limit("ensure this value is greater than or equal to 1",
                                "value_error.number.not_ge");
        if (limit > kMaxLimit || error != std::errc{})
            return refuse_limit("ensure this value is less than or equal to 100",
                                "value_error.number.not_le");
    }

    std::string body = "[";
    for (const RunPtr& run : runs_->newest_first()) {
        if (run->text.empty())
            continue;
        if (limit-- == 0)
            break;
        if (body.size() != 1)
            body += ',';
        body += run->text;
    }
    return {200, body + "]"};
}

}  // namespace herald::sidecar
