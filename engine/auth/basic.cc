#include "engine/auth/basic.h"

#include <arpa/inet.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <mutex>

#include "engine/auth/failure_limit.h"
#include "engine/base/die.h"
#include "engine/base/encoding.h"
#include "engine/base/log.h"
#include "engine/base/utf16.h"

namespace auth {
namespace {

constexpr std::size_t kMaxUser = 256;
constexpr std::size_t kMaxPassword = 1024;
/// In base64, with room for a domain.
constexpr std::size_t kMaxToken = 4096;

bool has_control_characters(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

std::string from_latin1(std::string_view bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  for (const unsigned char c : bytes) {
    if (c < 0x80) {
      text += static_cast<char>(c);
    } else {
      text += static_cast<char>(0xC0 | c >> 6);
      text += static_cast<char>(0x80 | (c & 0x3F));
    }
  }
  return text;
}

/// What stands for a peer in the count of failures: its address, the /64 of an IPv6 one.
std::string network_of(std::string_view address) {
  std::string host(address.substr(0, address.rfind(':')));
  if (!host.starts_with('[')) return host;
  host = host.substr(1, host.find(']') - 1);
  host.resize(std::min(host.find('%'), host.size()));
  std::array<unsigned char, 16> bytes{};
  if (::inet_pton(AF_INET6, host.c_str(), bytes.data()) != 1) return host;
  static constexpr std::array<unsigned char, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
    char text[INET_ADDRSTRLEN] = {};
    ::inet_ntop(AF_INET, bytes.data() + kMapped.size(), text, sizeof text);
    return text;
  }
  return base::to_hex({reinterpret_cast<const char*>(bytes.data()), 8});
}

bool has_administrators(const std::vector<std::string>& groups) {
  return std::ranges::any_of(groups, [](const std::string& group) {
    return base::equal_ignoring_case(group, "Administrators") || group == "BA" || group == "S-1-5-32-544";
  });
}

Step accepted(const PasswordDirectory::Record& record) {
  Step step;
  step.accepted = true;
  step.principal.scheme = Principal::Scheme::Basic;
  step.principal.name = record.name;
  step.principal.groups = record.groups;
  step.principal.administrator = has_administrators(record.groups);
  return step;
}

base::Error denied(std::string why) {
  return base::make_error(std::errc::permission_denied, std::move(why));
}

}  // namespace

base::Result<BasicCredentials> read_basic_token(std::string_view token) {
  const auto malformed = [](std::string why) { return base::make_error(std::errc::invalid_argument, std::move(why)); };
  if (token.size() > kMaxToken) return malformed("Basic credentials that are too long");
  auto decoded = base::parse_base64(token);
  if (!decoded) return malformed("Basic credentials that are no base64");
  std::string text;
  text.swap(*decoded);
  if (!base::is_valid_utf8(text)) {
    std::string converted = from_latin1(text);
    wipe(text);
    text.swap(converted);
  }
  BasicCredentials credentials;
  const auto colon = text.find(':');
  std::string why;
  if (colon == std::string::npos) {
    why = "Basic credentials without a colon";
  } else if (has_control_characters(text)) {
    why = "Basic credentials with control characters";
  } else {
    credentials.user = text.substr(0, colon);
    credentials.password = Secret(std::string_view(text).substr(colon + 1));
    if (const auto backslash = credentials.user.find('\\'); backslash != std::string::npos) {
      credentials.domain = credentials.user.substr(0, backslash);
      credentials.user.erase(0, backslash + 1);
    }
    if (credentials.user.empty()) why = "Basic credentials without a user";
    if (credentials.user.size() + credentials.domain.size() > kMaxUser)
      why = "Basic credentials with too long a user's name";
    if (credentials.password.view().size() > kMaxPassword) why = "Basic credentials with too long a password";
  }
  wipe(text);
  if (!why.empty()) return malformed(std::move(why));
  return credentials;
}

struct BasicAuthenticator::State {
  State(PasswordDirectory& d, BasicOptions o)
      : directory(d),
        options(std::move(o)),
        addresses(options.max_known, options.failures_of_address, options.address_pause),
        pairs(options.max_known, options.failures_of_address, options.address_pause),
        users(options.max_known, options.failures_of_user, options.user_pause) {
    if (RAND_bytes(key.data(), static_cast<int>(key.size())) != 1) base::die("no random bytes");
  }

  /// A password that was right.
  struct Remembered {
    std::string digest;
    std::string connection;  ///< the last one it came on
    PasswordDirectory::Record record;
    base::SteadyTime until;
  };
  /// What an attempt was counted as.
  struct Attempt {
    FailureLimit* counted = nullptr;
    std::string key;
    bool counted_for_user = false;
    bool delayed = false;
  };

  PasswordDirectory& directory;
  const BasicOptions options;
  std::array<unsigned char, 32> key{};
  std::mutex mutex;
  std::uint64_t generation = 0;                     ///< of what is remembered
  std::map<std::string, Remembered> passed;         ///< by user and network
  std::map<std::string, base::SteadyTime> at_home;  ///< users and networks, with the time they were last right there
  FailureLimit addresses;
  FailureLimit pairs;
  FailureLimit users;
  std::size_t delayed = 0;

  std::string digest(const std::string& place, std::string_view password) const;
  bool is_own_domain(const std::string& domain) const;
  std::optional<PasswordDirectory::Record> recall(const std::string& place, const std::string& digest,
                                                  const std::string& address, bool limited);
  base::Result<Attempt> count(const std::string& user, const std::string& network, const std::string& place);
  void forgive(const Attempt& attempt, const std::string& user);
  void remember(const std::string& place, Remembered entry, std::uint64_t verified_in);
  base::AsyncResult<Step> authenticate(std::string address, BasicCredentials credentials);
};

std::string BasicAuthenticator::State::digest(const std::string& place, std::string_view password) const {
  std::string text = place;
  text.push_back('\0');
  text += password;
  std::array<unsigned char, 32> hash{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), hash.data(), &size);
  wipe(text);
  return {reinterpret_cast<const char*>(hash.data()), size};
}

bool BasicAuthenticator::State::is_own_domain(const std::string& domain) const {
  const std::string& name = options.host_name;
  return domain.empty() || domain == "." || base::equal_ignoring_case(domain, name) ||
         base::equal_ignoring_case(domain, name.substr(0, name.find('.')));
}

/// Who this is, where his password was right a moment ago. With the mutex held. Where the address has no attempt left, only
/// the connection on which it was right may go on: otherwise this would be the place to guess at.
std::optional<PasswordDirectory::Record> BasicAuthenticator::State::recall(const std::string& place,
                                                                           const std::string& digest,
                                                                           const std::string& address, bool limited) {
  if (generation != directory.generation()) {
    passed.clear();
    generation = directory.generation();
  }
  const auto at = passed.find(place);
  if (at == passed.end()) return std::nullopt;
  if (at->second.until <= options.clock->steady()) {
    passed.erase(at);
    return std::nullopt;
  }
  if (!base::equal_secret(at->second.digest, digest)) return std::nullopt;
  if (limited && at->second.connection != address) return std::nullopt;
  at->second.connection = address;
  return at->second.record;
}

/// Counts an attempt as wrong until it has turned out right. With the mutex held.
base::Result<BasicAuthenticator::State::Attempt> BasicAuthenticator::State::count(const std::string& user,
                                                                                  const std::string& network,
                                                                                  const std::string& place) {
  const base::SteadyTime now = options.clock->steady();
  Attempt attempt;
  const bool known = at_home.contains(place);
  attempt.counted = known ? &pairs : &addresses;
  attempt.key = known ? place : network;
  if (!attempt.counted->take(attempt.key, now)) return denied("too many wrong passwords from " + network);
  if (known) return attempt;
  attempt.counted_for_user = users.take(user, now);
  if (attempt.counted_for_user) return attempt;
  if (delayed >= options.max_delayed) return denied("too many wrong passwords for " + user);
  attempt.delayed = true;
  ++delayed;
  return attempt;
}

void BasicAuthenticator::State::forgive(const Attempt& attempt, const std::string& user) {
  attempt.counted->give_back(attempt.key);
  if (attempt.counted_for_user) users.give_back(user);
}

/// With the mutex held.
void BasicAuthenticator::State::remember(const std::string& place, Remembered entry, std::uint64_t verified_in) {
  const auto make_room = [](auto& map, std::size_t most, auto earlier) {
    if (map.size() >= most) map.erase(std::min_element(map.begin(), map.end(), earlier));
  };
  const base::SteadyTime now = options.clock->steady();
  if (!at_home.contains(place)) {
    make_room(at_home, options.max_known, [](const auto& a, const auto& b) { return a.second < b.second; });
  }
  at_home[place] = now;
  // Who was changed meanwhile must be asked for again.
  if (verified_in != directory.generation() || verified_in != generation) return;
  std::erase_if(passed, [&](const auto& one) { return one.second.until <= now; });
  if (!passed.contains(place)) {
    make_room(passed, options.max_remembered, [](const auto& a, const auto& b) { return a.second.until < b.second.until; });
  }
  passed.insert_or_assign(place, std::move(entry));
}

base::AsyncResult<Step> BasicAuthenticator::State::authenticate(std::string address, BasicCredentials credentials) {
  const std::string network = network_of(address);
  const std::string user = base::to_lower(credentials.user);
  const std::string place = user + "\n" + network;
  std::string hash = digest(place, credentials.password.view());
  const bool own = is_own_domain(credentials.domain);

  Attempt attempt;
  std::uint64_t verified_in = 0;
  {
    std::lock_guard lock(mutex);
    const base::SteadyTime now = options.clock->steady();
    const bool limited = at_home.contains(place) ? !pairs.has(place, now) : !addresses.has(network, now);
    const auto record = own ? recall(place, hash, address, limited) : std::nullopt;
    if (record) co_return accepted(*record);
    ASSIGN_OR_CO_RETURN(attempt, count(user, network, place));
    verified_in = generation;
  }
  if (attempt.delayed) {
    // Given back however the wait ends.
    const std::shared_ptr<void> hold(nullptr, [this](void*) {
      std::lock_guard lock(mutex);
      --delayed;
    });
    co_await options.clock->sleep_for(options.delay);
  }
  // A name that no directory holds costs the same as one that it does.
  std::string asked = own ? credentials.user : credentials.domain + "\\" + credentials.user;
  auto record = co_await directory.verify(std::move(asked), std::move(credentials.password));
  if (!record.ok()) {
    std::lock_guard lock(mutex);
    forgive(attempt, user);
    co_return std::move(record).error();
  }
  if (!*record) co_return denied("unknown user or wrong password: " + user);

  Step step = accepted(**record);
  Remembered entry{std::move(hash), std::move(address), std::move(**record), {}};
  entry.until = options.clock->steady() + options.remembered;
  std::lock_guard lock(mutex);
  forgive(attempt, user);
  remember(place, std::move(entry), verified_in);
  co_return step;
}

namespace {

class BasicConversation final : public Conversation {
 public:
  using Authenticate = std::function<base::AsyncResult<Step>(std::string address, BasicCredentials credentials)>;
  BasicConversation(std::string address, Authenticate authenticate)
      : address_(std::move(address)), authenticate_(std::move(authenticate)) {}

  base::AsyncResult<Step> step(std::string token) override {
    auto credentials = read_basic_token(token);
    wipe(token);
    if (!credentials.ok()) co_return denied(credentials.error().what);
    BasicCredentials given = std::move(credentials).value();
    std::string address = address_;
    co_return co_await authenticate_(std::move(address), std::move(given));
  }

 private:
  std::string address_;
  Authenticate authenticate_;
};

}  // namespace

BasicAuthenticator::BasicAuthenticator(PasswordDirectory& directory, BasicOptions options)
    : state_(std::make_unique<State>(directory, std::move(options))) {}
BasicAuthenticator::~BasicAuthenticator() = default;

bool BasicAuthenticator::offers(const base::Peer& peer) const {
  using Transport = base::Peer::Transport;
  return peer.transport == Transport::Tls || (peer.transport == Transport::Plain && allow_unencrypted_);
}

bool BasicAuthenticator::claims(std::string_view authorization, const base::Peer& peer) const {
  const std::string_view scheme = base::trimmed(authorization).substr(0, base::trimmed(authorization).find(' '));
  return base::equal_ignoring_case(scheme, "Basic") && offers(peer);
}

std::unique_ptr<Conversation> BasicAuthenticator::begin(const base::Peer& peer) {
  State* state = state_.get();
  return std::make_unique<BasicConversation>(peer.address, [state](std::string address, BasicCredentials credentials) {
    return state->authenticate(std::move(address), std::move(credentials));
  });
}

}  // namespace auth
