// What a request for a view says: which view, and which bodies the client has already. Pure: knows
// nothing of nginx.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace herald {

// `runs/run-7`: the item `run-7` of the view `runs`. The views are into the text.
struct ViewPath {
    std::string_view name{};
    std::string_view item{};  // empty: the view as a whole
};
ViewPath split_view(std::string_view path);

// The strong entity tag of a body with this hash: 16 hexadecimal digits in double quotes.
std::string make_view_tag(uint64_t hash);

// The tags of an If-None-Match that can be a view's, weak ones too (filters that compress weaken
// them): the first few, as many as a question may have. Others are left out.
std::vector<uint64_t> parse_view_tags(std::string_view if_none_match);

}  // namespace herald
