// A process of its own that is there to be killed.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

extern char** environ;

namespace obbak::io {

// Runs one disabled test of this very program.
class Victim {
 public:
  // What the victim may write to.
  static constexpr int kReportFd = 3;

  // `test`: its full name. `variables`: "NAME=value", added to its environment.
  Victim(const std::string& test, std::vector<std::string> variables) {
    std::array<int, 2> pipe_ends{};
    if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) return;
    reports_ = pipe_ends[0];
    std::vector<std::string> arguments{"victim", "--gtest_also_run_disabled_tests",
                                       "--gtest_filter=" + test};
    // Not which part of the tests this process runs.
    for (char** variable = environ; *variable != nullptr; ++variable) {
      if (!std::string_view(*variable).starts_with("GTEST_")) variables.emplace_back(*variable);
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], kReportFd);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, Pointers(arguments).data(),
                    Pointers(variables).data()) != 0) {
      pid_ = 0;
    }
    posix_spawn_file_actions_destroy(&actions);
    close(pipe_ends[1]);
  }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;
  ~Victim() {
    Kill();
    close(reports_);
  }

  bool began() const { return pid_ != 0; }
  // The other end of its kReportFd.
  int reports() const { return reports_; }
  // Kills it if it is still there. Returns how it ended, as waitpid.
  int Kill() {
    if (pid_ == 0) return status_;
    kill(pid_, SIGKILL);
    while (waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return status_;
  }

 private:
  static std::vector<char*> Pointers(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
  }

  int reports_ = -1;
  pid_t pid_ = 0;
  int status_ = 0;
};

inline bool WasKilled(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL; }

}  // namespace obbak::io
