// Blanks wipe what was longer.
#include "sidecar/cli/terminal_line.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

namespace herald::cli {

bool TerminalLine::is_terminal() {
    return isatty(STDERR_FILENO) != 0;
}

size_t TerminalLine::columns() {
    constexpr size_t kUsualColumns = 80;
    winsize size{};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return kUsualColumns - 1;
    return size.ws_col - 1u;
}

void TerminalLine::draw(std::string line) {
    const size_t columns = line.size();
    if (columns < drawn_)
        line.append(drawn_ - columns, ' ');
    drawn_ = columns;
    std::fprintf(stderr, "\r%s", line.c_str());
    std::fflush(stderr);
}

void TerminalLine::say(std::string_view text) {
    clear();
    std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
}

void TerminalLine::clear() {
    if (drawn_ == 0)
        return;
    draw("");
    std::fputs("\r", stderr);
}

}  // namespace herald::cli
