#include "tests/conformance/case_file.h"

#include <fstream>

#include "engine/base/encoding.h"

namespace conformance {
namespace {

class Reader {
 public:
  explicit Reader(const std::filesystem::path& file) : file_(file), in_(file) {}

  base::Result<Case> read() {
    if (!in_) return error("cannot be read");
    while (next()) {
      if (line_.starts_with("--- ")) {
        RETURN_IF_ERROR(begin_section());
      } else if (section_ == "about") {
        RETURN_IF_ERROR(add_about());
      } else if (section_ == "delivered") {
        if (!line_.empty()) result_.exchanges.back().delivered.push_back(line_);
      } else {
        RETURN_IF_ERROR(add_to_part());
      }
    }
    for (const char* key : {"name", "spec"}) {
      if (!result_.about.contains(key)) return error(std::string("has no ") + key);
    }
    for (const Exchange& exchange : result_.exchanges) {
      if (exchange.answer.first_line.empty()) return error("has a request without an answer");
    }
    if (result_.exchanges.empty()) return error("has no request");
    return std::move(result_);
  }

 private:
  bool next() {
    std::string raw;
    if (!std::getline(in_, raw)) return false;
    ++number_;
    line_ = base::trimmed(raw);
    return true;
  }

  base::Error error(const std::string& problem) const {
    return base::make_error(std::errc::invalid_argument,
                            file_.filename().string() + ":" + std::to_string(number_) + " " + problem);
  }

  base::Result<void> begin_section() {
    section_ = line_.substr(4);
    in_text_ = false;
    if (section_ == "request") {
      result_.exchanges.emplace_back();
      part_ = &result_.exchanges.back().request;
    } else if (section_ == "answer" && !result_.exchanges.empty()) {
      part_ = &result_.exchanges.back().answer;
    } else if (section_ != "delivered" || result_.exchanges.empty()) {
      return error("begins an unknown section");
    }
    return {};
  }

  base::Result<void> add_about() {
    if (line_.empty() || line_.starts_with('#')) return {};
    ASSIGN_OR_RETURN(auto pair, split_field());
    result_.about.insert(std::move(pair));
    return {};
  }

  base::Result<void> add_to_part() {
    if (in_text_) {
      std::string& text = part_->text;
      if (!text.empty() && !line_.empty() && !text.ends_with('>') && !line_.starts_with('<')) text += ' ';
      text += line_;
    } else if (line_.empty()) {
      in_text_ = !part_->first_line.empty();
    } else if (part_->first_line.empty()) {
      part_->first_line = line_;
    } else {
      ASSIGN_OR_RETURN(auto pair, split_field());
      part_->fields.push_back(std::move(pair));
    }
    return {};
  }

  base::Result<std::pair<std::string, std::string>> split_field() const {
    const auto colon = line_.find(':');
    if (colon == std::string::npos) return error("is not a field");
    return std::pair(line_.substr(0, colon), std::string(base::trimmed(std::string_view(line_).substr(colon + 1))));
  }

  std::filesystem::path file_;
  std::ifstream in_;
  std::string line_;
  int number_ = 0;
  std::string section_ = "about";
  bool in_text_ = false;
  Part* part_ = nullptr;
  Case result_;
};

}  // namespace

std::string_view Part::field(std::string_view name) const {
  for (const auto& [known, value] : fields) {
    if (base::equal_ignoring_case(known, name)) return value;
  }
  return {};
}

base::Result<Case> read_case(const std::filesystem::path& file) {
  return Reader(file).read();
}

}  // namespace conformance
