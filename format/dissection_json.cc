#include "format/dissection_json.h"

#include <boost/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/utf8.h"

namespace obbak::format {
namespace {

namespace json = boost::json;

// Doubles hold every integer up to here.
constexpr std::uint64_t kMaxExact = std::uint64_t{1} << 53;

struct LeafToJson {
  json::value operator()(std::monostate) const { return nullptr; }
  json::value operator()(std::uint64_t value) const { return JsonNumber(value); }
  json::value operator()(std::int64_t value) const { return JsonNumber(value); }
  json::value operator()(bool value) const { return value; }
  json::value operator()(double value) const { return value; }
  json::value operator()(const std::string& value) const {
    if (IsUtf8(value)) return json::string(value);
    return json::object{{"hex", ToHex(AsByteView(value))}};
  }
};

// The node at `index`; moves `index` behind it and all its children.
json::value NodeToJson(const std::vector<Field>& fields, std::size_t& index) {
  const Field& node = fields[index++];
  const auto for_each_child = [&](auto&& add) {
    while (index < fields.size() && fields[index].depth > node.depth) {
      const Field& child = fields[index];
      json::value value = NodeToJson(fields, index);
      if (child.kind != FieldKind::kFraming) add(child.name, std::move(value));
    }
  };
  if (node.kind == FieldKind::kArray) {
    json::array array;
    for_each_child(
        [&](const std::string&, json::value value) { array.push_back(std::move(value)); });
    return array;
  }
  if (node.kind == FieldKind::kRecord) {
    json::object object;
    for_each_child(
        [&](const std::string& name, json::value value) { object[name] = std::move(value); });
    return object;
  }
  for_each_child([](const std::string&, const json::value&) {});
  return std::visit(LeafToJson{}, node.value);
}

void Pretty(const json::value& value, const std::string& indent, std::string& out) {
  const std::string inner = indent + "  ";
  if (const json::object* object = value.if_object(); object != nullptr && !object->empty()) {
    std::string_view separator = "{\n";
    for (const auto& [key, item] : *object) {
      out += separator;
      out += inner + json::serialize(key) + ": ";
      Pretty(item, inner, out);
      separator = ",\n";
    }
    out += "\n" + indent + "}";
  } else if (const json::array* array = value.if_array(); array != nullptr && !array->empty()) {
    std::string_view separator = "[\n";
    for (const json::value& item : *array) {
      out += separator;
      out += inner;
      Pretty(item, inner, out);
      separator = ",\n";
    }
    out += "\n" + indent + "]";
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

json::value JsonNumber(std::uint64_t value) {
  if (value <= kMaxExact) return value;
  return json::string(std::to_string(value));
}

json::value JsonNumber(std::int64_t value) {
  const bool exact = value <= static_cast<std::int64_t>(kMaxExact) &&
                     value >= -static_cast<std::int64_t>(kMaxExact);
  if (exact) return value;
  return json::string(std::to_string(value));
}

json::value ToJson(const Dissection& dissection, std::string_view path) {
  const std::vector<Field>& fields = dissection.fields();
  if (!path.empty()) {
    const Field* node = dissection.Find(path);
    if (node == nullptr) return nullptr;
    auto index = static_cast<std::size_t>(node - fields.data());
    return NodeToJson(fields, index);
  }
  json::object all;
  for (std::size_t index = 0; index < fields.size();) {
    const Field& node = fields[index];
    json::value value = NodeToJson(fields, index);
    if (node.kind != FieldKind::kFraming) all[node.name] = std::move(value);
  }
  return all;
}

std::string PrettyJson(const json::value& value) {
  std::string out;
  Pretty(value, {}, out);
  return out;
}

}  // namespace obbak::format
