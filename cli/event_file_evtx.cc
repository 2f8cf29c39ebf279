#include "cli/event_file_evtx.h"

#include <fcntl.h>
#include <libevtx/features.h>
// What needs the headers of a further library is not used.
#undef LIBEVTX_HAVE_BFIO
#include <libevtx.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>
#include <vector>

#include "engine/base/win32.h"

namespace cli {
namespace {

constexpr rlim_t kMaxMemory = 2ull << 30;
/// A record that takes the parser longer is not worth waiting for.
constexpr int kMaxWaitMs = 60'000;

// What comes before each message of the child: its length, or one of these.
constexpr std::uint32_t kEnd = 0xFFFF'FFFF;
constexpr std::uint32_t kUnreadable = 0xFFFF'FFFE;
constexpr std::uint32_t kCorrupt = 0xFFFF'FFFD;

bool write_all(int descriptor, const void* bytes, std::size_t size) {
  const char* at = static_cast<const char*>(bytes);
  while (size != 0) {
    const ssize_t written = ::write(descriptor, at, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    at += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

bool send_mark(int descriptor, std::uint32_t mark) {
  return write_all(descriptor, &mark, sizeof mark);
}

/// Sends one record, as XML or as a mark. False where nobody reads any more.
bool send_record(int descriptor, libevtx_record_t* record) {
  std::size_t size = 0;
  if (libevtx_record_get_utf8_xml_string_size(record, &size, nullptr) != 1 || size == 0 || size > kMaxEventText) {
    return send_mark(descriptor, kUnreadable);
  }
  std::vector<std::uint8_t> text(size);
  if (libevtx_record_get_utf8_xml_string(record, text.data(), size, nullptr) != 1) return send_mark(descriptor, kUnreadable);
  const auto length = static_cast<std::uint32_t>(::strnlen(reinterpret_cast<const char*>(text.data()), size));
  return send_mark(descriptor, length) && write_all(descriptor, text.data(), length);
}

using CountFunction = int (*)(libevtx_file_t*, int*, libevtx_error_t**);
using GetFunction = int (*)(libevtx_file_t*, int, libevtx_record_t**, libevtx_error_t**);

bool send_records(int descriptor, libevtx_file_t* file, CountFunction count_records, GetFunction get_record) {
  int count = 0;
  if (count_records(file, &count, nullptr) != 1) return true;
  for (int i = 0; i < count; ++i) {
    libevtx_record_t* record = nullptr;
    if (get_record(file, i, &record, nullptr) != 1) {
      if (!send_mark(descriptor, kUnreadable)) return false;
      continue;
    }
    const bool sent = send_record(descriptor, record);
    libevtx_record_free(&record, nullptr);
    if (!sent) return false;
  }
  return true;
}

[[noreturn]] void read_in_child(int descriptor, const char* path, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  std::signal(SIGPIPE, SIG_IGN);
  const auto limit = [](int resource, rlim_t value) {
    const rlimit limits{value, value};
    ::setrlimit(static_cast<__rlimit_resource_t>(resource), &limits);
  };
#ifndef __SANITIZE_ADDRESS__
  limit(RLIMIT_AS, kMaxMemory);
#endif
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_CORE, 0);
  libevtx_file_t* file = nullptr;
  if (libevtx_file_initialize(&file, nullptr) != 1 || libevtx_file_open(file, path, LIBEVTX_OPEN_READ, nullptr) != 1) {
    send_mark(descriptor, kCorrupt);
    ::_exit(0);
  }
  const bool sent = send_records(descriptor, file, libevtx_file_get_number_of_records, libevtx_file_get_record_by_index) &&
                    send_records(descriptor, file, libevtx_file_get_number_of_recovered_records,
                                 libevtx_file_get_recovered_record_by_index);
  if (sent) send_mark(descriptor, kEnd);
  ::_exit(0);
}

/// Without the white space that only indents: libevtx writes an element a line, Windows none.
std::string without_indentation(std::string_view xml) {
  std::string out;
  out.reserve(xml.size());
  for (std::size_t at = 0; at < xml.size();) {
    const auto greater = xml.find('>', at);
    if (greater == std::string_view::npos) {
      out += xml.substr(at);
      break;
    }
    out += xml.substr(at, greater + 1 - at);
    at = greater + 1;
    const auto next = xml.find_first_not_of(" \t\r\n", at);
    if (next == std::string_view::npos) break;
    if (next == at || xml[next] != '<') continue;
    // What stands between an opening tag and its closing one is a value.
    const auto opening = xml.rfind('<', greater);
    const bool opens = opening != std::string_view::npos && xml[opening + 1] != '/' && xml[greater - 1] != '/';
    if (opens && xml.substr(next).starts_with("</")) continue;
    at = next;
  }
  return out;
}

class EvtxFile final : public EventFile {
 public:
  EvtxFile(std::filesystem::path file, int descriptor, pid_t child)
      : file_(std::move(file)), descriptor_(descriptor), child_(child) {
    std::error_code ignored;
    size_ = std::filesystem::file_size(file_, ignored);
  }
  ~EvtxFile() override { stop(); }

  base::Result<std::optional<std::string>> next() override {
    while (child_ > 0) {
      std::uint32_t mark = 0;
      if (!read_all(&mark, sizeof mark)) return corrupt("The parser broke off.");
      if (mark == kEnd) {
        done_ = size_;
        stop();
        break;
      }
      if (mark == kCorrupt) return corrupt("It cannot be opened as a log file of Windows.");
      if (mark == kUnreadable) {
        ++unreadable_;
        continue;
      }
      if (mark > kMaxEventText) return corrupt("The parser broke off.");
      std::string text(mark, '\0');
      if (!read_all(text.data(), text.size())) return corrupt("The parser broke off.");
      // An unreadable record that comes as an empty text.
      if (text.find("<Event") == std::string::npos) {
        ++unreadable_;
        continue;
      }
      return std::optional(without_indentation(text));
    }
    return std::optional<std::string>();
  }

 private:
  base::Error corrupt(std::string_view why) {
    stop();
    return base::make_error(base::Win32::EventlogFileCorrupt, file_.string() + ": " + std::string(why));
  }

  bool read_all(void* into, std::size_t size) {
    char* at = static_cast<char*>(into);
    while (size != 0) {
      pollfd wait{descriptor_, POLLIN, 0};
      const int ready = ::poll(&wait, 1, kMaxWaitMs);
      if (ready < 0 && errno == EINTR) continue;
      if (ready <= 0) return false;
      const ssize_t count = ::read(descriptor_, at, size);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return false;
      at += count;
      size -= static_cast<std::size_t>(count);
    }
    return true;
  }

  void stop() {
    if (child_ <= 0) return;
    ::close(descriptor_);
    ::kill(child_, SIGKILL);
    int status = 0;
    while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    child_ = -1;
  }

  std::filesystem::path file_;
  int descriptor_;
  pid_t child_;
};

}  // namespace

base::Result<std::unique_ptr<EventFile>> open_evtx(const std::filesystem::path& file) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return base::make_error(std::error_code(errno, std::generic_category()), "make a pipe");
  }
  const std::string path = file.string();
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    read_in_child(ends[1], path.c_str(), parent);
  }
  const int failure = errno;
  ::close(ends[1]);
  if (child < 0) {
    ::close(ends[0]);
    return base::make_error(std::error_code(failure, std::generic_category()), "start the parser");
  }
  return std::unique_ptr<EventFile>(std::make_unique<EvtxFile>(file, ends[0], child));
}

}  // namespace cli
