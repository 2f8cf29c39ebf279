// What plugins' documents let in: whether a resource is served, which of its operations, how many of them at one time.
//
// Source: winrm-config, section 6.

#pragma once

#include <memory>

#include "engine/config/configuration.h"
#include "engine/wsman/admission.h"

namespace config {

/// Faults of admit(): InvalidResourceUri where the plugin is not Enabled, ActionNotSupported where it has no such
/// Capability, FragmentTransferNotSupported, FilteringNotSupported, EventFilteringNotSupported and OptionsNotSupported
/// where it does not support what is asked, QuotaLimit with 2150859237, 2150859240 or 2150859239 where a quota is reached.
///
/// What goes on with an open enumeration or subscription is let in. Resources without a plugin are, too, and so is who
/// comes by the control socket: the tools of this host are not WinRM's clients in Windows either. Thread-safe.
class PluginGate final : public wsman::Admission {
 public:
  /// `configuration` outlives it; places may outlive both.
  explicit PluginGate(const Configuration& configuration);
  wsman::Result<wsman::Place> admit(const wsman::Call& call) override;

 private:
  struct Ledger;

  const Configuration& configuration_;
  const std::shared_ptr<Ledger> ledger_;
};

}  // namespace config
