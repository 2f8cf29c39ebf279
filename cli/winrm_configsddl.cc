#include "cli/winrm_configsddl.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

#include "cli/sddl_text.h"
#include "cli/winrm_operations.h"
#include "cli/winrm_session.h"
#include "cli/winrm_values.h"
#include "engine/base/encoding.h"
#include "engine/base/file_system.h"
#include "engine/base/win32.h"
#include "engine/xml/document.h"
#include "engine/xml/writer.h"

namespace cli {
namespace {

constexpr std::string_view kService = "http://schemas.microsoft.com/wbem/wsman/1/config/service";
constexpr std::uint32_t kNoSecurity = 2150859199;
constexpr std::size_t kMaxText = 1 << 20;
constexpr std::string_view kWarning =
    "What is saved holds from the next request on, of whoever saves it, too. Root on this machine is never locked out.";

/// A file of a person's own that goes away with it.
class ScratchFile {
 public:
  static base::Result<ScratchFile> create() {
    std::error_code failure;
    std::string path = (std::filesystem::temp_directory_path(failure) / "winrm-sddl-XXXXXX").string();
    const int descriptor = ::mkstemp(path.data());
    if (descriptor < 0) return base::errno_error("create " + path);
    ::close(descriptor);
    return ScratchFile(path);
  }
  ~ScratchFile() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove(path_, ignored);
  }
  ScratchFile(ScratchFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchFile& operator=(ScratchFile&&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// Leaves the file behind.
  std::filesystem::path keep() { return std::exchange(path_, {}); }

 private:
  explicit ScratchFile(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

class ConfigSddl {
 public:
  ConfigSddl(Console& console, const WinrmArguments& arguments, WinrmSurroundings& surroundings, wsman::Client& client)
      : console_(console), surroundings_(surroundings), client_(client) {
    if (!arguments.positional.empty()) resource_ = expand_alias(arguments.positional.front());
  }

  base::AsyncResult<void> run() {
    auto asked = target();
    ASSIGN_OR_CO_RETURN(const wsman::Envelope current, co_await client_.get(std::move(asked)));
    const auto before = sddl_in(current.body());
    if (!before) {
      co_return base::make_error(base::win32_code(kNoSecurity),
                                 "The service keeps no security descriptor for " + what() + " that could be edited.");
    }
    if (!can_be_explained(*before)) {
      co_return base::make_error(base::Win32::NotSupported, "The security descriptor of " + what() +
                                                                " has conditions, which cannot be edited here: " + *before);
    }
    std::string text =
        "# Permissions of " + what() + ".\n# " + std::string(kWarning) + "\n" +
        "# What follows a '#' is not read. The rest, without its blanks and line ends, is the security descriptor.\n\n" +
        explain_sddl(*before);
    ASSIGN_OR_CO_RETURN(ScratchFile file, ScratchFile::create());
    CO_RETURN_IF_ERROR(base::replace_file(file.path(), text, 0600));
    CO_RETURN_IF_ERROR(surroundings_.edit(file.path()));
    ASSIGN_OR_CO_RETURN(text, base::read_file(file.path(), kMaxText));
    const std::string after = sddl_of(text);
    if (after == sddl_of(*before)) {
      console_.out << "Nothing was changed.\n";
      co_return base::Result<void>();
    }
    if (after.empty()) co_return usage("The security descriptor is empty; nothing was changed.");
    ASSIGN_OR_CO_RETURN(std::string document, changed(current.body(), after));
    auto put = target();
    auto answer = co_await client_.put(std::move(put), std::move(document));
    if (!answer.ok()) {
      // What a person has typed is worth more than a tidy folder.
      console_.err << "Nothing was changed. What you wrote is kept in " << file.keep().string() << ".\n";
      co_return std::move(answer).error();
    }
    console_.out << "The permissions of " << what() << " are now:\n\n" << explain_sddl(after);
    co_return base::Result<void>();
  }

 private:
  std::string what() const { return resource_.empty() ? "all resources (RootSDDL)" : resource_; }

  wsman::Client::Target target() const {
    wsman::Client::Target target;
    target.resource_uri = kService;
    if (resource_.empty()) return target;
    target.resource_uri += "/security";
    target.selectors.push_back(wsman::Selector{"Uri", resource_, {}});
    return target;
  }

  std::optional<std::string> sddl_in(xml::Element document) const {
    if (!resource_.empty()) {
      const auto sddl = document.attribute("Sddl");
      return sddl ? std::optional(std::string(*sddl)) : std::nullopt;
    }
    const xml::Element root = document.child("RootSDDL");
    return root ? std::optional(root.text()) : std::nullopt;
  }

  /// The document with the new descriptor in the old one's place.
  base::Result<std::string> changed(xml::Element document, const std::string& sddl) const {
    if (resource_.empty()) return replace_values(document, {NamedValue{"RootSDDL", sddl}});
    ASSIGN_OR_RETURN(const xml::Document alone, xml::Document::parse(document.outer_xml()));
    xml::Writer w;
    w.open(alone.root().name());
    alone.root().for_each_attribute([&](xml::Element::Attribute attribute) {
      w.attribute(attribute.name, attribute.name == "Sddl" ? std::string_view(sddl) : attribute.value);
    });
    return w.raw(alone.root().inner_xml()).take();
  }

  Console& console_;
  WinrmSurroundings& surroundings_;
  wsman::Client& client_;
  std::string resource_;
};

}  // namespace

base::Task<int> run_configsddl(Console& console, const WinrmArguments& arguments, WinrmSurroundings& surroundings) {
  auto session = co_await open_session(console, arguments.switches, surroundings);
  if (!session.ok()) co_return print_failure(console, OutputFormat::Text, session.error(), {});
  ConfigSddl work(console, arguments, surroundings, (*session)->client());
  const auto done = co_await work.run();
  if (!done.ok()) co_return (*session)->fail(console, OutputFormat::Text, done.error());
  co_return 0;
}

}  // namespace cli
