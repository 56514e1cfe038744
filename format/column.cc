#include "format/column.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <compare>
#include <cstring>

#include "format/le_bytes.h"

namespace obbak::format {
namespace {

// What a row header's counters and the hidden columns leave.
constexpr std::size_t kMaxColumns = 4096;
constexpr std::size_t kMaxRowkeyColumns = 64;

template <class T>
int Three(T left, T right) {
  return left < right ? -1 : (left > right ? 1 : 0);
}

unsigned char Folded(std::byte byte) {
  const auto c = std::to_integer<unsigned char>(byte);
  return c >= 'a' && c <= 'z' ? static_cast<unsigned char>(c - 'a' + 'A') : c;
}

// A shorter text compares as if blanks followed it.
template <class Weight>
int ComparePadded(ByteView left, ByteView right, Weight weight) {
  const std::size_t common = std::min(left.size(), right.size());
  for (std::size_t i = 0; i < common; ++i) {
    if (const int order = Three(weight(left[i]), weight(right[i])); order != 0) return order;
  }
  const bool left_is_longer = left.size() > common;
  for (const std::byte byte : (left_is_longer ? left : right).subspan(common)) {
    const int order = Three(weight(byte), static_cast<unsigned char>(' '));
    if (order != 0) return left_is_longer ? order : -order;
  }
  return 0;
}

int CompareTexts(std::uint8_t collation, ByteView left, ByteView right) {
  switch (collation) {
    case kCollationUtf8mb4GeneralCi:
      return ComparePadded(left, right, Folded);
    case kCollationUtf8mb4Bin:
      return ComparePadded(left, right,
                           [](std::byte b) { return std::to_integer<unsigned char>(b); });
    default: {
      const std::size_t common = std::min(left.size(), right.size());
      const int order = common == 0 ? 0 : std::memcmp(left.data(), right.data(), common);
      return order != 0 ? order : Three(left.size(), right.size());
    }
  }
}

// Two's complement, little-endian; lengths may differ.
int CompareTwosComplement(ByteView left, ByteView right) {
  const auto digit = [](ByteView bytes, std::size_t i) {
    if (i < bytes.size()) return std::to_integer<unsigned>(bytes[i]);
    return !bytes.empty() && (bytes.back() & std::byte{0x80}) != std::byte{0} ? 0xFFU : 0U;
  };
  const std::size_t size = std::max(left.size(), right.size());
  // The top digit carries the sign.
  const int top = Three(digit(left, size) ^ 0x80U, digit(right, size) ^ 0x80U);
  if (top != 0) return top;
  for (std::size_t i = size; i-- > 0;) {
    if (const int order = Three(digit(left, i), digit(right, i)); order != 0) return order;
  }
  return 0;
}

// The first eight weights, the first one on top; `fill` behind a shorter text's end.
template <class Weight>
std::uint64_t TextPrefix(ByteView text, std::uint8_t fill, Weight weight) {
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < sizeof(prefix); ++i) {
    prefix = prefix << 8 | (i < text.size() ? weight(text[i]) : fill);
  }
  return prefix;
}

std::uint64_t TextPrefix(std::uint8_t collation, ByteView text) {
  const auto byte_value = [](std::byte b) { return std::to_integer<unsigned char>(b); };
  switch (collation) {
    case kCollationUtf8mb4GeneralCi:
      return TextPrefix(text, ' ', Folded);
    case kCollationUtf8mb4Bin:
      return TextPrefix(text, ' ', byte_value);
    default:
      return TextPrefix(text, 0, byte_value);
  }
}

constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;

std::uint64_t SignedPrefix(std::int64_t value) {
  return static_cast<std::uint64_t>(value) ^ kSignBit;
}

std::uint64_t DoublePrefix(double value) {
  // Both zeros are one value.
  const auto bits = std::bit_cast<std::uint64_t>(value == 0 ? 0.0 : value);
  return (bits & kSignBit) != 0 ? ~bits : bits | kSignBit;
}

// Two's complement of at least four bytes; what 64 bits don't hold counts as the nearest that they
// do.
std::uint64_t DecimalPrefix(ByteView digits) {
  if (digits.size() == 4) return SignedPrefix(LoadLe<std::int32_t>(digits.data()));
  const auto low = LoadLe<std::int64_t>(digits.data());
  const std::byte sign = low < 0 ? std::byte{0xFF} : std::byte{0};
  if (std::ranges::all_of(digits.subspan(8), [sign](std::byte b) { return b == sign; })) {
    return SignedPrefix(low);
  }
  return (digits.back() & std::byte{0x80}) != std::byte{0} ? 0 : ~std::uint64_t{0};
}

bool IsNan(const ObjMeta& type, const Datum& cell) {
  switch (CellKindOf(type)) {
    case CellKind::kDouble:
      return std::isnan(std::bit_cast<double>(cell.word()));
    case CellKind::kFloat:
      return std::isnan(std::bit_cast<float>(LoadLe<std::uint32_t>(cell.bytes().data())));
    default:
      return false;
  }
}

std::size_t DecimalSize(std::uint8_t precision) {
  if (precision <= 9) return 4;
  if (precision <= 18) return 8;
  if (precision <= 38) return 16;
  return precision <= 76 ? 32 : 64;
}

}  // namespace

CellKind CellKindOf(const ObjMeta& type) {
  switch (type.type) {
    case ObjType::kTinyInt:
    case ObjType::kSmallInt:
    case ObjType::kMediumInt:
    case ObjType::kInt32:
    case ObjType::kInt:
    case ObjType::kDateTime:
    case ObjType::kTimestamp:
    case ObjType::kTime:
      return CellKind::kSigned;
    case ObjType::kUTinyInt:
    case ObjType::kUSmallInt:
    case ObjType::kUMediumInt:
    case ObjType::kUInt32:
    case ObjType::kUInt64:
    case ObjType::kBit:
    case ObjType::kEnum:
    case ObjType::kSet:
      return CellKind::kUnsigned;
    case ObjType::kDouble:
    case ObjType::kUDouble:
      return CellKind::kDouble;
    case ObjType::kFloat:
    case ObjType::kUFloat:
      return CellKind::kFloat;
    case ObjType::kDate:
      return CellKind::kDate;
    case ObjType::kYear:
      return CellKind::kYear;
    case ObjType::kVarchar:
    case ObjType::kChar:
      return CellKind::kText;
    case ObjType::kDecimalInt:
      return CellKind::kDecimalInt;
    case ObjType::kNull:
    case ObjType::kNumber:
    case ObjType::kUNumber:
    case ObjType::kTinyText:
    case ObjType::kText:
    case ObjType::kMediumText:
    case ObjType::kLongText:
    case ObjType::kHexString:
    case ObjType::kRaw:
    case ObjType::kNumberFloat:
    case ObjType::kNVarchar2:
    case ObjType::kNChar:
      return CellKind::kOther;
  }
  return CellKind::kOther;
}

std::size_t FixedCellSize(const ObjMeta& type) {
  switch (CellKindOf(type)) {
    case CellKind::kSigned:
    case CellKind::kUnsigned:
    case CellKind::kDouble:
      return 8;
    case CellKind::kFloat:
    case CellKind::kDate:
      return 4;
    case CellKind::kYear:
      return 1;
    case CellKind::kDecimalInt:
      return DecimalSize(static_cast<std::uint8_t>(type.cs_level - 7));
    case CellKind::kText:
    case CellKind::kOther:
      return 0;
  }
  return 0;
}

Result<RowSchema> RowSchema::Create(std::span<const ObjMeta> table_columns,
                                    std::size_t rowkey_columns) {
  if (rowkey_columns == 0 || rowkey_columns > table_columns.size() ||
      rowkey_columns > kMaxRowkeyColumns || table_columns.size() > kMaxColumns) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} columns with {} key columns can't be stored; at most {} and {}",
                            table_columns.size(), rowkey_columns, kMaxColumns, kMaxRowkeyColumns));
  }
  RowSchema schema;
  schema.rowkey_count = rowkey_columns + kHiddenColumns;
  schema.columns.reserve(table_columns.size() + kHiddenColumns);
  for (std::size_t i = 0; i < table_columns.size(); ++i) {
    if (i < rowkey_columns && !HasKnownOrder(table_columns[i])) {
      return Fail(
          ErrorCode::kNotSupported,
          fmt::format("key column {} has type {} with collation {}, whose order is unknown", i,
                      static_cast<int>(table_columns[i].type), table_columns[i].cs_type));
    }
    if (i == rowkey_columns) schema.columns.insert(schema.columns.end(), 2, ObjMeta::BigInt());
    schema.columns.push_back(table_columns[i]);
  }
  if (rowkey_columns == table_columns.size())
    schema.columns.insert(schema.columns.end(), 2, ObjMeta::BigInt());
  return schema;
}

RowSchema RowSchema::IndexSchema() const {
  RowSchema schema;
  schema.rowkey_count = rowkey_count;
  schema.columns.assign(rowkey().begin(), rowkey().end());
  schema.columns.push_back(ObjMeta::Varbinary());
  return schema;
}

bool HasKnownOrder(const ObjMeta& type) {
  switch (CellKindOf(type)) {
    case CellKind::kText:
      return type.cs_type == kCollationBinary || type.cs_type == kCollationUtf8mb4Bin ||
             type.cs_type == kCollationUtf8mb4GeneralCi;
    case CellKind::kOther:
      return false;
    default:
      return true;
  }
}

int CompareCells(const ObjMeta& type, const Datum& left, const Datum& right) {
  if (!left.is_value() || !right.is_value()) return Three(left.is_value(), right.is_value());
  switch (CellKindOf(type)) {
    case CellKind::kSigned:
      return Three(left.AsInt(), right.AsInt());
    case CellKind::kUnsigned:
      return Three(left.word(), right.word());
    case CellKind::kDouble:
      return Three(std::bit_cast<double>(left.word()), std::bit_cast<double>(right.word()));
    case CellKind::kFloat:
      return Three(std::bit_cast<float>(LoadLe<std::uint32_t>(left.bytes().data())),
                   std::bit_cast<float>(LoadLe<std::uint32_t>(right.bytes().data())));
    case CellKind::kDate:
      return Three(LoadLe<std::int32_t>(left.bytes().data()),
                   LoadLe<std::int32_t>(right.bytes().data()));
    case CellKind::kYear:
      return Three(left.bytes()[0], right.bytes()[0]);
    case CellKind::kDecimalInt:
      return CompareTwosComplement(left.bytes(), right.bytes());
    case CellKind::kText:
    case CellKind::kOther:
      return CompareTexts(type.cs_type, left.bytes(), right.bytes());
  }
  return 0;
}

int CompareKeys(std::span<const ObjMeta> types, std::span<const Datum> left,
                std::span<const Datum> right) {
  const std::size_t count = std::min({types.size(), left.size(), right.size()});
  for (std::size_t i = 0; i < count; ++i) {
    if (const int order = CompareCells(types[i], left[i], right[i]); order != 0) return order;
  }
  return 0;
}

std::uint64_t OrderPrefix(const ObjMeta& type, const Datum& cell) {
  if (!cell.is_value()) return 0;
  switch (CellKindOf(type)) {
    case CellKind::kSigned:
      return SignedPrefix(cell.AsInt());
    case CellKind::kUnsigned:
      return cell.word();
    case CellKind::kDouble:
      return DoublePrefix(std::bit_cast<double>(cell.word()));
    case CellKind::kFloat:
      return DoublePrefix(double{std::bit_cast<float>(LoadLe<std::uint32_t>(cell.bytes().data()))});
    case CellKind::kDate:
      return SignedPrefix(LoadLe<std::int32_t>(cell.bytes().data()));
    case CellKind::kYear:
      // Above NULL.
      return std::to_integer<std::uint64_t>(cell.bytes()[0]) + 1;
    case CellKind::kDecimalInt:
      return DecimalPrefix(cell.bytes());
    case CellKind::kText:
    case CellKind::kOther:
      return TextPrefix(type.cs_type, cell.bytes());
  }
  return 0;
}

bool OrderPrefixDecides(const ObjMeta& type) {
  const CellKind kind = CellKindOf(type);
  return kind != CellKind::kText && kind != CellKind::kOther;
}

Status CheckCell(const ObjMeta& type, const Datum& cell) {
  if (!cell.is_value()) return {};
  const std::size_t fixed = FixedCellSize(type);
  if (fixed == 0 || fixed == cell.size()) return {};
  return Fail(ErrorCode::kInvalidData,
              fmt::format("{} bytes; {} takes {}", cell.size(), NameOf(type.type), fixed));
}

Status CheckKeyCell(const ObjMeta& type, const Datum& cell) {
  if (cell.is_nop()) return Fail(ErrorCode::kInvalidData, "a key column has no value (NOP)");
  if (Status status = CheckCell(type, cell); !status) return status;
  if (cell.is_value() && IsNan(type, cell)) {
    return Fail(ErrorCode::kInvalidData, "a key column holds a number that is none (NaN)");
  }
  if (CellKindOf(type) != CellKind::kText || type.cs_type != kCollationUtf8mb4GeneralCi) return {};
  const ByteView bytes = cell.bytes();
  const bool is_ascii =
      std::ranges::all_of(bytes, [](std::byte b) { return (b & std::byte{0x80}) == std::byte{0}; });
  if (is_ascii) return {};
  return Fail(ErrorCode::kNotSupported,
              "the order of utf8mb4_general_ci beyond ASCII is not implemented; use utf8mb4_bin");
}

FieldValue CellValue(const Datum& cell) {
  if (!cell.is_value()) return {};
  if (cell.is_word()) return cell.AsInt();
  return std::string(AsText(cell.bytes()));
}

FieldValue CellValue(const ObjMeta& type, const Datum& cell) {
  if (!cell.is_value() || !CheckCell(type, cell)) return CellValue(cell);
  switch (CellKindOf(type)) {
    case CellKind::kSigned:
      return cell.AsInt();
    case CellKind::kUnsigned:
      return cell.word();
    case CellKind::kDouble:
      return std::bit_cast<double>(cell.word());
    case CellKind::kFloat:
      return double{std::bit_cast<float>(LoadLe<std::uint32_t>(cell.bytes().data()))};
    case CellKind::kDate:
      return std::int64_t{LoadLe<std::int32_t>(cell.bytes().data())};
    case CellKind::kYear:
      return std::uint64_t{std::to_integer<std::uint8_t>(cell.bytes()[0])};
    case CellKind::kDecimalInt:
      if (cell.size() == 4) return std::int64_t{LoadLe<std::int32_t>(cell.bytes().data())};
      if (cell.is_word()) return cell.AsInt();
      [[fallthrough]];
    case CellKind::kText:
    case CellKind::kOther:
      return std::string(AsText(cell.bytes()));
  }
  return {};
}

std::string CellText(const ObjMeta& type, const Datum& cell) {
  if (cell.is_null()) return "NULL";
  if (cell.is_nop()) return "NOP";
  if (CellKindOf(type) != CellKind::kDecimalInt || type.scale <= 0 || cell.size() > 8 ||
      !CheckCell(type, cell)) {
    return {};
  }
  const std::int64_t value =
      cell.is_word() ? cell.AsInt() : LoadLe<std::int32_t>(cell.bytes().data());
  const bool negative = value < 0;
  const std::uint64_t magnitude =
      negative ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  const auto scale = static_cast<std::size_t>(type.scale);
  std::string digits = fmt::format("{:0>{}}", magnitude, scale + 1);
  digits.insert(digits.size() - scale, 1, '.');
  return (negative ? "-" : "") + digits;
}

}  // namespace obbak::format
