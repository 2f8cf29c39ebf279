// Subscriptions as WS-Man resources: what machines enumerate, and what administrators manage.

#pragma once

#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "engine/wsman/resource.h"
#include "subscriptions/loss_ledger.h"
#include "subscriptions/manager.h"

namespace subscriptions {

/// The selector that names a subscription.
inline constexpr std::string_view kIdSelector = "SubscriptionId";
/// The selector that picks sources of a status; may stand there several times.
inline constexpr std::string_view kSourceSelector = "Source";
/// The option of an Enumerate of definitions that leaves only the SubscriptionId in each.
inline constexpr std::string_view kIdsOnlyOption = "IdentifiersOnly";

/// Definitions, in the form of a subscription file, by SubscriptionId: Get, Put, Create, Delete, Enumerate, and the method
/// Check, which takes a definition and answers Check_OUTPUT with a Change of None, Create or Change: what storing it would
/// do. For administrators. A password goes in as it is and comes back as an asterisk; an asterisk that goes in leaves the
/// one that is there.
///
/// Faults, with the number that Windows' tool would print: ResourceNotFound (2) for an unknown id, AlreadyExists (183),
/// SchemaValidationError (15008) for what is no XML, QuotaLimit (15083) for one password too many, and InvalidParameter (87,
/// 15001, 15081, 15082, 15084) for what Manager refuses, with its text; InsufficientSelectors without SubscriptionId.
class SubscriptionDefinitionResource final : public wsman::Resource {
 public:
  explicit SubscriptionDefinitionResource(Manager& manager) : manager_(manager) {}
  /// Awaited after each change and removal, before the answer. Set before the first request.
  using Watcher = std::function<base::Task<void>(std::string id, bool removed)>;
  void set_watcher(Watcher watcher) { watcher_ = std::move(watcher); }
  std::string_view uri() const override;
  wsman::Features features() const override { return wsman::item_features(); }
  bool knows_option(std::string_view name) const override;
  wsman::AsyncResult<wsman::Item> get(const wsman::Call& call) override;
  wsman::AsyncResult<wsman::Item> put(const wsman::Call& call) override;
  wsman::AsyncResult<wsman::Item> create(const wsman::Call& call) override;
  wsman::AsyncResult<void> remove(const wsman::Call& call) override;
  wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> enumerate(const wsman::Call& call,
                                                                   wsman::EnumerateRequest request) override;
  wsman::AsyncResult<std::string> invoke(const wsman::Call& call, std::string method) override;

 private:
  base::Task<void> tell_watcher(std::string id, bool removed);

  Manager& manager_;
  Watcher watcher_;
};

/// Their status (status_document.h), by SubscriptionId and perhaps Source. Get answers all of it; Enumerate first the
/// subscription without its sources and then each source as an item of its own, for where there are thousands. Methods:
/// Retry tries the inactive sources (those of Source) again, ForgetSilent forgets the sources that were not heard of for as
/// many Days as its input says, and answers how many went (Forgotten). For administrators.
///
/// Faults, with the number that Windows' tool would print: ResourceNotFound (2, 1168), InvalidParameter (87, 15080).
class SubscriptionStatusResource final : public wsman::Resource {
 public:
  /// `losses` outlives it, or is null.
  explicit SubscriptionStatusResource(Manager& manager, const LossLedger* losses = nullptr)
      : manager_(manager), losses_(losses) {}
  std::string_view uri() const override;
  wsman::Features features() const override { return wsman::item_features(); }
  wsman::AsyncResult<wsman::Item> get(const wsman::Call& call) override;
  wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> enumerate(const wsman::Call& call,
                                                                   wsman::EnumerateRequest request) override;
  wsman::AsyncResult<std::string> invoke(const wsman::Call& call, std::string method) override;

 private:
  wsman::AsyncResult<SubscriptionStatus> selected_status(const wsman::Call& call) const;

  Manager& manager_;
  const LossLedger* losses_;
};

/// What an authenticated machine may have: each item is a Subscribe to be served. Source: wef-wire, sections 8.1 and 8.2.
class SubscriptionListResource final : public wsman::Resource {
 public:
  explicit SubscriptionListResource(Manager& manager) : manager_(manager) {}
  std::string_view uri() const override;
  std::optional<bool> may_use(const auth::Principal& who, std::string_view action) const override;
  wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> enumerate(const wsman::Call& call,
                                                                   wsman::EnumerateRequest request) override;

 private:
  void tell_once(const auth::Principal& who, const std::string& address);

  Manager& manager_;
  std::mutex mutex_;
  std::set<std::string> told_;  ///< machines that got nothing, each told in the log once
};

}  // namespace subscriptions
