#include "engine/wsman/request_checks.h"

#include <algorithm>
#include <array>

#include "engine/wsman/delivery_read.h"
#include "engine/wsman/names.h"

namespace wsman {
namespace {

constexpr std::uint64_t kMinimumEnvelope = 8192;
constexpr std::uint32_t kInvalidActionUri = 2150858753;

std::string cut(std::string_view text) {
  return std::string(text.substr(0, 200));
}

Fault missing(std::string_view name) {
  return make_fault(FaultCode::MessageInformationHeaderRequired, "The header " + std::string(name) + " is missing");
}

/// Bodies that are an operation by themselves, and the action of each.
struct Operation {
  std::string_view uri;
  std::string_view element;
  std::string_view action;
};
constexpr std::array kOperations{
    Operation{ns::kEnumeration, "Enumerate", action::kEnumerate},
    Operation{ns::kEnumeration, "Pull", action::kPull},
    Operation{ns::kEnumeration, "Release", action::kRelease},
    Operation{ns::kEventing, "Subscribe", action::kSubscribe},
    Operation{ns::kEventing, "Renew", action::kRenew},
    Operation{ns::kEventing, "GetStatus", action::kGetStatus},
    Operation{ns::kEventing, "Unsubscribe", action::kUnsubscribe},
    Operation{ns::kEventing, "SubscriptionEnd", action::kSubscriptionEnd},
};

/// An action in the name of one of the specifications, which none of them has.
bool is_invented(std::string_view action) {
  static constexpr std::array kTransfer{action::kGet, action::kPut, action::kCreate, action::kDelete};
  const bool standard =
      action.starts_with(ns::kTransfer) || action.starts_with(ns::kEnumeration) || action.starts_with(ns::kEventing);
  return standard && std::ranges::find(kTransfer, action) == kTransfer.end() &&
         std::ranges::find(kOperations, action, &Operation::action) == kOperations.end();
}

Result<void> check_body(xml::Element body, std::string_view action) {
  // Of an action that there is not, it says nothing that the body does not fit.
  if (!body || is_invented(action)) return {};
  const std::string_view uri = body.namespace_uri();
  if (uri != ns::kEnumeration && uri != ns::kEventing) return {};
  for (const Operation& operation : kOperations) {
    if (operation.uri != uri || operation.element != body.local_name() || operation.action == action) continue;
    return make_fault(FaultCode::ActionMismatch,
                      "The body " + std::string(operation.element) + " does not fit the action " + cut(action));
  }
  return {};
}

}  // namespace

Result<void> check_understood(const Envelope& request) {
  Fault fault = make_fault(FaultCode::MustUnderstand);
  for (const auto& [uri, name] : request.not_understood) {
    if (uri == ns::kWsman && name == "Locale") return make_fault(FaultCode::UnsupportedLocale);
    if (uri == ns::kMicrosoft && name == "DataLocale") return make_fault(FaultCode::UnsupportedDataLocale);
    fault.not_understood_namespace = uri;
    fault.not_understood_name = name;
    fault.reason = "The header " + cut(name) + " is not understood";
    return fault;
  }
  if (request.retransmission) {
    // It asks for the reply to an earlier request, and none is kept.
    fault.not_understood_namespace = ns::kMicrosoft;
    fault.not_understood_name = "OperationID";
    fault.reason = "Replies are not kept for retransmission";
    return fault;
  }
  return {};
}

Result<void> check_addressing(const Envelope& request) {
  const Headers& headers = request.headers;
  if (headers.action.empty()) return missing("Action");
  if (headers.message_id.empty()) {
    return make_fault(FaultCode::InvalidMessageInformationHeader, "The header MessageID is missing or empty");
  }
  if (headers.to.empty()) return missing("To");
  // The message that closes an operation wants no reply and so names no address for one.
  if (headers.action == action::kEnd) return {};
  // Nor does openwsman, which wants its events acknowledged.
  if (headers.reply_to.empty() && !is_delivery(headers.action)) return missing("ReplyTo");
  if ((!headers.reply_to.empty() && headers.reply_to != kAnonymous) ||
      (!headers.fault_to.empty() && headers.fault_to != kAnonymous)) {
    return make_fault(FaultCode::UnsupportedAddressingMode);
  }
  if (headers.sequence_id.value_or(1) != 1) {
    return make_fault(FaultCode::InvalidMessageInformationHeader, "SequenceId must be 1");
  }
  if (headers.max_envelope_size.value_or(kMinimumEnvelope) < kMinimumEnvelope) {
    return make_fault(FaultCode::MinimumEnvelopeLimit);
  }
  if (headers.action.find(':') == std::string::npos) {
    Fault fault = make_fault(FaultCode::ActionNotSupported, "The action " + cut(headers.action) + " is no URI");
    fault.windows_code = kInvalidActionUri;
    return fault;
  }
  return check_body(request.body(), headers.action);
}

Result<void> check_options(const Headers& headers, const Resource& resource) {
  for (const Option& option : headers.options) {
    if (!option.must_comply || resource.knows_option(option.name)) continue;
    return make_fault(FaultCode::OptionsNotSupported, "The option " + cut(option.name) + " is not supported");
  }
  return {};
}

}  // namespace wsman
