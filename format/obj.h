// ObObj: a typed value, as keys of redo rows and default values of columns carry it.
// docs/spec/clog-and-archive.md §12.1, docs/spec/backup-data-files.md §11.1.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "format/field_types.h"
#include "format/record_layout.h"

namespace obbak::format {

// ObObjType. Other numbers are kept when read.
enum class ObjType : std::uint8_t {
  kNull = 0,
  kTinyInt = 1,
  kSmallInt = 2,
  kMediumInt = 3,
  kInt32 = 4,
  kInt = 5,
  kUTinyInt = 6,
  kUSmallInt = 7,
  kUMediumInt = 8,
  kUInt32 = 9,
  kUInt64 = 10,
  kFloat = 11,
  kDouble = 12,
  kUFloat = 13,
  kUDouble = 14,
  kNumber = 15,
  kUNumber = 16,
  kDateTime = 17,
  kTimestamp = 18,
  kDate = 19,
  kTime = 20,
  kYear = 21,
  kVarchar = 22,
  kChar = 23,
  kHexString = 24,
  kTinyText = 27,
  kText = 28,
  kMediumText = 29,
  kLongText = 30,
  kBit = 31,
  kEnum = 32,
  kSet = 33,
  kRaw = 39,
  kNumberFloat = 42,
  kNVarchar2 = 43,
  kNChar = 44,
  kDecimalInt = 50,
};
constexpr auto EnumNames(ObjType) {
  return std::to_array<NamedValue<ObjType>>({{ObjType::kNull, "NULL"},
                                             {ObjType::kTinyInt, "TINYINT"},
                                             {ObjType::kSmallInt, "SMALLINT"},
                                             {ObjType::kMediumInt, "MEDIUMINT"},
                                             {ObjType::kInt32, "INT"},
                                             {ObjType::kInt, "BIGINT"},
                                             {ObjType::kUTinyInt, "TINYINT UNSIGNED"},
                                             {ObjType::kUSmallInt, "SMALLINT UNSIGNED"},
                                             {ObjType::kUMediumInt, "MEDIUMINT UNSIGNED"},
                                             {ObjType::kUInt32, "INT UNSIGNED"},
                                             {ObjType::kUInt64, "BIGINT UNSIGNED"},
                                             {ObjType::kFloat, "FLOAT"},
                                             {ObjType::kDouble, "DOUBLE"},
                                             {ObjType::kUFloat, "FLOAT UNSIGNED"},
                                             {ObjType::kUDouble, "DOUBLE UNSIGNED"},
                                             {ObjType::kNumber, "NUMBER"},
                                             {ObjType::kUNumber, "NUMBER UNSIGNED"},
                                             {ObjType::kDateTime, "DATETIME"},
                                             {ObjType::kTimestamp, "TIMESTAMP"},
                                             {ObjType::kDate, "DATE"},
                                             {ObjType::kTime, "TIME"},
                                             {ObjType::kYear, "YEAR"},
                                             {ObjType::kVarchar, "VARCHAR"},
                                             {ObjType::kChar, "CHAR"},
                                             {ObjType::kHexString, "HEX_STRING"},
                                             {ObjType::kTinyText, "TINYTEXT"},
                                             {ObjType::kText, "TEXT"},
                                             {ObjType::kMediumText, "MEDIUMTEXT"},
                                             {ObjType::kLongText, "LONGTEXT"},
                                             {ObjType::kBit, "BIT"},
                                             {ObjType::kEnum, "ENUM"},
                                             {ObjType::kSet, "SET"},
                                             {ObjType::kRaw, "RAW"},
                                             {ObjType::kNumberFloat, "NUMBER_FLOAT"},
                                             {ObjType::kNVarchar2, "NVARCHAR2"},
                                             {ObjType::kNChar, "NCHAR"},
                                             {ObjType::kDecimalInt, "DECIMAL_INT"}});
}

// How the value behind the meta is written.
enum class ObjValueKind {
  kNone,        // no value: NULL
  kInt8,        // one byte
  kUInt8,       // one byte
  kInt32,       // varint of 32 bits
  kUInt32,      // varint of 32 bits
  kInt64,       // varint of 64 bits
  kUInt64,      // varint of 64 bits
  kFloat,       // its bits as a varint of 32 bits
  kDouble,      // its bits as a varint of 64 bits
  kString,      // length, bytes, NUL
  kNumber,      // 4 bytes big-endian, whose lowest byte is the number of digits; 4 bytes per digit
  kDecimalInt,  // length, scale, bytes
  kUnknown,     // a type whose encoding obbak does not know
};
ObjValueKind ValueKindOf(ObjType type);

// ObCollationType numbers that keys may have.
inline constexpr std::uint8_t kCollationUtf8mb4GeneralCi = 45;
inline constexpr std::uint8_t kCollationUtf8mb4Bin = 46;
inline constexpr std::uint8_t kCollationBinary = 63;

// ObObjMeta: the type of a value or column. cs_type and cs_level are significant for text only;
// DECIMAL_INT keeps its precision + 7 in cs_level.
struct ObjMeta {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedLittleEndian;
  static constexpr std::size_t kSize = 4;

  ObjType type = ObjType::kNull;
  std::uint8_t cs_level = 7;
  std::uint8_t cs_type = 0;
  std::int8_t scale = -1;

  bool operator==(const ObjMeta&) const = default;

  static constexpr ObjMeta Numeric(ObjType type) { return {type, 5, kCollationBinary, -1}; }
  static constexpr ObjMeta BigInt() { return Numeric(ObjType::kInt); }
  static constexpr ObjMeta UBigInt() { return Numeric(ObjType::kUInt64); }
  static constexpr ObjMeta Varchar(std::uint8_t cs_type = kCollationUtf8mb4Bin) {
    return {ObjType::kVarchar, 7, cs_type, -1};
  }
  static constexpr ObjMeta Varbinary() { return Varchar(kCollationBinary); }
  static constexpr ObjMeta Decimal(std::uint8_t precision, std::int8_t scale) {
    return {ObjType::kDecimalInt, static_cast<std::uint8_t>(precision + 7), kCollationBinary,
            scale};
  }
};
BOOST_DESCRIBE_STRUCT(ObjMeta, (), (type, cs_level, cs_type, scale))

// ObObj. Of `number` and `text` an object uses what ValueKindOf(type) says; the rest stays empty.
// A default object is what OceanBase writes for a default value that was never assigned.
template <class Text>
struct BasicObj {
  ObjMeta meta;
  // Integers, sign-extended to 64 bits; bits of floats; descriptor of NUMBER; scale of DECIMAL_INT.
  std::uint64_t number = 0;
  // Strings; digits of NUMBER and DECIMAL_INT, little-endian.
  Text text;
  bool operator==(const BasicObj&) const = default;
};
using Obj = BasicObj<std::string>;
// An object that borrows its text.
using ObjView = BasicObj<std::string_view>;

// A BIGINT key as OceanBase writes it.
ObjView IntObj(std::int64_t value);

// The value as a person reads it: "NULL", "-1", "'abc'", "0x00ff" for text that is not UTF-8.
std::string ToText(const ObjView& object);

}  // namespace obbak::format
