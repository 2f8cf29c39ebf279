#include "engine/config/certificate_mapping.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "engine/base/encoding.h"
#include "engine/config/document.h"
#include "engine/config/faults.h"
#include "engine/config/setting.h"
#include "engine/config/text_rules.h"
#include "engine/xml/writer.h"

namespace config {
namespace {

constexpr std::size_t kMaxKey = 2048;
constexpr std::size_t kMaxPassword = 256;
constexpr std::size_t kMaxUser = 256;

bool is_uri_pattern(std::string_view text) {
  if (text.empty() || text.size() > kMaxKey || !is_plain_text(text)) return false;
  if (text.find_first_of(" ?") != std::string_view::npos) return false;
  const auto star = text.find('*');
  return star == std::string_view::npos || star == text.size() - 1;
}

bool is_subject_pattern(std::string_view text) {
  if (text.empty() || text.size() > kMaxKey || !is_plain_text(text)) return false;
  const auto stars = std::ranges::count(text, '*');
  return stars == 0 || (stars == 1 && (text.front() == '*' || text.back() == '*'));
}

wsman::Result<void> check_key(std::string_view name, std::string_view text, const CertMappingKey& key) {
  const bool same = name == "Issuer"    ? normal_thumbprint(text) == key.issuer
                    : name == "Subject" ? base::equal_ignoring_case(text, key.subject)
                                        : base::equal_ignoring_case(text, key.uri);
  if (same) return {};
  return refuse(Refusal::MappingKeysChanged, std::string(name) + " is a key of the mapping and cannot be changed");
}

}  // namespace

wsman::Result<CertMappingKey> make_cert_mapping_key(std::string_view issuer, std::string_view subject,
                                                    std::string_view uri) {
  subject = base::trimmed(subject);
  uri = base::trimmed(uri);
  if (issuer.find_first_not_of(' ') == std::string_view::npos || !is_thumbprint_or_empty(issuer)) {
    return refuse(Refusal::MappingIssuer, "Issuer must be the SHA-1 thumbprint of an authority, 40 hexadecimal digits");
  }
  if (!is_subject_pattern(subject)) {
    return refuse(Refusal::MappingSubject, "Subject must be a name, with at most one * at its front or its end");
  }
  if (!is_uri_pattern(uri)) {
    return refuse(Refusal::MappingUri, "URI must be a resource URI without blanks and ?, with at most one * at its end");
  }
  return CertMappingKey{normal_thumbprint(issuer), std::string(subject), std::string(uri)};
}

wsman::Result<CertMappingChange> read_cert_mapping(xml::Element root, const CertMappingKey& key) {
  RETURN_IF_ERROR(check_root(root, kCertMappingUri, "CertMapping"));
  CertMappingChange change;
  std::set<std::string_view> seen;
  for (const xml::Element child : root.children()) {
    const std::string_view name = child.local_name();
    if (!is_namespace_of(child.namespace_uri(), kCertMappingUri)) {
      return wsman::make_fault(wsman::FaultCode::InvalidNamespace,
                               std::string(name.substr(0, 100)) + " is in another namespace");
    }
    if (!seen.insert(name).second || child.first_child()) {
      return refuse(Refusal::SchemaValidation, std::string(name.substr(0, 100)) + " is there twice, or holds elements");
    }
    const std::string text = child.text();
    if (name == "Issuer" || name == "Subject" || name == "URI") {
      RETURN_IF_ERROR(check_key(name, base::trimmed(text), key));
    } else if (name == "UserName") {
      const std::string_view user = base::trimmed(text);
      if (user.empty() || user.size() > kMaxUser || !is_plain_text(user)) {
        return refuse(Refusal::UserWithoutPassword, "UserName must be the name of a local user");
      }
      change.user = user;
    } else if (name == "Enabled") {
      auto enabled = check(setting_of(Id::AllowUnencrypted), text);
      if (!enabled.ok()) return refuse(Refusal::SchemaValidation, "Enabled must be true or false");
      change.enabled = *enabled == "true";
    } else if (name == "Password") {
      if (text.size() > kMaxPassword) return refuse(Refusal::PasswordTooLong, "Password is too long");
      change.blank_password = text.empty();
    } else {
      return refuse(Refusal::SchemaValidation,
                    "There is no element " + std::string(name.substr(0, 100)) + " in CertMapping");
    }
  }
  return change;
}

std::string write_cert_mapping(const CertMapping& mapping) {
  xml::Writer writer;
  writer.open("cfg:CertMapping").attribute("xmlns:cfg", kCertMappingUri);
  writer.leaf("cfg:URI", mapping.key.uri).leaf("cfg:Subject", mapping.key.subject);
  writer.leaf("cfg:Issuer", mapping.key.issuer).leaf("cfg:UserName", mapping.user);
  writer.leaf("cfg:Enabled", mapping.enabled ? "true" : "false").leaf("cfg:Password", "");
  return writer.take();
}

const CertMapping* find_mapping(const std::vector<CertMapping>& mappings, const std::vector<std::string>& names,
                                const std::vector<std::string>& issuers, std::string_view resource_uri) {
  const CertMapping* best = nullptr;
  bool alone = true;
  const auto rank = [](const CertMapping& one) { return std::tuple(one.key.subject.size(), one.key.uri.size()); };
  for (const CertMapping& one : mappings) {
    const auto names_it = [&](const std::string& name) { return base::matches_wildcard(one.key.subject, name); };
    if (!one.enabled || std::ranges::find(issuers, one.key.issuer) == issuers.end()) continue;
    if (!base::matches_wildcard(one.key.uri, resource_uri) || std::ranges::none_of(names, names_it)) continue;
    if (best == nullptr || rank(one) > rank(*best)) {
      best = &one;
      alone = true;
    } else if (rank(one) == rank(*best)) {
      alone = false;
    }
  }
  return alone ? best : nullptr;
}

}  // namespace config
