// winrm/config over WS-Management.
//
// Source: winrm-config, sections 1, 2, 4 and 5.

#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/config/configuration.h"
#include "engine/wsman/names.h"
#include "engine/wsman/resource.h"

namespace config {

/// One node of the tree: Get and Put; the root also has the method Restore, the service those of quick_config.h.
/// Administrators only, as the resources below; without selectors (UnexpectedSelectors).
///
/// Put takes whole and partial documents: what differs is set, all of it or nothing. It answers the new representation.
class NodeResource final : public wsman::Resource {
 public:
  NodeResource(Configuration& configuration, Node node) : configuration_(configuration), node_(node), uri_(uri_of(node)) {}
  std::string_view uri() const override { return uri_; }
  bool answers_at_once(std::string_view action) const override { return action == wsman::action::kGet; }
  wsman::AsyncResult<wsman::Item> get(const wsman::Call& call) override;
  wsman::AsyncResult<wsman::Item> put(const wsman::Call& call) override;
  wsman::AsyncResult<std::string> invoke(const wsman::Call& call, std::string method) override;

 private:
  wsman::Item item();

  Configuration& configuration_;
  const Node node_;
  const std::string uri_;
  std::mutex mutex_;
  std::shared_ptr<const Current> written_of_;  ///< what `written_` tells: it changes seldom, and is asked for often
  std::string written_;
};

/// The listeners; selectors Address and Transport. Get, Put, Create, Delete, Enumerate with references.
class ListenerResource final : public wsman::Resource {
 public:
  explicit ListenerResource(Configuration& configuration) : configuration_(configuration) {}
  std::string_view uri() const override { return kListenerUri; }
  bool answers_at_once(std::string_view action) const override { return action == wsman::action::kGet; }
  wsman::AsyncResult<wsman::Item> get(const wsman::Call& call) override;
  wsman::AsyncResult<wsman::Item> put(const wsman::Call& call) override;
  wsman::AsyncResult<wsman::Item> create(const wsman::Call& call) override;
  wsman::AsyncResult<void> remove(const wsman::Call& call) override;
  wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> enumerate(const wsman::Call& call,
                                                                   wsman::EnumerateRequest request) override;

 private:
  wsman::Result<wsman::Item> item(const ListenerKey& key) const;

  Configuration& configuration_;
};

/// The certificate mappings; selectors Issuer, Subject and URI. Get, Put, Create, Delete, Enumerate without references.
class CertMappingResource final : public wsman::Resource {
 public:
  explicit CertMappingResource(Configuration& configuration) : configuration_(configuration) {}
  std::string_view uri() const override { return kCertMappingUri; }
  bool answers_at_once(std::string_view action) const override { return action == wsman::action::kGet; }
  wsman::AsyncResult<wsman::Item> get(const wsman::Call& call) override;
  wsman::AsyncResult<wsman::Item> put(const wsman::Call& call) override;
  wsman::AsyncResult<wsman::Item> create(const wsman::Call& call) override;
  wsman::AsyncResult<void> remove(const wsman::Call& call) override;
  wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> enumerate(const wsman::Call& call,
                                                                   wsman::EnumerateRequest request) override;

 private:
  wsman::Result<wsman::Item> item(const CertMappingKey& key) const;

  Configuration& configuration_;
};

/// All resources of `configuration`, which outlives them.
std::vector<std::unique_ptr<wsman::Resource>> make_resources(Configuration& configuration);

}  // namespace config
