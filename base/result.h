// Result<T>: a value or an Error. The only way a failure crosses an interface in obbak.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "base/error.h"

namespace obbak {

template <class T>
using Result = std::expected<T, Error>;

using Status = Result<void>;

// `return Fail(ErrorCode::kInvalidData, "...")` from any function that returns a Result.
inline std::unexpected<Error> Fail(ErrorCode code, std::string message) {
  return std::unexpected(Error(code, std::move(message)));
}

inline std::unexpected<Error> Fail(Error error) { return std::unexpected(std::move(error)); }

}  // namespace obbak
