// The parts of taking a delivery in, each measured alone: what the whole is compared with.

#pragma once

#include <string>
#include <vector>

namespace bench {

/// CPU microseconds an event of each part, all on the calling thread and the store's.
struct IngestParts {
  double tls = 0;       ///< AES-256-GCM over records of 16 KiB; 0 for plain HTTP
  double receive = 0;   ///< through a socket pair into a buffer
  double decode = 0;    ///< UTF-16 to UTF-8, or the check of UTF-8
  double envelope = 0;  ///< the message parsed, and the events' texts taken out
  double event = 0;     ///< the events parsed
  double store = 0;     ///< appended durably, a few batches at a time

  double sum() const { return tls + receive + decode + envelope + event + store; }
};

/// `bodies`: deliveries as they are sent, taken in turn until `count` events were measured. Dies with a
/// message where something fails.
IngestParts measure_parts(const std::vector<std::string>& bodies, std::size_t count, const std::string& content_type);

}  // namespace bench
