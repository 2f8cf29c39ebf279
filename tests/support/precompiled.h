// What nearly every test reads anyway, compiled once.

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/precompiled.h"
