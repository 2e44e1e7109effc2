// The last line of a terminal on standard error, redrawn in place. Nothing is asked of the terminal
// but a carriage return.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace herald::cli {

class TerminalLine {
  public:
    TerminalLine() = default;
    ~TerminalLine() { clear(); }
    TerminalLine(const TerminalLine&) = delete;
    TerminalLine& operator=(const TerminalLine&) = delete;

    static bool is_terminal();
    static size_t columns();  // that a line may have without being broken

    void draw(std::string line);

    // A line above it, which stays. Also for what is no terminal.
    void say(std::string_view text);

    void clear();  // takes it off the screen

  private:
    size_t drawn_ = 0;  // columns on the screen
};

}  // namespace herald::cli
