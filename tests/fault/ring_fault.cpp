// Kills the ring's writer, over and over, while readers read: no corrupt payload is ever accepted,
// no gap is silent, and what was published is readable. Then proves that it would notice: broken
// readers and writers must be caught.
//
//   herald_ring_fault [--messages N] [--kills K] [--seed S] [--mutant NAME]
//
// Ends with 0 when all is well: without --mutant if every invariant held, with it if one did not.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>

#include "harness.hpp"

namespace herald::fault {
namespace {

struct Mutant {
    std::string_view name;
    ReaderMutant reader;
    WriterMutant writer;
};

constexpr Mutant kMutants[] = {
    {"reader-without-bounds", ReaderMutant::NoBounds, WriterMutant::None},
    {"reader-without-intent-on-header", ReaderMutant::NoIntentOnHeader, WriterMutant::None},
    {"reader-without-intent-on-body", ReaderMutant::NoIntentOnBody, WriterMutant::None},
    {"writer-without-intent", ReaderMutant::None, WriterMutant::NoIntent},
    {"writer-with-late-intent", ReaderMutant::None, WriterMutant::LateIntent},
    {"writer-with-early-tail", ReaderMutant::None, WriterMutant::EarlyTail},
    {"writer-with-silent-eviction", ReaderMutant::None, WriterMutant::SilentEviction},
};

[[noreturn]] void usage() {
    std::fprintf(stderr,
                 "usage: herald_ring_fault [--messages N] [--kills K] [--seed S] [--mutant NAME]\n"
                 "mutants:");
    for (const Mutant& mutant : kMutants)
        std::fprintf(stderr, " %.*s", static_cast<int>(mutant.name.size()), mutant.name.data());
    std::fprintf(stderr, "\n");
    std::exit(2);
}

uint64_t number(std::string_view text) {
    uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, value);
    if (parsed.ec != std::errc{} || parsed.ptr != end)
        usage();
    return value;
}

const Mutant& mutant_of(std::string_view name) {
    for (const Mutant& mutant : kMutants) {
        if (mutant.name == name)
            return mutant;
    }
    usage();
}

// A mutant may do anything: it runs in a process of its own, and its crash is as good as a verdict.
bool is_caught(const RunOptions& options) {
    const pid_t child = fork();
    if (child < 0)
        return false;
    if (child == 0) {
        const rlimit none{0, 0};
        setrlimit(RLIMIT_CORE, &none);
        _exit(run_harness(options) ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return status != 0;
}

int run(int argc, char** argv) {
    RunOptions options;
    std::string_view mutant;
    if (argc % 2 == 0)
        usage();
    for (int i = 1; i < argc; i += 2) {
        const std::string_view name = argv[i], value = argv[i + 1];
        if (name == "--messages")
            options.messages = number(value);
        else if (name == "--kills")
            options.kills = number(value);
        else if (name == "--seed")
            options.seed = number(value);
        else if (name == "--mutant")
            mutant = value;
        else
            usage();
    }
    if (mutant.empty())
        return run_harness(options) ? EXIT_SUCCESS : EXIT_FAILURE;

    options.reader = mutant_of(mutant).reader;
    options.writer = mutant_of(mutant).writer;
    options.prints = false;
    const bool caught = is_caught(options);
    std::printf("%.*s: %s\n", static_cast<int>(mutant.size()), mutant.data(),
                caught ? "caught" : "SURVIVED");
    return caught ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace herald::fault

int main(int argc, char** argv) {
    try {
        return herald::fault::run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "herald_ring_fault: %s\n", error.what());
        return 2;
    }
}
