// Assertions on Status and Result.
#pragma once

#include <gtest/gtest.h>

// Shows the error when there is one. The expression may be a temporary.
#define ASSERT_OK(expression)                                         \
  do {                                                                \
    const auto& asserted = (expression);                              \
    ASSERT_TRUE(asserted.has_value()) << asserted.error().ToString(); \
  } while (false)
