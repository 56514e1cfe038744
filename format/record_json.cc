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

Status Into(const boost::json::value& json, std::string& text) {
  if (const boost::json::string* plain = json.if_string()) {
    text.assign(plain->data(), plain->size());
    return {};
  }
  const boost::json::object* object = json.if_object();
  const boost::json::value* hex = object == nullptr ? nullptr : object->if_contains("hex");
  if (hex == nullptr || !hex->is_string()) return Mismatch("a text", json);
  const Result<Bytes> bytes =
      FromHex(std::string_view(hex->get_string().data(), hex->get_string().size()));
  if (!bytes) return Fail(bytes.error());
  text = AsText(*bytes);
  return {};
}

}  // namespace json_detail
}  // namespace obbak::format
