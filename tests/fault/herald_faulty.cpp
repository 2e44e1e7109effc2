// `herald`, but it dies where it is told to: HERALD_DIE_AT=STEP:N kills it (SIGKILL) at the Nth time
// that it comes to that step (sidecar/step.hpp). For the tests of what survives.
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sidecar/command_line.hpp"
#include "sidecar/step.hpp"

namespace {

std::string g_step;
std::atomic<long> g_left{0};

void die_at(const char* name) {
    if (name == g_step && g_left.fetch_sub(1) == 1)
        kill(getpid(), SIGKILL);
}

}  // namespace

int main(int argc, char** argv) {
    if (const char* wish = std::getenv("HERALD_DIE_AT")) {
        const std::string_view text = wish;
        const size_t colon = text.rfind(':');
        g_step = text.substr(0, colon);
        g_left = std::atol(wish + colon + 1);
        herald::sidecar::g_at_step = die_at;
    }
    return herald::sidecar::command_line(argc, argv);
}
