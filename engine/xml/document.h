// A parsed XML document: the one door through which foreign XML comes in.

#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <system_error>

#include "engine/base/result.h"
#include "engine/xml/element.h"

namespace xml {

enum class Errc {
  Malformed = 1,  ///< not well-formed XML
  TooDeep,        ///< nested deeper than ParseLimits::depth
  TooLarge,       ///< more elements or attributes than ParseLimits allows
  DtdRefused,     ///< a document type declaration or an entity declaration
  ProcessingInstructionRefused,
};
std::error_code make_error_code(Errc code);

struct ParseLimits {
  std::size_t depth = 64;
  /// Elements and attributes together.
  std::size_t nodes = 400'000;
  /// Attributes of one element: looking up a namespace reads those of every element around.
  std::size_t attributes = 256;
};

/// Owns the text and the tree over it. Movable; elements stay valid when it is moved. One thread at a time, then Immutable.
class Document {
 public:
  /// Parses UTF-8 text (a byte order mark and an XML declaration are skipped). Depth and size are checked before the
  /// recursive parser sees the text, so that hostile input cannot exhaust the stack. Characters that XML forbids pass: an
  /// event may contain them. Errors: Errc, `what` with the byte position.
  static base::Result<Document> parse(std::string text, ParseLimits limits = {});

  Document();
  ~Document();
  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;

  /// Parses another text into the same memory; elements of the previous one are gone.
  base::Result<void> reparse(std::string text, ParseLimits limits = {});

  /// The root element; null in a document that was never parsed.
  Element root() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace xml

template <>
struct std::is_error_code_enum<xml::Errc> : std::true_type {};
