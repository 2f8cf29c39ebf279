#include <algorithm>
#include <array>
#include <utility>

#include "engine/base/hash.h"
#include "events/skeleton.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace events {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool is_blank(const char* from, const char* to) {
  while (from != to && is_blank(*from)) ++from;
  return from == to;
}

/// The first `a` or `b`, or `end`.
inline const char* find_either(const char* at, const char* end, char a, char b) {
#ifdef __SSE2__
  const __m128i wanted_a = _mm_set1_epi8(a);
  const __m128i wanted_b = _mm_set1_epi8(b);
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const int found = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(bytes, wanted_a), _mm_cmpeq_epi8(bytes, wanted_b)));
    if (found != 0) return at + __builtin_ctz(static_cast<unsigned>(found));
    at += 16;
  }
#endif
  while (at != end && *at != a && *at != b) ++at;
  return at;
}

/// The first byte that ends a name: white space, '>', '/' or '=', or `end`.
inline const char* find_name_end(const char* at, const char* end) {
#ifdef __SSE2__
  const __m128i space = _mm_set1_epi8(' ');
  const __m128i close = _mm_set1_epi8('>');
  const __m128i slash = _mm_set1_epi8('/');
  const __m128i equals = _mm_set1_epi8('=');
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i markup = _mm_or_si128(_mm_cmpeq_epi8(bytes, close), _mm_cmpeq_epi8(bytes, slash));
    const __m128i other = _mm_or_si128(_mm_cmpeq_epi8(bytes, equals), _mm_cmpeq_epi8(_mm_min_epu8(bytes, space), bytes));
    const int found = _mm_movemask_epi8(_mm_or_si128(markup, other));
    if (found != 0) return at + __builtin_ctz(static_cast<unsigned>(found));
    at += 16;
  }
#endif
  while (at != end && static_cast<unsigned char>(*at) > ' ' && *at != '>' && *at != '/' && *at != '=') ++at;
  return at;
}

/// The end of a value: the first `a` or '<', or what no value may hold, or `end`.
inline const char* find_value_end(const char* at, const char* end, char a) {
#ifdef __SSE2__
  const __m128i wanted = _mm_set1_epi8(a);
  const __m128i open = _mm_set1_epi8('<');
  const __m128i hole = _mm_set1_epi8(kHole);
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i ends = _mm_or_si128(_mm_cmpeq_epi8(bytes, wanted), _mm_cmpeq_epi8(bytes, open));
    const int found = _mm_movemask_epi8(_mm_or_si128(ends, _mm_cmpeq_epi8(_mm_min_epu8(bytes, hole), bytes)));
    if (found != 0) return at + __builtin_ctz(static_cast<unsigned>(found));
    at += 16;
  }
#endif
  while (at != end && *at != a && *at != '<' && static_cast<unsigned char>(*at) > static_cast<unsigned char>(kHole)) ++at;
  return at;
}

inline bool equal_bytes(const char* a, const char* b, std::size_t size) {
#ifdef __SSE2__
  if (size >= 16) {
    const auto differ = [&](std::size_t from) {
      const __m128i left = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a + from));
      const __m128i right = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b + from));
      return _mm_movemask_epi8(_mm_cmpeq_epi8(left, right)) != 0xffff;
    };
    for (std::size_t from = 0; from + 16 < size; from += 16) {
      if (differ(from)) return false;
    }
    return !differ(size - 16);
  }
#endif
  return base::equal_bytes(a, b, size);
}

/// Whether there is a kHole, or a zero byte, at which a parser would end.
inline bool has_forbidden(const char* at, const char* end) {
#ifdef __SSE2__
  const __m128i hole = _mm_set1_epi8(kHole);
  __m128i found = _mm_setzero_si128();
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    found = _mm_or_si128(found, _mm_cmpeq_epi8(_mm_min_epu8(bytes, hole), bytes));
  }
  if (_mm_movemask_epi8(found) != 0) return true;
#endif
  for (; at != end; ++at) {
    if (static_cast<unsigned char>(*at) <= static_cast<unsigned char>(kHole)) return true;
  }
  return false;
}

/// Bytes before an event's time by which a skeleton is looked for: from EventID to Keywords, and most of the provider.
constexpr std::size_t kKindBytes = 224;

std::string_view local_name(std::string_view name) {
  const auto colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

/// The children of System that tell kinds of events from one another.
bool is_kind(std::string_view name) {
  switch (name.size()) {
    case 4:
      return name == "Task";
    case 5:
      return name == "Level";
    case 6:
      return name == "Opcode";
    case 7:
      return name == "EventID" || name == "Version" || name == "Channel";
    case 8:
      return name == "Provider" || name == "Keywords";
    default:
      return false;
  }
}

bool is_data(std::string_view name) {
  return name == "Data" || (name.size() > 5 && name.ends_with(":Data"));
}

bool is_declaration(std::string_view attribute) {
  return attribute.starts_with("xmlns") && (attribute.size() == 5 || attribute[5] == ':');
}

/// One pass. Each step that meets something it cannot cut says false.
class Pass {
 public:
  Pass(std::string_view xml, Grain grain, std::vector<std::string_view>& values)
      : piece_(xml.data()), at_(xml.data()), end_(xml.data() + xml.size()), fine_(grain == Grain::Fine), values_(values) {}

  bool run() {
    if (at_ == end_ || *at_ != '<' || has_forbidden(at_, end_)) return false;
    // Whether the tag before the text is the start of an element, so that the text may be all that is in it.
    bool opened = false;
    for (;;) {
      // Here at_ is at a '<'.
      if (end_ - at_ < 2) return false;
      if (at_[1] == '/') {
        const char* const close = find_either(at_ + 2, end_, '>', '<');
        if (close == end_ || *close != '>' || depth_ == 0) return false;
        at_ = close + 1;
        if (--depth_ == 1) in_system_ = false;
        opened = false;
      } else {
        if (!start_tag(opened)) return false;
      }
      if (depth_ == 0) break;
      const char* const next = find_either(at_, end_, '<', '<');
      if (end_ - next < 2) return false;
      if (opened && next[1] == '/') {
        if (!keeps_) cut(at_, next);
      } else if (next != at_ && !is_blank(at_, next)) {
        return false;
      }
      at_ = next;
      if (values_.size() > kMaxHoles) return false;
    }
    if (at_ != end_ || values_.size() > kMaxHoles) return false;
    add_piece(end_);
    return size_ <= kMaxSkeleton;
  }

  std::uint64_t hash() const { return base::mix(hash_ ^ base::kHashA, values_.size() ^ base::kHashB); }

 private:
  bool start_tag(bool& opened) {
    const char* const name_end = find_name_end(at_ + 1, end_);
    const std::string_view name(at_ + 1, static_cast<std::size_t>(name_end - at_ - 1));
    if (name.empty() || name.front() == '!' || name.front() == '?') return false;
    at_ = name_end;
    keeps_ = fine_ && depth_ == 2 && in_system_ && is_kind(local_name(name));
    const bool named = is_data(name);
    for (;;) {
      while (at_ != end_ && is_blank(*at_)) ++at_;
      if (at_ == end_) return false;
      if (*at_ == '>') {
        ++at_;
        ++depth_;
        if (depth_ == 2) in_system_ = local_name(name) == "System";
        opened = true;
        return true;
      }
      if (*at_ == '/') {
        if (end_ - at_ < 2 || at_[1] != '>') return false;
        at_ += 2;
        opened = false;
        return true;
      }
      if (!attribute(named)) return false;
    }
  }

  bool attribute(bool of_data) {
    const char* const name_end = find_name_end(at_, end_);
    const std::string_view name(at_, static_cast<std::size_t>(name_end - at_));
    at_ = name_end;
    while (at_ != end_ && is_blank(*at_)) ++at_;
    if (at_ == end_ || *at_ != '=') return false;
    ++at_;
    while (at_ != end_ && is_blank(*at_)) ++at_;
    if (at_ == end_ || (*at_ != '"' && *at_ != '\'')) return false;
    const char quote = *at_++;
    const char* const close = find_either(at_, end_, quote, '<');
    if (close == end_ || *close == '<') return false;
    if (!keeps_ && !(of_data && name == "Name") && !is_declaration(name)) {
      cut(at_, close);
      if (values_.size() > kMaxHoles) return false;
    }
    at_ = close + 1;
    return true;
  }

  void cut(const char* from, const char* to) {
    add_piece(from);
    values_.emplace_back(from, static_cast<std::size_t>(to - from));
    piece_ = to;
  }

  void add_piece(const char* to) {
    const auto size = static_cast<std::size_t>(to - piece_);
    hash_ = base::hash_bytes(piece_, size, hash_);
    size_ += size + 1;
  }

  const char* piece_;  ///< where the skeleton's text goes on
  const char* at_;
  const char* const end_;
  const bool fine_;
  bool in_system_ = false;
  bool keeps_ = false;  ///< the element at hand stays in the skeleton
  std::size_t depth_ = 0;
  std::size_t size_ = 0;
  std::uint64_t hash_ = 0;
  std::vector<std::string_view>& values_;
};

}  // namespace

/// A skeleton met before, to be found again at the same places of an event's text.
struct Splitter::Known {
  std::uint64_t place = 0;
  std::uint64_t hash = 0;
  std::string text;
  std::vector<std::uint32_t> holes;  ///< where they are in text
};

/// Sets of a few skeletons, the latest used first.
struct Splitter::Cache {
  static constexpr std::size_t kSets = 256;
  static constexpr std::size_t kWays = 4;
  static constexpr std::size_t kMostText = 4096;

  std::array<std::array<std::unique_ptr<Known>, kWays>, kSets> sets;

  auto& set_of(std::uint64_t place) { return sets[place % kSets]; }
};

Splitter::Splitter() = default;
Splitter::~Splitter() = default;
Splitter::Splitter(Splitter&&) noexcept = default;
Splitter& Splitter::operator=(Splitter&&) noexcept = default;

bool Splitter::split(std::string_view xml, Grain grain) {
  xml_ = xml;
  // Up to its time an event of Windows tells what kind of event it is.
  std::uint64_t place = 0;
  if (grain == Grain::Fine) {
    const auto kind_end = xml.find("TimeCreated");
    if (kind_end != std::string_view::npos) {
      const std::size_t size = std::min(kind_end, kKindBytes);
      place = base::hash_bytes(xml.data() + kind_end - size, size, 0) | 1;
      if (split_by_cache(place)) return true;
    }
  }
  values_.clear();
  Pass pass(xml, grain, values_);
  if (!pass.run()) {
    values_.clear();
    return false;
  }
  hash_ = pass.hash();
  if (place != 0) remember(place);
  return true;
}

/// What is written as a known skeleton, with any values between, is cut as that skeleton was: the pass sees the same markup.
bool Splitter::split_as(const Known& known) {
  const char* at = xml_.data();
  const char* const end = at + xml_.size();
  const char* const text = known.text.data();
  std::size_t piece = 0;
  values_.resize(known.holes.size());
  std::string_view* value = values_.data();
  for (const std::uint32_t hole : known.holes) {
    const std::size_t size = hole - piece;
    if (static_cast<std::size_t>(end - at) < size || !equal_bytes(at, text + piece, size)) return false;
    at += size;
    piece = hole + 1;
    // The quote behind an attribute's value, or '<'.
    const char* const close = find_value_end(at, end, text[piece]);
    if (close == end || *close != text[piece]) return false;
    *value++ = std::string_view(at, static_cast<std::size_t>(close - at));
    at = close;
  }
  const std::size_t size = known.text.size() - piece;
  return static_cast<std::size_t>(end - at) == size && equal_bytes(at, text + piece, size);
}

bool Splitter::split_by_cache(std::uint64_t place) {
  if (!cache_) return false;
  auto& set = cache_->set_of(place);
  for (std::size_t way = 0; way < set.size() && set[way]; ++way) {
    if (set[way]->place != place || !split_as(*set[way])) continue;
    hash_ = set[way]->hash;
    if (way != 0) std::swap(set[way], set[way - 1]);
    return true;
  }
  return false;
}

void Splitter::remember(std::uint64_t place) {
  std::string text = skeleton();
  if (text.size() > Cache::kMostText) return;
  if (!cache_) cache_ = std::make_unique<Cache>();
  auto& set = cache_->set_of(place);
  auto known = std::make_unique<Known>();
  known->place = place;
  known->hash = hash_;
  known->text = std::move(text);
  known->holes.reserve(values_.size());
  for (auto at = known->text.find(kHole); at != std::string::npos; at = known->text.find(kHole, at + 1)) {
    known->holes.push_back(static_cast<std::uint32_t>(at));
  }
  std::rotate(set.begin(), set.end() - 1, set.end());
  set.front() = std::move(known);
}

std::string Splitter::skeleton() const {
  std::string text;
  const char* piece = xml_.data();
  for (const auto value : values_) {
    text.append(piece, value.data());
    text += kHole;
    piece = value.data() + value.size();
  }
  text.append(piece, xml_.data() + xml_.size());
  return text;
}

bool Splitter::is(std::string_view text) const {
  const char* piece = xml_.data();
  const char* at = text.data();
  const char* const end = at + text.size();
  for (const auto value : values_) {
    const auto size = static_cast<std::size_t>(value.data() - piece);
    if (static_cast<std::size_t>(end - at) <= size || at[size] != kHole || !equal_bytes(at, piece, size)) return false;
    at += size + 1;
    piece = value.data() + value.size();
  }
  const auto size = static_cast<std::size_t>(xml_.data() + xml_.size() - piece);
  return static_cast<std::size_t>(end - at) == size && equal_bytes(at, piece, size);
}

}  // namespace events
