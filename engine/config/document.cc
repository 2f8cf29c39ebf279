#include "engine/config/document.h"

#include <algorithm>
#include <set>

#include "engine/base/encoding.h"
#include "engine/config/faults.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace config {
namespace {

bool is_within(Node node, Node ancestor) {
  while (node != ancestor && node != Node::Config) node = row_of(node).parent;
  return node == ancestor;
}

/// The element of the tree that `name` means as a child of `parent`.
const NodeRow* find_child(Node parent, std::string_view name) {
  for (std::size_t i = 1; i < kNodes; ++i) {
    const NodeRow& row = row_of(static_cast<Node>(i));
    if (row.parent == parent && row.name == name) return &row;
  }
  return nullptr;
}

std::string shown(xml::Element element) {
  return std::string(element.local_name().substr(0, 100));
}

bool is_nil(xml::Element element) {
  const auto nil = element.attribute(wsman::ns::kXsi, "nil");
  return nil && (*nil == "true" || *nil == "1");
}

class Reader {
 public:
  explicit Reader(std::string uri) : uri_(std::move(uri)) {}

  wsman::Result<void> read(Node node, xml::Element parent) {
    for (const xml::Element child : parent.children()) {
      if (!is_namespace_of(child.namespace_uri(), uri_)) {
        return wsman::make_fault(wsman::FaultCode::InvalidNamespace, shown(child) + " is in another namespace");
      }
      if (const NodeRow* inner = find_child(node, child.local_name())) {
        if (!nodes_.insert(inner->node).second) return twice(child);
        RETURN_IF_ERROR(read(inner->node, child));
      } else if (const Setting* setting = find_setting(node, child.local_name())) {
        if (!settings_.insert(setting->id).second) return twice(child);
        if (child.first_child()) return refuse(Refusal::SchemaValidation, shown(child) + " is a value and holds elements");
        given.emplace_back(setting, is_nil(child) ? std::string() : child.text());
      } else {
        return refuse(Refusal::SchemaValidation,
                      "There is no element " + shown(child) + " in " + std::string(row_of(node).name));
      }
    }
    return {};
  }

  Given given;

 private:
  static wsman::Fault twice(xml::Element element) {
    return refuse(Refusal::SchemaValidation, shown(element) + " is there a second time");
  }

  const std::string uri_;
  std::set<Node> nodes_;
  std::set<Id> settings_;
};

}  // namespace

std::string uri_of(Node node) {
  return std::string(kBaseUri) + std::string(row_of(node).path);
}

bool is_namespace_of(std::string_view namespace_uri, std::string_view uri) {
  constexpr std::string_view kSchema = ".xsd";
  if (namespace_uri.size() > kSchema.size() &&
      base::equal_ignoring_case(namespace_uri.substr(namespace_uri.size() - kSchema.size()), kSchema)) {
    namespace_uri.remove_suffix(kSchema.size());
  }
  return base::equal_ignoring_case(namespace_uri, uri) || base::equal_ignoring_case(namespace_uri, kBaseUri);
}

wsman::Result<void> check_root(xml::Element root, std::string_view uri, std::string_view name) {
  if (!root || !base::equal_ignoring_case(root.local_name(), name)) {
    return refuse(Refusal::SchemaValidation, "The body is not a " + std::string(name));
  }
  if (!is_namespace_of(root.namespace_uri(), uri)) {
    return wsman::make_fault(wsman::FaultCode::InvalidNamespace,
                             std::string(name) + " belongs into the namespace " + std::string(uri));
  }
  return {};
}

std::string write_document(Node node, const Values& values) {
  xml::Writer writer;
  writer.open("cfg:" + std::string(row_of(node).name)).attribute("xmlns:cfg", uri_of(node));
  Node at = node;
  for (const Setting& setting : settings()) {
    if (!is_within(setting.node, node)) continue;
    while (!is_within(setting.node, at)) {
      writer.close();
      at = row_of(at).parent;
    }
    // The table goes from a node to its own children only, so there is one step at most.
    if (at != setting.node) {
      writer.open("cfg:" + std::string(row_of(setting.node).name));
      at = setting.node;
    }
    writer.open("cfg:" + std::string(setting.name()));
    if (values.source(setting.id) == Source::Policy) writer.attribute("Source", "GPO");
    writer.text(values.text(setting.id)).close();
  }
  return writer.take();
}

wsman::Result<Given> read_document(Node node, xml::Element root) {
  const std::string uri = uri_of(node);
  RETURN_IF_ERROR(check_root(root, uri, row_of(node).name));
  Reader reader(uri);
  RETURN_IF_ERROR(reader.read(node, root));
  return std::move(reader.given);
}

}  // namespace config
