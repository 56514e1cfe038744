#include "engine/value_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

#include "base/bytes.h"
#include "base/utf8.h"
#include "engine/time_text.h"
#include "engine/wide_integer.h"
#include "format/column.h"
#include "format/le_bytes.h"

namespace obbak::engine {
namespace {

using format::CellKind;
using format::Datum;
using format::ObjType;

constexpr std::size_t kQuotedLength = 64;

std::string Quoted(std::string_view text) {
  if (text.size() <= kQuotedLength) return fmt::format("'{}'", text);
  return fmt::format("'{}...'", text.substr(0, kQuotedLength));
}

std::unexpected<Error> NotA(const SqlType& type, std::string_view text) {
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is no value of type {}", Quoted(text), ToText(type)));
}
std::unexpected<Error> OutOfRange(const SqlType& type, std::string_view text) {
  return Fail(ErrorCode::kSizeOverflow,
              fmt::format("{} is outside of the range of {}", Quoted(text), ToText(type)));
}

template <std::integral T>
Cell LittleEndianCell(T value) {
  Bytes bytes(sizeof(value));
  format::StoreLe(bytes.data(), value);
  return Cell::Of(bytes);
}

// ---- Integers.

bool IsDigits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// Bits of an integer column's values.
int BitsOf(ObjType type) {
  switch (type) {
    case ObjType::kTinyInt:
    case ObjType::kUTinyInt:
      return 8;
    case ObjType::kSmallInt:
    case ObjType::kUSmallInt:
      return 16;
    case ObjType::kMediumInt:
    case ObjType::kUMediumInt:
      return 24;
    case ObjType::kInt32:
    case ObjType::kUInt32:
      return 32;
    default:
      return 64;
  }
}

template <std::integral T>
Result<Cell> ParseInteger(const SqlType& type, std::string_view text) {
  std::string_view digits = text;
  if (digits.size() > 1 && digits[0] == '+' && digits[1] != '-') digits.remove_prefix(1);
  T value{};
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (stop != end || error == std::errc::invalid_argument) {
    // The negative of an unsigned is a number, only not one of these.
    const bool is_negative = text.size() > 1 && text[0] == '-' && IsDigits(text.substr(1));
    if (std::is_unsigned_v<T> && is_negative) return OutOfRange(type, text);
    return NotA(type, text);
  }
  const int unused = 64 - BitsOf(type.meta.type);
  const T max = static_cast<T>(std::numeric_limits<T>::max() >> unused);
  const T min = static_cast<T>(std::numeric_limits<T>::min() >> unused);
  if (error != std::errc() || value < min || value > max) return OutOfRange(type, text);
  return Cell::UInt(static_cast<std::uint64_t>(value));
}

// ---- Floating point.

template <std::floating_point T>
std::optional<T> FiniteNumber(std::string_view text, std::errc& error) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  error = result.ec;
  if (result.ptr != end || result.ec != std::errc() || !std::isfinite(value)) return std::nullopt;
  return value;
}

template <std::floating_point T>
Result<Cell> ParseFloat(const SqlType& type, std::string_view text) {
  std::errc error{};
  const std::optional<T> value = FiniteNumber<T>(text, error);
  if (error == std::errc::result_out_of_range) return OutOfRange(type, text);
  if (!value) return NotA(type, text);
  const bool is_unsigned =
      type.meta.type == ObjType::kUFloat || type.meta.type == ObjType::kUDouble;
  if (is_unsigned && std::signbit(*value)) return OutOfRange(type, text);
  if constexpr (sizeof(T) == sizeof(std::uint32_t)) {
    return LittleEndianCell(std::bit_cast<std::uint32_t>(*value));
  } else {
    return LittleEndianCell(std::bit_cast<std::uint64_t>(*value));
  }
}

// ---- Decimals.

Result<Cell> ParseDecimal(const SqlType& type, std::string_view text) {
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  std::string_view whole = rest.substr(0, rest.find('.'));
  const bool has_point = whole.size() < rest.size();
  std::string_view fraction = has_point ? rest.substr(whole.size() + 1) : std::string_view();
  if ((whole.empty() && fraction.empty()) || !IsDigits(whole) || !IsDigits(fraction)) {
    return NotA(type, text);
  }
  whole.remove_prefix(std::min(whole.find_first_not_of('0'), whole.size()));
  fraction = fraction.substr(0, fraction.find_last_not_of('0') + 1);
  const auto scale = static_cast<std::size_t>(type.scale);
  const auto precision = static_cast<std::size_t>(type.precision);
  if (fraction.size() > scale || whole.size() > precision - scale) return OutOfRange(type, text);
  WideInteger value;
  const auto append = [&](char digit) { value.AppendDigit(static_cast<unsigned>(digit - '0')); };
  std::ranges::for_each(whole, append);
  std::ranges::for_each(fraction, append);
  for (std::size_t i = fraction.size(); i < scale; ++i) append('0');
  if (negative) value.Negate();
  return Cell::Of(value.ToBytes(format::FixedCellSize(type.meta)));
}

std::optional<std::string> DecimalText(const SqlType& type, const Datum& cell) {
  if (cell.size() > WideInteger::kBytes || type.scale < 0) return std::nullopt;
  WideInteger value(cell.bytes());
  const bool negative = value.is_negative();
  if (negative) value.Negate();
  if (value.is_negative()) return std::nullopt;  // -2^255
  std::string digits;
  while (!value.IsZero()) digits.push_back(static_cast<char>('0' + value.TakeDigit()));
  const auto scale = static_cast<std::size_t>(type.scale);
  if (digits.size() > static_cast<std::size_t>(type.precision)) return std::nullopt;
  if (digits.size() <= scale) digits.resize(scale + 1, '0');
  std::ranges::reverse(digits);
  if (scale > 0) digits.insert(digits.size() - scale, 1, '.');
  return negative ? "-" + digits : digits;
}

// ---- Times.

// Whether a second's fraction has no more digits than the column keeps.
bool KeepsFraction(const SqlType& type, std::int64_t micros) {
  std::int64_t unit = 1'000'000;
  for (int i = 0; i < type.scale; ++i) unit /= 10;
  return micros % unit == 0;
}

Result<Cell> MicrosCell(const SqlType& type, std::string_view text,
                        std::optional<std::int64_t> micros) {
  if (!micros) return NotA(type, text);
  if (!KeepsFraction(type, *micros)) return OutOfRange(type, text);
  return Cell::Int(*micros);
}

bool IsTime(const SqlType& type) { return type.meta.type == ObjType::kTime; }
bool IsDateTime(const SqlType& type) {
  return type.meta.type == ObjType::kDateTime || type.meta.type == ObjType::kTimestamp;
}

Result<Cell> ParseSigned(const SqlType& type, std::string_view text) {
  if (IsTime(type)) return MicrosCell(type, text, ParseTime(text));
  if (IsDateTime(type)) return MicrosCell(type, text, ParseDateTime(text));
  return ParseInteger<std::int64_t>(type, text);
}

// ---- Strings.

// "0x" and an even number of hexadecimal digits; anything else stands for itself.
Bytes BinaryBytes(std::string_view text) {
  if (text.starts_with("0x")) {
    if (Result<Bytes> bytes = FromHex(text.substr(2))) return *std::move(bytes);
  }
  const ByteView view = AsByteView(text);
  return {view.begin(), view.end()};
}

Result<Cell> ParseBinary(const SqlType& type, std::string_view text) {
  Bytes bytes = BinaryBytes(text);
  const auto limit = static_cast<std::size_t>(type.length);
  if (bytes.size() > limit) return OutOfRange(type, text);
  if (type.meta.type == ObjType::kChar) bytes.resize(limit);
  return Cell::Of(bytes);
}

Result<Cell> ParseText(const SqlType& type, std::string_view text) {
  if (type.meta.cs_type == format::kCollationBinary) return ParseBinary(type, text);
  if (!IsUtf8(text)) return NotA(type, "0x" + ToHex(AsByteView(text)));
  if (type.meta.type == ObjType::kChar) text = text.substr(0, text.find_last_not_of(' ') + 1);
  if (Utf8Length(text) > static_cast<std::size_t>(type.length)) return OutOfRange(type, text);
  return Cell::Text(text);
}

// ---- To texts.

template <std::integral Bits, std::floating_point T>
std::optional<std::string> FloatText(const Datum& cell) {
  const T value = std::bit_cast<T>(format::LoadLe<Bits>(cell.bytes().data()));
  if (!std::isfinite(value)) return std::nullopt;
  return fmt::to_string(value);
}

std::optional<std::string> SignedText(const SqlType& type, const Datum& cell) {
  if (IsTime(type)) return TimeText(cell.AsInt());
  if (IsDateTime(type)) return DateTimeText(cell.AsInt());
  return fmt::to_string(cell.AsInt());
}

// The text of a value whose size is right, if it is one of the type.
std::optional<std::string> KnownText(const SqlType& type, const Datum& cell) {
  switch (format::CellKindOf(type.meta)) {
    case CellKind::kSigned:
      return SignedText(type, cell);
    case CellKind::kUnsigned:
      return fmt::to_string(cell.word());
    case CellKind::kDouble:
      return FloatText<std::uint64_t, double>(cell);
    case CellKind::kFloat:
      return FloatText<std::uint32_t, float>(cell);
    case CellKind::kDate:
      return DateText(format::LoadLe<std::int32_t>(cell.bytes().data()));
    case CellKind::kYear:
      return YearText(std::to_integer<std::uint8_t>(cell.bytes()[0]));
    case CellKind::kDecimalInt:
      return DecimalText(type, cell);
    case CellKind::kText:
      if (type.meta.cs_type == format::kCollationBinary) return std::nullopt;
      return IsUtf8(AsText(cell.bytes())) ? std::optional(std::string(AsText(cell.bytes())))
                                          : std::nullopt;
    case CellKind::kOther:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

Result<Cell> ParseValue(const SqlType& type, std::string_view text) {
  switch (format::CellKindOf(type.meta)) {
    case CellKind::kSigned:
      return ParseSigned(type, text);
    case CellKind::kUnsigned:
      return ParseInteger<std::uint64_t>(type, text);
    case CellKind::kDouble:
      return ParseFloat<double>(type, text);
    case CellKind::kFloat:
      return ParseFloat<float>(type, text);
    case CellKind::kDate: {
      const std::optional<std::int32_t> days = ParseDate(text);
      return days ? Result<Cell>(LittleEndianCell(*days)) : NotA(type, text);
    }
    case CellKind::kYear: {
      const std::optional<std::uint8_t> year = ParseYear(text);
      return year ? Result<Cell>(LittleEndianCell(*year)) : NotA(type, text);
    }
    case CellKind::kDecimalInt:
      return ParseDecimal(type, text);
    case CellKind::kText:
      return ParseText(type, text);
    case CellKind::kOther:
      break;
  }
  return Fail(ErrorCode::kNotSupported, fmt::format("values of {} can't be read", ToText(type)));
}

std::string ValueText(const SqlType& type, const Datum& cell) {
  if (cell.is_null()) return "NULL";
  if (cell.is_nop()) return "NOP";
  if (format::CheckCell(type.meta, cell)) {
    if (std::optional<std::string> text = KnownText(type, cell)) return *std::move(text);
  }
  return "0x" + ToHex(cell.bytes());
}

}  // namespace obbak::engine
