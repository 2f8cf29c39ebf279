#include "engine/service/authorization.h"

#include <algorithm>
#include <unordered_map>

#include "engine/base/encoding.h"
#include "engine/base/log.h"

namespace service {
namespace {

/// Null where the text cannot be read.
using Descriptor = std::shared_ptr<const auth::SecurityDescriptor>;

Descriptor read(const std::string& sddl, const std::string& what) {
  auto descriptor = auth::SecurityDescriptor::parse(sddl);
  if (descriptor.ok()) return std::make_shared<const auth::SecurityDescriptor>(std::move(*descriptor));
  base::log_error("the security descriptor of {} lets nobody in: {}", what, descriptor.error().what);
  return nullptr;
}

bool is_root(const auth::Principal& who) {
  return who.scheme == auth::Principal::Scheme::LocalPeer && who.local && who.local->uid == 0;
}

}  // namespace

struct Authorization::Rules {
  using Table = std::unordered_map<std::string, Descriptor>;

  std::shared_ptr<const auth::Identities> identities = std::make_shared<const auth::Identities>();
  std::string root_text;
  Descriptor root;
  std::vector<config::ResourceSecurity> texts;
  Table exact;  ///< by URI in lower case
  Table below;

  const Descriptor& find(std::string_view resource_uri) const;
};

const Descriptor& Authorization::Rules::find(std::string_view resource_uri) const {
  if (exact.empty() && below.empty()) return root;
  std::string uri = base::to_lower(resource_uri);
  if (const auto found = exact.find(uri); found != exact.end()) return found->second;
  for (;;) {
    if (const auto found = below.find(uri); found != below.end()) return found->second;
    const auto slash = uri.rfind('/');
    if (slash == std::string::npos) return root;
    // "…/wmi/" and "…/wmi" are two ways to name what is above "…/wmi/root".
    uri.resize(slash + 1 == uri.size() ? slash : slash + 1);
  }
}

std::uint32_t mask_of(wsman::Right right) {
  switch (right) {
    case wsman::Right::Read:
      return auth::rights::kRead;
    case wsman::Right::Write:
      return auth::rights::kWrite;
    case wsman::Right::Execute:
      break;
  }
  return auth::rights::kExecute;
}

Authorization::Authorization(AuditLog& audits) : audits_(audits), rules_(std::make_shared<const Rules>()) {}

std::shared_ptr<const Authorization::Rules> Authorization::rules() const {
  std::lock_guard lock(mutex_);
  return rules_;
}

void Authorization::set_rules(std::shared_ptr<const Rules> rules) {
  std::lock_guard lock(mutex_);
  rules_.swap(rules);
}

void Authorization::set_members(const std::vector<auth::SidMembers>& members) {
  auto next = std::make_shared<Rules>(*rules());
  next->identities = std::make_shared<const auth::Identities>(members);
  set_rules(std::move(next));
}

void Authorization::apply(const config::Current& current) {
  const auto before = rules();
  const std::string root = current.values.text(config::Id::RootSddl);
  const auto same = [](const config::ResourceSecurity& a, const config::ResourceSecurity& b) {
    return a.uri == b.uri && a.exact_match == b.exact_match && a.sddl == b.sddl;
  };
  const bool same_root = before->root && before->root_text == root;
  const bool same_resources = std::ranges::equal(before->texts, current.security, same);
  if (same_root && same_resources) return;
  auto next = std::make_shared<Rules>(*before);
  if (!same_root) {
    next->root_text = root;
    next->root = read(root, "all resources (RootSDDL)");
  }
  if (!same_resources) {
    next->texts = current.security;
    next->exact.clear();
    next->below.clear();
    for (const config::ResourceSecurity& one : current.security) {
      Rules::Table& table = one.exact_match ? next->exact : next->below;
      std::string uri = base::to_lower(one.uri);
      if (!one.exact_match && uri.ends_with("/*")) uri.pop_back();
      table[std::move(uri)] = read(one.sddl, one.uri);
    }
  }
  set_rules(std::move(next));
}

bool Authorization::permits(const wsman::AccessRequest& request) {
  const auto now = rules();
  const Descriptor& descriptor = now->find(request.resource_uri);
  const std::uint32_t wanted = mask_of(request.right);
  if (!descriptor) return is_root(request.who);
  const auth::AccessToken token = now->identities->token_of(request.who);
  const bool granted = is_root(request.who) || descriptor->check(token, wanted);
  if (descriptor->audit(token, wanted, granted)) audits_.record(request, granted);
  return granted;
}

bool Authorization::may_use_log(const auth::Principal& who, std::string_view channel_access, std::uint32_t wanted) {
  if (is_root(who)) return true;
  const auto descriptor = auth::SecurityDescriptor::parse(channel_access);
  if (!descriptor.ok()) return false;
  return descriptor->check(rules()->identities->token_of(who), wanted, auth::event_log_rights);
}

}  // namespace service
