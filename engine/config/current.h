// What the configuration is at one moment, and what it is made of.

#pragma once

#include <string>
#include <vector>

#include "engine/config/certificate_mapping.h"
#include "engine/config/listener.h"
#include "engine/config/plugin.h"
#include "engine/config/values.h"

namespace config {

/// The security descriptor of a resource that does not go by RootSDDL.
struct ResourceSecurity {
  std::string uri;
  bool exact_match = false;  ///< otherwise it holds for what is below the URI, too
  std::string sddl;          ///< never empty
};

/// What the configuration is at one moment. Immutable once it is handed out.
struct Current {
  Values values;
  std::vector<Listener> listeners;  ///< of the file or policy first, then in the order of their creation
  std::vector<CertMapping> mappings;
  std::vector<Plugin> plugins;             ///< the default ones first
  std::vector<ResourceSecurity> security;  ///< at most one for a URI (compared without case) and `exact_match`
  bool run_as_disabled = false;            ///< policy: no plugin may act as another user
};

/// What files and policy say. Source of a listener: File or Policy.
struct Foundation {
  Layer file;
  Layer policy;
  std::vector<Listener> listeners;
  bool run_as_disabled = false;
};

}  // namespace config
