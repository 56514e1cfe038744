// Golden vectors of checksum functions: testdata/vectors/03_checksums.json, format in its README.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace obbak::format {

// What our code computes for a vector whose "struct" is `function_name` (such as "fn:ob_crc64") and
// whose "fields" are `fields`: `input_hex` and, where the function takes one, `init`. A 16-bit
// result is widened with zeros. Fails with kNotSupported on a function we do not have and with
// kInvalidArgument on a field that is missing or does not fit the function.
Result<std::uint64_t> ChecksumFromVector(std::string_view function_name,
                                         const boost::json::object& fields);

}  // namespace obbak::format
