#include "engine/config/resources.h"

#include <algorithm>
#include <mutex>

#include "engine/base/encoding.h"
#include "engine/config/faults.h"
#include "engine/config/keyed_resource.h"
#include "engine/config/quick_config.h"
#include "engine/wsman/names.h"

namespace config {
namespace {

/// One node of the tree.
class NodeResource final : public wsman::Resource {
 public:
  NodeResource(Configuration& configuration, Node node) : configuration_(configuration), node_(node), uri_(uri_of(node)) {}
  std::string_view uri() const override { return uri_; }
  bool answers_at_once(std::string_view action) const override { return action == wsman::action::kGet; }

  wsman::AsyncResult<wsman::Item> get(const wsman::Call& call) override {
    CO_RETURN_IF_ERROR(check_no_selectors(call));
    co_return item();
  }

  wsman::AsyncResult<wsman::Item> put(const wsman::Call& call) override {
    CO_RETURN_IF_ERROR(check_no_selectors(call));
    ASSIGN_OR_CO_RETURN(Given given, read_document(node_, call.body));
    CO_RETURN_IF_ERROR(co_await configuration_.set(std::move(given)));
    tell_change(call, "changed");
    co_return item();
  }

  wsman::AsyncResult<std::string> invoke(const wsman::Call& call, std::string method) override {
    CO_RETURN_IF_ERROR(check_no_selectors(call));
    if (node_ == Node::Service) co_return co_await quick_config(configuration_, std::move(method), call.body);
    if (node_ != Node::Config || method != "Restore") {
      co_return wsman::make_fault(wsman::FaultCode::ActionNotSupported, "There is no method " + method.substr(0, 100));
    }
    CO_RETURN_IF_ERROR(check_restore_input(call.body));
    CO_RETURN_IF_ERROR(co_await configuration_.restore());
    tell_change(call, "restored");
    co_return restore_output(uri_);
  }

 private:
  wsman::Item item() {
    auto current = configuration_.current();
    wsman::Item item;
    std::lock_guard lock(mutex_);
    if (written_of_ != current) {
      written_ = write_document(node_, current->values);
      written_of_ = std::move(current);
    }
    item.xml = written_;
    return item;
  }

  Configuration& configuration_;
  const Node node_;
  const std::string uri_;
  std::mutex mutex_;
  std::shared_ptr<const Current> written_of_;  ///< what `written_` tells: it changes seldom, and is asked for often
  std::string written_;
};

/// The record of `records` whose key is `key`, or null.
template <typename Record, typename Key>
const Record* find_in(const std::vector<Record>& records, const Key& key) {
  const auto found = std::ranges::find(records, key, &Record::key);
  return found == records.end() ? nullptr : &*found;
}

struct Listeners {
  using Key = ListenerKey;
  using Change = ListenerChange;
  using Record = Listener;
  static constexpr std::string_view kUri = kListenerUri;
  static constexpr std::array<std::string_view, 2> kSelectors{"Address", "Transport"};
  static constexpr bool kReferences = true;
  static constexpr bool kRestores = false;

  static wsman::Result<Key> make_key(const std::vector<std::string>& texts) { return make_listener_key(texts[0], texts[1]); }
  static wsman::Result<Change> read(xml::Element body, const Key& key) { return read_listener(body, key); }
  static const std::vector<Record>& records(const Current& current) { return current.listeners; }
  static const Record* find(const Current& current, const Key& key) { return find_in(current.listeners, key); }
  static wsman::AsyncResult<void> create(Configuration& configuration, Key key, Change change) {
    return configuration.create_listener(std::move(key), std::move(change));
  }
  static wsman::AsyncResult<void> change(Configuration& configuration, Key key, Change change) {
    return configuration.change_listener(std::move(key), std::move(change));
  }
  static wsman::AsyncResult<void> remove(Configuration& configuration, Key key) {
    return configuration.remove_listener(std::move(key));
  }
  static wsman::Item item(Record listener, Effects& effects) {
    const Listening listening = effects.listening_on(listener.key);
    if (listening.port != 0) listener.port = listening.port;
    wsman::Item item;
    item.xml = write_listener(listener, listening.addresses);
    item.selectors = {{"Address", listener.key.address, {}}, {"Transport", std::string(listener.key.transport()), {}}};
    return item;
  }
};

struct CertMappings {
  using Key = CertMappingKey;
  using Change = CertMappingChange;
  using Record = CertMapping;
  static constexpr std::string_view kUri = kCertMappingUri;
  static constexpr std::array<std::string_view, 3> kSelectors{"Issuer", "Subject", "URI"};
  static constexpr bool kReferences = false;
  static constexpr bool kRestores = false;

  static wsman::Result<Key> make_key(const std::vector<std::string>& texts) {
    return make_cert_mapping_key(texts[0], texts[1], texts[2]);
  }
  static wsman::Result<Change> read(xml::Element body, const Key& key) { return read_cert_mapping(body, key); }
  static const std::vector<Record>& records(const Current& current) { return current.mappings; }
  static const Record* find(const Current& current, const Key& key) { return find_in(current.mappings, key); }
  static wsman::AsyncResult<void> create(Configuration& configuration, Key key, Change change) {
    return configuration.create_mapping(std::move(key), std::move(change));
  }
  static wsman::AsyncResult<void> change(Configuration& configuration, Key key, Change change) {
    return configuration.change_mapping(std::move(key), std::move(change));
  }
  static wsman::AsyncResult<void> remove(Configuration& configuration, Key key) {
    return configuration.remove_mapping(std::move(key));
  }
  static wsman::Item item(const Record& mapping, Effects&) {
    wsman::Item item;
    item.xml = write_cert_mapping(mapping);
    item.selectors = {
        {"Issuer", mapping.key.issuer, {}}, {"Subject", mapping.key.subject, {}}, {"URI", mapping.key.uri, {}}};
    return item;
  }
};

wsman::Item item_of(const Plugin& plugin) {
  wsman::Item item;
  item.xml = write_plugin(plugin);
  item.selectors = {{"Name", plugin.name(), {}}};
  return item;
}

struct Plugins {
  using Key = std::string;
  using Change = PluginChange;
  using Record = Plugin;
  static constexpr std::string_view kUri = kPluginUri;
  static constexpr std::array<std::string_view, 1> kSelectors{"Name"};
  static constexpr bool kReferences = true;
  static constexpr bool kRestores = true;

  static wsman::Result<Key> make_key(const std::vector<std::string>& texts) { return make_plugin_name(texts[0]); }
  static wsman::Result<Change> read(xml::Element body, const Key& key) { return read_plugin(body, key); }
  static const std::vector<Record>& records(const Current& current) { return current.plugins; }
  static const Record* find(const Current& current, const Key& key) {
    const auto found =
        std::ranges::find_if(current.plugins, [&](const Plugin& one) { return base::equal_ignoring_case(one.name(), key); });
    return found == current.plugins.end() ? nullptr : &*found;
  }
  static wsman::AsyncResult<void> create(Configuration& configuration, Key key, Change change) {
    return configuration.create_plugin(std::move(key), std::move(change));
  }
  static wsman::AsyncResult<void> change(Configuration& configuration, Key key, Change change) {
    return configuration.change_plugin(std::move(key), std::move(change));
  }
  static wsman::AsyncResult<void> remove(Configuration& configuration, Key key) {
    return configuration.remove_plugin(std::move(key));
  }
  static wsman::AsyncResult<void> restore(Configuration& configuration) { return configuration.restore_plugins(); }
  static wsman::Item item(const Record& plugin, Effects&) { return item_of(plugin); }
};

/// The descriptor of one resource.
class SecurityResource final : public wsman::Resource {
 public:
  explicit SecurityResource(Configuration& configuration) : configuration_(configuration) {}
  std::string_view uri() const override { return kSecurityUri; }
  bool answers_at_once(std::string_view action) const override { return action == wsman::action::kGet; }

  wsman::AsyncResult<wsman::Item> get(const wsman::Call& call) override {
    ASSIGN_OR_CO_RETURN(const std::string of, uri_of_call(call));
    const auto current = configuration_.current();
    ASSIGN_OR_CO_RETURN(const FoundSecurity found, find_security(*current, of, &configuration_.effects()));
    co_return item_of(found);
  }

  wsman::AsyncResult<wsman::Item> put(const wsman::Call& call) override {
    ASSIGN_OR_CO_RETURN(const std::string of, uri_of_call(call));
    ASSIGN_OR_CO_RETURN(PluginSaid said, read_security(call.body, of));
    if (!base::equal_ignoring_case(said.text(PluginAttribute::SecurityUri), of)) {
      co_return refuse(Refusal::SecurityUri, "The Uri of Security is not that of the selector");
    }
    CO_RETURN_IF_ERROR(co_await configuration_.change_security(of, std::move(said)));
    const auto current = configuration_.current();
    ASSIGN_OR_CO_RETURN(const FoundSecurity found, find_security(*current, of, &configuration_.effects()));
    if (found.owner) co_return config::item_of(current->plugins[*found.owner]);
    co_return item_of(found);
  }

 private:
  static wsman::Result<std::string> uri_of_call(const wsman::Call& call) {
    constexpr std::string_view kUri = "Uri";
    ASSIGN_OR_RETURN(auto texts, read_selectors(call, &kUri, 1));
    return check(row_of(PluginAttribute::SecurityUri), texts.front());
  }

  static wsman::Item item_of(const FoundSecurity& found) {
    wsman::Item item;
    item.xml = write_security(found.said);
    item.selectors = {{"Uri", found.said.text(PluginAttribute::SecurityUri), {}}};
    return item;
  }

  Configuration& configuration_;
};

/// What there is to ask for, and who may: each item is a `Resource` as in a plugin's document, with the descriptor that
/// holds for it.
class ResourceList final : public wsman::Resource {
 public:
  explicit ResourceList(Configuration& configuration) : configuration_(configuration) {}
  std::string_view uri() const override { return kResourceListUri; }

  wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> enumerate(const wsman::Call& call,
                                                                   wsman::EnumerateRequest) override {
    CO_RETURN_IF_ERROR(check_no_selectors(call));
    const auto current = configuration_.current();
    std::vector<wsman::Item> items;
    for (const PluginResource& resource : resources_of(*current)) {
      wsman::Item item;
      item.xml = write_plugin_resource(with_security(*current, resource));
      items.push_back(std::move(item));
    }
    co_return wsman::enumerate_items(std::move(items));
  }

 private:
  std::vector<PluginResource> resources_of(const Current& current) const {
    std::vector<PluginResource> all;
    for (const Plugin& plugin : current.plugins) all.insert(all.end(), plugin.resources.begin(), plugin.resources.end());
    for (const std::string& uri : configuration_.effects().resources()) {
      if (find_route(current.plugins, uri)) continue;
      PluginResource resource;
      resource.said.set(PluginAttribute::ResourceUri, uri);
      all.push_back(std::move(resource));
    }
    std::ranges::sort(all, {}, [](const PluginResource& one) { return one.said.text(PluginAttribute::ResourceUri); });
    return all;
  }

  PluginResource with_security(const Current& current, PluginResource resource) const {
    const std::string uri = resource.said.text(PluginAttribute::ResourceUri);
    const auto found = find_security(current, uri, &configuration_.effects());
    const bool own = std::ranges::any_of(resource.security, [&](const PluginSaid& one) {
      return base::equal_ignoring_case(one.text(PluginAttribute::SecurityUri), uri);
    });
    if (found.ok() && !own) resource.security.insert(resource.security.begin(), found->said);
    return resource;
  }

  Configuration& configuration_;
};

}  // namespace

std::vector<std::unique_ptr<wsman::Resource>> make_resources(Configuration& configuration) {
  std::vector<std::unique_ptr<wsman::Resource>> resources;
  for (std::size_t i = 0; i < kNodes; ++i) {
    resources.push_back(std::make_unique<NodeResource>(configuration, static_cast<Node>(i)));
  }
  resources.push_back(std::make_unique<KeyedResource<Listeners>>(configuration));
  resources.push_back(std::make_unique<KeyedResource<CertMappings>>(configuration));
  resources.push_back(std::make_unique<KeyedResource<Plugins>>(configuration));
  resources.push_back(std::make_unique<SecurityResource>(configuration));
  resources.push_back(std::make_unique<ResourceList>(configuration));
  return resources;
}

}  // namespace config
