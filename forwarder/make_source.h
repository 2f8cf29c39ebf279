// From a configured source to the object that reads it.

#pragma once

#include <memory>
#include <string>

#include "engine/base/blocking.h"
#include "engine/base/clock.h"
#include "engine/service/settings.h"
#include "forwarder/source.h"

namespace forwarder {

/// Null for a type that is not known, which the settings' own check has refused. `pool` and `clock` must outlive the source.
std::unique_ptr<Source> make_source(const service::SourceSettings& settings, std::string computer, base::BlockingPool& pool,
                                    base::Clock& clock);

}  // namespace forwarder
