#include "cli/winrm_surroundings.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "engine/base/win32.h"

extern char** environ;

namespace cli {
namespace {

constexpr std::size_t kMaxOutput = 4 << 20;

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> list;
  for (const std::string& word : words) list.push_back(const_cast<char*>(word.c_str()));
  list.push_back(nullptr);
  return list;
}

base::Error system_error(int number, const std::string& what) {
  return base::make_error(std::error_code(number, std::generic_category()), what);
}

/// The status as a shell gives it.
int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

class RealSurroundings final : public WinrmSurroundings {
 public:
  base::Result<ControlSocket> connect_local(const Arguments& switches) override { return open_control_socket(switches); }

  base::Result<std::unique_ptr<wsman::Transport>> connect_remote(RemoteConnection plan) override {
    return cli::connect_remote(std::move(plan));
  }

  base::Result<CommandOutput> run(const std::vector<std::string>& command) override {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return base::errno_error("run " + command.front());
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    const std::vector<char*> words = pointers(command);
    pid_t child = 0;
    const int failure = ::posix_spawnp(&child, words.front(), &actions, nullptr, words.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    if (failure != 0) {
      ::close(ends[0]);
      return system_error(failure, "run " + command.front());
    }
    CommandOutput output;
    char buffer[4096];
    for (;;) {
      const ssize_t got = ::read(ends[0], buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      // What is too much is read all the same, so that the program can end.
      if (output.out.size() < kMaxOutput) output.out.append(buffer, static_cast<std::size_t>(got));
    }
    ::close(ends[0]);
    output.status = wait_for(child);
    return output;
  }

  base::Result<void> edit(const std::filesystem::path& file) override {
    // $EDITOR may have arguments: a shell takes it apart, as it does for every program that heeds it.
    std::string editor = "vi";
    for (const char* name : {"EDITOR", "VISUAL"}) {
      if (const char* value = std::getenv(name); value != nullptr && *value != '\0') editor = value;
    }
    const std::vector<std::string> command{"/bin/sh", "-c", editor + " \"$1\"", "winrm", file.string()};
    const std::vector<char*> words = pointers(command);
    pid_t child = 0;
    const int failure = ::posix_spawn(&child, words.front(), nullptr, nullptr, words.data(), environ);
    if (failure != 0) return system_error(failure, "run the editor " + editor);
    const int status = wait_for(child);
    if (status != 0) {
      return base::make_error(base::Win32::Cancelled, "The editor " + editor + " ended with status " +
                                                          std::to_string(status) + "; nothing was changed.");
    }
    return {};
  }
};

}  // namespace

std::unique_ptr<WinrmSurroundings> real_surroundings() {
  return std::make_unique<RealSurroundings>();
}

}  // namespace cli
