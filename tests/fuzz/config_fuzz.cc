// Any XML as a document of winrm/config, any text as what is stored: it is refused, or what was read of it reads the same
// when it has been written.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/base/log.h"
#include "engine/config/certificate_mapping.h"
#include "engine/config/document.h"
#include "engine/config/listener.h"
#include "engine/config/plugin.h"
#include "engine/config/stored.h"
#include "engine/xml/document.h"

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

void check_settings(xml::Element root) {
  config::Layers layers;
  for (std::size_t i = 0; i < config::kNodes; ++i) {
    const auto given = config::read_document(static_cast<config::Node>(i), root);
    if (!given.ok()) continue;
    for (const auto& [setting, text] : *given) {
      const auto value = config::check(*setting, text);
      if (!value.ok()) continue;
      const auto again = config::check(*setting, *value);
      must(again.ok() && *again == *value);
      layers.stored[setting->id] = *value;
    }
  }
  must(config::read_layer(config::write_layer(layers.stored)) == layers.stored);
  const config::Values values(layers);
  const auto document = xml::Document::parse(config::write_document(config::Node::Config, values));
  must(document.ok());
  const auto whole = config::read_document(config::Node::Config, document->root());
  must(whole.ok() && whole->size() == config::kSettings);
}

void check_listener(xml::Element root) {
  const auto key = config::make_listener_key("*", "HTTPS");
  const auto change = config::read_listener(root, *key);
  if (!change.ok()) return;
  config::Listener listener;
  listener.key = *key;
  listener.port = 5986;
  config::apply(*change, listener);
  const auto stored = config::read_stored_listener(config::listener_name(*key), config::write_stored_listener(listener));
  must(stored.ok() && stored->change.has_value());
  config::Listener again;
  again.key = *key;
  config::apply(*stored->change, again);
  must(config::write_stored_listener(again) == config::write_stored_listener(listener));
}

void check_mapping(xml::Element root) {
  const auto text = [&](std::string_view name) { return root.child(name).text(); };
  const auto key = config::make_cert_mapping_key(text("Issuer"), text("Subject"), text("URI"));
  if (!key.ok()) return;
  const auto change = config::read_cert_mapping(root, *key);
  if (!change.ok() || !change->user) return;
  const config::CertMapping mapping{*key, *change->user, change->enabled.value_or(true)};
  const auto again = config::read_stored_mapping(config::write_cert_mapping(mapping));
  must(again.ok());
}

void check_plugin(xml::Element root) {
  const auto change = config::read_plugin(root, root.attribute("Name").value_or("x"));
  if (change.ok()) {
    config::Plugin plugin;
    config::apply(*change, plugin);
    if (!config::check_plugin(plugin).ok()) return;
    const auto again = config::read_stored_plugin(plugin.name(), config::write_plugin(plugin));
    must(again.ok() && again->plugin.has_value());
    must(config::write_plugin(*again->plugin) == config::write_plugin(plugin));
    for (const config::PluginResource& resource : plugin.resources) {
      const std::string uri = resource.said.text(config::PluginAttribute::ResourceUri);
      must(config::find_route({plugin}, uri).has_value());
    }
  }
  if (const auto security = config::read_security(root, {}); security.ok()) {
    const auto document = xml::Document::parse(config::write_security(*security));
    must(document.ok());
    const auto again = config::read_security(document->root(), {});
    must(again.ok() && config::write_security(*again) == config::write_security(*security));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::set_log_level(base::LogLevel::Error);
  const std::string text(reinterpret_cast<const char*>(data), size);
  // What is stored is ours; but a file can be damaged. It complains of each line, so only a part of it is read.
  config::read_layer(std::string_view(text).substr(0, 64));
  if (const auto key = config::make_listener_key(text, "HTTP"); key.ok()) {
    must(config::make_listener_key(key->address, "HTTP")->address == key->address);
  }
  const auto document = xml::Document::parse(text);
  if (!document.ok()) return 0;
  check_settings(document->root());
  check_listener(document->root());
  check_mapping(document->root());
  check_plugin(document->root());
  return 0;
}
