// Records from JSON: the inverse of what a dissection prints. For tests and tools that build files
// from descriptions.
#pragma once

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "format/record.h"

namespace obbak::format {

// An integer given as a number or, beyond 2^53, as a decimal string. Negative numbers are taken as
// two's complement.
Result<std::uint64_t> IntegerFromJson(const boost::json::value& value);

template <class T>
Status FromJson(const boost::json::value& json, T& value);

namespace json_detail {

inline std::unexpected<Error> Mismatch(std::string_view expected, const boost::json::value& json) {
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("expected {}, found {}", expected, boost::json::serialize(json)));
}

// Number-like types: anything whose value comes from 64 raw bits.
template <class T>
Status IntegerInto(const boost::json::value& json, T& value) {
  const Result<std::uint64_t> raw = IntegerFromJson(json);
  if (!raw) return Fail(raw.error());
  value = static_cast<T>(*raw);
  if (std::is_integral_v<T> &&
      static_cast<std::uint64_t>(static_cast<std::int64_t>(value)) != *raw &&
      static_cast<std::uint64_t>(value) != *raw) {
    return Mismatch(fmt::format("an integer of {} bits", 8 * sizeof(T)), json);
  }
  return {};
}

inline Status Into(const boost::json::value& json, bool& value) {
  if (!json.is_bool()) return Mismatch("true or false", json);
  value = json.get_bool();
  return {};
}
template <class T>
  requires(std::is_integral_v<T> || std::is_enum_v<T>)
Status Into(const boost::json::value& json, T& value) {
  return IntegerInto(json, value);
}
// What `ToJson` prints for a text, or {"hex": ...} for one that is not UTF-8.
Status Into(const boost::json::value& json, std::string& text);
template <class T>
  requires requires(T value) { value.value; }
Status Into(const boost::json::value& json, T& wrapped) {
  return FromJson(json, wrapped.value);
}
template <class T>
Status Into(const boost::json::value& json, std::vector<T>& items) {
  const boost::json::array* array = json.if_array();
  if (array == nullptr) return Mismatch("an array", json);
  items.resize(array->size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (Status status = FromJson((*array)[i], items[i]); !status) {
      return Fail(std::move(status).error().WithField(fmt::format("[{}]", i)));
    }
  }
  return {};
}
template <class T, std::size_t N>
Status Into(const boost::json::value& json, std::array<T, N>& items) {
  std::vector<T> list;
  if (Status status = Into(json, list); !status) return status;
  if (list.size() != N) return Mismatch(fmt::format("{} elements", N), json);
  std::copy(list.begin(), list.end(), items.begin());
  return {};
}
template <class T, std::size_t N>
Status Into(const boost::json::value& json, CountedArray<T, N>& array) {
  return Into(json, array.items);
}

}  // namespace json_detail

// Every key must be a field of the record; fields without a key keep their defaults.
template <Record T>
Status RecordFromJson(const boost::json::value& json, T& record) {
  const boost::json::object* object = json.if_object();
  if (object == nullptr) return json_detail::Mismatch("an object", json);
  Status status;
  std::size_t used = 0;
  VisitFields(record, [&](std::string_view name, auto& field) {
    const boost::json::value* member =
        object->if_contains(boost::json::string_view(name.data(), name.size()));
    if (!status || member == nullptr) return;
    ++used;
    if (Status inner = FromJson(*member, field); !inner) {
      status = Fail(std::move(inner).error().WithField(std::string(name)));
    }
  });
  if (status && used != object->size()) {
    return json_detail::Mismatch("only keys that are fields of the record", json);
  }
  return status;
}

namespace json_detail {

template <class T>
constexpr bool IsRecordKind() {
  if constexpr (requires { Codec<T>::kKind; }) return Codec<T>::kKind == FieldKind::kRecord;
  return false;
}

// The text of {"hex": "..."}, null for anything else.
const boost::json::string* HexOf(const boost::json::value& json);

// A record given by its encoding.
template <class T>
Status DecodeInto(std::string_view hex, T& record) {
  const Result<Bytes> bytes = FromHex(hex);
  if (!bytes) return Fail(bytes.error());
  Result<T> decoded = DecodeRecord<T>(*bytes);
  if (!decoded) return Fail(std::move(decoded).error());
  record = std::move(*decoded);
  return {};
}

}  // namespace json_detail

// A record is an object of its fields or {"hex": its encoding}.
template <class T>
Status FromJson(const boost::json::value& json, T& value) {
  if constexpr (json_detail::IsRecordKind<T>()) {
    if (const boost::json::string* hex = json_detail::HexOf(json)) {
      return json_detail::DecodeInto(std::string_view(hex->data(), hex->size()), value);
    }
  }
  if constexpr (Record<T>) {
    return RecordFromJson(json, value);
  } else if constexpr (requires { json_detail::Into(json, value); }) {
    return json_detail::Into(json, value);
  } else {
    return json_detail::Mismatch("the record's bytes as {\"hex\": ...}", json);
  }
}

}  // namespace obbak::format
