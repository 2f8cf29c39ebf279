#include "tests/bench/generator.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <numeric>

#include "engine/base/iso8601.h"

namespace bench {
namespace {

bool all_of(const std::string& text, const char* allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == std::string::npos;
}

void append_hex(std::string& out, std::uint64_t value, std::size_t digits) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (std::size_t i = digits; i-- > 0;) out += kDigits[value >> (4 * (i % 16)) & 15];
}

}  // namespace

Generator::Generator(const std::vector<std::string>& samples, const GeneratorOptions& options)
    : options_(options), random_(options.seed) {
  std::vector<const std::string*> taken;
  for (const auto& sample : samples) taken.push_back(&sample);
  std::sort(taken.begin(), taken.end(), [](auto* left, auto* right) { return left->size() > right->size(); });
  // The largest are dropped again, so that the mean is that of usual events.
  taken.erase(taken.begin(), taken.begin() + static_cast<std::ptrdiff_t>(taken.size() / 200));
  double bytes = std::accumulate(taken.begin(), taken.end(), 0.0,
                                 [](double sum, auto* text) { return sum + static_cast<double>(text->size()); });
  while (taken.size() > 100 && bytes / static_cast<double>(taken.size()) < static_cast<double>(options.mean_bytes)) {
    bytes -= static_cast<double>(taken.back()->size());
    taken.pop_back();
  }
  mean_bytes_ = bytes / static_cast<double>(taken.size());
  for (const auto* text : taken) samples_.push_back(cut(*text));
}

Generator::Kind Generator::kind_of(const std::string& name, const std::string& value) {
  if (name == "Computer") return Kind::Computer;
  if (name == "EventRecordID") return Kind::RecordId;
  if (name == "SystemTime") return Kind::Time;
  if (name == "TargetUserName") return Kind::TargetUser;
  if (name == "SubjectUserName" || name == "User" || name == "UserName") return Kind::User;
  if (value.size() > 4 && value.starts_with("0x") && all_of(value.substr(2), "0123456789abcdefABCDEF")) return Kind::Hex;
  if (value.size() == 38 && value.front() == '{' && value.back() == '}') return Kind::Guid;
  if (value.size() >= 3 && value.size() <= 9 && all_of(value, "0123456789")) return Kind::Decimal;
  if (value.size() >= 7 && std::count(value.begin(), value.end(), '.') == 3 && all_of(value, "0123456789."))
    return Kind::Address;
  return Kind::Fixed;
}

Generator::Sample Generator::cut(const std::string& event) {
  Sample sample;
  sample.has_user = event.find(std::string("<EventID>") + kUserEvent + "<") != std::string::npos &&
                    event.find("TargetUserName") != std::string::npos;
  std::string fixed;
  const auto put = [&](Kind kind, const std::string& text) {
    if (kind == Kind::Fixed) {
      fixed += text;
      return;
    }
    sample.pieces.push_back({Kind::Fixed, std::exchange(fixed, {})});
    sample.pieces.push_back({kind, text});
  };
  const auto system_end = event.find("</System>");
  std::string name;
  for (std::size_t at = 0; at < event.size();) {
    if (event[at] != '<') {
      const auto end = std::min(event.find('<', at), event.size());
      const std::string value = event.substr(at, end - at);
      // What tells one kind of event from another stays.
      const bool kind_of_event = at < system_end && name != "Computer" && name != "EventRecordID";
      put(kind_of_event ? Kind::Fixed : kind_of(name, value), value);
      at = end;
      continue;
    }
    const auto end = std::min(event.find('>', at), event.size() - 1);
    const std::string tag = event.substr(at, end + 1 - at);
    name = tag.substr(1, tag.find_first_of(" />", 1) - 1);
    const bool ids = name == "TimeCreated" || name == "Execution" || name == "Correlation";
    if (name == "Data") {
      const auto begin = tag.find("Name=\"");
      if (begin != std::string::npos) name = tag.substr(begin + 6, tag.find('"', begin + 6) - begin - 6);
    }
    std::size_t done = 0;
    for (auto quote = tag.find('"'); ids && quote != std::string::npos; quote = tag.find('"', quote + 1)) {
      const auto close = tag.find('"', quote + 1);
      const auto word = tag.rfind(' ', quote) + 1;
      const std::string value = tag.substr(quote + 1, close - quote - 1);
      put(Kind::Fixed, tag.substr(done, quote + 1 - done));
      put(kind_of(tag.substr(word, quote - 1 - word), value), value);
      done = close;
      quote = close;
    }
    put(Kind::Fixed, tag.substr(done));
    at = end + 1;
  }
  sample.pieces.push_back({Kind::Fixed, fixed});
  return sample;
}

void Generator::write(std::string& out, const Piece& piece) {
  const std::uint64_t random = piece.kind == Kind::Fixed ? 0 : random_();
  switch (piece.kind) {
    case Kind::Fixed:
      out += piece.text;
      break;
    case Kind::Hex:
      out += "0x";
      append_hex(out, (random & 0xffff) | 0x10000, std::min<std::size_t>(piece.text.size() - 2, 6));
      break;
    case Kind::Decimal:
      out += std::to_string(4 * (random % 5000) + 100);
      break;
    case Kind::Guid:
      out += '{';
      append_hex(out, random % 100'000 * 2'654'435'761 & 0xffffffff, 8);
      out += piece.text.substr(9);
      break;
    case Kind::Address:
      out += "10.0." + std::to_string(random % 16) + '.' + std::to_string(random / 16 % 256);
      break;
    case Kind::TargetUser:
      if (rare_now_) {
        out += kRareUser;
        ++rare_;
        rare_now_ = false;
        break;
      }
      if (random % 8 == 0) {
        out += kFrequentUser;
        break;
      }
      [[fallthrough]];
    case Kind::User:
      out += "user" + std::to_string(random / 8 % options_.users);
      break;
    case Kind::Computer: {
      char name[48];
      std::snprintf(name, sizeof name, "host-%06u.lab.example", static_cast<unsigned>(computer_));
      out += name;
      break;
    }
    case Kind::RecordId:
      out += std::to_string(number_);
      break;
    case Kind::Time:
      out += base::format_utc(options_.start + options_.step * static_cast<std::int64_t>(number_), 7);
      break;
  }
}

std::string Generator::next() {
  draw_computer();
  return next_of_computer();
}

std::string Generator::next_of_computer() {
  ++number_;
  if (options_.rare_every != 0 && number_ % options_.rare_every == 0) rare_due_ = true;
  const auto& sample = samples_[random_() % samples_.size()];
  if (rare_due_ && sample.has_user) {
    rare_now_ = true;
    rare_due_ = false;
  }
  std::string event;
  event.reserve(2048);
  for (const auto& piece : sample.pieces) write(event, piece);
  return event;
}

}  // namespace bench
