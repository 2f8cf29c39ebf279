// HTTP/1.1 requests and responses as values.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace http {

/// Header fields in order; names compare without case.
class Fields {
 public:
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  /// The first field of that name.
  std::optional<std::string_view> find(std::string_view name) const;
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  std::size_t size() const { return fields_.size(); }
  /// Writes them as they go over the wire, a line each. A control character in a value becomes a blank: no value can begin a
  /// line of its own.
  void append_to(std::string& head) const;

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct RequestHead {
  std::string method = "POST";
  std::string target = "/";
  Fields fields;
  std::optional<std::uint64_t> content_length;  ///< none for a chunked body
};

struct Request {
  RequestHead head;
  std::string body;
  /// A client may send it again where it cannot know whether the server has taken it.
  bool repeatable = true;
};

/// Content-Length, Date and Connection are added when it is written.
struct Response {
  unsigned status = 200;
  Fields fields;
  std::string body;
  bool close = false;  ///< end the connection after it
};

}  // namespace http
