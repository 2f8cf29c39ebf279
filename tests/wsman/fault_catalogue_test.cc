// The table of faults, compared with the catalogue of the specification.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "engine/base/win32.h"
#include "engine/base/wsman_text.h"
#include "engine/wsman/fault.h"
#include "engine/wsman/names.h"

namespace wsman {
namespace {

using ::testing::Contains;

struct Entry {
  std::set<std::string> soap_codes;
  std::set<std::string> details;
  std::set<std::string> older_details;
  std::set<std::uint32_t> numbers;
  bool never_sent = false;
};

std::set<std::string> split(const std::string& list) {
  std::set<std::string> parts;
  std::istringstream in(list);
  for (std::string part; std::getline(in, part, ',');) {
    if (part != "-") parts.insert(part);
  }
  return parts;
}

std::vector<std::vector<std::string>> read_table(const std::string& name) {
  std::vector<std::vector<std::string>> rows;
  std::ifstream in(std::string(MUSTER_TEST_DATA) + "/" + name);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    std::vector<std::string>& fields = rows.emplace_back();
    std::istringstream columns(line);
    for (std::string field; std::getline(columns, field, '\t');) fields.push_back(field);
  }
  return rows;
}

std::map<std::string, Entry> catalogue() {
  std::map<std::string, Entry> entries;
  for (const auto& fields : read_table("fault-catalogue.tsv")) {
    Entry& entry = entries[fields.at(0)];
    entry.soap_codes = split(fields.at(1));
    entry.details = split(fields.at(2));
    entry.older_details = split(fields.at(3));
    for (const std::string& number : split(fields.at(4))) {
      entry.numbers.insert(static_cast<std::uint32_t>(std::stoul(number)));
    }
    entry.never_sent = fields.at(5) == "never";
  }
  // Numbers that other sections name: two Pulls at one time (7.2), an enumeration that expires at a point in time (7.1), and
  // what wsman-error-codes says of batches and of EndTo.
  entries["w:Concurrency"].numbers.insert(2150858758);
  entries["w:UnsupportedFeature"].numbers.insert({2150858775, 2150858900, 2150858902});
  return entries;
}

/// "w:TimedOut", and "s:MustUnderstand" for SOAP's own codes.
std::string name_of(const FaultRow& row) {
  return row.subcode.empty() ? "s:" + std::string(row.soap_code) : std::string(row.subcode);
}

TEST(FaultCatalogue, HoldsEveryRowOfTheTable) {
  const auto entries = catalogue();
  ASSERT_GT(entries.size(), 40u);
  for (const FaultRow& row : fault_rows()) {
    SCOPED_TRACE(name_of(row) + " " + std::string(row.detail));
    const auto entry = entries.find(name_of(row));
    ASSERT_NE(entry, entries.end());
    EXPECT_FALSE(entry->second.never_sent);
    EXPECT_THAT(entry->second.soap_codes, Contains(row.soap_code));
    if (!row.detail.empty()) {
      const std::string detail(row.detail);
      EXPECT_TRUE(entry->second.details.contains(detail) || entry->second.older_details.contains(detail));
    }
    for (const std::uint32_t number : numbers_of(row.code)) EXPECT_THAT(entry->second.numbers, Contains(number));
  }
}

TEST(FaultCatalogue, HasARowForEverySubcodeDetailAndNumber) {
  std::set<std::string> subcodes;
  std::set<std::string> details;
  std::set<std::uint32_t> numbers;
  for (const FaultRow& row : fault_rows()) {
    subcodes.insert(name_of(row));
    details.insert(name_of(row) + " " + std::string(row.detail));
    for (const std::uint32_t number : numbers_of(row.code)) numbers.insert(number);
  }
  for (const auto& [subcode, entry] : catalogue()) {
    if (entry.never_sent) continue;
    EXPECT_THAT(subcodes, Contains(subcode));
    for (const std::string& detail : entry.details) EXPECT_THAT(details, Contains(subcode + " " + detail));
    for (const std::uint32_t number : entry.numbers) EXPECT_THAT(numbers, Contains(number)) << subcode;
  }
}

TEST(FaultCatalogue, EveryNumberIsOneOfWindows) {
  std::set<std::uint32_t> known;
  for (const auto& fields : read_table("wsman-error-codes.tsv")) {
    known.insert(static_cast<std::uint32_t>(std::stoul(fields.at(0))));
  }
  ASSERT_EQ(known.size(), 511u);
  for (const FaultRow& row : fault_rows()) {
    for (const std::uint32_t number : numbers_of(row.code)) {
      // The others are Win32 codes.
      if (number >= 0x80000000u) {
        EXPECT_THAT(known, Contains(number)) << name_of(row);
      } else {
        EXPECT_LT(number, 16'000u);
      }
    }
  }
  for (const std::uint32_t number : known) EXPECT_FALSE(base::wsman_text(number).empty()) << number;
}

TEST(FaultCatalogue, EverySubcodeFamilyHasItsAction) {
  for (const FaultRow& row : fault_rows()) {
    std::string_view action = action::kAddressingFault;
    if (row.subcode.starts_with("w:")) action = action::kWsmanFault;
    if (row.subcode.starts_with("b:")) action = action::kWsmanFault;
    if (row.subcode.starts_with("n:")) action = action::kEnumerationFault;
    if (row.subcode.starts_with("e:")) action = action::kEventingFault;
    if (row.subcode.starts_with("x:")) action = action::kTransferFault;
    EXPECT_EQ(action_of(row.code), action) << name_of(row);
  }
}

TEST(FaultCatalogue, ErrorsWithTheNumbersOfQuotasAreQuotaFaults) {
  for (const std::uint32_t number : {2150859173u, 2150859174u, 2150859179u, 2150859240u}) {
    const Fault fault = as_fault(base::make_error(base::win32_code(number), "full"), "a test");
    EXPECT_EQ(fault.code, FaultCode::QuotaLimit);
    EXPECT_EQ(windows_code_of(fault), number);
  }
}

}  // namespace
}  // namespace wsman
