#include "cli/hex_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace obbak::cli {
namespace {

using format::Dissection;
using format::Field;
using format::FieldKind;
using format::Segment;

constexpr std::size_t kBytesPerLine = 16;
constexpr int kHexWidth = 3 * static_cast<int>(kBytesPerLine) - 1;
// A long run of like lines says nothing; this many are shown of one field, then the rest is
// counted.
constexpr std::size_t kMaxLines = 8;

std::string HexBytes(ByteView bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    if (!text.empty()) text += ' ';
    text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  }
  return text;
}

// What a field is called and holds.
std::string Caption(const Field& field) {
  std::string text = field.name;
  if (field.kind == FieldKind::kValue && field.value.index() != 0) {
    const bool quoted = std::holds_alternative<std::string>(field.value);
    text += quoted ? fmt::format(" = \"{}\"", ValueText(field)) : " = " + ValueText(field);
    if (!field.text.empty()) text += fmt::format(" ({})", field.text);
  } else if (!field.text.empty()) {
    text += ": " + field.text;
  }
  if (field.damaged) text += "  <-- decoding stopped here";
  return text;
}

class Writer {
 public:
  Writer(ByteView file, std::size_t base) : file_(file), base_(base) {}

  // `begin`..`end` with a caption beside the first line.
  void Bytes(std::size_t begin, std::size_t end, int depth, std::string_view caption) {
    const std::string range = fmt::format("{:06x}-{:06x}", base_ + begin, base_ + end);
    std::size_t lines = 0;
    for (std::size_t at = begin; at < end; at += kBytesPerLine) {
      if (++lines > kMaxLines && end - at > kBytesPerLine) {
        out_ += fmt::format("{:06x}  ... {} more bytes\n", base_ + at, end - at);
        return;
      }
      const std::size_t size = std::min(kBytesPerLine, end - at);
      const std::string hex = HexBytes(file_.subspan(at, size));
      if (at == begin) {
        out_ += fmt::format("{:06x}  {:<{}}  {}  {:{}}{}\n", base_ + at, hex, kHexWidth, range, "",
                            2 * depth, caption);
      } else {
        out_ += fmt::format("{:06x}  {}\n", base_ + at, hex);
      }
    }
  }

  // A line without bytes: a record or an array that begins.
  void Heading(const Field& field) {
    out_ += fmt::format("{:>{}}  {:06x}-{:06x}  {:{}}{}\n", "", 8 + kHexWidth, base_ + field.begin,
                        base_ + field.end, "", 2 * field.depth, Caption(field));
  }

  std::string Finish() && { return std::move(out_); }

 private:
  ByteView file_;
  std::size_t base_;
  std::string out_;
};

}  // namespace

std::string HexText(ByteView file, const Dissection& dissection, std::size_t base) {
  Writer out(file, base);
  const std::vector<Field>& fields = dissection.fields();
  std::size_t next_field = 0;
  std::size_t at = 0;
  const auto headings_before = [&](std::size_t end) {
    for (; next_field < end; ++next_field) {
      const Field& field = fields[next_field];
      const bool container = field.kind == FieldKind::kRecord || field.kind == FieldKind::kArray;
      if (container || field.begin == field.end) out.Heading(field);
    }
  };
  for (const Segment& segment : Segments(dissection)) {
    const Field& field = fields[segment.field];
    if (segment.begin > at) out.Bytes(at, segment.begin, 0, "not explained");
    headings_before(segment.field);
    if (field.kind == FieldKind::kRecord || field.kind == FieldKind::kArray) {
      out.Bytes(segment.begin, segment.end, field.depth + 1, "not decoded");
    } else {
      out.Bytes(segment.begin, segment.end, field.depth, Caption(field));
      next_field = std::max(next_field, segment.field + 1);
    }
    at = segment.end;
  }
  headings_before(fields.size());
  if (at < file.size()) out.Bytes(at, file.size(), 0, "not decoded");
  return std::move(out).Finish();
}

}  // namespace obbak::cli
