#include "engine/config/plugin.h"

#include <algorithm>
#include <set>

#include "engine/base/encoding.h"
#include "engine/config/document.h"
#include "engine/config/text_rules.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace config {
namespace {

using A = PluginAttribute;
using Shown = PluginAttributeRow::Shown;

std::string shown(std::string_view name) {
  return std::string(name.substr(0, 100));
}

wsman::Fault schema(std::string reason) {
  return refuse(Refusal::SchemaValidation, std::move(reason));
}

bool is_plugin_namespace(std::string_view uri) {
  return is_namespace_of(uri, kPluginNamespace) || is_namespace_of(uri, kPluginUri);
}

wsman::Result<void> check_namespace(xml::Element element) {
  if (is_plugin_namespace(element.namespace_uri())) return {};
  return wsman::make_fault(wsman::FaultCode::InvalidNamespace, shown(element.local_name()) + " is in another namespace");
}

/// About the XML, or about where the document came from.
bool is_passed_over(std::string_view attribute) {
  return attribute.find(':') != std::string_view::npos || attribute == "xmlns" || attribute == "Source";
}

wsman::Result<PluginSaid> read_attributes(PluginPart part, xml::Element element) {
  PluginSaid said;
  std::optional<wsman::Fault> fault;
  element.for_each_attribute([&](xml::Element::Attribute attribute) {
    if (fault || is_passed_over(attribute.name)) return;
    const PluginAttributeRow* row = find_plugin_attribute(part, attribute.name);
    if (row == nullptr) {
      fault = schema("There is no attribute " + shown(attribute.name) + " of " + shown(element.local_name()));
    } else if (said.find(row->id) != nullptr) {
      fault = schema("The attribute " + shown(attribute.name) + " is there a second time");
    } else if (row->id == A::SecurityUri && base::trimmed(attribute.value).empty()) {
      // Means that of the resource.
    } else if (auto value = check(*row, attribute.value); value.ok()) {
      said.set(row->id, std::move(*value));
    } else {
      fault = std::move(value).error();
    }
  });
  if (fault) return std::move(*fault);
  return said;
}

wsman::Result<void> check_required(PluginPart part, const PluginSaid& said) {
  for (const PluginAttributeRow& row : plugin_attributes()) {
    if (row.part != part || !row.required || said.find(row.id) != nullptr) continue;
    return schema("The attribute " + std::string(row.name) + " is missing");
  }
  return {};
}

/// An element that says all that it says in attributes.
wsman::Result<PluginSaid> read_leaf(PluginPart part, xml::Element element) {
  RETURN_IF_ERROR(check_namespace(element));
  if (element.first_child()) return schema(shown(element.local_name()) + " holds elements");
  ASSIGN_OR_RETURN(PluginSaid said, read_attributes(part, element));
  RETURN_IF_ERROR(check_required(part, said));
  return said;
}

wsman::Result<PluginSaid> read_security_leaf(xml::Element element, std::string_view resource) {
  RETURN_IF_ERROR(check_namespace(element));
  if (element.first_child()) return schema("Security holds elements");
  ASSIGN_OR_RETURN(PluginSaid said, read_attributes(PluginPart::Security, element));
  if (said.find(A::SecurityUri) == nullptr) said.set(A::SecurityUri, std::string(resource));
  const std::string uri = said.text(A::SecurityUri);
  if (!base::equal_ignoring_case(std::string_view(uri).substr(0, resource.size()), resource)) {
    return refuse(Refusal::SecurityUri, "The Uri of Security must begin with that of the resource");
  }
  return said;
}

wsman::Result<void> check_capability(const PluginSaid& capability) {
  const std::string type = capability.text(A::CapabilityType);
  const bool fragments = type == "Get" || type == "Put";
  const bool filters = type == "Enumerate" || type == "Subscribe";
  if (capability.flag(A::SupportsFragment) && !fragments) return schema("SupportsFragment is of Get and Put only");
  if (capability.flag(A::SupportsFiltering) && !filters) {
    return schema("SupportsFiltering is of Enumerate and Subscribe only");
  }
  return {};
}

wsman::Result<PluginResource> read_resource(xml::Element element) {
  RETURN_IF_ERROR(check_namespace(element));
  PluginResource resource;
  ASSIGN_OR_RETURN(resource.said, read_attributes(PluginPart::Resource, element));
  RETURN_IF_ERROR(check_required(PluginPart::Resource, resource.said));
  const std::string uri = resource.said.text(A::ResourceUri);
  std::set<std::string> uris;
  for (const xml::Element child : element.children()) {
    if (resource.security.size() + resource.capabilities.size() >= kMaxPluginParts) return schema("Resource holds too much");
    if (child.local_name() == "Security") {
      ASSIGN_OR_RETURN(PluginSaid said, read_security_leaf(child, uri));
      if (!uris.insert(base::to_lower(said.text(A::SecurityUri))).second) {
        return schema("There are two Security elements for one Uri");
      }
      resource.security.push_back(std::move(said));
    } else if (child.local_name() == "Capability") {
      ASSIGN_OR_RETURN(PluginSaid said, read_leaf(PluginPart::Capability, child));
      RETURN_IF_ERROR(check_capability(said));
      if (resource.find_capability(said.text(A::CapabilityType)) != nullptr) {
        return schema("The capability " + said.text(A::CapabilityType) + " is there a second time");
      }
      resource.capabilities.push_back(std::move(said));
    } else {
      return schema("There is no element " + shown(child.local_name()) + " in Resource");
    }
  }
  if (resource.capabilities.empty()) return schema("The resource " + shown(uri) + " has no Capability");
  if (resource.find_capability("Shell") != nullptr && resource.capabilities.size() > 1) {
    return schema("The capability Shell excludes the others");
  }
  return resource;
}

/// The elements of a list, all of the name `name`.
template <typename Item, typename Read>
wsman::Result<std::vector<Item>> read_list(xml::Element list, std::string_view name, Read read) {
  std::vector<Item> items;
  for (const xml::Element child : list.children()) {
    if (child.local_name() != name) {
      return schema("There is no element " + shown(child.local_name()) + " in " + shown(list.local_name()));
    }
    if (items.size() >= kMaxPluginParts) return schema(shown(list.local_name()) + " holds too much");
    ASSIGN_OR_RETURN(Item item, read(child));
    items.push_back(std::move(item));
  }
  return items;
}

bool serves_shells(const Plugin& plugin) {
  return std::ranges::any_of(plugin.resources,
                             [](const PluginResource& one) { return one.find_capability("Shell") != nullptr; });
}

void write_attributes(xml::Writer& writer, PluginPart part, const PluginSaid& said, bool shells) {
  for (const PluginAttributeRow& row : plugin_attributes()) {
    if (row.part != part) continue;
    const bool always = row.shown == Shown::Always || (row.shown == Shown::OfShells && shells) ||
                        (row.shown == Shown::OfOperations && !shells);
    if (always || said.find(row.id) != nullptr) writer.attribute(row.name, said.text(row.id));
  }
}

void write_security_to(xml::Writer& writer, const PluginSaid& security, bool alone) {
  writer.open("Security");
  if (alone) writer.attribute("xmlns", kPluginNamespace);
  write_attributes(writer, PluginPart::Security, security, false);
  writer.close();
}

void write_resource_to(xml::Writer& writer, const PluginResource& resource, bool alone) {
  writer.open("Resource");
  if (alone) writer.attribute("xmlns", kPluginNamespace);
  write_attributes(writer, PluginPart::Resource, resource.said, false);
  for (const PluginSaid& security : resource.security) write_security_to(writer, security, false);
  for (const PluginSaid& capability : resource.capabilities) {
    writer.open("Capability");
    write_attributes(writer, PluginPart::Capability, capability, false);
    writer.close();
  }
  writer.close();
}

}  // namespace

const PluginSaid* PluginResource::find_capability(std::string_view type) const {
  const auto found = std::ranges::find_if(capabilities, [&](const PluginSaid& one) {
    const std::string* said = one.find(A::CapabilityType);
    return said != nullptr && *said == type;
  });
  return found == capabilities.end() ? nullptr : &*found;
}

wsman::Result<std::string> make_plugin_name(std::string_view name) {
  return check(row_of(A::Name), name);
}

wsman::Result<PluginChange> read_plugin(xml::Element root, std::string_view name) {
  if (!root || !base::equal_ignoring_case(root.local_name(), "PlugInConfiguration")) {
    return schema("The body is not a PlugInConfiguration");
  }
  RETURN_IF_ERROR(check_namespace(root));
  PluginChange change;
  ASSIGN_OR_RETURN(change.said, read_attributes(PluginPart::Plugin, root));
  if (const std::string* said = change.said.find(A::Name); said != nullptr && !base::equal_ignoring_case(*said, name)) {
    return refuse(Refusal::KeysChanged, "Name is the key of the plugin and cannot be changed");
  }
  change.said.set(A::Name, std::string(name));
  change.password = !change.said.text(A::RunAsPassword).empty();
  change.said.set(A::RunAsPassword, {});
  std::set<std::string_view> seen;
  for (const xml::Element child : root.children()) {
    RETURN_IF_ERROR(check_namespace(child));
    const std::string_view part = child.local_name();
    if (!seen.insert(part).second) return schema(shown(part) + " is there a second time");
    if (part == "InitializationParameters") {
      ASSIGN_OR_RETURN(change.parameters, read_list<PluginSaid>(child, "Param", [](xml::Element element) {
                         return read_leaf(PluginPart::Param, element);
                       }));
    } else if (part == "Resources") {
      ASSIGN_OR_RETURN(change.resources, read_list<PluginResource>(child, "Resource", read_resource));
    } else if (part == "Quotas") {
      ASSIGN_OR_RETURN(change.quotas, read_leaf(PluginPart::Quotas, child));
    } else {
      return schema("There is no element " + shown(part) + " in PlugInConfiguration");
    }
  }
  return change;
}

void apply(const PluginChange& change, Plugin& plugin) {
  // How the name is spelt was said when the plugin was made.
  const std::string* name = plugin.said.find(A::Name);
  const std::string kept = name != nullptr ? *name : change.said.text(A::Name);
  plugin.said.merge(change.said);
  plugin.said.set(A::Name, kept);
  if (change.parameters) plugin.parameters = *change.parameters;
  if (change.resources) plugin.resources = *change.resources;
  plugin.quotas.merge(change.quotas);
}

wsman::Result<void> check_plugin(const Plugin& plugin) {
  RETURN_IF_ERROR(check_required(PluginPart::Plugin, plugin.said));
  if (plugin.resources.empty()) return schema("The plugin has no Resources");
  std::set<std::string> names;
  for (const PluginSaid& parameter : plugin.parameters) {
    if (!names.insert(parameter.text(A::ParamName)).second) return schema("There are two Param elements of one Name");
  }
  return {};
}

std::string write_plugin(const Plugin& plugin) {
  xml::Writer writer;
  const bool shells = serves_shells(plugin);
  writer.open("PlugInConfiguration").attribute("xmlns", kPluginNamespace);
  write_attributes(writer, PluginPart::Plugin, plugin.said, shells);
  if (!plugin.parameters.empty()) {
    writer.open("InitializationParameters");
    for (const PluginSaid& parameter : plugin.parameters) {
      writer.open("Param");
      write_attributes(writer, PluginPart::Param, parameter, shells);
      writer.close();
    }
    writer.close();
  }
  writer.open("Resources");
  for (const PluginResource& resource : plugin.resources) write_resource_to(writer, resource, false);
  writer.close().open("Quotas");
  write_attributes(writer, PluginPart::Quotas, plugin.quotas, shells);
  return writer.take();
}

std::string write_plugin_resource(const PluginResource& resource) {
  xml::Writer writer;
  write_resource_to(writer, resource, true);
  return writer.take();
}

std::string write_security(const PluginSaid& security) {
  xml::Writer writer;
  write_security_to(writer, security, true);
  return writer.take();
}

wsman::Result<PluginSaid> read_security(xml::Element root, std::string_view uri) {
  if (!root || !base::equal_ignoring_case(root.local_name(), "Security")) return schema("The body is not a Security");
  return read_security_leaf(root, uri);
}

bool is_at_or_below(std::string_view uri, std::string_view base, bool exact) {
  while (!exact && base.ends_with('/')) base.remove_suffix(1);
  if (uri.size() < base.size() || !base::equal_ignoring_case(uri.substr(0, base.size()), base)) return false;
  return uri.size() == base.size() || (!exact && uri[base.size()] == '/');
}

std::optional<PluginRoute> find_route(const std::vector<Plugin>& plugins, std::string_view uri) {
  std::optional<PluginRoute> best;
  std::size_t length = 0;
  for (std::size_t i = 0; i < plugins.size(); ++i) {
    for (std::size_t j = 0; j < plugins[i].resources.size(); ++j) {
      const PluginSaid& said = plugins[i].resources[j].said;
      const std::string* base = said.find(A::ResourceUri);
      if (base == nullptr) continue;
      if (base::equal_ignoring_case(uri, *base)) return PluginRoute{i, j};
      if (base->size() <= length || !is_at_or_below(uri, *base, said.flag(A::ResourceExactMatch))) continue;
      best = PluginRoute{i, j};
      length = base->size();
    }
  }
  return best;
}

}  // namespace config
