#include "format/obj.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/bytes.h"

namespace obbak::format {
namespace {

bool IsPrintable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

std::string Hex(std::string_view text) { return "0x" + ToHex(AsByteView(text)); }

}  // namespace

ObjValueKind ValueKindOf(ObjType type) {
  switch (type) {
    case ObjType::kNull:
      return ObjValueKind::kNone;
    case ObjType::kTinyInt:
      return ObjValueKind::kInt8;
    case ObjType::kUTinyInt:
    case ObjType::kYear:
      return ObjValueKind::kUInt8;
    case ObjType::kSmallInt:
    case ObjType::kMediumInt:
    case ObjType::kInt32:
    case ObjType::kDate:
      return ObjValueKind::kInt32;
    case ObjType::kUSmallInt:
    case ObjType::kUMediumInt:
    case ObjType::kUInt32:
      return ObjValueKind::kUInt32;
    case ObjType::kInt:
    case ObjType::kDateTime:
    case ObjType::kTimestamp:
    case ObjType::kTime:
      return ObjValueKind::kInt64;
    case ObjType::kUInt64:
    case ObjType::kBit:
    case ObjType::kEnum:
    case ObjType::kSet:
      return ObjValueKind::kUInt64;
    case ObjType::kFloat:
    case ObjType::kUFloat:
      return ObjValueKind::kFloat;
    case ObjType::kDouble:
    case ObjType::kUDouble:
      return ObjValueKind::kDouble;
    case ObjType::kNumber:
    case ObjType::kUNumber:
    case ObjType::kNumberFloat:
      return ObjValueKind::kNumber;
    case ObjType::kVarchar:
    case ObjType::kChar:
    case ObjType::kHexString:
    case ObjType::kTinyText:
    case ObjType::kText:
    case ObjType::kMediumText:
    case ObjType::kLongText:
    case ObjType::kRaw:
    case ObjType::kNVarchar2:
    case ObjType::kNChar:
      return ObjValueKind::kString;
    case ObjType::kDecimalInt:
      return ObjValueKind::kDecimalInt;
  }
  return ObjValueKind::kUnknown;
}

ObjView IntObj(std::int64_t value) {
  return {.meta = ObjMeta::BigInt(), .number = static_cast<std::uint64_t>(value), .text = {}};
}

std::string ToText(const ObjView& object) {
  switch (ValueKindOf(object.meta.type)) {
    case ObjValueKind::kNone:
      return "NULL";
    case ObjValueKind::kInt8:
    case ObjValueKind::kInt32:
    case ObjValueKind::kInt64:
      return fmt::to_string(static_cast<std::int64_t>(object.number));
    case ObjValueKind::kUInt8:
    case ObjValueKind::kUInt32:
    case ObjValueKind::kUInt64:
      return fmt::to_string(object.number);
    case ObjValueKind::kFloat:
      return fmt::to_string(std::bit_cast<float>(static_cast<std::uint32_t>(object.number)));
    case ObjValueKind::kDouble:
      return fmt::to_string(std::bit_cast<double>(object.number));
    case ObjValueKind::kString:
      return IsPrintable(object.text) ? fmt::format("'{}'", object.text) : Hex(object.text);
    case ObjValueKind::kNumber:
    case ObjValueKind::kDecimalInt:
      return Hex(object.text);
    case ObjValueKind::kUnknown:
      break;
  }
  return fmt::format("type {}", static_cast<int>(object.meta.type));
}

}  // namespace obbak::format
