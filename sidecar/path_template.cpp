// A part's bytes are percent-encoded unless they are letters, digits or one of a few harmless
// signs. What is too long for one component goes on in the next: a component that ends in `~` is
// continued, and no value brings a `~` of its own.
#include "sidecar/path_template.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>

#include "ring/names.hpp"

namespace herald::sidecar {

namespace {

// NAME_MAX is 255 everywhere that matters: literal text, a piece of a part and `~` fit.
constexpr size_t kMaxComponent = 255;
constexpr size_t kMaxLiteral = 100;  // bytes around a part
constexpr size_t kMaxPiece = kMaxComponent - kMaxLiteral - 1;

// What the sidecar itself keeps in the state directory: no channel's file may have such a name.
constexpr std::string_view kOwnFiles[] = {
    "lock",
    "logs",
    "logs.tmp",
    "continuity",
    "continuity.tmp",
    "journal",
    "jsonl",
    "jwks",
    "revocations",
    "views",
    "revocations.tmp",
    "revocations.damaged",
    "index.db",
    "index.db-wal",
    "index.db-shm",
    "index.db-journal",
    "index.db.broken",
    "index.db.broken-wal",
    "index.db.broken-shm",
    "index.db.broken-journal",
    "herald.sock",
};

[[noreturn]] void refuse(const std::string& why) {
    throw std::invalid_argument(why);
}

std::string braced(std::string_view name) {
    return "{" + std::string(name) + "}";
}

std::string list(std::span<const std::string> names) {
    std::string text;
    for (const std::string& name : names)
        text += (text.empty() ? "" : ", ") + braced(name);
    return text;
}

bool is_safe(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._@+=,:-").find(c) != std::string_view::npos;
}

void append_value(std::string_view value, std::string& out) {
    size_t piece = 0;  // bytes of the current one
    for (char c : value) {
        // A leading dot would hide the file, or be `..`. There is always room for three bytes
        // behind the check, so that pieces depend on the value alone.
        if (piece + 3 > kMaxPiece) {
            out += "~/";
            piece = 0;
        }
        if (is_safe(c) && !(c == '.' && piece == 0)) {
            out += c;
            ++piece;
            continue;
        }
        constexpr char kDigits[] = "0123456789ABCDEF";
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += kDigits[byte >> 4];
        out += kDigits[byte & 15];
        piece += 3;
    }
}

}  // namespace

PathTemplate::PathTemplate(std::string_view text, std::span<const std::string> part_names) {
    if (text.empty())
        refuse("is empty; expected a file such as \"runs/{id}.jsonl\"");
    if (!ring::is_utf8(text) || ring::has_control_characters(text))
        refuse("has a line break, a control character or bytes that are not UTF-8");
    if (text.ends_with('/'))
        refuse("ends in `/`, which is a directory; add the name of a file, as in \"" +
               std::string(text) + "events.jsonl\"");

    absolute_ = text.starts_with('/');
    if (absolute_)
        text.remove_prefix(1);
    for (bool more = true; more;) {
        const size_t slash = text.find('/');
        components_.push_back(parse_component(text.substr(0, slash), part_names));
        more = slash != text.npos;
        text.remove_prefix(more ? slash + 1 : text.size());
    }

    require_all_parts(part_names);
    if (!absolute_)
        keep_off_own_files();
}

PathTemplate::Component PathTemplate::parse_component(std::string_view text,
                                                      std::span<const std::string> part_names) {
    if (text.empty())
        refuse("has `//`; write one `/` between two names");
    if (text == "." || text == "..")
        refuse("has the component `" + std::string(text) + "`; write the path without it");

    Component component;
    const size_t open = text.find_first_of("{}");
    component.before = text.substr(0, open);
    if (open == text.npos) {
        if (text.size() > kMaxComponent)
            refuse("has a component of more than " + std::to_string(kMaxComponent) + " bytes");
        return component;
    }
    if (text[open] == '}')
        refuse("has a `}` without a `{` before it; a part is written {name}");
    const size_t close = text.find_first_of("{}", open + 1);
    if (close == text.npos || text[close] == '{')
        refuse("has a `{` without its `}`; a part is written {name}");

    const std::string_view name = text.substr(open + 1, close - open - 1);
    const auto part = std::find(part_names.begin(), part_names.end(), name);
    if (part == part_names.end())
        refuse("names " + braced(name) + ", which the channels do not have; they have " +
               (part_names.empty() ? "no parts" : list(part_names)));
    component.part = static_cast<size_t>(part - part_names.begin());
    component.behind = text.substr(close + 1);

    const size_t next = component.behind.find_first_of("{}");
    if (next != component.behind.npos && component.behind[next] == '}')
        refuse("has a `}` without a `{` before it; a part is written {name}");
    if (next != component.behind.npos)
        refuse(
            "has two parts between two slashes, so that channels could share a file; put a `/` "
            "between them, as in {a}/{b}");
    if (component.before.size() + component.behind.size() > kMaxLiteral)
        refuse("has more than " + std::to_string(kMaxLiteral) + " bytes of text around " +
               braced(name) + " in one component; shorten it");
    if (component.behind.ends_with('~'))
        refuse("has a `~` at the end of the component of " + braced(name) +
               ", which marks names that go on in the next directory; leave it out");
    return component;
}

void PathTemplate::require_all_parts(std::span<const std::string> part_names) const {
    std::vector<std::string> missing;
    for (size_t i = 0; i < part_names.size(); ++i) {
        if (std::none_of(components_.begin(), components_.end(),
                         [i](const Component& component) { return component.part == i; }))
            missing.push_back(part_names[i]);
    }
    if (!missing.empty())
        refuse("leaves out " + list(missing) +
               ", so that channels would share a file; put it into the path, as in \"runs/" +
               braced(missing.front()) + ".jsonl\"");
}

void PathTemplate::keep_off_own_files() const {
    const Component& first = components_.front();
    for (std::string_view own : kOwnFiles) {
        const bool is_own = first.part == kNoPart
                                ? first.before == own
                                : own.size() > first.before.size() + first.behind.size() &&
                                      own.starts_with(first.before) && own.ends_with(first.behind);
        if (is_own)
            refuse("could be `" + std::string(own) +
                   "`, which Herald keeps in its state directory; begin with a directory of its "
                   "own, as in \"runs/...\"");
    }
}

std::string PathTemplate::expand(std::span<const std::string_view> values) const {
    std::string path;
    for (const Component& component : components_) {
        if (!path.empty() || absolute_)
            path += '/';
        path += component.before;
        if (component.part != kNoPart)
            append_value(values[component.part], path);
        path += component.behind;
    }
    return path;
}

}  // namespace herald::sidecar
