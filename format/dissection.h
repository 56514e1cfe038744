// Dissection: a decoded file as a tree of named byte ranges. What `obbak inspect` shows, and where
// JSON comes from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace obbak::format {

enum class FieldKind {
  kRecord,   // has named children
  kArray,    // has children "[0]", "[1]", ...
  kValue,    // a leaf that carries a value
  kFraming,  // a leaf that carries none: envelope headers, counts, padding, bytes of a newer writer
};

// Nothing, a number, a truth value or raw characters (not necessarily UTF-8).
using FieldValue =
    std::variant<std::monostate, std::uint64_t, std::int64_t, bool, double, std::string>;

// One node. `begin`..`end` are offsets in the dissected buffer, `end` exclusive.
struct Field {
  std::string name;
  FieldKind kind = FieldKind::kValue;
  int depth = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
  FieldValue value = {};
  std::string text =
      {};  // what the value means: "SUCCESS", "2023-11-14 ..."; empty when the value says it all
  bool damaged = false;  // decoding stopped in here
};

// Nodes in depth-first order: a node's children follow it, one level deeper.
//
// Invariant after a successful decode: Segments() covers the buffer without gap or overlap, by
// values and framing only.
class Dissection {
 public:
  const std::vector<Field>& fields() const { return fields_; }

  // Opens a node at `begin`; Close takes the index back.
  std::size_t Open(std::string name, FieldKind kind, std::size_t begin);
  void Close(std::size_t index, std::size_t end, bool damaged = false);
  // A leaf that is opened and closed at once, as a child of the open node.
  void AddFraming(std::string name, std::size_t begin, std::size_t end, std::string text = {});
  void SetValue(std::size_t index, FieldValue value, std::string text);
  // Says what the value at a dotted path means; nothing if there is no such node or no meaning.
  void Annotate(std::string_view path, std::string_view text);

  // The node at a dotted path such as "payload.filelist[3].size_bytes", null if there is none.
  const Field* Find(std::string_view path) const;

 private:
  static constexpr std::size_t kNotFound = ~std::size_t{0};
  std::size_t IndexOf(std::string_view path) const;

  std::vector<Field> fields_;
  int depth_ = 0;
};

// A run of bytes and the node that explains it.
struct Segment {
  std::size_t field;  // index into Dissection::fields()
  std::size_t begin;
  std::size_t end;
};

// All dissected bytes in order, each with the innermost node that covers it: leaves, and what a
// value does not share with framing inside it. A record or array appears here only for bytes that
// none of its children names.
std::vector<Segment> Segments(const Dissection& dissection);

// The value as a person reads it: text of a string, decimal number, "true"/"false". Control
// characters of strings are escaped; a string with NUL bytes is no text and shown as hexadecimal.
std::string ValueText(const Field& field);

}  // namespace obbak::format
