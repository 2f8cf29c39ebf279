// XML text, written.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace xml {

/// Appends `text` with & < > escaped (> too, so that no ]]> can come to stand in it) and CR as &#13;. Characters that
/// XML 1.0 forbids become '?', as Windows writes them.
void append_text(std::string& out, std::string_view text);
/// The same for an attribute value in single or double quotes; TAB and line ends become character references.
void append_attribute(std::string& out, std::string_view text);
std::string escaped_text(std::string_view text);
std::string escaped_attribute(std::string_view text);

/// Appends `text` as CDATA; a ]]> inside is split over two sections.
void append_cdata(std::string& out, std::string_view text);

/// Writes elements in order; the caller chooses prefixes and declares namespaces as attributes.
///
///   xml::Writer w;
///   w.open("w:Items").leaf("w:Item", "text").close();
class Writer {
 public:
  /// Starts an element. Attributes follow; the first child or text ends the start tag.
  Writer& open(std::string_view name);
  Writer& attribute(std::string_view name, std::string_view value);
  Writer& text(std::string_view text);
  Writer& cdata(std::string_view text);
  /// Well-formed XML, put in as it is.
  Writer& raw(std::string_view xml);
  /// Ends the innermost open element; one without content becomes <name/>.
  Writer& close();
  /// open, text, close.
  Writer& leaf(std::string_view name, std::string_view text);
  Writer& empty(std::string_view name);

  /// The text so far, every element closed first.
  std::string take();

 private:
  void end_start_tag();

  std::string out_;
  std::vector<std::string> open_;
  bool in_start_tag_ = false;
};

}  // namespace xml
