#include "tests/bench/corpus.h"

#include <cstdio>
#include <cstdlib>

namespace bench {
namespace {

[[noreturn]] void fail(const std::string& text) {
  std::fprintf(stderr, "%s\n", text.c_str());
  std::exit(1);
}

/// Puts `text` in the place of what stands between `open` and `close`; its position, or npos where there is no such element.
std::size_t replace_between(std::string& xml, const std::string& open, const std::string& close, const std::string& text) {
  const auto from = xml.find(open);
  if (from == std::string::npos) return std::string::npos;
  const auto start = from + open.size();
  const auto end = xml.find(close, start);
  if (end == std::string::npos) return std::string::npos;
  xml.replace(start, end - start, text);
  return start;
}

}  // namespace

std::vector<std::string> read_events(const std::filesystem::path& file) {
  const std::string command = (file.extension() == ".gz" ? "gzip -dc '" : "cat '") + file.string() + "'";
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) fail("cannot run " + command);
  std::vector<std::string> events;
  char* line = nullptr;
  std::size_t capacity = 0;
  for (ssize_t got; (got = ::getline(&line, &capacity, pipe)) > 0;) {
    std::string event(line, static_cast<std::size_t>(got));
    while (!event.empty() && (event.back() == '\n' || event.back() == '\r')) event.pop_back();
    if (!event.empty()) events.push_back(std::move(event));
  }
  std::free(line);
  if (::pclose(pipe) != 0 || events.empty()) fail("no events in " + file.string());
  return events;
}

Variable make_variable(const std::string& event) {
  Variable variable;
  variable.xml = event;
  const auto computer = replace_between(variable.xml, "<Computer>", "</Computer>", "host-000000.lab.example");
  const auto record = replace_between(variable.xml, "<EventRecordID>", "</EventRecordID>", "0000000000");
  if (computer == std::string::npos || record == std::string::npos) {
    variable.xml.clear();
    return variable;
  }
  variable.record_at = record;
  variable.computer_at = variable.xml.find("<Computer>host-") + 15;
  return variable;
}

void put_digits(char* to, unsigned long long value, std::size_t digits, std::size_t stride) {
  for (std::size_t i = digits; i-- > 0;) {
    to[i * stride] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

}  // namespace bench
