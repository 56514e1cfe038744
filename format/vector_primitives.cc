#include <fmt/format.h>

#include <boost/describe.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "format/ids.h"
#include "format/record.h"
#include "format/record_json.h"
#include "format/vector_checks.h"
#include "format/vector_record.h"

namespace obbak::format {
namespace {

namespace json = boost::json;

// A one-member record without frame: how a value of type T is written as a member.
template <class T>
struct Bare {
  static constexpr RecordLayout kLayout = RecordLayout::kBare;
  T value{};
  static void Fields(auto& self, auto&& visitor) { visitor("value", self.value); }
  bool operator==(const Bare&) const = default;
};

// The original's test classes for the envelope.
struct OneInt64 {
  std::int64_t a = 0;
  bool operator==(const OneInt64&) const = default;
};
BOOST_DESCRIBE_STRUCT(OneInt64, (), (a))

struct Empty {
  bool operator==(const Empty&) const = default;
};
BOOST_DESCRIBE_STRUCT(Empty, (), ())

struct AllTypes {
  static constexpr std::uint64_t kVersion = 2;
  bool b = false;
  std::int8_t i8 = 0;
  std::uint8_t u8 = 0;
  std::int16_t i16 = 0;
  std::uint16_t u16 = 0;
  std::int32_t i32 = 0;
  std::uint32_t u32 = 0;
  std::int64_t i64 = 0;
  std::uint64_t u64 = 0;
  std::string s;
  OneInt64 e;
  bool operator==(const AllTypes&) const = default;
};
BOOST_DESCRIBE_STRUCT(AllTypes, (), (b, i8, u8, i16, u16, i32, u32, i64, u64, s, e))

struct Arrays {
  std::vector<std::int64_t> a;
  std::vector<Enveloped<std::int64_t>> e;  // OneInt64, whose only member the vectors list bare
  CountedArray<std::int32_t, 3> f;
  bool operator==(const Arrays&) const = default;
};
BOOST_DESCRIBE_STRUCT(Arrays, (), (a, e, f))

// The vector's only value, under whatever key the family uses.
json::object AsValue(const Vector& vector, std::string_view key) {
  const json::value fields = WriteOutShorthands(vector.fields);
  const json::value* value =
      fields.get_object().if_contains(json::string_view(key.data(), key.size()));
  return value == nullptr ? fields.get_object() : json::object{{"value", *value}};
}

template <class T>
VectorCheck MemberCheck(std::string key = "value") {
  return [key = std::move(key)](const Vector& vector) -> Status {
    const json::object fields = AsValue(vector, key);
    return CheckRecordVector<Bare<T>>({vector.struct_name, fields, vector.bytes});
  };
}

// Explicit-width, big-endian functions; the value is one of `width` bytes.
VectorCheck FixedCheck(std::size_t width) {
  return [width](const Vector& vector) -> Status {
    const Result<std::uint64_t> value = IntegerFromJson(vector.fields.at("value"));
    if (!value) return Fail(value.error());
    Encoder out;
    out.FixedBigEndian(*value, width);
    if (Status status = ExpectBytes(vector, out.bytes()); !status) return status;
    Decoder in(vector.bytes);
    const std::uint64_t mask = std::numeric_limits<std::uint64_t>::max() >> (64 - 8 * width);
    if (in.FixedBigEndian(width) != (*value & mask) || in.remaining() != 0) {
      return Fail(ErrorCode::kInvalidData, "decodes to another value");
    }
    return {};
  };
}

Status CheckPaddedLength(const Vector& vector) {
  const Result<std::uint64_t> value = IntegerFromJson(vector.fields.at("value"));
  if (!value) return Fail(value.error());
  const auto length = EnvelopeLength(*value);
  if (Status status = ExpectBytes(vector, Bytes(length.begin(), length.end())); !status)
    return status;
  Decoder in(vector.bytes);
  if (in.Varint64() != *value) return Fail(ErrorCode::kInvalidData, "decodes to another value");
  return in.status();
}

Status CheckFixedString(const Vector& vector) {
  const json::value fields = WriteOutShorthands(vector.fields);
  std::string text;
  if (Status status = FromJson(fields.at("value"), text); !status) return status;
  const Result<std::uint64_t> capacity = IntegerFromJson(fields.at("capacity"));
  if (!capacity) return Fail(capacity.error());
  Encoder out;
  const std::size_t envelope = out.BeginEnvelope(1);
  out.CString(text, *capacity);
  out.EndEnvelope(envelope);
  if (Status status = ExpectBytes(vector, std::move(out).Finish()); !status) return status;
  Decoder in(vector.bytes);
  const Decoder::Envelope open(in, 1);
  if (in.CString(*capacity) != text)
    return Fail(ErrorCode::kInvalidData, "decodes to another text");
  return in.status();
}

// {"c_array": "char[9] = \"abc\""}
Status CheckCharArray(const Vector& vector) {
  const std::string_view text = vector.fields.at("c_array").as_string();
  const std::size_t open = text.find('"');
  const std::size_t close = text.rfind('"');
  std::uint64_t capacity = 0;
  const std::size_t bracket = text.find('[');
  if (open == close || bracket == std::string_view::npos) {
    return Fail(ErrorCode::kInvalidArgument, "c_array is not of the form char[N] = \"text\"");
  }
  for (const char digit : text.substr(bracket + 1, text.find(']') - bracket - 1)) {
    capacity = capacity * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  const std::string_view value = text.substr(open + 1, close - open - 1);
  Encoder out;
  out.CString(value, capacity);
  if (Status status = ExpectBytes(vector, std::move(out).Finish()); !status) return status;
  Decoder in(vector.bytes);
  if (in.CString(capacity) != value)
    return Fail(ErrorCode::kInvalidData, "decodes to another text");
  return in.status();
}

template <class T>
void AddInteger(VectorChecks& checks, const std::string& type) {
  checks.Add("member:" + type, MemberCheck<T>());
  // C arrays, ObSArray and ObSEArray have the same bytes for these types.
  checks.AddPrefix("member:" + type + "[",
                   MemberCheck<std::vector<T>>("c_array_" + type.substr(0, type.find("_t"))));
  checks.Add("ObSArray<" + type + ">", MemberCheck<std::vector<T>>("elements"));
  checks.Add("ObSEArray<" + type + ">", MemberCheck<std::vector<T>>("elements"));
  checks.Add("ObArray<" + type + ">", MemberCheck<std::vector<T>>("elements"));
}

}  // namespace

void AddPrimitiveChecks(VectorChecks& checks) {
  checks.Add("vi64", MemberCheck<std::int64_t>());
  checks.Add("vi32", MemberCheck<std::int32_t>());
  AddInteger<std::int64_t>(checks, "int64_t");
  AddInteger<std::uint64_t>(checks, "uint64_t");
  AddInteger<std::int32_t>(checks, "int32_t");
  AddInteger<std::uint32_t>(checks, "uint32_t");
  checks.Add("member:int16_t", MemberCheck<std::int16_t>());
  checks.Add("member:uint16_t", MemberCheck<std::uint16_t>());
  checks.Add("member:int8_t", MemberCheck<std::int8_t>());
  checks.Add("member:uint8_t", MemberCheck<std::uint8_t>());
  checks.Add("member:bool", MemberCheck<bool>());
  // The bit patterns, so that a value needs no exact decimal form; the floating-point codec itself
  // is tested against them in record_test.cc.
  checks.Add("member:float", MemberCheck<std::uint32_t>("ieee_bits"));
  checks.Add("member:double", MemberCheck<std::uint64_t>("ieee_bits"));
  checks.Add("fixed:i8", FixedCheck(1));
  checks.Add("fixed:i16", FixedCheck(2));
  checks.Add("fixed:i32", FixedCheck(4));
  checks.Add("fixed:i64", FixedCheck(8));
  checks.Add("fixed_bytes_vi64_5", CheckPaddedLength);
  checks.Add("ObString", MemberCheck<std::string>());
  checks.AddPrefix("ObFixedLengthString<", CheckFixedString);
  checks.Add("member:char[N]", CheckCharArray);
  checks.Add("envelope:empty(version 1)", CheckRecordVector<Empty>);
  checks.Add("envelope:one_int64(version 1)", CheckRecordVector<OneInt64>);
  checks.Add("envelope:all_types(version 2)", CheckRecordVector<AllTypes>);
  checks.Add("envelope:arrays(version 1)", CheckRecordVector<Arrays>);
  checks.Add("SCN", MemberCheck<Scn>("val"));
  checks.Add("SCN:fixed_serialize", [](const Vector& vector) -> Status {
    const json::object fields{{"value", vector.fields.at("val")}};
    return FixedCheck(8)({vector.struct_name, fields, vector.bytes});
  });
  checks.Add("ObLSID", MemberCheck<LsId>("id"));
  checks.Add("ObTabletID", MemberCheck<TabletId>("id"));
  checks.Add("LSN", MemberCheck<Lsn>("val"));
}

}  // namespace obbak::format
