#include "cli/json.h"

#include <gtest/gtest.h>

namespace cli {
namespace {

TEST(Json, StringsAreEscaped) {
  EXPECT_EQ(json_string("a\"b\\c\n\r\t\x01\x7f"), R"("a\"b\\c\n\r\t\u0001\u007f")");
  EXPECT_EQ(json_string("ü€"), "\"ü€\"");
  EXPECT_EQ(json_string("\xff"), "\"\xEF\xBF\xBD\"");
}

TEST(Json, MembersKeepTheirOrder) {
  JsonArray names;
  names.text("x").text("y");
  EXPECT_EQ(JsonObject().text("b", "1").number("a", 2).boolean("c", true).raw("d", names.take()).take(),
            R"({"b":"1","a":2,"c":true,"d":["x","y"]})");
  EXPECT_EQ(JsonObject().take(), "{}");
}

}  // namespace
}  // namespace cli
