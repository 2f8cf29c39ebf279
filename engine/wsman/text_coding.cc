#include "engine/base/encoding.h"
#include "engine/base/utf16.h"
#include "engine/wsman/envelope.h"

namespace wsman {
namespace {

constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";
constexpr std::string_view kLittleEndianMark = "\xFF\xFE";
constexpr std::string_view kBigEndianMark = "\xFE\xFF";

enum class Form { Utf8, LittleEndian, BigEndian };

/// The value of `name` among the parameters of a media type, in lower case and without quotes; empty if it is not there.
std::string media_parameter(std::string_view media_type, std::string_view name) {
  for (auto semicolon = media_type.find(';'); semicolon != std::string_view::npos;) {
    media_type.remove_prefix(semicolon + 1);
    semicolon = media_type.find(';');
    const std::string_view parameter = media_type.substr(0, semicolon);
    const auto equals = parameter.find('=');
    if (equals == std::string_view::npos) continue;
    if (!base::equal_ignoring_case(base::trimmed(parameter.substr(0, equals)), name)) continue;
    std::string_view value = base::trimmed(parameter.substr(equals + 1));
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front()) {
      value = value.substr(1, value.size() - 2);
    }
    return base::to_lower(value);
  }
  return {};
}

Form guessed_form(std::string_view bytes) {
  if (bytes.size() >= 2 && bytes[1] == '\0') return Form::LittleEndian;
  if (bytes.size() >= 2 && bytes[0] == '\0') return Form::BigEndian;
  return Form::Utf8;
}

Fault unsupported(std::string_view charset) {
  return make_fault(FaultCode::CharacterSet,
                    "The character set " + std::string(charset.substr(0, 40)) + " is not supported: UTF-8 or UTF-16 is");
}

/// What the XML declaration at the beginning of `text` names as encoding, in lower case; empty if nothing.
std::string declared_encoding(std::string_view text) {
  if (!text.starts_with("<?xml")) return {};
  const std::string_view declaration = text.substr(0, text.find("?>"));
  const auto name = declaration.find("encoding");
  if (name == std::string_view::npos) return {};
  const auto open = declaration.find_first_of("\"'", name);
  if (open == std::string_view::npos) return {};
  const auto close = declaration.find(declaration[open], open + 1);
  if (close == std::string_view::npos) return {};
  return base::to_lower(declaration.substr(open + 1, close - open - 1));
}

}  // namespace

Result<std::string> decode_text(std::string_view bytes, std::string_view content_type, Charset& charset) {
  const std::string named = media_parameter(content_type, "charset");
  Form form = Form::Utf8;
  if (bytes.starts_with(kUtf8Mark)) {
    bytes.remove_prefix(kUtf8Mark.size());
  } else if (bytes.starts_with(kLittleEndianMark)) {
    form = Form::LittleEndian;
    bytes.remove_prefix(kLittleEndianMark.size());
  } else if (bytes.starts_with(kBigEndianMark)) {
    form = Form::BigEndian;
    bytes.remove_prefix(kBigEndianMark.size());
  } else if (named.empty()) {
    form = guessed_form(bytes);
  } else if (named == "utf-16" || named == "utf-16le" || named == "unicode") {
    form = guessed_form(bytes) == Form::BigEndian ? Form::BigEndian : Form::LittleEndian;
  } else if (named == "utf-16be") {
    form = Form::BigEndian;
  } else if (named != "utf-8" && named != "utf8" && named != "us-ascii") {
    return unsupported(named);
  }
  charset = form == Form::Utf8 ? Charset::Utf8 : Charset::Utf16;

  std::string text;
  if (form == Form::Utf8) {
    text = base::repaired_utf8(bytes).text;
  } else {
    const auto order = form == Form::BigEndian ? base::Utf16Order::BigEndian : base::Utf16Order::LittleEndian;
    text = base::utf16_to_utf8(bytes, order).text;
  }
  const std::string declared = declared_encoding(text);
  const bool agrees =
      charset == Charset::Utf8 ? declared == "utf-8" || declared == "us-ascii" : declared.starts_with("utf-16");
  if (!declared.empty() && !agrees) {
    return make_fault(FaultCode::CharacterSet, "The XML declaration names another character set than the one in use");
  }
  return text;
}

std::string encode_text(std::string_view text, Charset charset) {
  return charset == Charset::Utf8 ? std::string(text) : base::utf8_to_utf16le_with_mark(text);
}

std::string_view content_type_of(Charset charset) {
  return charset == Charset::Utf8 ? "application/soap+xml;charset=UTF-8" : "application/soap+xml;charset=UTF-16";
}

}  // namespace wsman
