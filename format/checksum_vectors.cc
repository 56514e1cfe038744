#include "format/checksum_vectors.h"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <concepts>
#include <limits>
#include <string>
#include <system_error>
#include <utility>

#include "base/bytes.h"
#include "format/checksum.h"
#include "format/crc32c.h"
#include "format/encoder.h"
#include "format/vector_checks.h"

namespace obbak::format {
namespace {

std::unexpected<Error> FieldError(std::string_view field, std::string message) {
  return Fail(Error(ErrorCode::kInvalidArgument, std::move(message)).WithField(std::string(field)));
}

Result<Bytes> Input(const boost::json::object& fields) {
  const auto* value = fields.if_contains("input_hex");
  if (value == nullptr || !value->is_string()) return FieldError("input_hex", "no such text");
  const auto& hex = value->get_string();
  Result<Bytes> bytes = FromHex({hex.data(), hex.size()});
  if (!bytes) return Fail(std::move(bytes).error().WithField("input_hex"));
  return bytes;
}

// `init` as a number, or as text where it is beyond 2^53.
Result<std::uint64_t> Init(const boost::json::object& fields, std::uint64_t max) {
  const auto* value = fields.if_contains("init");
  if (value == nullptr) return FieldError("init", "missing");
  std::uint64_t init = 0;
  if (value->is_uint64()) {
    init = value->get_uint64();
  } else if (value->is_int64() && value->get_int64() >= 0) {
    init = static_cast<std::uint64_t>(value->get_int64());
  } else if (value->is_string()) {
    const auto& text = value->get_string();
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, init);
    if (error != std::errc() || stop != end) return FieldError("init", "not a whole number");
  } else {
    return FieldError("init", "not a whole number");
  }
  if (init > max) return FieldError("init", fmt::format("{} is above {}", init, max));
  return init;
}

template <std::unsigned_integral T>
Result<std::uint64_t> ParityOf(ByteView little_endian) {
  if (little_endian.size() != sizeof(T)) {
    return FieldError("input_hex",
                      fmt::format("{} bytes instead of {}", little_endian.size(), sizeof(T)));
  }
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value | (std::to_integer<T>(little_endian[i]) << (8 * i)));
  }
  return ParityCheck(value) ? 1 : 0;
}

template <std::unsigned_integral Seed, class Function>
Result<std::uint64_t> Seeded(ByteView input, const boost::json::object& fields, Function function) {
  const Result<std::uint64_t> init = Init(fields, std::numeric_limits<Seed>::max());
  if (!init) return init;
  return function(input, static_cast<Seed>(*init));
}

}  // namespace

Result<std::uint64_t> ChecksumFromVector(std::string_view function_name,
                                         const boost::json::object& fields) {
  const Result<Bytes> input = Input(fields);
  if (!input) return std::unexpected(input.error());
  // ObBatchChecksum is a buffer in front of ob_crc64 and has no other result.
  if (function_name == "fn:ob_crc64" || function_name == "fn:ObBatchChecksum") {
    return Seeded<std::uint64_t>(*input, fields, Crc64);
  }
  if (function_name == "fn:ob_crc16") return Seeded<std::uint16_t>(*input, fields, Crc16);
  if (function_name == "fn:murmurhash64A")
    return Seeded<std::uint64_t>(*input, fields, MurmurHash64A);
  if (function_name == "fn:parity_check(uint16)") return ParityOf<std::uint16_t>(*input);
  if (function_name == "fn:parity_check(uint32)") return ParityOf<std::uint32_t>(*input);
  if (function_name == "fn:parity_check(uint64)") return ParityOf<std::uint64_t>(*input);
  return Fail(ErrorCode::kNotSupported, fmt::format("no checksum function '{}'", function_name));
}

void AddChecksumChecks(VectorChecks& checks) {
  checks.AddPrefix("fn:", [](const Vector& vector) -> Status {
    const Result<std::uint64_t> result = ChecksumFromVector(vector.struct_name, vector.fields);
    if (!result) return Fail(result.error());
    Encoder out;
    out.FixedBigEndian(*result, sizeof(*result));
    return ExpectBytes(vector, out.bytes());
  });
}

}  // namespace obbak::format
