// Any text as the path of a fragment: it is refused, or selects and replaces parts of an instance, which stays well-formed.

#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/base/die.h"
#include "engine/wsman/fragment.h"
#include "engine/xml/document.h"

namespace {

constexpr const char* kInstance =
    "<p:Service xmlns:p='urn:s' A='1'><p:Name>winrm</p:Name><p:Path>/a</p:Path><p:Path>/b</p:Path>"
    "<p:Auth Source='GPO'><p:Basic>true</p:Basic><p:Basic><p:Deep>x</p:Deep></p:Basic></p:Auth></p:Service>";
constexpr const char* kFragments[] = {
    "<w:XmlFragment xmlns:w='urn:w'>text &amp; more</w:XmlFragment>",
    "<w:XmlFragment xmlns:w='urn:w' xmlns:p='urn:s'><p:Name>x</p:Name></w:XmlFragment>",
    "<w:XmlFragment xmlns:w='urn:w'><Basic/><Basic B='&lt;'>1</Basic></w:XmlFragment>",
    "<w:XmlFragment xmlns:w='urn:w'><Service/></w:XmlFragment>",
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string path(reinterpret_cast<const char*>(data), size);
  const auto parsed = wsman::FragmentPath::parse(wsman::Fragment{path, ""});
  if (!parsed.ok()) return 0;
  const auto instance = xml::Document::parse(kInstance);
  if (!xml::Document::parse("<f>" + parsed->select(instance->root()) + "</f>").ok())
    base::die("what is selected is not XML");
  for (const char* text : kFragments) {
    const auto fragment = xml::Document::parse(text);
    const auto whole = parsed->replace(instance->root(), fragment->root());
    if (whole.ok() && !xml::Document::parse(*whole).ok()) base::die("what comes of a replacement is not XML");
  }
  return 0;
}
