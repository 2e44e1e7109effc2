// Threads beside the loop, for what can wait while the loop cannot.
#pragma once

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <string>

namespace herald::sidecar {

// Threads that are started meanwhile take no signals: those belong to the loop.
class SignalsBlocked {
  public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

  private:
    sigset_t before_{};
};

// How much of a short processor such a thread is given: beside one of the loop's, Linux gives a
// tenth of its time to what somebody may be waiting for, and a hundredth to what others only want
// to have in the end. Several of the former cost a busy loop more than they may.
enum class Niceness : int { Soon = 10, Eventually = 19 };

// The first thing that such a thread does: its name (of which 15 bytes are shown), and a priority
// below the loop's, which Linux has for each thread. Never raises it, also where the process may.
inline void begin_side_thread(const std::string& name, Niceness niceness) {
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
    const auto thread = static_cast<id_t>(gettid());
    if (getpriority(PRIO_PROCESS, thread) < static_cast<int>(niceness))
        setpriority(PRIO_PROCESS, thread, static_cast<int>(niceness));
}

}  // namespace herald::sidecar
