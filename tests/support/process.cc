#include "tests/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>

#include "engine/base/die.h"

namespace test_support {
namespace {

struct Pipe {
  int read_end = -1;
  int write_end = -1;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) base::die("pipe2 failed");
    read_end = ends[0];
    write_end = ends[1];
  }
};

pid_t spawn(const std::vector<std::string>& arguments, int in, int out, int err) {
  std::vector<char*> pointers;
  for (const auto& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) base::die("fork failed");
  if (pid != 0) return pid;
  // A test that crashes takes its programs along.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  ::execvp(pointers[0], pointers.data());
  ::_exit(127);
}

int status_of(int raw) {
  return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
}

std::string status_field(pid_t pid, const std::string& key) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with(key)) return line.substr(key.size());
  }
  return "0";
}

}  // namespace

CommandResult run_command(const std::vector<std::string>& arguments, const std::string& input,
                          std::chrono::milliseconds limit) {
  Pipe in;
  Pipe out;
  Pipe err;
  const pid_t pid = spawn(arguments, in.read_end, out.write_end, err.write_end);
  ::close(in.read_end);
  ::close(out.write_end);
  ::close(err.write_end);
  std::thread writer([&in, &input] {
    std::size_t at = 0;
    while (at < input.size()) {
      const ssize_t written = ::write(in.write_end, input.data() + at, input.size() - at);
      if (written <= 0) break;
      at += static_cast<std::size_t>(written);
    }
    ::close(in.write_end);
  });
  CommandResult result;
  const auto end = std::chrono::steady_clock::now() + limit;
  pollfd descriptors[2] = {{out.read_end, POLLIN, 0}, {err.read_end, POLLIN, 0}};
  std::string* targets[2] = {&result.out, &result.err};
  int open = 2;
  while (open > 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    if (left <= 0) {
      ::kill(pid, SIGKILL);
      break;
    }
    ::poll(descriptors, 2, static_cast<int>(left));
    for (int i = 0; i < 2; ++i) {
      if (descriptors[i].fd < 0 || descriptors[i].revents == 0) continue;
      char buffer[65536];
      const ssize_t got = ::read(descriptors[i].fd, buffer, sizeof buffer);
      if (got > 0) {
        targets[i]->append(buffer, static_cast<std::size_t>(got));
      } else {
        descriptors[i].fd = -1;
        --open;
      }
    }
  }
  int raw = 0;
  ::waitpid(pid, &raw, 0);
  result.status = status_of(raw);
  writer.join();
  ::close(out.read_end);
  ::close(err.read_end);
  return result;
}

struct Process::State {
  pid_t pid = -1;
  std::thread reader;
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::string errors;
  bool closed = false;
  std::optional<int> status;

  bool reap(bool wait) {
    if (status) return true;
    int raw = 0;
    if (::waitpid(pid, &raw, wait ? 0 : WNOHANG) != pid) return false;
    status = status_of(raw);
    return true;
  }
};

Process::Process(std::vector<std::string> arguments) : state_(std::make_unique<State>()) {
  Pipe err;
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  state_->pid = spawn(arguments, null, null, err.write_end);
  ::close(null);
  ::close(err.write_end);
  state_->reader = std::thread([state = state_.get(), from = err.read_end] {
    char buffer[4096];
    for (;;) {
      const ssize_t got = ::read(from, buffer, sizeof buffer);
      std::lock_guard lock(state->mutex);
      if (got <= 0) {
        state->closed = true;
        state->changed.notify_all();
        break;
      }
      state->errors.append(buffer, static_cast<std::size_t>(got));
      state->changed.notify_all();
    }
    ::close(from);
  });
}

Process::~Process() {
  kill();
  state_->reader.join();
}

pid_t Process::pid() const {
  return state_->pid;
}

std::optional<std::string> Process::wait_for_line(const std::string& part, std::chrono::milliseconds limit) {
  std::unique_lock lock(state_->mutex);
  std::optional<std::string> found;
  state_->changed.wait_for(lock, limit, [&] {
    const auto at = state_->errors.find(part);
    if (at != std::string::npos) {
      const auto end = state_->errors.find('\n', at);
      if (end == std::string::npos) return state_->closed;
      const auto before = state_->errors.rfind('\n', at);
      const auto start = before == std::string::npos ? 0 : before + 1;
      found = state_->errors.substr(start, end - start);
      return true;
    }
    return state_->closed;
  });
  return found;
}

std::string Process::error_output() const {
  std::lock_guard lock(state_->mutex);
  return state_->errors;
}

void Process::send_signal(int number) {
  if (running()) ::kill(state_->pid, number);
}

void Process::kill() {
  if (state_->reap(false)) return;
  ::kill(state_->pid, SIGKILL);
  state_->reap(true);
}

std::optional<int> Process::terminate(std::chrono::milliseconds limit) {
  if (!state_->reap(false)) ::kill(state_->pid, SIGTERM);
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!state_->reap(false)) {
    if (std::chrono::steady_clock::now() >= end) {
      kill();
      return std::nullopt;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return state_->status;
}

bool Process::running() const {
  return !state_->reap(false);
}

std::chrono::microseconds Process::cpu_time() const {
  std::ifstream file("/proc/" + std::to_string(state_->pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto behind_name = text.rfind(')');
  if (behind_name == std::string::npos) return {};
  std::istringstream fields(text.substr(behind_name + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  long user = 0;
  long system = 0;
  fields >> user >> system;
  return std::chrono::microseconds((user + system) * 1'000'000 / ::sysconf(_SC_CLK_TCK));
}

std::size_t Process::peak_memory() const {
  return std::stoull(status_field(state_->pid, "VmHWM:")) * 1024;
}
std::size_t Process::memory() const {
  return std::stoull(status_field(state_->pid, "VmRSS:")) * 1024;
}

}  // namespace test_support
