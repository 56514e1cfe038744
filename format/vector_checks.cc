#include "format/vector_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "format/record_json.h"

namespace obbak::format {
namespace {

namespace json = boost::json;

bool EqualNumbers(const json::value& a, const json::value& b) {
  const Result<std::uint64_t> left = IntegerFromJson(a);
  const Result<std::uint64_t> right = IntegerFromJson(b);
  return left && right && *left == *right;
}

Error Within(const Error& error, std::string_view step) {
  std::string field(step);
  if (!error.field().empty()) field += (error.field().starts_with('[') ? "" : ".") + error.field();
  return Error(error.code(), error.message()).WithField(std::move(field));
}

}  // namespace

VectorChecks VectorChecks::All() {
  VectorChecks checks;
  AddPrimitiveChecks(checks);
  AddMetadataChecks(checks);
  AddChecksumChecks(checks);
  AddPathChecks(checks);
  AddLogChecks(checks);
  AddTransactionChecks(checks);
  AddMacroBlockChecks(checks);
  AddBackupDataChecks(checks);
  return checks;
}

const VectorCheck* VectorChecks::Find(std::string_view struct_name) const {
  if (const auto it = exact_.find(struct_name); it != exact_.end()) return &it->second;
  for (const auto& [prefix, check] : prefixes_) {
    if (struct_name.starts_with(prefix)) return &check;
  }
  return nullptr;
}

Status VectorChecks::Check(const Vector& vector) const {
  return (*Find(vector.struct_name))(vector);
}

Status ExpectBytes(const Vector& vector, const Result<Bytes>& encoded) {
  if (!encoded) return Fail(encoded.error());
  const auto [ours, theirs] =
      std::mismatch(encoded->begin(), encoded->end(), vector.bytes.begin(), vector.bytes.end());
  if (ours == encoded->end() && theirs == vector.bytes.end()) return {};
  const auto at = static_cast<std::size_t>(ours - encoded->begin());
  constexpr std::size_t kShown = 16;
  const auto shown = [&](ByteView bytes) {
    return ToHex(bytes.subspan(at, std::min(kShown, bytes.size() - at)));
  };
  return Fail(
      Error(ErrorCode::kInvalidData,
            fmt::format("encoding differs: ours has {} ({} bytes in all), the vector {} ({} bytes)",
                        shown(*encoded), encoded->size(), shown(vector.bytes), vector.bytes.size()))
          .WithOffset(at));
}

Status ExpectFields(const json::value& expected, const json::value& actual) {
  if (const json::object* object = expected.if_object()) {
    const json::object* other = actual.if_object();
    for (const auto& [key, value] : *object) {
      const json::value* found = other == nullptr ? nullptr : other->if_contains(key);
      if (found == nullptr)
        return Fail(Error(ErrorCode::kInvalidData, "is missing").WithField(std::string(key)));
      if (Status status = ExpectFields(value, *found); !status)
        return Fail(Within(status.error(), key));
    }
    return {};
  }
  if (const json::array* array = expected.if_array()) {
    const json::array* other = actual.if_array();
    if (other == nullptr || other->size() != array->size()) {
      return Fail(ErrorCode::kInvalidData, fmt::format("is {}, the vector has {} elements",
                                                       json::serialize(actual), array->size()));
    }
    for (std::size_t i = 0; i < array->size(); ++i) {
      if (Status status = ExpectFields((*array)[i], (*other)[i]); !status) {
        return Fail(Within(status.error(), fmt::format("[{}]", i)));
      }
    }
    return {};
  }
  if (expected == actual || EqualNumbers(expected, actual)) return {};
  return Fail(
      ErrorCode::kInvalidData,
      fmt::format("is {}, the vector has {}", json::serialize(actual), json::serialize(expected)));
}

json::value WriteOutShorthands(const json::value& fields) {
  if (const json::array* array = fields.if_array()) {
    json::array out;
    for (const json::value& item : *array) out.push_back(WriteOutShorthands(item));
    return out;
  }
  const json::object* object = fields.if_object();
  if (object == nullptr) return fields;
  json::object out;
  for (const auto& [key, value] : *object) {
    std::string_view name(key.data(), key.size());
    name = name.substr(0, name.find('('));
    if (const std::size_t dot = name.find('.'); dot != std::string_view::npos) {
      json::value& outer = out[name.substr(0, dot)];
      if (!outer.is_object()) outer = json::object();
      outer.get_object()[name.substr(dot + 1)] = WriteOutShorthands(value);
    } else if (name.ends_with("_hex")) {
      out[name.substr(0, name.size() - 4)] = json::object{{"hex", value}};
    } else if (name == "lease_item_count" && value == 0) {
      out["lease_item_array"] = json::array();
    } else {
      out[name] = WriteOutShorthands(value);
    }
  }
  return out;
}

}  // namespace obbak::format
