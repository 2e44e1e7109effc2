#include "sidecar/postgres/tables_view.hpp"

#include <jansson.h>

#include <cstdlib>
#include <memory>

namespace herald::sidecar::postgres {

namespace {

struct FreeJson {
    void operator()(json_t* json) const noexcept { json_decref(json); }
};
struct FreeText {
    void operator()(char* text) const noexcept { free(text); }
};

json_int_t number(uint64_t value) {
    return static_cast<json_int_t>(value);
}

json_t* json_of(const TableFigures& figures, uint64_t journal_seq) {
    const uint64_t behind = journal_seq > figures.seq ? journal_seq - figures.seq : 0;
    return json_pack("{s:s, s:s, s:I, s:I, s:b, s:s, s:I, s:I, s:I}", "feed", figures.feed.c_str(),
                     "table", figures.table.c_str(), "seq", number(figures.seq), "behind",
                     number(behind), "failing", int{figures.failing}, "error",
                     figures.error.c_str(), "inserted", number(figures.inserted), "repeats",
                     number(figures.repeats), "refused", number(figures.refused));
}

}  // namespace

void TablesView::ask(ViewRequest, Answered answered) {
    json_t* list = json_array();
    const std::unique_ptr<json_t, FreeJson> document(json_pack("{s:o}", "tables", list));
    for (const TableFigures& figures : figures_())
        json_array_append_new(list, json_of(figures, segments_.last_seq()));
    const std::unique_ptr<char, FreeText> text(json_dumps(document.get(), JSON_COMPACT));
    ViewAnswer answer;
    answer.status = text ? 200 : 500;
    answer.body = text ? text.get() : "{}";
    answered(std::move(answer));
}

}  // namespace herald::sidecar::postgres
