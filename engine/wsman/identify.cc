#include "engine/wsman/identify.h"

#include <sys/utsname.h>

#include "engine/wsman/names.h"
#include "engine/xml/writer.h"

namespace wsman {
namespace {

/// "OS: 6.1.0 SP: 0.0 Stack: 3.0", the numbers being the kernel's.
std::string product_version(bool authenticated) {
  std::string numbers = "0.0.0";
  utsname system{};
  if (authenticated && ::uname(&system) == 0) {
    const std::string release = system.release;
    numbers = release.substr(0, release.find_first_not_of("0123456789."));
  }
  return "OS: " + numbers + " SP: 0.0 Stack: 3.0";
}

}  // namespace

bool is_identify(const Envelope& request) {
  return request.headers.action.empty() && request.body().is(ns::kIdentity, "Identify");
}

Message identify_response(const std::string& vendor, const std::vector<std::string>& profiles, bool authenticated) {
  xml::Writer w;
  w.open("wsmid:IdentifyResponse").attribute("xmlns:wsmid", ns::kIdentity);
  w.leaf("wsmid:ProtocolVersion", ns::kWsman).leaf("wsmid:ProductVendor", vendor);
  w.leaf("wsmid:ProductVersion", product_version(authenticated));
  if (!profiles.empty()) {
    w.open("wsmid:SecurityProfiles");
    for (const std::string& profile : profiles) {
      w.leaf("wsmid:SecurityProfileName", std::string(kProfilePrefix) + profile);
    }
    w.close();
  }
  Message message;
  message.body = w.take();
  return message;
}

}  // namespace wsman
