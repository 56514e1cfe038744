#include "format/dissection.h"

#include <fmt/format.h>

#include <utility>

#include "base/bytes.h"

namespace obbak::format {
namespace {

struct ValueTexter {
  std::string operator()(std::monostate) const { return {}; }
  std::string operator()(std::uint64_t value) const { return fmt::to_string(value); }
  std::string operator()(std::int64_t value) const { return fmt::to_string(value); }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(double value) const { return fmt::to_string(value); }
  std::string operator()(const std::string& value) const {
    if (value.find('\0') != std::string::npos) return "0x" + ToHex(AsByteView(value));
    std::string text;
    for (const char c : value) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20 || byte == 0x7f) {
        text += fmt::format("\\x{:02x}", byte);
      } else {
        text += c;
      }
    }
    return text;
  }
};

}  // namespace

std::size_t Dissection::Open(std::string name, FieldKind kind, std::size_t begin) {
  fields_.push_back(
      Field{.name = std::move(name), .kind = kind, .depth = depth_, .begin = begin, .end = begin});
  ++depth_;
  return fields_.size() - 1;
}

void Dissection::Close(std::size_t index, std::size_t end, bool damaged) {
  fields_[index].end = end;
  fields_[index].damaged = damaged;
  depth_ = fields_[index].depth;
}

void Dissection::AddFraming(std::string name, std::size_t begin, std::size_t end,
                            std::string text) {
  fields_.push_back(Field{.name = std::move(name),
                          .kind = FieldKind::kFraming,
                          .depth = depth_,
                          .begin = begin,
                          .end = end,
                          .text = std::move(text)});
}

void Dissection::SetValue(std::size_t index, FieldValue value, std::string text) {
  fields_[index].value = std::move(value);
  fields_[index].text = std::move(text);
}

void Dissection::Annotate(std::string_view path, std::string_view text) {
  const std::size_t index = IndexOf(path);
  if (index != kNotFound && !text.empty()) fields_[index].text = text;
}

const Field* Dissection::Find(std::string_view path) const {
  const std::size_t index = IndexOf(path);
  return index == kNotFound ? nullptr : &fields_[index];
}

std::size_t Dissection::IndexOf(std::string_view path) const {
  int depth = 0;
  std::size_t i = 0;
  while (!path.empty()) {
    std::size_t cut = path.find_first_of(".[", 1);
    if (cut == std::string_view::npos) cut = path.size();
    const std::string_view step = path.substr(0, cut);
    path.remove_prefix(path.substr(cut).starts_with('.') ? cut + 1 : cut);
    while (i < fields_.size() && fields_[i].depth >= depth &&
           (fields_[i].depth > depth || fields_[i].name != step)) {
      ++i;
    }
    if (i == fields_.size() || fields_[i].depth < depth) return kNotFound;
    if (path.empty()) return i;
    ++i;
    ++depth;
  }
  return kNotFound;
}

namespace {

// Adds the segments of the node at `index`; returns the index behind
// the node and its children.
std::size_t AddSegments(const std::vector<Field>& fields, std::size_t index,
                        std::vector<Segment>& segments) {
  const Field& node = fields[index];
  std::size_t at = node.begin;
  std::size_t child = index + 1;
  while (child < fields.size() && fields[child].depth > node.depth) {
    if (fields[child].begin > at) segments.push_back({index, at, fields[child].begin});
    at = fields[child].end;
    child = AddSegments(fields, child, segments);
  }
  if (node.end > at) segments.push_back({index, at, node.end});
  return child;
}

}  // namespace

std::vector<Segment> Segments(const Dissection& dissection) {
  std::vector<Segment> segments;
  for (std::size_t i = 0; i < dissection.fields().size();)
    i = AddSegments(dissection.fields(), i, segments);
  return segments;
}

std::string ValueText(const Field& field) { return std::visit(ValueTexter{}, field.value); }

}  // namespace obbak::format
