#include "cli/password.h"

#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <iostream>

#include "engine/auth/secret.h"
#include "engine/base/win32.h"

namespace cli {
namespace {

volatile std::sig_atomic_t interrupted = 0;

/// Hides what is typed as long as it lives, where standard input is a terminal. A signal that would end the program waits
/// until the terminal is as it was.
class NoEcho {
 public:
  NoEcho() {
    active_ = ::isatty(STDIN_FILENO) == 1 && ::tcgetattr(STDIN_FILENO, &terminal_) == 0;
    if (!active_) return;
    interrupted = 0;
    struct sigaction action {};
    action.sa_handler = [](int number) { interrupted = number; };
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &action, &actions_[i]);
    termios quiet = terminal_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  ~NoEcho() {
    if (!active_) return;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal_);
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &actions_[i], nullptr);
    if (interrupted != 0) ::raise(interrupted);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  static constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};

  bool active_ = false;
  termios terminal_{};
  std::array<struct sigaction, kSignals.size()> actions_{};
};

base::Result<std::string> read_line(Console& console, const std::string& prompt) {
  console.err << prompt << std::flush;
  std::string password;
  bool read = false;
  {
    const NoEcho no_echo;
    read = static_cast<bool>(std::getline(console.in, password));
  }
  console.err << '\n';
  if (!read) return base::make_error(base::Win32::Cancelled, "No password was given.");
  if (password.ends_with('\r')) password.pop_back();
  return password;
}

}  // namespace

base::Result<std::string> ask_password(Console& console, const std::string& user) {
  return read_line(console, "Password for " + user + ": ");
}

base::Result<std::string> ask_new_password(Console& console, const std::string& user) {
  ASSIGN_OR_RETURN(std::string password, read_line(console, "New password for " + user + ": "));
  if (password.empty()) return base::make_error(base::Win32::InvalidParameter, "The password is empty.");
  if (&console.in != &std::cin || ::isatty(STDIN_FILENO) != 1) return password;
  ASSIGN_OR_RETURN(std::string again, read_line(console, "The same again: "));
  const bool same = again == password;
  auth::wipe(again);
  if (same) return password;
  auth::wipe(password);
  return base::make_error(base::Win32::InvalidParameter, "The two passwords differ.");
}

}  // namespace cli
