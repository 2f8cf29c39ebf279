#include "engine/base/win32.h"

#include <gtest/gtest.h>

#include "engine/base/wsman_text.h"

namespace {

using base::Win32;

TEST(Win32, CodesKeepWindowsNumbersAndHaveATextForPeople) {
  EXPECT_EQ(make_error_code(Win32::EvtChannelNotFound).value(), 15007);
  EXPECT_EQ(make_error_code(Win32::InvalidParameter).message(), "The parameter is incorrect.");
}

TEST(Win32, CodesOfWsManagementHaveATextToo) {
  EXPECT_EQ(base::win32_code(0x80338000).message(), "There is no instance with this resource URI and these selectors.");
  EXPECT_EQ(base::wsman_text(2150859250), "The idle timeout of the shell is out of bounds.");               // 0x803381F2
  EXPECT_EQ(base::wsman_text(2150859174).substr(0, 46), "The user has reached the limit of operations (");  // 0x803381A6
  EXPECT_NE(base::wsman_text(0x803381FE), "");
  EXPECT_EQ(base::wsman_text(0x803381FF), "");
  EXPECT_EQ(base::wsman_text(0x80337FFF), "");
  EXPECT_EQ(base::wsman_text(5), "");
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
