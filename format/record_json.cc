#include "format/record_json.h"

#include <charconv>

namespace obbak::format {

Result<std::uint64_t> IntegerFromJson(const boost::json::value& json) {
  if (json.is_int64()) return static_cast<std::uint64_t>(json.get_int64());
  if (json.is_uint64()) return json.get_uint64();
  if (const boost::json::string* text = json.if_string()) {
    const bool negative = text->starts_with('-');
    std::uint64_t magnitude = 0;
    const char* end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data() + (negative ? 1 : 0), end, magnitude);
    if (error == std::errc() && stop == end) return negative ? 0 - magnitude : magnitude;
  }
  return json_detail::Mismatch("an integer", json);
}

namespace json_detail {

const boost::json::string* HexOf(const boost::json::value& json) {
  const boost::json::object* object = json.if_object();
  if (object == nullptr || object->size() != 1) return nullptr;
  const boost::json::value* hex = object->if_contains("hex");
  return hex == nullptr ? nullptr : hex->if_string();
}

Status Into(const boost::json::value& json, std::string& text) {
  if (const boost::json::string* plain = json.if_string()) {
    text.assign(plain->data(), plain->size());
    return {};
  }
  const boost::json::string* hex = HexOf(json);
  if (hex == nullptr) return Mismatch("a text", json);
  const Result<Bytes> bytes = FromHex(std::string_view(hex->data(), hex->size()));
  if (!bytes) return Fail(bytes.error());
  text = AsText(*bytes);
  return {};
}

}  // namespace json_detail
}  // namespace obbak::format
