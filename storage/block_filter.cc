#include "storage/block_filter.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_set>

#include "events/raw_value.h"

namespace storage {
namespace {

using events::Comparison;
using events::Constant;
using events::Formula;
using events::ValueTest;

/// A dictionary entry that has not been asked yet.
constexpr char kNotAsked = 2;

/// From so many texts on that one value may equal, they are looked up rather than compared one by one.
constexpr std::size_t kManyTexts = 8;

base::WallTime wall_time(std::int64_t nanoseconds) {
  return base::WallTime(std::chrono::nanoseconds(nanoseconds));
}

/// Which whole numbers from 0 on satisfy a comparison with a whole number.
struct NumberRange {
  std::uint64_t first = 1;  ///< none where it is greater than `last`
  std::uint64_t last = 0;
  bool inside = true;  ///< false: those outside the range do

  bool has(std::uint64_t number) const { return (number >= first && number <= last) == inside; }
};

NumberRange numbers_that(Comparison comparison, const events::Number& constant) {
  constexpr std::uint64_t kMost = ~std::uint64_t{0};
  const NumberRange none;
  const NumberRange all{0, kMost, true};
  const std::uint64_t size = constant.magnitude;
  if (constant.negative && size != 0) {
    const bool above =
        comparison == Comparison::Greater || comparison == Comparison::GreaterOrEqual || comparison == Comparison::NotEqual;
    return above ? all : none;
  }
  switch (comparison) {
    case Comparison::Equal:
      return {size, size, true};
    case Comparison::NotEqual:
      return {size, size, false};
    case Comparison::Less:
      return size == 0 ? none : NumberRange{0, size - 1, true};
    case Comparison::LessOrEqual:
      return {0, size, true};
    case Comparison::Greater:
      return size == kMost ? none : NumberRange{size + 1, kMost, true};
    case Comparison::GreaterOrEqual:
      return {size, kMost, true};
  }
  return none;
}

/// Keeps the rows whose raw value `holds`; a dictionary is asked once an entry.
template <typename Holds>
void filter_values(const Column& column, Bitmap& rows, const Holds& holds) {
  switch (column.kind()) {
    case Column::Kind::Texts:
      rows.filter([&](std::size_t row) { return holds(column.text(row)); });
      return;
    case Column::Kind::Dictionary: {
      const auto entries = column.entries();
      std::vector<char> answers(entries.size(), kNotAsked);
      rows.filter([&](std::size_t row) {
        const std::uint32_t code = column.code(row);
        char& answer = answers[code];
        if (answer == kNotAsked) answer = holds(entries[code]) ? 1 : 0;
        return answer == 1;
      });
      return;
    }
    default: {
      std::string buffer;
      rows.filter([&](std::size_t row) { return holds(column.value(row, buffer)); });
    }
  }
}

/// Asks one test of one column. All forms of a column give the answer that ValueTest::holds() gives for its raw values; the
/// short ways exist because a scan spends its time here.
class ColumnTest {
 public:
  ColumnTest(const ValueTest& test, const Column& column, bool is_attribute, base::WallTime now)
      : test_(test), column_(column), is_attribute_(is_attribute), now_(now) {}

  /// Keeps the rows that satisfy the test.
  void filter(Bitmap& rows) const {
    const bool numbers = column_.kind() == Column::Kind::Decimal || column_.kind() == Column::Kind::Hex;
    if (numbers && filter_numbers(rows)) return;
    if (column_.kind() == Column::Kind::Time && filter_times(rows)) return;
    filter_values(column_, rows, [&](std::string_view raw) { return test_.holds(raw, is_attribute_, now_); });
  }

 private:
  static void all_or_none(Bitmap& rows, bool all) {
    if (!all) rows = Bitmap(rows.size());
  }

  /// Digits: as text they are a number that is not negative, and neither a time nor a GUID nor a SID.
  bool filter_numbers(Bitmap& rows) const {
    if (test_.op == ValueTest::Op::Band) {
      rows.filter([&](std::size_t row) { return (column_.number(row) & test_.bits) != 0; });
      return true;
    }
    if (test_.op == ValueTest::Op::TimeDiff) {
      all_or_none(rows, false);
      return true;
    }
    if (test_.op != ValueTest::Op::Compare) return false;
    const Constant& constant = test_.constant;
    switch (constant.type) {
      case Constant::Type::Number:
        if (constant.number.whole) {
          const NumberRange range = numbers_that(test_.comparison, constant.number);
          rows.filter([&](std::size_t row) { return range.has(column_.number(row)); });
        } else {
          rows.filter([&](std::size_t row) {
            return events::compare(events::Number::of(column_.number(row)), test_.comparison, constant);
          });
        }
        return true;
      case Constant::Type::Boolean: {
        const bool equality = test_.comparison == Comparison::Equal || test_.comparison == Comparison::NotEqual;
        if (!equality) {
          all_or_none(rows, false);
          return true;
        }
        const bool wanted = constant.boolean == (test_.comparison == Comparison::Equal);
        rows.filter([&](std::size_t row) { return (column_.number(row) != 0) == wanted; });
        return true;
      }
      case Constant::Type::Time:
      case Constant::Type::Guid:
      case Constant::Type::Sid:
        all_or_none(rows, false);
        return true;
      case Constant::Type::Text:
        return false;
    }
    return false;
  }

  /// A time's text is neither a number nor a Boolean, a GUID or a SID.
  bool filter_times(Bitmap& rows) const {
    if (test_.op == ValueTest::Op::Band) {
      all_or_none(rows, false);
      return true;
    }
    if (test_.op == ValueTest::Op::TimeDiff) {
      rows.filter([&](std::size_t row) {
        return events::compare(test_.difference(wall_time(column_.time(row)), now_), test_.comparison, test_.constant);
      });
      return true;
    }
    if (test_.op != ValueTest::Op::Compare) return false;
    const Constant& constant = test_.constant;
    switch (constant.type) {
      case Constant::Type::Time:
        rows.filter(
            [&](std::size_t row) { return events::compare(wall_time(column_.time(row)), test_.comparison, constant); });
        return true;
      case Constant::Type::Number:
      case Constant::Type::Boolean:
        all_or_none(rows, test_.comparison == Comparison::NotEqual);
        return true;
      case Constant::Type::Guid:
      case Constant::Type::Sid:
        all_or_none(rows, false);
        return true;
      case Constant::Type::Text:
        return false;
    }
    return false;
  }

  const ValueTest& test_;
  const Column& column_;
  const bool is_attribute_;
  const base::WallTime now_;
};

class RowFilter {
 public:
  RowFilter(Block& block, std::uint32_t template_index, const Formula& formula, base::WallTime now)
      : block_(block),
        template_index_(template_index),
        skeleton_(block.templates()[template_index].skeleton.get()),
        formula_(formula),
        now_(now) {}

  /// Keeps the rows that satisfy the node. Depth: that of the formula, which the query's and the document's nesting bound.
  base::Result<void> filter(std::uint32_t index, Bitmap& rows) {
    const Formula::Node& node = formula_.nodes()[index];
    switch (node.op) {
      case Formula::Node::Op::True:
        return {};
      case Formula::Node::Op::False:
        rows = Bitmap(rows.size());
        return {};
      case Formula::Node::Op::Test:
        return filter_by(formula_.tests()[node.first], rows);
      case Formula::Node::Op::Not: {
        Bitmap inner = rows;
        RETURN_IF_ERROR(filter(node.first, inner));
        rows -= inner;
        return {};
      }
      case Formula::Node::Op::And:
        for (const std::uint32_t part : parts(node)) {
          if (!rows.any()) return {};
          RETURN_IF_ERROR(filter(part, rows));
        }
        return {};
      case Formula::Node::Op::Or: {
        Bitmap open = rows;
        std::vector<std::uint32_t> remaining = parts(node);
        RETURN_IF_ERROR(take_texts(remaining, open));
        for (const std::uint32_t part : remaining) {
          if (!open.any()) return {};
          Bitmap found = open;
          RETURN_IF_ERROR(filter(part, found));
          open -= found;
        }
        rows -= open;
        return {};
      }
    }
    return {};
  }

 private:
  /// In the order in which they are asked: what reads texts from end to end, and what consists of parts, comes last.
  std::vector<std::uint32_t> parts(const Formula::Node& node) const {
    const auto first = formula_.links().begin() + node.first;
    std::vector<std::uint32_t> parts(first, first + node.count);
    std::stable_partition(parts.begin(), parts.end(), [&](std::uint32_t part) {
      const Formula::Node& child = formula_.nodes()[part];
      if (child.op != Formula::Node::Op::Test) return false;
      const ValueTest::Op op = formula_.tests()[child.first].op;
      return op != ValueTest::Op::Contains && op != ValueTest::Op::HasWord;
    });
    return parts;
  }

  /// The constant where the part asks whether a value equals a text.
  const ValueTest* text_equality(std::uint32_t part) const {
    const Formula::Node& node = formula_.nodes()[part];
    if (node.op != Formula::Node::Op::Test) return nullptr;
    const ValueTest& test = formula_.tests()[node.first];
    const bool is = test.op == ValueTest::Op::Compare && test.comparison == Comparison::Equal && !test.ignore_case &&
                    test.constant.type == Constant::Type::Text;
    return is ? &test : nullptr;
  }

  /// Takes the parts of an `or` that ask one value for many texts (long lists of hashes and addresses), and what satisfies
  /// them out of `open`.
  base::Result<void> take_texts(std::vector<std::uint32_t>& parts, Bitmap& open) {
    if (parts.size() < kManyTexts) return {};
    std::map<std::uint32_t, std::unordered_set<std::string_view>> texts;
    for (const std::uint32_t part : parts) {
      if (const ValueTest* const test = text_equality(part)) texts[test->hole].insert(test->constant.text);
    }
    std::erase_if(texts, [](const auto& of_hole) { return of_hole.second.size() < kManyTexts; });
    if (texts.empty()) return {};
    std::erase_if(parts, [&](std::uint32_t part) {
      const ValueTest* const test = text_equality(part);
      return test != nullptr && texts.contains(test->hole);
    });
    for (const auto& [hole, wanted] : texts) {
      if (!open.any()) return {};
      ASSIGN_OR_RETURN(const Column* const column, this->column(hole));
      const bool is_attribute = skeleton_->holes()[hole].is_attribute;
      Bitmap found = open;
      std::string buffer;
      filter_values(*column, found,
                    [&](std::string_view raw) { return wanted.contains(events::plain_text(raw, is_attribute, buffer)); });
      open -= found;
    }
    return {};
  }

  /// With as many rows as the template has.
  base::Result<const Column*> column(std::uint32_t hole) {
    if (skeleton_ == nullptr || hole >= skeleton_->holes().size()) {
      return base::make_error(Errc::Corrupt, "the question is not about this kind of events");
    }
    ASSIGN_OR_RETURN(const Column* const column, block_.column(template_index_, hole));
    if (column->rows() != block_.rows_of(template_index_).size()) {
      return base::make_error(Errc::Corrupt, "a column has not as many rows as its template");
    }
    return column;
  }

  base::Result<void> filter_by(const ValueTest& test, Bitmap& rows) {
    ASSIGN_OR_RETURN(const Column* const column, this->column(test.hole));
    const bool is_attribute = skeleton_->holes()[test.hole].is_attribute;
    if (test.op != ValueTest::Op::BandValues) {
      ColumnTest(test, *column, is_attribute, now_).filter(rows);
      return {};
    }
    ASSIGN_OR_RETURN(const Column* const other, this->column(test.other_hole));
    std::string buffer;
    std::string other_buffer;
    rows.filter([&](std::size_t row) {
      return test.holds(column->value(row, buffer), is_attribute, now_, other->value(row, other_buffer));
    });
    return {};
  }

  Block& block_;
  const std::uint32_t template_index_;
  const events::Skeleton* const skeleton_;
  const Formula& formula_;
  const base::WallTime now_;
};

}  // namespace

base::Result<Bitmap> select_rows(Block& block, std::uint32_t template_index, const Formula& formula, base::WallTime now) {
  Bitmap rows(block.rows_of(template_index).size(), true);
  RETURN_IF_ERROR(RowFilter(block, template_index, formula, now).filter(formula.root(), rows));
  return rows;
}

}  // namespace storage
