#include "engine/base/win32.h"

#include <gtest/gtest.h>

namespace {

using base::Win32;

TEST(Win32, CodesKeepWindowsNumbersAndHaveATextForPeople) {
  EXPECT_EQ(make_error_code(Win32::EvtChannelNotFound).value(), 15007);
  EXPECT_EQ(make_error_code(Win32::InvalidParameter).message(), "The parameter is incorrect.");
}

TEST(Win32, ANumberFromTheWireComesBackUnchanged) {
  for (const std::uint32_t number : {5u, 15001u, 2150858770u})
    EXPECT_EQ(base::win32_number(base::win32_code(number)), number);
}

TEST(Win32, ErrnoIsTranslatedAndTheUnknownIsAnInternalError) {
  EXPECT_EQ(base::win32_number(std::make_error_code(std::errc::no_such_file_or_directory)), 2u);
  EXPECT_EQ(base::win32_number(std::make_error_code(std::errc::permission_denied)), 5u);
  EXPECT_EQ(base::win32_number(std::make_error_code(std::errc::no_space_on_device)), 112u);
  EXPECT_EQ(base::win32_number(std::make_error_code(std::errc::owner_dead)), 1359u);
}

}  // namespace
