#include "subscriptions/run_time_status.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "engine/base/encoding.h"
#include "engine/base/win32.h"
#include "engine/xml/document.h"
#include "engine/xml/writer.h"
#include "subscriptions/admission.h"

namespace subscriptions {
namespace {

using base::Win32;

/// Who has been silent for longer is no longer listed. Source: wecutil, section 1, row 13.
constexpr auto kListed = std::chrono::hours(30 * 24);
constexpr std::array kStatuses{RunTimeStatus::Disabled, RunTimeStatus::Active, RunTimeStatus::Inactive,
                               RunTimeStatus::Trying};

bool is_disabled(const Subscription& definition, const SourceStatus& source) {
  return std::any_of(definition.sources.begin(), definition.sources.end(), [&](const EventSource& listed) {
    return !listed.enabled && is_address_of(listed.address, source.address);
  });
}

/// A source that comes by itself.
RunTimeStatus heard_status(const Subscription& definition, const storage::DeliveryState& delivery, base::WallTime now) {
  // An error is forgotten at the next sign of life: one that is there is the last thing heard.
  if (!delivery.last_heartbeat || delivery.last_error != 0) return RunTimeStatus::Inactive;
  // A heartbeat that is due is on its way: a tenth of the interval is granted to it.
  const auto silence = now - *delivery.last_heartbeat;
  const auto interval = definition.resolved_heartbeat();
  return silence <= interval + interval / 10 ? RunTimeStatus::Active : RunTimeStatus::Inactive;
}

void apply_attempt(SourceStatus& source, const SourceAttempt& attempt) {
  source.status = attempt.status;
  source.next_retry = attempt.next_retry;
  source.delivery.last_error = attempt.error;
  source.delivery.error_message = attempt.message;
  source.delivery.error_time = attempt.error_time;
}

void derive_source(const StatusInputs& inputs, bool served, SourceStatus& source) {
  if (is_disabled(inputs.definition, source)) {
    source.status = RunTimeStatus::Disabled;
    return;
  }
  // Source: wecutil, section 1, row 10: disabling a subscription makes its sources inactive.
  if (!served) {
    source.status = RunTimeStatus::Inactive;
    return;
  }
  if (inputs.definition.type == Type::SourceInitiated) {
    source.status = heard_status(inputs.definition, source.delivery, inputs.now);
    return;
  }
  source.status = inputs.has_connector ? RunTimeStatus::Trying : RunTimeStatus::Inactive;
  const auto attempt = inputs.attempts.find(base::to_lower(source.address));
  if (inputs.has_connector && attempt != inputs.attempts.end()) apply_attempt(source, attempt->second);
}

void set_error(SubscriptionStatus& status, Win32 code, std::string message) {
  status.status = RunTimeStatus::Inactive;
  status.last_error = static_cast<std::uint32_t>(code);
  status.error_message = std::move(message);
}

}  // namespace

bool is_served(const Subscription& definition, base::WallTime now) {
  return definition.enabled && (!definition.expires || *definition.expires > now);
}

base::WallTime last_heard(const storage::DeliveryState& delivery) {
  base::WallTime last;
  for (const auto& time : {delivery.last_heartbeat, delivery.last_event, delivery.error_time}) {
    if (time) last = std::max(last, *time);
  }
  return last;
}

SubscriptionStatus derive_status(StatusInputs inputs) {
  const Subscription& definition = inputs.definition;
  const bool served = is_served(definition, inputs.now);
  SubscriptionStatus status;
  status.id = definition.id;
  if (!definition.enabled) {
    status.status = RunTimeStatus::Disabled;
  } else if (!served) {
    status.status = RunTimeStatus::Inactive;
  } else if (inputs.log_disabled) {
    set_error(status, Win32::EcLogDisabled, "The log " + definition.log_file + " is disabled.");
  } else if (definition.type == Type::CollectorInitiated && !inputs.has_connector) {
    set_error(status, Win32::EcSubscriptionCannotActivate, "This collector does not subscribe at event sources.");
  }

  std::map<std::string, SourceStatus> sources;
  for (storage::DeliveryState& delivery : inputs.deliveries) {
    if (inputs.now - last_heard(delivery) > kListed) continue;
    // One that was taken out of the list will not be heard of again.
    if (definition.type == Type::CollectorInitiated && !is_listed(definition, delivery.machine)) continue;
    SourceStatus& source = sources[base::to_lower(delivery.machine)];
    source.address = delivery.machine;
    source.delivery = std::move(delivery);
  }
  for (const EventSource& listed : definition.sources) {
    const bool heard = std::any_of(sources.begin(), sources.end(),
                                   [&](const auto& source) { return is_address_of(listed.address, source.second.address); });
    if (!heard) sources[base::to_lower(listed.address)].address = listed.address;
  }
  for (auto& [name, source] : sources) {
    derive_source(inputs, served, source);
    status.sources.push_back(std::move(source));
  }
  return status;
}

std::string write_attempt(const SourceAttempt& attempt) {
  xml::Writer writer;
  writer.open("Attempt").leaf("Status", name_of(attempt.status)).leaf("Error", std::to_string(attempt.error));
  const auto time = [&writer](std::string_view name, const std::optional<base::WallTime>& value) {
    if (value) writer.leaf(name, std::to_string(value->time_since_epoch().count()));
  };
  time("ErrorTime", attempt.error_time);
  time("NextRetry", attempt.next_retry);
  if (!attempt.message.empty()) writer.leaf("Message", attempt.message);
  return writer.take();
}

std::optional<SourceAttempt> read_attempt(const std::string& text) {
  const auto document = xml::Document::parse(text);
  if (!document.ok()) return std::nullopt;
  const xml::Element root = document->root();
  const auto number = [&root](std::string_view name) {
    const std::string digits(root.child(name).text());
    std::int64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
  };
  const auto time = [&](std::string_view name) {
    return root.child(name) ? std::optional(base::WallTime(std::chrono::nanoseconds(number(name)))) : std::nullopt;
  };
  SourceAttempt attempt;
  const std::string status(root.child("Status").text());
  const auto known = std::find_if(kStatuses.begin(), kStatuses.end(), [&](auto each) { return name_of(each) == status; });
  if (known == kStatuses.end()) return std::nullopt;
  attempt.status = *known;
  attempt.error = static_cast<std::uint32_t>(number("Error"));
  attempt.error_time = time("ErrorTime");
  attempt.next_retry = time("NextRetry");
  attempt.message = root.child("Message").text();
  return attempt;
}

}  // namespace subscriptions
