// Enumerate, Pull and Release: a resource's items cut into messages.
//
// Source: wsman-protocol, sections 7.1 to 7.4.

#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "engine/wsman/dispatcher.h"
#include "engine/wsman/enumeration_table.h"

namespace wsman {

/// The octets that `text` (valid UTF-8) takes in a message body.
std::size_t encoded_size(std::string_view text, Charset charset);

/// An n:Pull, within the limits that hold for its response.
struct PullRequest {
  std::string context;
  std::size_t items = 1;
  std::size_t octets = 0;      ///< encoded: for the items and a bookmark
  std::size_t characters = 0;  ///< of the items; 0 is no limit of its own
  std::optional<std::chrono::milliseconds> max_time;
};
/// Errors: ActionMismatch, SchemaValidationError.
Result<PullRequest> read_pull(const Envelope& request, const Caller& caller, const Limits& limits);
/// The body of `request`, which is the element `name` of the enumeration's namespace. Errors: SchemaValidationError where
/// there is none, ActionMismatch for another one.
Result<xml::Element> enumeration_body(const Envelope& request, std::string_view name);
/// The n:EnumerationContext in a body.
std::string context_id(xml::Element body);

/// What the operations of one dispatcher share. Thread-safe.
class Enumerations {
 public:
  explicit Enumerations(const DispatcherOptions& options)
      : options_(options), table_(options.max_contexts, options.enumeration_timeout) {}

  AsyncResult<Message> enumerate(const Envelope& request, const Caller& caller, Resource& resource, const Call& call,
                                 Limits limits);
  AsyncResult<Message> pull(const Envelope& request, const Caller& caller, Resource& resource, const Call& call,
                            Limits limits);
  Result<Message> release(const Envelope& request, const Caller& caller);

  void expire() { table_.expire(options_.clock->steady()); }
  void set_idle_limit(std::chrono::milliseconds limit) { table_.set_idle_limit(limit); }
  std::size_t size() const { return table_.size(); }
  std::size_t open_by(const auth::Principal& who) const { return table_.open_by(who); }

 private:
  const DispatcherOptions& options_;
  EnumerationTable table_;
};

}  // namespace wsman
