#include "cli/winrm_operations.h"

#include <pwd.h>

#include <iterator>

#include "cli/winrm_output.h"
#include "engine/base/encoding.h"
#include "engine/base/file_system.h"
#include "engine/base/utf16.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"
#include "engine/xml/document.h"
#include "engine/xml/writer.h"

namespace cli {
namespace {

constexpr std::uint32_t kWqlNeedsStar = 2150859003;
constexpr std::size_t kMaxDocument = 16 << 20;
constexpr std::string_view kCertMapping = "http://schemas.microsoft.com/wbem/wsman/1/config/service/certmapping";

bool is_element_name(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
  };
  if (name.empty() || !letter(name.front())) return false;
  for (const char c : name) {
    if (!letter(c) && !(c >= '0' && c <= '9') && c != '-' && c != '.') return false;
  }
  return true;
}

/// The XML of a file in UTF-8, or in UTF-16 with its mark, without its declaration.
base::Result<std::string> read_document(std::string bytes, const std::string& where) {
  wsman::Charset charset = wsman::Charset::Utf8;
  auto text = wsman::decode_text(bytes, {}, charset);
  if (!text.ok()) return base::make_error(base::Win32::InvalidData, where + " is neither UTF-8 nor UTF-16");
  auto document = xml::Document::parse(std::move(*text));
  if (!document.ok()) {
    return base::make_error(base::Win32::InvalidData, where + " holds no XML document: " + document.error().message());
  }
  return document->root().outer_xml();
}

base::Result<std::optional<std::string>> read_input(Console& console, const WinrmArguments& arguments) {
  const auto file = arguments.switches.find("file");
  // What set is to write must come from somewhere.
  const bool piped = !file && !arguments.values && arguments.operation->name == "set";
  if (!file && !piped) return std::optional<std::string>();
  if (piped || *file == "-") {
    std::string text(std::istreambuf_iterator<char>(console.in), {});
    if (piped && base::trimmed(text).empty()) return usage("set needs @{NAME=\"VALUE\"} or -file:PATH.");
    ASSIGN_OR_RETURN(std::string document, read_document(std::move(text), "standard input"));
    return std::optional<std::string>(std::move(document));
  }
  ASSIGN_OR_RETURN(std::string bytes, base::read_file(*file, kMaxDocument));
  ASSIGN_OR_RETURN(std::string document, read_document(std::move(bytes), *file));
  return std::optional<std::string>(std::move(document));
}

base::Result<std::vector<wsman::Option>> read_options(const Arguments& switches) {
  std::vector<wsman::Option> options;
  const auto text = switches.find("options");
  if (!text) return options;
  ASSIGN_OR_RETURN(auto values, parse_values(*text));
  for (NamedValue& value : values) {
    options.push_back(wsman::Option{std::move(value.name), value.value.value_or(""), !value.value, false});
  }
  return options;
}

/// A class of WMI or CIM, and not all of a namespace's. Other resources have no classes.
bool names_class(std::string_view uri) {
  if (uri.ends_with('*')) return false;
  const std::string lower = base::to_lower(uri);
  return lower.starts_with("http://schemas.microsoft.com/wbem/wsman/1/wmi/") ||
         lower.starts_with("http://schemas.dmtf.org/wbem/wscim/1/");
}

base::Result<wsman::Client::Enumeration> read_enumeration(const Arguments& switches, const wsman::Client::Target& target) {
  wsman::Client::Enumeration enumeration;
  const std::string type = switches.value_or("returntype", "object");
  if (type == "epr") enumeration.mode = "EnumerateEPR";
  if (type == "objectandepr") enumeration.mode = "EnumerateObjectAndEPR";
  if (switches.flag("shallow")) enumeration.polymorphism = "None";
  if (switches.flag("basepropertiesonly")) enumeration.polymorphism = "ExcludeSubClassProperties";
  const auto filter = switches.find("filter");
  if (!filter) {
    if (switches.has("dialect") || switches.flag("associations")) return usage("-dialect and -associations need -filter.");
    return enumeration;
  }
  if (!target.selectors.empty()) return usage("Selectors in the URI and -filter exclude each other.");
  ASSIGN_OR_RETURN(FilterText made, make_filter(switches.value_or("dialect", ""), *filter, switches.flag("associations")));
  if (made.dialect == wsman::kWqlDialect && names_class(target.resource_uri)) {
    return base::make_error(base::win32_code(kWqlNeedsStar),
                            "A WQL filter names the class itself: the URI ends in \"*\", as in wmicimv2/*.");
  }
  enumeration.filter = wsman::Filter{std::move(made.dialect), std::move(made.text)};
  return enumeration;
}

/// The properties of a plugin's configuration are attributes of its root.
bool is_property(xml::Element root, const std::string& name) {
  return root.namespace_uri() == kPluginNamespace && root.attribute(name).has_value();
}

/// The attributes of `root`, those that are properties with the values that they are to have.
void write_attributes(std::string& out, xml::Element root, const std::vector<NamedValue>& values) {
  root.for_each_attribute([&](xml::Element::Attribute attribute) {
    std::string_view text = attribute.value;
    for (const NamedValue& value : values) {
      if (value.name == attribute.name && is_property(root, value.name))
        text = value.value ? *value.value : std::string_view();
    }
    out += ' ';
    out += attribute.name;
    out += "=\"";
    xml::append_attribute(out, text);
    out += '"';
  });
}

/// The element with another text, or with none.
void write_replaced(std::string& out, xml::Element element, const std::optional<std::string>& value) {
  out += '<';
  out += element.name();
  if (!value) {
    out += " xmlns:xsi=\"";
    out += wsman::ns::kXsi;
    out += "\" xsi:nil=\"true\"/>";
    return;
  }
  out += '>';
  xml::append_text(out, *value);
  out += "</";
  out += element.name();
  out += '>';
}

/// One operation at work.
class Operation {
 public:
  Operation(Console& console, WinrmRequest& request, WinrmSession& session)
      : console_(console),
        request_(request),
        client_(session.client()),
        remote_(session.is_remote()),
        printer_(console.out, request.format) {}

  base::AsyncResult<void> get() {
    auto target = request_.target;
    ASSIGN_OR_CO_RETURN(const wsman::Envelope reply, co_await client_.get(std::move(target)));
    co_return print(reply);
  }

  base::AsyncResult<void> set() {
    std::string document;
    if (request_.document) {
      document = *request_.document;
    } else {
      auto target = request_.target;
      ASSIGN_OR_CO_RETURN(const wsman::Envelope current, co_await client_.get(std::move(target)));
      ASSIGN_OR_CO_RETURN(document, replace_values(current.body(), request_.values));
    }
    auto target = request_.target;
    warn_of_user(document);
    ASSIGN_OR_CO_RETURN(const wsman::Envelope reply, co_await client_.put(std::move(target), std::move(document)));
    co_return print(reply);
  }

  base::AsyncResult<void> create() {
    ASSIGN_OR_CO_RETURN(std::string document, input(last_part(request_.target.resource_uri)));
    auto target = request_.target;
    warn_of_user(document);
    ASSIGN_OR_CO_RETURN(const wsman::Envelope reply, co_await client_.create(std::move(target), std::move(document)));
    co_return print(reply);
  }

  base::AsyncResult<void> remove() {
    auto target = request_.target;
    co_return co_await client_.remove(std::move(target));
  }

  base::AsyncResult<void> enumerate() {
    bool begun = false;
    auto take = [this, &begun](wsman::Client::Page& page) {
      if (!begun) printer_.begin_list();
      begun = true;
      for (const xml::Element item : page.items) printer_.item(item);
      return true;
    };
    auto target = request_.target;
    auto what = request_.enumeration;
    auto done = co_await client_.enumerate(std::move(target), std::move(what), take);
    if (begun) printer_.end_list();
    co_return done;
  }

  base::AsyncResult<void> invoke() {
    const std::string name = std::string(last_part(request_.action)) + "_INPUT";
    ASSIGN_OR_CO_RETURN(std::string body, input(name));
    auto target = request_.target;
    std::string action = request_.action;
    ASSIGN_OR_CO_RETURN(const wsman::Envelope reply,
                        co_await client_.invoke(std::move(target), std::move(action), std::move(body)));
    co_return print(reply);
  }

  base::AsyncResult<void> identify() {
    ASSIGN_OR_CO_RETURN(const wsman::Envelope reply, co_await client_.identify());
    co_return print(reply);
  }

 private:
  base::Result<void> print(const wsman::Envelope& reply) {
    if (const xml::Element body = reply.body()) printer_.print(body);
    return {};
  }

  /// The document that was given, or one that is made of the values.
  base::Result<std::string> input(std::string_view name) const {
    if (request_.document) return *request_.document;
    return make_document(name, request_.target.resource_uri, request_.values);
  }

  /// A certificate mapping of this machine may be made before its user is, so one who is not there is no error.
  void warn_of_user(const std::string& document) {
    if (remote_ || !base::equal_ignoring_case(request_.target.resource_uri, kCertMapping)) return;
    const auto mapping = xml::Document::parse(document);
    if (!mapping.ok()) return;
    const std::string user(base::trimmed(mapping->root().child("UserName").text()));
    if (user.empty() || ::getpwnam(user.c_str()) != nullptr) return;
    console_.err << "Warning: this machine has no user " << user
                 << "; until it has one, the mapping lets nobody in. (Users of 'muster user' log on with passwords only.)\n";
  }

  Console& console_;
  WinrmRequest& request_;
  wsman::Client& client_;
  const bool remote_;
  ResultPrinter printer_;
};

}  // namespace

OutputFormat format_of(const Arguments& switches) {
  const std::string format = switches.flag("json") ? "json" : switches.value_or("format", "text");
  if (format == "xml") return OutputFormat::Xml;
  if (format == "pretty") return OutputFormat::Pretty;
  return format == "json" ? OutputFormat::Json : OutputFormat::Text;
}

base::Result<WinrmRequest> make_request(Console& console, const WinrmArguments& arguments) {
  WinrmRequest request;
  request.format = format_of(arguments.switches);
  if (arguments.positional.empty()) return request;  // identify
  if (arguments.operation->name == "invoke") request.action = expand_alias(arguments.positional.front());
  ASSIGN_OR_RETURN(ResourceAddress address, parse_resource(arguments.positional.back()));
  request.target.resource_uri = std::move(address.uri);
  request.target.selectors = std::move(address.selectors);
  ASSIGN_OR_RETURN(request.target.options, read_options(arguments.switches));
  const bool takes_fragment = arguments.operation->name == "get" || arguments.operation->name == "set";
  if (const auto path = arguments.switches.find("fragment"); path && takes_fragment) {
    request.target.fragment = wsman::Fragment{*path, arguments.switches.value_or("dialect", "")};
  }
  if (arguments.values) {
    ASSIGN_OR_RETURN(request.values, parse_values(*arguments.values));
  }
  if (arguments.operation->name == "enumerate") {
    ASSIGN_OR_RETURN(request.enumeration, read_enumeration(arguments.switches, request.target));
    return request;
  }
  ASSIGN_OR_RETURN(request.document, read_input(console, arguments));
  return request;
}

base::Task<int> run_operation(Console& console, std::string operation, WinrmRequest request, WinrmSession& session) {
  Operation work(console, request, session);
  base::Result<void> done;
  if (operation == "get") done = co_await work.get();
  if (operation == "set") done = co_await work.set();
  if (operation == "create") done = co_await work.create();
  if (operation == "delete") done = co_await work.remove();
  if (operation == "enumerate") done = co_await work.enumerate();
  if (operation == "invoke") done = co_await work.invoke();
  if (operation == "identify") done = co_await work.identify();
  if (!done.ok()) co_return session.fail(console, request.format, done.error());
  co_return 0;
}

base::Result<std::string> replace_values(xml::Element document, const std::vector<NamedValue>& values) {
  // What is bound outside of the document is declared in it from here on.
  ASSIGN_OR_RETURN(const xml::Document alone, xml::Document::parse(document.outer_xml()));
  const xml::Element root = alone.root();
  for (const NamedValue& value : values) {
    if (is_property(root, value.name)) continue;
    std::size_t found = 0;
    for (const xml::Element child : root.children()) {
      if (child.local_name() != value.name) continue;
      if (++found > 1) return usage("The instance has more than one property " + value.name + ".");
      if (child.first_child())
        return usage("The property " + value.name + " has parts of its own and cannot be set as a whole.");
    }
    if (found == 0) return usage("The instance has no property " + value.name + " (names are case sensitive).");
  }
  std::string out = "<" + std::string(root.name());
  write_attributes(out, root, values);
  out += '>';
  for (const xml::Element child : root.children()) {
    const NamedValue* replacement = nullptr;
    for (const NamedValue& value : values) {
      if (value.name == child.local_name()) replacement = &value;
    }
    if (replacement != nullptr) {
      write_replaced(out, child, replacement->value);
    } else {
      out += child.outer_xml();
    }
  }
  return out + "</" + std::string(root.name()) + ">";
}

base::Result<std::string> make_document(std::string_view name, std::string_view uri, const std::vector<NamedValue>& values) {
  if (!is_element_name(name))
    return usage("The last part of the URI or action cannot name an element: " + std::string(name) + ".");
  xml::Writer w;
  w.open("p:" + std::string(name)).attribute("xmlns:p", uri);
  for (const NamedValue& value : values) {
    if (!is_element_name(value.name)) return usage("This name cannot be that of a property: " + value.name + ".");
    const std::string element = "p:" + value.name;
    if (value.value) {
      w.leaf(element, *value.value);
    } else {
      w.open(element).attribute("xmlns:xsi", wsman::ns::kXsi).attribute("xsi:nil", "true").close();
    }
  }
  return w.take();
}

}  // namespace cli
