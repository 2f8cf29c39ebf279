// The values in effect, made of the layers that they may come from.

#pragma once

#include <array>
#include <map>
#include <string>

#include "engine/config/setting.h"

namespace config {

/// Who said so; a later one wins.
enum class Source { Default, File, Stored, Policy };

/// What one source says: canonical texts.
using Layer = std::map<Id, std::string>;

struct Layers {
  Layer file;
  Layer stored;
  Layer policy;
};

/// A value for every setting. A value itself; immutable once made.
class Values {
 public:
  /// The built-in defaults.
  Values();
  explicit Values(const Layers& layers);

  const std::string& text(Id id) const { return at(id).text; }
  Source source(Id id) const { return at(id).source; }
  /// Of a Number; a misuse of another kind gives 0.
  std::uint32_t number(Id id) const;
  /// Of a Boolean.
  bool flag(Id id) const { return text(id) == "true"; }

 private:
  struct Value {
    std::string text;
    Source source = Source::Default;
  };
  const Value& at(Id id) const { return values_[static_cast<std::size_t>(id)]; }
  void take(const Layer& layer, Source source);

  std::array<Value, kSettings> values_;
};

}  // namespace config
