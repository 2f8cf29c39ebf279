#include "engine/service/audit_log.h"

#include <array>
#include <charconv>
#include <map>
#include <mutex>
#include <unordered_map>

#include "engine/auth/security_descriptor.h"
#include "engine/base/log.h"
#include "engine/service/authorization.h"
#include "engine/service/operational_log.h"

namespace service {
namespace {

constexpr std::uint64_t kAuditFailure = 0x0010'0000'0000'0000;
constexpr std::uint64_t kAuditSuccess = 0x0020'0000'0000'0000;
constexpr std::size_t kMaxText = 1024;

std::string cut(std::string_view text) {
  return std::string(text.substr(0, kMaxText));
}

std::string_view scheme_name(auth::Principal::Scheme scheme) {
  using enum auth::Principal::Scheme;
  switch (scheme) {
    case None:
      break;
    case Certificate:
      return "Certificate";
    case LocalPeer:
      return "Local";
    case Basic:
      return "Basic";
    case Negotiate:
      return "Negotiate";
    case Kerberos:
      return "Kerberos";
    case CredSsp:
      return "CredSSP";
  }
  return "None";
}

std::string_view right_name(wsman::Right right) {
  switch (right) {
    case wsman::Right::Read:
      return "Read";
    case wsman::Right::Write:
      return "Write";
    case wsman::Right::Execute:
      break;
  }
  return "Execute";
}

/// "192.0.2.7:49210" without its port: another connection is no other host.
std::string_view host_of(std::string_view address) {
  const auto colon = address.rfind(':');
  return colon == std::string_view::npos || address.ends_with(']') ? address : address.substr(0, colon);
}

/// What host_of() leaves; "-" where there is none.
std::string_view port_of(std::string_view address) {
  const std::string_view host = host_of(address);
  return host.size() == address.size() ? std::string_view("-") : address.substr(host.size() + 1);
}

std::string hexadecimal(std::uint32_t number) {
  std::array<char, 8> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
  return "0x" + std::string(digits.data(), end);
}

struct Attempt {
  std::string user;
  std::string_view scheme;
  std::string host;
  std::string resource;
  std::string action;
  wsman::Right right = wsman::Right::Read;
  bool granted = false;

  auto operator<=>(const Attempt&) const = default;
};

struct Repeated {
  std::string address;  ///< of the last one
  base::WallTime last;
  std::uint64_t count = 0;
  base::SteadyTime due;
};

events::Draft draft_of(const Attempt& attempt, const Repeated& repeated, const std::string& computer) {
  events::Draft draft = operational_draft(computer, repeated.last);
  draft.system.event_id = kAccessAuditEvent;
  draft.system.keywords |= attempt.granted ? kAuditSuccess : kAuditFailure;
  const std::string message =
      base::format_text("{} {} {} of {} ({})", attempt.user, attempt.granted ? "was granted" : "was denied",
                        right_name(attempt.right), attempt.resource, attempt.action);
  draft.data = {{"SubjectUserName", attempt.user},
                {"AuthenticationPackageName", std::string(attempt.scheme)},
                {"IpAddress", std::string(host_of(repeated.address))},
                {"IpPort", std::string(port_of(repeated.address))},
                {"ObjectServer", "WS-Management"},
                {"ObjectName", attempt.resource},
                {"Operation", attempt.action},
                {"AccessList", std::string(right_name(attempt.right))},
                {"AccessMask", hexadecimal(mask_of(attempt.right))},
                {"AccessGranted", attempt.granted ? "true" : "false"},
                {"Count", std::to_string(repeated.count)},
                {"Message", message}};
  return draft;
}

}  // namespace

struct AuditLog::State {
  State(std::string c, base::Clock& k) : computer(std::move(c)), clock(k) {}

  const std::string computer;
  base::Clock& clock;
  std::mutex mutex;
  std::map<Attempt, Repeated> attempts;
  std::unordered_map<std::string, std::size_t> hosts;  ///< how many of the attempts are a host's
  std::uint64_t discarded = 0;
  base::SteadyTime discarded_due;
};

AuditLog::AuditLog(std::string computer, base::Clock& clock) : state_(std::make_unique<State>(std::move(computer), clock)) {}
AuditLog::~AuditLog() = default;

void AuditLog::record(const wsman::AccessRequest& request, bool granted) {
  Attempt attempt{cut(request.who.name),
                  scheme_name(request.who.scheme),
                  cut(host_of(request.address)),
                  cut(request.resource_uri),
                  cut(request.action),
                  request.right,
                  granted};
  State& state = *state_;
  std::lock_guard lock(state.mutex);
  auto place = state.attempts.find(attempt);
  if (place == state.attempts.end()) {
    std::size_t& of_host = state.hosts[attempt.host];
    if (state.attempts.size() >= kMost || of_host >= kMostOfHost) {
      ++state.discarded;
      if (of_host == 0) state.hosts.erase(attempt.host);
      return;
    }
    ++of_host;
    place = state.attempts.emplace(std::move(attempt), Repeated{}).first;
    place->second.due = state.clock.steady();
  }
  place->second.address = cut(request.address);
  place->second.last = state.clock.wall();
  ++place->second.count;
}

std::vector<events::Draft> AuditLog::take(bool all) {
  State& state = *state_;
  std::vector<events::Draft> drafts;
  std::lock_guard lock(state.mutex);
  const base::SteadyTime now = state.clock.steady();
  for (auto place = state.attempts.begin(); place != state.attempts.end();) {
    auto& [attempt, repeated] = *place;
    if (now < repeated.due && !all) {
      ++place;
      continue;
    }
    if (repeated.count != 0) {
      drafts.push_back(draft_of(attempt, repeated, state.computer));
      repeated.count = 0;
      repeated.due = now + kEvery;
      ++place;
      continue;
    }
    const auto host = state.hosts.find(attempt.host);
    if (--host->second == 0) state.hosts.erase(host);
    place = state.attempts.erase(place);
  }
  if (state.discarded != 0 && (state.discarded_due <= now || all)) {
    events::Draft draft = operational_draft(state.computer, state.clock.wall());
    draft.system.event_id = kAuditsDiscardedEvent;
    draft.system.level = 3;
    draft.data = {
        {"AuditsDiscarded", std::to_string(state.discarded)},
        {"Message", std::to_string(state.discarded) + " attempts at access were not recorded: there were too many"}};
    drafts.push_back(std::move(draft));
    state.discarded = 0;
    state.discarded_due = now + kEvery;
  }
  return drafts;
}

}  // namespace service
