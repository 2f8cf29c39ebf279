#include <algorithm>
#include <tuple>

#include "engine/base/log.h"
#include "engine/service/settings_draft.h"

namespace service {
namespace {

constexpr std::size_t kMaxShownProblems = 20;

void check_https_listener(const ListenerDraft& listener, const WinrmSettings& winrm, Problems& problems) {
  const ListenerSettings& settings = listener.settings;
  if (settings.certificate.empty()) {
    problems.add(listener.place, "winrm.listener.Certificate", "is missing; an HTTPS listener needs the path of a PEM file");
  }
  if (settings.private_key.empty()) {
    problems.add(listener.place, "winrm.listener.PrivateKey", "is missing; an HTTPS listener needs the path of a PEM file");
  }
  if (winrm.auth_certificate && settings.client_ca.empty()) {
    problems.add(
        listener.place, "winrm.listener.ClientCA",
        "is missing; with winrm.service.auth.Certificate = true an HTTPS listener needs a PEM file with the authorities "
        "that issue clients' certificates");
  }
  if (!winrm.auth_certificate && !settings.client_ca.empty()) {
    base::log_warning("{}:{}: ClientCA has no effect while winrm.service.auth.Certificate is false", listener.place.file,
                      listener.place.line);
  }
}

void check_http_listener(const ListenerDraft& listener, Problems& problems) {
  const ListenerSettings& settings = listener.settings;
  if (!settings.certificate.empty() || !settings.private_key.empty() || !settings.client_ca.empty()) {
    problems.add(
        listener.place, "winrm.listener",
        "Certificate, PrivateKey and ClientCA belong to an HTTPS listener; valid: remove them, or Transport = \"HTTPS\"");
  }
}

void check_pairs(const std::vector<ListenerDraft>& listeners, Problems& problems) {
  for (auto one = listeners.begin(); one != listeners.end(); ++one) {
    for (auto other = listeners.begin(); other != one; ++other) {
      if (one->settings.address != other->settings.address) continue;
      const bool same_transport = one->settings.https == other->settings.https;
      const bool both_run = one->settings.enabled && other->settings.enabled;
      const bool same_port = both_run && one->settings.port != 0 && one->settings.port == other->settings.port;
      if (!same_transport && !same_port) continue;
      problems.add(one->place, "winrm.listener",
                   base::format_text("Address and {} are those of the listener at {}:{}; valid: one listener for each",
                                     same_transport ? "Transport" : "Port", other->place.file, other->place.line));
      break;
    }
  }
}

void check_forwarder(const SettingsDraft& draft, Problems& problems) {
  const TlsSettings& tls = draft.settings.forwarder.tls;
  if (tls.certificate.empty() != tls.private_key.empty()) {
    problems.add(draft.tls, tls.certificate.empty() ? "forwarder.tls.Certificate" : "forwarder.tls.PrivateKey",
                 "is missing; Certificate and PrivateKey go together");
  }
  for (const ManagerDraft& manager : draft.managers) {
    auto address = parse_subscription_manager(manager.text);
    if (!address.ok()) {
      problems.add(manager.place, "forwarder.subscription_managers", address.error().what);
    } else if (address->url.starts_with("http://")) {
      problems.add(manager.place, "forwarder.subscription_managers",
                   "http:// needs Kerberos, which this version does not have yet; valid: an https:// address");
    } else if (tls.certificate.empty()) {
      problems.add(draft.tls, "forwarder.tls.Certificate",
                   "is missing; the collector knows this machine by its certificate: Certificate and PrivateKey are needed");
      return;
    }
  }
}

void check_source(SourceDraft& source, Problems& problems) {
  SourceSettings& settings = source.settings;
  if (settings.type.empty()) {
    problems.add(source.place, "forwarder.source.type", "is missing; valid: \"journal\", \"file\"");
  }
  if (settings.type == "file" && settings.path.empty()) {
    problems.add(source.place, "forwarder.source.path",
                 "is missing; a file source needs a path, for instance \"/var/log/*.log\"");
  }
  const std::string provider = settings.type == "journal" ? "Linux-Journal" : "Linux-Syslog";
  if (settings.channel.empty()) settings.channel = provider + "/Operational";
  if (settings.provider.empty()) settings.provider = provider;
}

void check_sources(std::vector<SourceDraft>& sources, Problems& problems) {
  for (auto one = sources.begin(); one != sources.end(); ++one) {
    check_source(*one, problems);
    const bool twice = std::any_of(sources.begin(), one, [&](const SourceDraft& other) {
      return other.settings.type == one->settings.type && other.settings.path == one->settings.path;
    });
    if (twice)
      problems.add(one->place, "forwarder.source", "has type and path of an earlier source; valid: each source once");
  }
}

}  // namespace

void Problems::add(const Place& place, std::string_view key, std::string_view text) {
  std::string line = place.file + ":";
  if (place.line != 0) line += std::to_string(place.line) + ":";
  if (!key.empty()) line.append(" ").append(key).append(":");
  problems_.push_back({place, line.append(" ").append(text)});
}

std::string Problems::text() const {
  std::vector<Problem> sorted = problems_;
  std::ranges::stable_sort(sorted, {},
                           [](const Problem& problem) { return std::tie(problem.place.file, problem.place.line); });
  std::string all;
  for (std::size_t i = 0; i < std::min(sorted.size(), kMaxShownProblems); ++i) {
    if (i != 0) all += '\n';
    all += sorted[i].text;
  }
  if (sorted.size() > kMaxShownProblems) all += base::format_text("\nand {} more", sorted.size() - kMaxShownProblems);
  return all;
}

WinrmSettings winrm_settings(const config::Values& values) {
  using enum config::Id;
  WinrmSettings settings;
  settings.max_envelope_size_kb = values.number(MaxEnvelopeSizekb);
  settings.max_timeout_ms = values.number(MaxTimeoutms);
  settings.max_batch_items = values.number(MaxBatchItems);
  settings.max_concurrent_operations_per_user = values.number(MaxConcurrentOperationsPerUser);
  settings.enumeration_timeout_ms = values.number(EnumerationTimeoutms);
  settings.max_connections = values.number(MaxConnections);
  settings.max_packet_retrieval_time_seconds = values.number(MaxPacketRetrievalTimeSeconds);
  settings.allow_unencrypted = values.flag(AllowUnencrypted);
  settings.auth_basic = values.flag(AuthBasic);
  settings.auth_kerberos = values.flag(AuthKerberos);
  settings.auth_negotiate = values.flag(AuthNegotiate);
  settings.auth_certificate = values.flag(AuthCertificate);
  settings.auth_cred_ssp = values.flag(AuthCredSsp);
  return settings;
}

Settings finish_settings(SettingsDraft draft, Program program, Problems& problems) {
  const config::Values values(draft.settings.winrm_said);
  draft.settings.winrm = winrm_settings(values);
  const auto default_port = [&](bool https) {
    return static_cast<std::uint16_t>(values.number(https ? config::Id::PortHttps : config::Id::PortHttp));
  };
  for (ListenerDraft& listener : draft.listeners) {
    listener.settings.port = listener.port.value_or(default_port(listener.settings.https));
    if (!listener.settings.enabled) continue;
    if (listener.settings.https) {
      check_https_listener(listener, draft.settings.winrm, problems);
    } else {
      check_http_listener(listener, problems);
    }
  }
  check_pairs(draft.listeners, problems);
  check_sources(draft.sources, problems);
  if (program == Program::Forwarder) check_forwarder(draft, problems);

  Settings settings = std::move(draft.settings);
  for (ListenerDraft& listener : draft.listeners) settings.listeners.push_back(std::move(listener.settings));
  for (SourceDraft& source : draft.sources) settings.forwarder.sources.push_back(std::move(source.settings));
  for (ManagerDraft& manager : draft.managers) settings.forwarder.subscription_managers.push_back(std::move(manager.text));
  return settings;
}

}  // namespace service
