// SOAP 1.2 envelopes with their WS-Addressing and WS-Management headers, read and written.
//
// Source: wsman-protocol, section 4; wef-wire, section 7.

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/wsman/fault.h"
#include "engine/xml/document.h"

namespace wsman {

struct Selector {
  std::string name;
  std::string value;
  std::string endpoint_reference;  ///< the a:EndpointReference's XML where the value is one
};

struct Option {
  std::string name;
  std::string value;
  bool nil = false;  ///< xsi:nil="true": present without a value, which for a boolean option means set
  bool must_comply = false;
  std::string type = {};  ///< of XML Schema, where one is named: "boolean"
};

/// w:FragmentTransfer: the part of a representation that is meant.
struct Fragment {
  std::string path;
  std::string dialect;  ///< empty where none was named: XPath
};

/// What a header says; the same value for both directions. Empty or unset parts are not written.
struct Headers {
  std::string action;
  std::string to;
  std::string message_id;
  std::string relates_to;
  std::string reply_to;  ///< the Address
  std::string fault_to;
  std::string resource_uri;
  std::vector<Selector> selectors;
  std::vector<Option> options;
  std::optional<std::chrono::milliseconds> operation_timeout;
  std::optional<std::uint64_t> max_envelope_size;  ///< octets
  std::string locale;
  std::string data_locale;
  std::string session_id;
  std::string operation_id;
  std::optional<std::uint64_t> sequence_id;
  std::string machine_id;
  std::string identifier;               ///< e:Identifier, from the reference properties of NotifyTo
  std::optional<std::string> bookmark;  ///< the XML inside w:Bookmark, or its text (the earliest URI)
  bool ack_requested = false;
  std::optional<Fragment> fragment;
  bool request_epr = false;          ///< w:RequestEPR
  bool request_total_items = false;  ///< w:RequestTotalItemsCountEstimate
  std::string activity_id;           ///< p:ActivityId: for the log
  /// Whole header elements to add as they are: reference properties that must be echoed.
  std::vector<std::string> extra;

  /// The option's value where it is there ("true" for a nil one).
  std::optional<std::string> find_option(std::string_view name) const;
  /// Names compare without case. The first selector of that name.
  std::optional<std::string> find_selector(std::string_view name) const;
};

/// A message to send: headers and the XML inside s:Body (which may use the prefixes that write_envelope declares).
struct Message {
  Headers headers;
  std::string body;
};

/// A message that came. Movable; elements live as long as it.
struct Envelope {
  xml::Document document;
  Headers headers;
  /// Headers with mustUnderstand="true" that are not ours: (namespace, local name).
  std::vector<std::pair<std::string, std::string>> not_understood;
  /// Where the sender marked p:OperationID mustUnderstand: a retransmission.
  bool retransmission = false;

  /// s:Body's first child element; null where the body is empty.
  xml::Element body() const;
  /// The fault in the body, if it is one.
  std::optional<Fault> fault() const;
};

/// The limits of one message.
struct EnvelopeLimits {
  std::size_t headers = 64;  ///< header blocks
  std::size_t selectors = 64;
  std::size_t options = 64;
  std::size_t uri_bytes = 2048;  ///< each address, action, MessageID and resource URI
  std::size_t bookmark_bytes = 256 << 10;
  std::size_t activity_characters = 2048;
};

/// Reads an envelope from UTF-8 text. Fails with the fault to answer: VersionMismatch for SOAP 1.1, SchemaValidationError
/// for malformed XML, DTDs or processing instructions, EncodingLimit for what exceeds a bound,
/// InvalidMessageInformationHeader for an unreadable header. Does not judge what is missing: that is the dispatcher's.
///
/// In the error case `relates_to`, if given, gets the MessageID where it could be read.
Result<Envelope> read_envelope(std::string text, const EnvelopeLimits& limits = {}, std::string* relates_to = nullptr);

/// The message as XML in UTF-8, with Windows' prefixes (s a w p x n e m b c auth f xsi as needed) declared on the envelope.
std::string write_envelope(const Message& message);

/// A fault as a message: FaultDetail before WSManFault, Machine = `machine`.
Message fault_message(const Fault& fault, const std::string& relates_to, const std::string& machine);

/// The reply to `request` with a new MessageID, To anonymous and RelatesTo; OperationID and SequenceId are left out on
/// purpose, since we keep no replies for retransmission (wef-wire, section 7.1).
Message reply_to(const Headers& request, std::string_view action, std::string body);

/// "uuid:" and a new GUID in capitals.
std::string new_message_id();

/// The text encodings of a message body.
enum class Charset { Utf8, Utf16 };

/// How many octets write_envelope() puts around a body, at most, once they are in that encoding.
std::size_t frame_size(const Headers& headers, Charset charset);

/// Turns a body into UTF-8: by byte order mark, then by the charset of `content_type`, then by its second byte. Lone
/// surrogates and malformed UTF-8 are replaced. `charset` gets what it was. Fails with CharacterSet for an unknown charset.
Result<std::string> decode_text(std::string_view bytes, std::string_view content_type, Charset& charset);
/// UTF-16 carries its mark.
std::string encode_text(std::string_view text, Charset charset);
/// "application/soap+xml;charset=UTF-8"
std::string_view content_type_of(Charset charset);

}  // namespace wsman
