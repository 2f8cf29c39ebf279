#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "engine/base/encoding.h"
#include "engine/base/iso8601.h"
#include "engine/base/utf16.h"
#include "engine/wsman/envelope.h"
#include "engine/wsman/names.h"
#include "engine/wsman/xml_text.h"

namespace wsman {
namespace {

// References in references.
constexpr std::uint32_t kNestedTooDeep = 2150858879;

// What openwsman's actions of events, heartbeats and Acks begin with, in the place of what the specification says.
constexpr std::string_view kOpenwsmanActions = "http://schemas.xmlsoap.org/wbmem/wsman/1/wsman/";
constexpr std::string_view kActions = "http://schemas.dmtf.org/wbem/wsman/1/wsman/";

bool is_true(std::string_view value) {
  value = base::trimmed(value);
  return value == "true" || value == "1";
}

bool must_understand(xml::Element block) {
  auto mark = block.attribute(ns::kSoap, "mustUnderstand");
  if (!mark) mark = block.attribute("mustUnderstand");
  return mark && is_true(*mark);
}

Fault invalid_header(std::string_view name, std::string_view problem) {
  std::string text = "The header ";
  text += name;
  text += ' ';
  text += problem;
  return make_fault(FaultCode::InvalidMessageInformationHeader, std::move(text));
}

/// A number of octets or the like; what is too large for the type becomes its largest value.
std::optional<std::uint64_t> parse_number(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  const auto outcome = std::from_chars(text.data(), text.data() + text.size(), value);
  return outcome.ec == std::errc::result_out_of_range ? std::numeric_limits<std::uint64_t>::max() : value;
}

/// Whether `text` is a value of this simple type of XML Schema; of types that are not known here everything is.
bool fits_type(std::string_view text, std::string_view type) {
  if (type == "boolean") return text == "true" || text == "false" || text == "1" || text == "0";
  static constexpr std::array<std::string_view, 5> kUnsigned{"unsignedInt", "unsignedLong", "unsignedShort", "unsignedByte",
                                                             "nonNegativeInteger"};
  static constexpr std::array<std::string_view, 5> kSigned{"int", "integer", "long", "short", "byte"};
  const bool is_signed = std::find(kSigned.begin(), kSigned.end(), type) != kSigned.end();
  if (!is_signed && std::find(kUnsigned.begin(), kUnsigned.end(), type) == kUnsigned.end()) return true;
  if (text.starts_with('+') || (is_signed && text.starts_with('-'))) text.remove_prefix(1);
  return parse_number(text).has_value();
}

/// In valid UTF-8.
std::size_t characters_in(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// The parser works in place, so it leaves entities resolved and attribute values apart; but it moves nothing, and names keep
// their positions. A copy of the header's text, made before, so still holds what the sender wrote.
class OriginalHeader {
 public:
  explicit OriginalHeader(std::string_view text) : begin_(text.data()), size_(text.size()) {
    if (text.substr(0, kSearched).find("Bookmark") == std::string_view::npos) return;
    copy_ = text.substr(0, std::min(text.find(":Body"), kSearched));
  }

  /// The text inside `element`, byte for byte; nothing where it is not in the copy or uses a namespace bound outside of it.
  std::optional<std::string> inner_text(xml::Element element) const {
    const char* name = element.local_name().data();
    if (name < begin_ || name >= begin_ + size_) return std::nullopt;
    if (!element.lookup_namespace("").value_or(std::string_view()).empty()) return std::nullopt;
    std::size_t at = static_cast<std::size_t>(name - begin_);
    bool prefixed = false;
    if (at >= copy_.size() || !skip_tag(at, prefixed)) return std::nullopt;
    if (copy_[at - 2] == '/') return std::string();
    const std::size_t from = at;
    prefixed = false;
    for (int depth = 0;;) {
      at = copy_.find('<', at);
      if (at == std::string::npos) return std::nullopt;
      const std::string_view rest = std::string_view(copy_).substr(at);
      if (rest.starts_with("<!--")) {
        at = copy_.find("-->", at);
      } else if (rest.starts_with("<![CDATA[")) {
        at = copy_.find("]]>", at);
      } else if (rest.starts_with("</")) {
        if (depth-- == 0) return copy_.substr(from, at - from);
        ++at;
      } else {
        if (!skip_tag(at, prefixed) || prefixed) return std::nullopt;
        if (copy_[at - 2] != '/') ++depth;
      }
    }
  }

 private:
  static constexpr std::size_t kSearched = 512 << 10;

  /// From inside a tag to behind its end; tells whether a name in it has a prefix.
  bool skip_tag(std::size_t& at, bool& prefixed) const {
    char quote = 0;
    for (; at < copy_.size(); ++at) {
      const char c = copy_[at];
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '>') {
        ++at;
        return true;
      } else if (c == ':') {
        prefixed = true;
      }
    }
    return false;
  }

  const char* begin_;
  std::size_t size_;
  std::string copy_;
};

class HeaderReader {
 public:
  HeaderReader(Envelope& envelope, const EnvelopeLimits& limits, const OriginalHeader& original)
      : envelope_(envelope), headers_(envelope.headers), limits_(limits), original_(original) {}

  Result<void> read(xml::Element header) {
    std::size_t count = 0;
    for (xml::Element block : header.children()) {
      if (++count > limits_.headers) return make_fault(FaultCode::EncodingLimit, "The request has too many headers");
      RETURN_IF_ERROR(read_block(block));
    }
    // openwsman says what a single event is where nobody looks for it, and nothing else.
    if (headers_.action.empty() && header.child(ns::kWsman, "Action")) headers_.action = action::kEvent;
    return {};
  }

 private:
  Result<void> read_block(xml::Element block) {
    const std::string_view uri = block.namespace_uri();
    const std::string_view name = block.local_name();
    bool known = false;
    Result<void> outcome;
    if (uri == ns::kAddressing) outcome = read_addressing(block, name, known);
    if (uri == ns::kWsman) outcome = read_wsman(block, name, known);
    if (uri == ns::kMicrosoft) outcome = read_microsoft(block, name, known);
    if (uri == ns::kEventing && name == "Identifier") {
      known = true;
      outcome = read_text(block, name, headers_.identifier);
    }
    if (uri == ns::kMachineId && name == "MachineID") {
      known = true;
      outcome = read_text(block, name, headers_.machine_id);
    }
    if (!known && must_understand(block)) envelope_.not_understood.emplace_back(uri, name);
    return outcome;
  }

  Result<void> read_addressing(xml::Element block, std::string_view name, bool& known) {
    known = true;
    if (name == "Action") return read_action(block);
    if (name == "To") return read_once(block, name, headers_.to);
    if (name == "MessageID") {
      if (!headers_.message_id.empty()) return invalid_header(name, "occurs twice");
      return read_text(block, name, headers_.message_id);
    }
    if (name == "RelatesTo") return read_text(block, name, headers_.relates_to);
    if (name == "ReplyTo") return read_once(block.child(ns::kAddressing, "Address"), name, headers_.reply_to);
    if (name == "FaultTo") {
      RETURN_IF_ERROR(read_once(block.child(ns::kAddressing, "Address"), name, headers_.fault_to));
      if (headers_.fault_to.empty()) return invalid_header(name, "has no address");
      return {};
    }
    known = name == "From";
    return {};
  }

  /// The misspelt ones are read as what they mean.
  Result<void> read_action(xml::Element block) {
    RETURN_IF_ERROR(read_once(block, "Action", headers_.action));
    if (headers_.action.starts_with(kOpenwsmanActions)) headers_.action.replace(0, kOpenwsmanActions.size(), kActions);
    return {};
  }

  Result<void> read_wsman(xml::Element block, std::string_view name, bool& known) {
    known = true;
    if (name == "ResourceURI") return read_once(block, name, headers_.resource_uri);
    if (name == "SelectorSet") return read_selectors(block);
    if (name == "OptionSet") return read_options(block);
    if (name == "OperationTimeout") {
      headers_.operation_timeout = base::parse_duration(trimmed_text(block));
      if (!headers_.operation_timeout) return invalid_header(name, "is not a duration, or a negative one");
      return {};
    }
    if (name == "MaxEnvelopeSize") {
      headers_.max_envelope_size = parse_number(trimmed_text(block));
      if (!headers_.max_envelope_size) return invalid_header(name, "is not a number");
      return check_policy(block);
    }
    if (name == "Bookmark") return read_bookmark(block);
    if (name == "AckRequested") {
      headers_.ack_requested = true;
      return {};
    }
    if (name == "FragmentTransfer") return read_fragment(block);
    if (name == "RequestEPR") {
      headers_.request_epr = true;
      return {};
    }
    if (name == "RequestTotalItemsCountEstimate") {
      headers_.request_total_items = true;
      return {};
    }
    // A locale is taken as a wish; one that is insisted on is the dispatcher's to refuse, like all that is not known.
    known = false;
    if (name == "Locale") headers_.locale = language(block);
    return {};
  }

  Result<void> read_microsoft(xml::Element block, std::string_view name, bool& known) {
    known = true;
    if (name == "SessionId") return read_text(block, name, headers_.session_id);
    if (name == "OperationID" || name == "OperationId") {
      envelope_.retransmission = must_understand(block);
      return read_text(block, name, headers_.operation_id);
    }
    if (name == "SequenceId" || name == "SequenceID") {
      headers_.sequence_id = parse_number(trimmed_text(block));
      if (!headers_.sequence_id) return invalid_header(name, "is not a number");
      return {};
    }
    if (name == "ActivityId") {
      headers_.activity_id = trimmed_text(block);
      if (characters_in(headers_.activity_id) > limits_.activity_characters) return invalid_header(name, "is too long");
      return {};
    }
    known = false;
    if (name == "DataLocale") headers_.data_locale = language(block);
    return {};
  }

  static Result<void> check_policy(xml::Element block) {
    const std::string_view policy = base::trimmed(block.attribute("Policy").value_or("Notify"));
    for (const std::string_view known : {"Notify", "Skip", "CancelSubscription"}) {
      if (policy == known) return {};
    }
    return make_fault(FaultCode::UnsupportedMaxEnvelopePolicy);
  }

  Result<void> read_fragment(xml::Element block) {
    constexpr std::string_view kName = "FragmentTransfer";
    if (!must_understand(block)) return invalid_header(kName, "must be marked mustUnderstand");
    if (headers_.fragment) return invalid_header(kName, "occurs twice");
    Fragment fragment;
    RETURN_IF_ERROR(read_text(block, kName, fragment.path));
    fragment.dialect = base::trimmed(block.attribute("Dialect").value_or(std::string_view()));
    if (fragment.dialect.size() > limits_.uri_bytes) return invalid_header(kName, "is too long");
    headers_.fragment = std::move(fragment);
    return {};
  }

  static std::string language(xml::Element block) {
    return std::string(block.attribute(ns::kXml, "lang").value_or(std::string_view()).substr(0, 85));
  }

  Result<void> read_text(xml::Element block, std::string_view name, std::string& into) {
    into = trimmed_text(block);
    if (into.size() > limits_.uri_bytes) return invalid_header(name, "is too long");
    return {};
  }

  Result<void> read_once(xml::Element block, std::string_view name, std::string& into) {
    if (!into.empty()) return invalid_header(name, "occurs twice");
    into = trimmed_text(block);
    if (into.size() > limits_.uri_bytes) {
      return make_fault(FaultCode::UriLimitExceeded, "The header " + std::string(name) + " is too long");
    }
    return {};
  }

  Result<void> read_selectors(xml::Element set) {
    for (xml::Element element : set.children()) {
      if (!element.is(ns::kWsman, "Selector")) continue;
      if (headers_.selectors.size() == limits_.selectors) return make_fault(FaultCode::SelectorLimit);
      Selector selector;
      selector.name = base::trimmed(element.attribute("Name").value_or(std::string_view()));
      if (selector.name.empty()) return make_fault(FaultCode::UnexpectedSelectors, "A selector has no name");
      if (headers_.find_selector(selector.name)) {
        return make_fault(FaultCode::DuplicateSelectors, "The selector " + selector.name.substr(0, 100) + " occurs twice");
      }
      RETURN_IF_ERROR(read_selector_value(element, selector));
      headers_.selectors.push_back(std::move(selector));
    }
    return {};
  }

  /// A text, or one reference whose own selectors are texts.
  static Result<void> read_selector_value(xml::Element element, Selector& selector) {
    const xml::Element reference = element.first_child();
    if (!reference) {
      selector.value = trimmed_text(element);
      return {};
    }
    const std::string name = selector.name.substr(0, 100);
    if (!reference.is(ns::kAddressing, "EndpointReference") || reference.next_sibling() || !trimmed_text(element).empty()) {
      return make_fault(FaultCode::InvalidSelectorValue, "The selector " + name + " is neither a text nor one reference");
    }
    const xml::Element parameters = reference.child(ns::kAddressing, "ReferenceParameters");
    if (!reference.child(ns::kAddressing, "Address") || !parameters.child(ns::kWsman, "ResourceURI")) {
      return make_fault(FaultCode::InvalidSelectorValue, "The reference in the selector " + name + " is not complete");
    }
    for (const xml::Element inner : parameters.child(ns::kWsman, "SelectorSet").children()) {
      if (!inner.first_child()) continue;
      Fault fault =
          make_fault(FaultCode::InvalidSelectors, "The references in the selector " + name + " are nested too deep");
      fault.windows_code = kNestedTooDeep;
      return fault;
    }
    selector.endpoint_reference = reference.outer_xml();
    return {};
  }

  Result<void> read_options(xml::Element set) {
    for (xml::Element element : set.children()) {
      if (!element.is(ns::kWsman, "Option")) continue;
      if (headers_.options.size() == limits_.options) return make_fault(FaultCode::OptionLimit);
      Option option;
      option.name = base::trimmed(element.attribute("Name").value_or(std::string_view()));
      if (option.name.empty()) return make_fault(FaultCode::OptionsInvalidName, "An option has no name");
      option.value = trimmed_text(element);
      option.nil = is_true(element.attribute(ns::kXsi, "nil").value_or(std::string_view()));
      option.must_comply = is_true(element.attribute("MustComply").value_or(std::string_view()));
      RETURN_IF_ERROR(read_option_type(element, option));
      headers_.options.push_back(std::move(option));
    }
    return {};
  }

  /// Types of other vocabularies are for the resource to know.
  static Result<void> read_option_type(xml::Element element, Option& option) {
    const auto type = element.attribute("Type");
    if (!type) return {};
    const std::string_view qname = base::trimmed(*type);
    const auto colon = qname.find(':');
    const std::string_view prefix = colon == std::string_view::npos ? std::string_view() : qname.substr(0, colon);
    const auto uri = element.lookup_namespace(prefix);
    if (!prefix.empty() && !uri) {
      return make_fault(FaultCode::OptionsInvalidValue,
                        "The type of the option " + option.name.substr(0, 100) + " has an unknown prefix");
    }
    if (uri != ns::kXsd) return {};
    option.type = qname.substr(colon == std::string_view::npos ? 0 : colon + 1);
    if (!option.nil && !fits_type(option.value, option.type)) {
      return make_fault(FaultCode::OptionsInvalidValue,
                        "The value of the option " + option.name.substr(0, 100) + " is not of its type");
    }
    return {};
  }

  Result<void> read_bookmark(xml::Element block) {
    auto text = original_.inner_text(block);
    if (!text) text = block.inner_xml();
    if (text->size() > limits_.bookmark_bytes) return make_fault(FaultCode::EncodingLimit, "The bookmark is too large");
    // White space alone around an address is layout; around XML it is the sender's and stays.
    headers_.bookmark = block.first_child() ? std::move(*text) : std::string(base::trimmed(*text));
    return {};
  }

  Envelope& envelope_;
  Headers& headers_;
  const EnvelopeLimits& limits_;
  const OriginalHeader& original_;
};

Fault fault_of(const base::Error& error) {
  const bool bound = error.code == xml::Errc::TooDeep || error.code == xml::Errc::TooLarge;
  return make_fault(bound ? FaultCode::EncodingLimit : FaultCode::SchemaValidationError, error.message());
}

}  // namespace

Result<Envelope> read_envelope(std::string text, const EnvelopeLimits& limits, std::string* relates_to) {
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  // The parser takes a zero byte for the end. It occurs, like other controls, in event texts: one must not cost the batch.
  if (text.find('\0') != std::string::npos) base::replace_forbidden_xml_characters(text);
  const OriginalHeader original(text);

  Envelope envelope;
  if (auto parsed = envelope.document.reparse(std::move(text)); !parsed.ok()) return fault_of(parsed.error());
  const xml::Element root = envelope.document.root();
  if (root.local_name() != "Envelope") {
    return make_fault(FaultCode::SchemaValidationError, "The document is not a SOAP envelope");
  }
  if (root.namespace_uri() != ns::kSoap) return make_fault(FaultCode::VersionMismatch);
  const xml::Element header = root.child(ns::kSoap, "Header");
  if (relates_to != nullptr) {
    *relates_to = trimmed_text(header.child(ns::kAddressing, "MessageID"));
    if (relates_to->size() > limits.uri_bytes) relates_to->clear();
  }
  if (!root.child(ns::kSoap, "Body")) {
    return make_fault(FaultCode::SchemaValidationError, "The envelope has no body");
  }
  RETURN_IF_ERROR(HeaderReader(envelope, limits, original).read(header));
  return envelope;
}

}  // namespace wsman
