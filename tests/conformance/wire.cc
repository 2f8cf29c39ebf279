#include "tests/conformance/wire.h"

#include <algorithm>

#include "engine/wsman/envelope.h"
#include "engine/wsman/sldc.h"

namespace conformance {
namespace {

/// `how`: "utf-16", "sldc", "utf-16 sldc", "utf-16 without-mark"; nothing for UTF-8 as it is.
std::string encoded(const std::string& text, std::string_view how) {
  std::string bytes = text;
  if (how.starts_with("utf-16")) {
    bytes = wsman::encode_text(text, wsman::Charset::Utf16);
    // U+F8FF stands for a lone surrogate, which no UTF-8 text can hold.
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
      if (bytes[i] == '\xFF' && bytes[i + 1] == '\xF8') bytes.replace(i, 2, std::string("\x00\xD8", 2));
    }
  }
  if (how.find("without-mark") != std::string_view::npos) bytes.erase(0, 2);
  if (how.find("sldc") != std::string_view::npos) bytes = wsman::sldc_compress(bytes);
  if (how.find("cut") != std::string_view::npos) bytes.resize(bytes.size() / 2);
  return bytes;
}

}  // namespace

http::Request request_of(const Part& part, const Names& names) {
  http::Request request;
  const auto space = part.first_line.find(' ');
  request.head.method = part.first_line.substr(0, space);
  request.head.target = part.first_line.substr(space + 1);
  for (const auto& [name, value] : part.fields) {
    if (name != "Body") request.head.fields.add(name, value);
  }
  request.body = encoded(expanded(part.text, names), part.field("Body"));
  request.head.content_length = request.body.size();
  return request;
}

std::vector<std::string> differences(const Part& wanted, const http::Response& response, Names& names) {
  std::vector<std::string> found;
  if (std::to_string(response.status) != wanted.first_line) {
    found.push_back("the status is " + std::to_string(response.status) + " and not " + wanted.first_line);
  }
  for (const auto& [name, value] : wanted.fields) {
    if (name == "Body") continue;
    const bool there = std::any_of(response.fields.begin(), response.fields.end(), [&](const auto& field) {
      return field.first == name && !difference(value, field.second, names);
    });
    if (!there) found.push_back("the answer has no field " + name + ": " + value);
  }
  std::string text = response.body;
  if (wanted.field("Body") == "utf-16") {
    if (!text.starts_with("\xFF\xFE")) found.push_back("the answer has no byte order mark");
    wsman::Charset charset{};
    text = wsman::decode_text(text, "", charset).value();
  }
  if (const auto problem = difference(expanded(wanted.text, names), text, names)) {
    found.push_back(*problem + "\nthe answer: " + text);
  }
  return found;
}

std::vector<std::string> case_files(const std::filesystem::path& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".txt" && entry.path().stem() != "CMakeLists") files.push_back(entry.path().stem());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string as_test_name(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

}  // namespace conformance
