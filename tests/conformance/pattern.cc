#include "tests/conformance/pattern.h"

#include <cctype>
#include <vector>

#include "engine/base/encoding.h"

namespace conformance {
namespace {

constexpr std::size_t kGuidLength = 36;

/// The code point that stands for a lone surrogate until the text is encoded: one for private use.
constexpr std::string_view kSurrogateMark = "\xEF\xA3\xBF";

struct Piece {
  bool hole = false;
  std::string text;  ///< literal text, or the hole's content
};

std::vector<Piece> pieces_of(std::string_view text) {
  std::vector<Piece> pieces;
  while (!text.empty()) {
    const auto open = text.find("{{");
    const auto close = open == std::string_view::npos ? open : text.find("}}", open);
    if (close == std::string_view::npos) {
      pieces.push_back(Piece{false, std::string(text)});
      break;
    }
    if (open != 0) pieces.push_back(Piece{false, std::string(text.substr(0, open))});
    pieces.push_back(Piece{true, std::string(text.substr(open + 2, close - open - 2))});
    text.remove_prefix(close + 2);
  }
  return pieces;
}

std::pair<std::string, std::string> split(const std::string& hole) {
  const auto space = hole.find(' ');
  if (space == std::string::npos) return {hole, ""};
  return {hole.substr(0, space), hole.substr(space + 1)};
}

bool is_guid(std::string_view text) {
  if (text.size() != kGuidLength) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex = std::isdigit(static_cast<unsigned char>(text[i])) != 0 || (text[i] >= 'A' && text[i] <= 'F');
    if (dash ? text[i] != '-' : !hex) return false;
  }
  return true;
}

/// How much of `actual` a hole of fixed form takes; npos where it does not fit.
std::size_t length_taken(const std::string& form, std::string_view actual) {
  if (form == "guid") return is_guid(actual.substr(0, kGuidLength)) ? kGuidLength : std::string_view::npos;
  if (form == "uuid") {
    return actual.starts_with("uuid:") && is_guid(actual.substr(5, kGuidLength)) ? 5 + kGuidLength : std::string_view::npos;
  }
  std::size_t digits = 0;
  while (digits < actual.size() && std::isdigit(static_cast<unsigned char>(actual[digits])) != 0) ++digits;
  return digits == 0 ? std::string_view::npos : digits;
}

class Matcher {
 public:
  Matcher(std::vector<Piece> pieces, std::string_view actual, Names& names)
      : pieces_(std::move(pieces)), actual_(actual), names_(names) {}

  bool match(std::size_t piece, std::size_t at) {
    if (piece == pieces_.size()) {
      if (at != actual_.size()) note(piece, at, 0);
      return at == actual_.size();
    }
    const Piece& now = pieces_[piece];
    if (!now.hole) {
      const std::string_view rest = actual_.substr(at);
      std::size_t same = 0;
      while (same < now.text.size() && same < rest.size() && now.text[same] == rest[same]) ++same;
      if (same < now.text.size()) {
        note(piece, at + same, same);
        return false;
      }
      return match(piece + 1, at + same);
    }
    const auto [form, name] = split(now.text);
    if (form == "any") {
      for (std::size_t next = at; next <= actual_.size(); ++next) {
        if (match(piece + 1, next)) return true;
      }
      return false;
    }
    const std::size_t length = length_taken(form, actual_.substr(at));
    if (length == std::string_view::npos) {
      note(piece, at, 0);
      return false;
    }
    if (!name.empty()) names_[name] = std::string(actual_.substr(at, length));
    return match(piece + 1, at + length);
  }

  std::string complaint() const {
    std::string wanted = "the end";
    if (farthest_piece_ < pieces_.size()) {
      const Piece& piece = pieces_[farthest_piece_];
      wanted = piece.hole ? "{{" + piece.text + "}}" : piece.text.substr(farthest_within_, 200);
    }
    return "expected: ..." + wanted + "\nbut came: ..." + std::string(actual_.substr(farthest_, 200));
  }

 private:
  /// Keeps the place where the best attempt failed: that is the one to tell.
  void note(std::size_t piece, std::size_t at, std::size_t within) {
    if (std::pair(piece, within) < std::pair(farthest_piece_, farthest_within_)) return;
    farthest_ = at;
    farthest_piece_ = piece;
    farthest_within_ = within;
  }

  std::vector<Piece> pieces_;
  std::string_view actual_;
  Names& names_;
  std::size_t farthest_ = 0;
  std::size_t farthest_piece_ = 0;
  std::size_t farthest_within_ = 0;
};

}  // namespace

std::string expanded(std::string_view text, const Names& names) {
  std::string out;
  for (const Piece& piece : pieces_of(text)) {
    if (!piece.hole) {
      out += piece.text;
      continue;
    }
    const auto [form, argument] = split(piece.text);
    if (form == "repeat") {
      const auto [count, repeated] = split(argument);
      for (unsigned long i = std::stoul(count); i != 0; --i) out += repeated;
    } else if (form == "byte") {
      out += base::parse_hex(argument).value_or("");
    } else if (form == "lf") {
      out += '\n';
    } else if (form == "cr") {
      out += '\r';
    } else if (form == "surrogate") {
      out += kSurrogateMark;
    } else if (const auto known = names.find(form); known != names.end()) {
      out += known->second;
    } else {
      out += "{{" + piece.text + "}}";
    }
  }
  return out;
}

std::optional<std::string> difference(std::string_view pattern, std::string_view actual, Names& names) {
  Matcher matcher(pieces_of(pattern), actual, names);
  if (matcher.match(0, 0)) return std::nullopt;
  return matcher.complaint();
}

}  // namespace conformance
