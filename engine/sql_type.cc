#include "engine/sql_type.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "engine/names.h"
#include "engine/sql_lexer.h"
#include "engine/sql_type_parser.h"

namespace obbak::engine {
namespace {

using format::ObjMeta;
using format::ObjType;

// What may stand behind a type's name.
enum class Arguments {
  kNone,
  kDisplayWidth,       // (n), which means nothing to values
  kLength,             // (n), needed
  kOptionalLength,     // (n), 1 if not given
  kPrecisionAndScale,  // (p) or (p, s)
  kFraction,           // (n), digits of the second's fraction
};

struct TypeName {
  std::string_view name;
  ObjType type;
  // The same unsigned, or kNull if there is none.
  ObjType unsigned_type;
  Arguments arguments;
  // Digits of values, for the data dictionary; of strings the longest length.
  std::int32_t precision;
  std::int32_t unsigned_precision;
  bool is_binary = false;
};

// The first name of a type is the one that is printed.
constexpr std::int32_t kMaxVarcharLength = 262'144;
constexpr std::int32_t kMaxVarbinaryLength = 1'048'576;
constexpr std::int32_t kMaxCharLength = 256;
constexpr std::uint32_t kMaxDecimalPrecision = 65;
constexpr std::uint32_t kMaxDecimalScale = 30;
constexpr std::uint32_t kMaxFraction = 6;
constexpr std::uint32_t kMaxDisplayWidth = 255;
constexpr auto kTypeNames = std::to_array<TypeName>({
    {"tinyint", ObjType::kTinyInt, ObjType::kUTinyInt, Arguments::kDisplayWidth, 4, 3},
    {"smallint", ObjType::kSmallInt, ObjType::kUSmallInt, Arguments::kDisplayWidth, 6, 5},
    {"mediumint", ObjType::kMediumInt, ObjType::kUMediumInt, Arguments::kDisplayWidth, 9, 8},
    {"int", ObjType::kInt32, ObjType::kUInt32, Arguments::kDisplayWidth, 11, 10},
    {"bigint", ObjType::kInt, ObjType::kUInt64, Arguments::kDisplayWidth, 20, 20},
    {"float", ObjType::kFloat, ObjType::kUFloat, Arguments::kNone, -1, -1},
    {"double", ObjType::kDouble, ObjType::kUDouble, Arguments::kNone, -1, -1},
    {"decimal", ObjType::kDecimalInt, ObjType::kNull, Arguments::kPrecisionAndScale, 10, -1},
    {"datetime", ObjType::kDateTime, ObjType::kNull, Arguments::kFraction, -1, -1},
    {"timestamp", ObjType::kTimestamp, ObjType::kNull, Arguments::kFraction, -1, -1},
    {"date", ObjType::kDate, ObjType::kNull, Arguments::kNone, -1, -1},
    {"time", ObjType::kTime, ObjType::kNull, Arguments::kFraction, -1, -1},
    {"year", ObjType::kYear, ObjType::kNull, Arguments::kNone, -1, -1},
    {"varchar", ObjType::kVarchar, ObjType::kNull, Arguments::kLength, kMaxVarcharLength, -1},
    {"char", ObjType::kChar, ObjType::kNull, Arguments::kOptionalLength, kMaxCharLength, -1},
    {"varbinary", ObjType::kVarchar, ObjType::kNull, Arguments::kLength, kMaxVarbinaryLength, -1,
     true},
    {"binary", ObjType::kChar, ObjType::kNull, Arguments::kOptionalLength, kMaxCharLength, -1,
     true},
    {"integer", ObjType::kInt32, ObjType::kUInt32, Arguments::kDisplayWidth, 11, 10},
    {"bool", ObjType::kTinyInt, ObjType::kNull, Arguments::kDisplayWidth, 4, -1},
    {"boolean", ObjType::kTinyInt, ObjType::kNull, Arguments::kDisplayWidth, 4, -1},
    {"numeric", ObjType::kDecimalInt, ObjType::kNull, Arguments::kPrecisionAndScale, 10, -1},
    {"real", ObjType::kDouble, ObjType::kUDouble, Arguments::kNone, -1, -1},
});

// Types of MySQL mode whose values are in other tablets or need a list of names.
constexpr auto kUnsupported = std::to_array<std::string_view>(
    {"tinytext", "text", "mediumtext", "longtext", "tinyblob", "blob", "mediumblob", "longblob",
     "json", "geometry", "bit", "enum", "set", "nchar", "nvarchar", "number"});

struct Collation {
  std::string_view name;
  std::uint8_t number;
};
// The first one is what a column has that names none.
constexpr auto kCollations =
    std::to_array<Collation>({{"utf8mb4_general_ci", format::kCollationUtf8mb4GeneralCi},
                              {"utf8mb4_bin", format::kCollationUtf8mb4Bin}});

bool IsString(const TypeName& name) {
  return name.type == ObjType::kVarchar || name.type == ObjType::kChar;
}

// The arguments behind the name of `name`, put into `type`.
Status ParseLength(SqlLexer& in, const TypeName& name, SqlType& type) {
  type.length = 1;
  type.precision = name.is_binary ? SqlType::kInBytes : SqlType::kInCharacters;
  if (name.arguments == Arguments::kOptionalLength && !in.Is("(")) return {};
  if (Status status = in.Expect("("); !status) return status;
  const auto length = in.ExpectNumber(static_cast<std::uint32_t>(name.precision));
  if (!length) return Fail(length.error());
  type.length = static_cast<std::int32_t>(*length);
  return in.Expect(")");
}

Status ParsePrecisionAndScale(SqlLexer& in, SqlType& type) {
  type.scale = 0;
  if (in.Accept("(")) {
    const std::size_t begin = in.token().offset;
    const auto precision = in.ExpectNumber(kMaxDecimalPrecision);
    if (!precision) return Fail(precision.error());
    if (*precision == 0) {
      return Fail(
          Error(ErrorCode::kInvalidArgument, "a decimal has at least one digit").WithOffset(begin));
    }
    type.precision = static_cast<std::int16_t>(*precision);
    if (in.Accept(",")) {
      const auto scale = in.ExpectNumber(std::min(*precision, kMaxDecimalScale));
      if (!scale) return Fail(scale.error());
      type.scale = static_cast<std::int16_t>(*scale);
    }
    if (Status status = in.Expect(")"); !status) return status;
  }
  type.meta = ObjMeta::Decimal(static_cast<std::uint8_t>(type.precision),
                               static_cast<std::int8_t>(type.scale));
  return {};
}

Result<std::uint32_t> ParseOptionalNumber(SqlLexer& in, std::uint32_t limit) {
  if (!in.Accept("(")) return 0;
  const auto number = in.ExpectNumber(limit);
  if (!number) return number;
  if (Status status = in.Expect(")"); !status) return Fail(status.error());
  return number;
}

Status ParseArguments(SqlLexer& in, const TypeName& name, SqlType& type) {
  switch (name.arguments) {
    case Arguments::kNone:
      return {};
    case Arguments::kDisplayWidth: {
      const auto width = ParseOptionalNumber(in, kMaxDisplayWidth);
      return width ? Status() : Fail(width.error());
    }
    case Arguments::kFraction: {
      const auto digits = ParseOptionalNumber(in, kMaxFraction);
      if (!digits) return Fail(digits.error());
      type.scale = static_cast<std::int16_t>(*digits);
      return {};
    }
    case Arguments::kPrecisionAndScale:
      return ParsePrecisionAndScale(in, type);
    case Arguments::kLength:
    case Arguments::kOptionalLength:
      return ParseLength(in, name, type);
  }
  return {};
}

Status ParseCollation(SqlLexer& in, SqlType& type) {
  if (!in.Accept("collate")) return {};
  for (const Collation& collation : kCollations) {
    if (in.Accept(collation.name)) {
      type.meta.cs_type = collation.number;
      return {};
    }
  }
  return in.Unexpected("utf8mb4_general_ci or utf8mb4_bin");
}

// A type of this name before its arguments.
SqlType PlainType(const TypeName& name) {
  SqlType type;
  if (IsString(name)) {
    const std::uint8_t collation =
        name.is_binary ? format::kCollationBinary : kCollations.front().number;
    type.meta = {name.type, 7, collation, -1};
    return type;
  }
  type.meta = ObjMeta::Numeric(name.type);
  type.precision = static_cast<std::int16_t>(name.precision);
  if (name.arguments == Arguments::kDisplayWidth) type.scale = 0;
  return type;
}

const TypeName* FindName(const SqlType& type) {
  const auto same = [&](const TypeName& name) {
    if (type.meta.type != name.type && type.meta.type != name.unsigned_type) return false;
    return !IsString(name) || name.is_binary == (type.meta.cs_type == format::kCollationBinary);
  };
  const auto* const found = std::ranges::find_if(kTypeNames, same);
  return found == kTypeNames.end() ? nullptr : found;
}

std::string ArgumentsText(const TypeName& name, const SqlType& type) {
  switch (name.arguments) {
    case Arguments::kNone:
    case Arguments::kDisplayWidth:
      return {};
    case Arguments::kFraction:
      return type.scale > 0 ? fmt::format("({})", type.scale) : std::string();
    case Arguments::kPrecisionAndScale:
      return fmt::format("({},{})", type.precision, type.scale);
    case Arguments::kLength:
    case Arguments::kOptionalLength:
      return fmt::format("({})", type.length);
  }
  return {};
}

}  // namespace

Result<SqlType> ParseSqlType(SqlLexer& in) {
  const auto* const name =
      std::ranges::find_if(kTypeNames, [&](const TypeName& each) { return in.Is(each.name); });
  if (name == kTypeNames.end()) {
    if (std::ranges::any_of(kUnsupported, [&](std::string_view each) { return in.Is(each); })) {
      return Fail(Error(ErrorCode::kNotSupported,
                        fmt::format("columns of type {} are not supported", in.token().text))
                      .WithOffset(in.token().offset));
    }
    return in.Unexpected("a type");
  }
  in.Accept(name->name);
  if (name->type == ObjType::kDouble) in.Accept("precision");
  SqlType type = PlainType(*name);
  if (Status status = ParseArguments(in, *name, type); !status) return Fail(status.error());
  if (IsString(*name) && !name->is_binary) {
    if (Status status = ParseCollation(in, type); !status) return Fail(status.error());
  }
  if (name->unsigned_type != ObjType::kNull && in.Accept("unsigned")) {
    type.meta.type = name->unsigned_type;
    type.precision = static_cast<std::int16_t>(name->unsigned_precision);
  }
  return type;
}

Result<SqlType> ParseSqlType(std::string_view text) {
  SqlLexer in(text);
  Result<SqlType> type = ParseSqlType(in);
  if (type && !in.AtEnd()) return in.Unexpected("the end of the type");
  return type;
}

std::string ToText(const SqlType& type) {
  const TypeName* const name = FindName(type);
  if (name == nullptr) return fmt::format("type {}", static_cast<int>(type.meta.type));
  std::string text = fmt::format("{}{}", name->name, ArgumentsText(*name, type));
  if (type.meta.type == name->unsigned_type) text += " unsigned";
  if (type.meta.cs_type == format::kCollationUtf8mb4Bin) text += " collate utf8mb4_bin";
  return text;
}

}  // namespace obbak::engine
