#include <array>
#include <bitset>

#include "engine/base/iso8601.h"
#include "engine/base/utf16.h"
#include "engine/wsman/envelope.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace wsman {
namespace {

struct Binding {
  std::string_view prefix;
  std::string_view uri;
};

// Windows' prefixes, in the order in which it declares them.
constexpr std::array kBindings{
    Binding{"s", ns::kSoap},      Binding{"a", ns::kAddressing},        Binding{"x", ns::kTransfer},
    Binding{"e", ns::kEventing},  Binding{"n", ns::kEnumeration},       Binding{"w", ns::kWsman},
    Binding{"p", ns::kMicrosoft}, Binding{"b", ns::kCimBinding},        Binding{"m", ns::kSubscription},
    Binding{"c", ns::kPolicy},    Binding{"auth", ns::kAuthentication}, Binding{"f", ns::kFault},
    Binding{"xsi", ns::kXsi},
};

constexpr std::size_t kLongestPrefix = std::string_view("auth").size();
// What an envelope consists of besides header blocks and body, with every prefix declared.
constexpr std::size_t kFrame = [] {
  std::size_t size =
      std::string_view("<s:Envelope xml:lang=\"en-US\"><s:Header></s:Header><s:Body></s:Body></s:Envelope>").size();
  for (const Binding& binding : kBindings)
    size += binding.prefix.size() + binding.uri.size() + std::string_view(" xmlns:=\"\"").size();
  return size;
}();
// Longer bodies are not searched for the prefixes in use: they get them all.
constexpr std::size_t kSearchedBody = 16 << 10;
constexpr std::size_t kReasonBytes = 2048;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

/// Marks the bindings whose prefix stands before a colon somewhere in `text`.
void find_prefixes(std::string_view text, std::bitset<kBindings.size()>& used) {
  std::string_view previous;
  for (auto colon = text.find(':'); colon != std::string_view::npos; colon = text.find(':', colon + 1)) {
    std::size_t from = colon;
    while (from > 0 && colon - from <= kLongestPrefix && is_name_character(text[from - 1])) --from;
    const std::string_view name = text.substr(from, colon - from);
    if (from == 0 || name.empty() || name == previous) continue;
    previous = name;
    for (std::size_t i = 0; i < kBindings.size(); ++i) {
      const std::string_view prefix = kBindings[i].prefix;
      if (prefix.front() == name.front() && prefix == name) used.set(i);
    }
  }
}

class HeaderWriter {
 public:
  explicit HeaderWriter(const Headers& headers)
      : headers_(headers),
        is_reply_(headers.reply_to.empty() &&
                  (!headers.relates_to.empty() || headers.action.empty() || headers.action.ends_with("/fault"))) {}

  bool is_reply() const { return is_reply_; }

  /// The header blocks in the order in which Windows writes them, in requests and in replies.
  std::string write() {
    out_.reserve(kUsualHeader);
    if (is_reply_) {
      block("a:Action", headers_.action);
      block("a:MessageID", headers_.message_id);
    }
    block("a:To", headers_.to);
    block("a:RelatesTo", headers_.relates_to);
    block("w:ResourceURI", headers_.resource_uri, mandatory());
    machine_id();
    address("a:ReplyTo", headers_.reply_to);
    address("a:FaultTo", headers_.fault_to);
    if (!is_reply_) block("a:Action", headers_.action, mandatory());
    if (headers_.max_envelope_size) {
      block("w:MaxEnvelopeSize", std::to_string(*headers_.max_envelope_size), mandatory());
    }
    if (!is_reply_) block("a:MessageID", headers_.message_id);
    language("w:Locale", headers_.locale);
    language("p:DataLocale", headers_.data_locale);
    block("p:SessionId", headers_.session_id, kOptional);
    block("p:OperationID", headers_.operation_id, kOptional);
    if (headers_.sequence_id) block("p:SequenceId", std::to_string(*headers_.sequence_id), kOptional);
    selectors();
    options();
    if (headers_.operation_timeout) block("w:OperationTimeout", base::format_duration(*headers_.operation_timeout));
    fragment();
    // Services that do not know them pass over these.
    if (headers_.request_epr) out_ += "<w:RequestEPR/>";
    if (headers_.request_total_items) out_ += "<w:RequestTotalItemsCountEstimate/>";
    block("p:ActivityId", headers_.activity_id, kOptional);
    block("e:Identifier", headers_.identifier);
    for (const std::string& element : headers_.extra) out_ += element;
    if (headers_.bookmark) {
      out_ += "<w:Bookmark>";
      out_ += *headers_.bookmark;
      out_ += "</w:Bookmark>";
    }
    if (headers_.ack_requested) out_ += "<w:AckRequested/>";
    return std::move(out_);
  }

 private:
  static constexpr std::size_t kUsualHeader = 1024;
  static constexpr std::string_view kMandatory = " s:mustUnderstand=\"true\"";
  static constexpr std::string_view kOptional = " s:mustUnderstand=\"false\"";

  std::string_view mandatory() const { return is_reply_ ? std::string_view() : kMandatory; }

  void block(std::string_view name, std::string_view text, std::string_view attributes = {}) {
    if (text.empty()) return;
    out_ += '<';
    out_ += name;
    out_ += attributes;
    out_ += '>';
    xml::append_text(out_, text);
    out_ += "</";
    out_ += name;
    out_ += '>';
  }

  void address(std::string_view name, std::string_view text) {
    if (text.empty()) return;
    out_ += '<';
    out_ += name;
    out_ += '>';
    block("a:Address", text, mandatory());
    out_ += "</";
    out_ += name;
    out_ += '>';
  }

  void machine_id() {
    std::string attributes = " xmlns:m=\"";
    attributes += ns::kMachineId;
    attributes += '"';
    attributes += kOptional;
    block("m:MachineID", headers_.machine_id, attributes);
  }

  void language(std::string_view name, std::string_view tag) {
    if (tag.empty()) return;
    out_ += '<';
    out_ += name;
    out_ += " xml:lang=\"";
    xml::append_attribute(out_, tag);
    out_ += '"';
    out_ += kOptional;
    out_ += "/>";
  }

  void selectors() {
    if (headers_.selectors.empty()) return;
    out_ += "<w:SelectorSet>";
    for (const Selector& selector : headers_.selectors) {
      out_ += "<w:Selector Name=\"";
      xml::append_attribute(out_, selector.name);
      out_ += "\">";
      if (selector.endpoint_reference.empty()) {
        xml::append_text(out_, selector.value);
      } else {
        out_ += selector.endpoint_reference;
      }
      out_ += "</w:Selector>";
    }
    out_ += "</w:SelectorSet>";
  }

  void options() {
    if (headers_.options.empty()) return;
    out_ += "<w:OptionSet s:mustUnderstand=\"true\">";
    for (const Option& option : headers_.options) {
      out_ += "<w:Option Name=\"";
      xml::append_attribute(out_, option.name);
      out_ += '"';
      if (option.must_comply) out_ += " MustComply=\"true\"";
      type(option);
      if (option.nil) {
        out_ += " xsi:nil=\"true\"/>";
        continue;
      }
      out_ += '>';
      xml::append_text(out_, option.value);
      out_ += "</w:Option>";
    }
    out_ += "</w:OptionSet>";
  }

  void type(const Option& option) {
    if (option.type.empty()) return;
    out_ += " Type=\"xs:";
    xml::append_attribute(out_, option.type);
    out_ += "\" xmlns:xs=\"";
    out_ += ns::kXsd;
    out_ += '"';
  }

  /// Marked mustUnderstand in replies, too.
  void fragment() {
    if (!headers_.fragment) return;
    out_ += "<w:FragmentTransfer";
    out_ += kMandatory;
    if (!headers_.fragment->dialect.empty()) {
      out_ += " Dialect=\"";
      xml::append_attribute(out_, headers_.fragment->dialect);
      out_ += '"';
    }
    out_ += '>';
    xml::append_text(out_, headers_.fragment->path);
    out_ += "</w:FragmentTransfer>";
  }

  const Headers& headers_;
  bool is_reply_;
  std::string out_;
};

/// At most kReasonBytes of `text`, cut between characters: a fault must fit into the smallest envelope.
std::string_view bounded(std::string_view text) {
  if (text.size() <= kReasonBytes) return text;
  std::size_t end = kReasonBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace

std::string write_envelope(const Message& message) {
  HeaderWriter writer(message.headers);
  const bool reply = writer.is_reply();
  const std::string header = writer.write();

  std::bitset<kBindings.size()> used;
  if (message.body.size() > kSearchedBody) {
    used.set();
  } else {
    used.set(0);
    find_prefixes(header, used);
    find_prefixes(message.body, used);
  }

  std::string out;
  out.reserve(header.size() + message.body.size() + kFrame);
  out += reply ? "<s:Envelope xml:lang=\"en-US\"" : "<s:Envelope";
  for (std::size_t i = 0; i < kBindings.size(); ++i) {
    if (!used[i]) continue;
    out += " xmlns:";
    out += kBindings[i].prefix;
    out += "=\"";
    out += kBindings[i].uri;
    out += '"';
  }
  out += "><s:Header>";
  out += header;
  out += "</s:Header>";
  if (message.body.empty()) {
    out += "<s:Body/>";
  } else {
    out += "<s:Body>";
    out += message.body;
    out += "</s:Body>";
  }
  out += "</s:Envelope>";
  return out;
}

std::size_t frame_size(const Headers& headers, Charset charset) {
  constexpr std::size_t kMark = 2;
  const std::string header = HeaderWriter(headers).write();
  if (charset == Charset::Utf8) return kFrame + header.size();
  return kMark + 2 * (kFrame + base::utf16_length(header));
}

Message fault_message(const Fault& fault, const std::string& relates_to, const std::string& machine) {
  const FaultRow& row = row_of(fault.code);
  Message message;
  message.headers.action = action_of(fault.code);
  message.headers.message_id = new_message_id();
  message.headers.to = kAnonymous;
  message.headers.relates_to = relates_to;
  if (!fault.not_understood_name.empty()) {
    std::string element = "<s:NotUnderstood qname=\"";
    if (!fault.not_understood_namespace.empty()) element += "q:";
    xml::append_attribute(element, fault.not_understood_name);
    element += '"';
    if (!fault.not_understood_namespace.empty()) {
      element += " xmlns:q=\"";
      xml::append_attribute(element, fault.not_understood_namespace);
      element += '"';
    }
    element += "/>";
    message.headers.extra.push_back(std::move(element));
  }

  const std::string_view reason = fault.reason.empty() ? row.text : bounded(fault.reason);
  xml::Writer w;
  w.open("s:Fault").open("s:Code").leaf("s:Value", "s:" + std::string(row.soap_code));
  if (!row.subcode.empty()) w.open("s:Subcode").leaf("s:Value", row.subcode).close();
  w.close();
  w.open("s:Reason").open("s:Text").attribute("xml:lang", "en-US").text(row.text).close().close();
  w.open("s:Detail");
  if (!row.detail.empty()) w.leaf("w:FaultDetail", std::string(kFaultDetailPrefix) + std::string(row.detail));
  if (!fault.detail_xml.empty()) w.raw(fault.detail_xml);
  w.open("f:WSManFault").attribute("xmlns:f", ns::kFault);
  w.attribute("Code", std::to_string(windows_code_of(fault))).attribute("Machine", machine);
  w.leaf("f:Message", reason);
  message.body = w.take();
  return message;
}

Message reply_to(const Headers& request, std::string_view action, std::string body) {
  Message message;
  message.headers.action = action;
  message.headers.message_id = new_message_id();
  message.headers.to = kAnonymous;
  message.headers.relates_to = request.message_id;
  message.body = std::move(body);
  return message;
}

}  // namespace wsman
