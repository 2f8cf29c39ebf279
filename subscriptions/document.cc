// A subscription, written: as the file that can be read again, and as lines for people.

#include "engine/base/log.h"
#include "engine/xml/writer.h"
#include "subscriptions/subscription.h"

namespace subscriptions {
namespace {

std::string_view boolean_text(bool value) {
  return value ? "true" : "false";
}

bool is_source_initiated(const Subscription& subscription) {
  return subscription.type == Type::SourceInitiated;
}

/// Who is admitted where the definition says nothing at all. Source: wecutil, section 5.
std::string_view shown_sddl(const Subscription& subscription) {
  const bool nothing_given = subscription.allowed_issuers.empty() && subscription.allowed_subjects.empty() &&
                             subscription.denied_subjects.empty() && subscription.allowed_domain_computers.empty();
  return nothing_given ? kDefaultSourceSddl : std::string_view(subscription.allowed_domain_computers);
}

/// Elements on lines of their own, indented by tabs as Windows indents them.
class Lines {
 public:
  /// `attributes` is the text behind the name, already escaped.
  void open(std::string_view name, std::string_view attributes = {}) {
    start(name, attributes, ">\n");
    ++depth_;
  }
  void close(std::string_view name) {
    --depth_;
    out_.append(depth_, '\t').append("</").append(name).append(">\n");
  }
  void empty(std::string_view name, std::string_view attributes) { start(name, attributes, "/>\n"); }
  void leaf(std::string_view name, std::string_view text) { filled(name, xml::escaped_text(text)); }
  void filled_with(std::string_view name, std::string_view attributes, std::string_view content) {
    start(name, attributes, ">");
    out_.append(content).append("</").append(name).append(">\n");
  }
  void cdata(std::string_view name, std::string_view text) {
    std::string section;
    xml::append_cdata(section, text);
    filled(name, section);
  }
  void list(std::string_view name, std::string_view item, const std::vector<std::string>& values) {
    if (values.empty()) return leaf(name, {});
    open(name);
    for (const std::string& value : values) leaf(item, value);
    close(name);
  }
  std::string take() { return std::move(out_); }

 private:
  void start(std::string_view name, std::string_view attributes, std::string_view end) {
    out_.append(depth_, '\t').append("<").append(name).append(attributes).append(end);
  }
  void filled(std::string_view name, std::string_view content) { filled_with(name, {}, content); }

  std::string out_;
  std::size_t depth_ = 0;
};

std::string attribute(std::string_view name, std::string_view value) {
  return base::format_text(" {}=\"{}\"", name, xml::escaped_attribute(value));
}

void write_delivery(Lines& lines, const Subscription& subscription) {
  lines.open("Delivery", attribute("Mode", name_of(subscription.resolved_delivery_mode())));
  lines.open("Batching");
  if (const auto items = subscription.resolved_max_items()) lines.leaf("MaxItems", std::to_string(*items));
  lines.leaf("MaxLatencyTime", std::to_string(subscription.resolved_max_latency().count()));
  lines.close("Batching");
  lines.open("PushSettings");
  if (!subscription.host_name.empty()) lines.leaf("HostName", subscription.host_name);
  lines.empty("Heartbeat", attribute("Interval", std::to_string(subscription.resolved_heartbeat().count())));
  lines.close("PushSettings");
  lines.close("Delivery");
}

void write_password(Lines& lines, std::string_view name, std::string_view password, Passwords passwords) {
  if (password.empty() || passwords == Passwords::None) return;
  lines.leaf(name, passwords == Passwords::Marked ? kKeptPassword : password);
}

void write_sources(Lines& lines, const Subscription& subscription, Passwords passwords) {
  if (subscription.sources.empty()) return;
  lines.open("EventSources");
  for (const EventSource& source : subscription.sources) {
    lines.open("EventSource", attribute("Enabled", boolean_text(source.enabled)));
    lines.leaf("Address", source.address);
    if (!source.user_name.empty()) lines.leaf("UserName", source.user_name);
    write_password(lines, "Password", source.password, passwords);
    lines.close("EventSource");
  }
  lines.close("EventSources");
}

void write_admission(Lines& lines, const Subscription& subscription) {
  lines.open("AllowedSourceNonDomainComputers");
  lines.list("AllowedIssuerCAList", "IssuerCA", subscription.allowed_issuers);
  lines.list("AllowedSubjectList", "Subject", subscription.allowed_subjects);
  lines.list("DeniedSubjectList", "Subject", subscription.denied_subjects);
  lines.close("AllowedSourceNonDomainComputers");
  lines.leaf("AllowedSourceDomainComputers", shown_sddl(subscription));
}

std::string joined(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text.append(text.empty() ? "" : ",").append(value);
  return text;
}

}  // namespace

std::string to_xml(const Subscription& subscription, Passwords passwords) {
  Lines lines;
  lines.open("Subscription", attribute("xmlns", kSubscriptionNamespace));
  lines.leaf("SubscriptionId", subscription.id);
  lines.leaf("SubscriptionType", name_of(subscription.type));
  lines.leaf("Description", subscription.description);
  lines.leaf("Enabled", boolean_text(subscription.enabled));
  lines.leaf("Uri", subscription.uri);
  lines.leaf("ConfigurationMode", name_of(subscription.mode));
  write_delivery(lines, subscription);
  if (subscription.expires) lines.leaf("Expires", format_expires(*subscription.expires));
  lines.cdata("Query", subscription.query);
  if (!subscription.dialect.empty()) lines.leaf("Dialect", subscription.dialect);
  lines.leaf("ReadExistingEvents", boolean_text(subscription.read_existing_events));
  lines.leaf("TransportName", subscription.transport_name);
  if (subscription.transport_port) lines.leaf("TransportPort", std::to_string(*subscription.transport_port));
  lines.leaf("ContentFormat", name_of(subscription.content_format));
  if (!subscription.locale.empty()) lines.empty("Locale", attribute("Language", subscription.locale));
  lines.leaf("LogFile", subscription.log_file);
  lines.leaf("PublisherName", subscription.publisher_name);
  if (!subscription.credentials_type.empty()) lines.leaf("CredentialsType", subscription.credentials_type);
  if (!subscription.common_user_name.empty()) lines.leaf("CommonUserName", subscription.common_user_name);
  write_password(lines, "CommonPassword", subscription.common_password, passwords);
  if (subscription.append_port_to_spn) {
    lines.filled_with("AppendPortToSpn", attribute("xmlns", kExtensionNamespace), "true");
  }
  if (is_source_initiated(subscription)) write_admission(lines, subscription);
  write_sources(lines, subscription, passwords);
  lines.close("Subscription");
  return lines.take();
}

std::string to_terse(const Subscription& subscription) {
  std::string out;
  const auto line = [&out](std::string_view key, std::string_view value) {
    out.append(key).append(":");
    if (!value.empty()) out.append(" ").append(value);
    out += '\n';
  };
  line("Subscription Id", subscription.id);
  line("SubscriptionType", name_of(subscription.type));
  line("Description", subscription.description);
  line("Enabled", boolean_text(subscription.enabled));
  line("Uri", subscription.uri);
  line("ConfigurationMode", name_of(subscription.mode));
  line("DeliveryMode", name_of(subscription.resolved_delivery_mode()));
  if (const auto items = subscription.resolved_max_items()) line("DeliveryMaxItems", std::to_string(*items));
  line("DeliveryMaxLatencyTime", std::to_string(subscription.resolved_max_latency().count()));
  line("HeartbeatInterval", std::to_string(subscription.resolved_heartbeat().count()));
  if (!subscription.host_name.empty()) line("HostName", subscription.host_name);
  if (subscription.expires) line("Expires", format_expires(*subscription.expires));
  line("Query", subscription.query);
  out += '\n';
  line("ReadExistingEvents", boolean_text(subscription.read_existing_events));
  line("TransportName", subscription.transport_name);
  if (subscription.transport_port) line("TransportPort", std::to_string(*subscription.transport_port));
  line("ContentFormat", name_of(subscription.content_format));
  if (!subscription.locale.empty()) line("Locale", subscription.locale);
  line("LogFile", subscription.log_file);
  line("PublisherName", subscription.publisher_name);
  if (is_source_initiated(subscription)) {
    line("AllowedIssuerCAList", joined(subscription.allowed_issuers));
    line("AllowedSubjectList", joined(subscription.allowed_subjects));
    line("DeniedSubjectList", joined(subscription.denied_subjects));
    line("AllowedSourceDomainComputers", shown_sddl(subscription));
  } else {
    line("CredentialsType", subscription.credentials_type.empty() ? "Default" : subscription.credentials_type);
    if (!subscription.common_user_name.empty()) line("CommonUserName", subscription.common_user_name);
    if (!subscription.common_password.empty()) line("CommonPassword", kKeptPassword);
  }
  for (std::size_t i = 0; i < subscription.sources.size(); ++i) {
    const EventSource& source = subscription.sources[i];
    out.append(base::format_text("\nEventSource[{}]:\n", i));
    line("\tAddress", source.address);
    line("\tEnabled", boolean_text(source.enabled));
    if (!source.user_name.empty()) line("\tUserName", source.user_name);
    if (!source.password.empty()) line("\tPassword", kKeptPassword);
  }
  return out;
}

}  // namespace subscriptions
