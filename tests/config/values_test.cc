#include "engine/config/values.h"

#include <gtest/gtest.h>

namespace {

using config::Id;
using config::Layers;
using config::Source;
using config::Values;

TEST(ConfigurationValues, AreTheDefaultsWhereNobodySaysAnything) {
  const Values values;
  EXPECT_EQ(values.number(Id::MaxEnvelopeSizekb), 150u);
  EXPECT_FALSE(values.flag(Id::AllowUnencrypted));
  EXPECT_EQ(values.source(Id::MaxEnvelopeSizekb), Source::Default);
}

TEST(ConfigurationValues, PolicyWinsOverWhatWasStoredAndThatOverTheFile) {
  Layers layers;
  layers.file = {{Id::MaxBatchItems, "1"}, {Id::MaxTimeoutms, "1000"}, {Id::MaxEnvelopeSizekb, "100"}};
  layers.stored = {{Id::MaxBatchItems, "2"}, {Id::MaxTimeoutms, "2000"}};
  layers.policy = {{Id::MaxBatchItems, "3"}};
  const Values values(layers);
  EXPECT_EQ(values.text(Id::MaxBatchItems), "3");
  EXPECT_EQ(values.source(Id::MaxBatchItems), Source::Policy);
  EXPECT_EQ(values.text(Id::MaxTimeoutms), "2000");
  EXPECT_EQ(values.source(Id::MaxTimeoutms), Source::Stored);
  EXPECT_EQ(values.text(Id::MaxEnvelopeSizekb), "100");
  EXPECT_EQ(values.source(Id::MaxEnvelopeSizekb), Source::File);
}

}  // namespace
