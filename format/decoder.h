// Decoder: bounded reading of OceanBase's primitive encodings (docs/spec/encoding-and-metadata.md
// §1, §2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "format/dissection.h"

namespace obbak::format {

// Reads a buffer from front to back and never beyond the innermost envelope that is open.
//
// A decoder with a trace is tolerant where it can be: in a file that was cut off it decodes what is
// there although an envelope promises more; that is a failure all the same.
//
// The first failure sticks: it is recorded with its offset and field path, every later read does
// nothing and returns zero. A caller may therefore decode a whole record and look at `status()`
// once. Output parameters of a failed read are zero.
class Decoder {
 public:
  // Starts at `begin`. `data` must outlive the decoder; `trace`, when given, receives one node per
  // field, with offsets in `data`.
  explicit Decoder(ByteView data, Dissection* trace = nullptr, std::size_t begin = 0)
      : data_(data), position_(begin), limit_(data.size()), trace_(trace) {}
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() = default;

  // Little-endian groups of seven bits. At most 10 (5) bytes; non-minimal forms are accepted.
  std::uint64_t Varint64();
  // Bits above 32 of the fifth byte are dropped.
  std::uint32_t Varint32();
  // Big-endian, as OceanBase's explicit-width functions write them.
  std::uint8_t Fixed8();
  std::uint64_t FixedBigEndian(std::size_t width);
  std::uint64_t FixedLittleEndian(std::size_t width);
  // The next `size` bytes; empty on failure.
  ByteView Take(std::uint64_t size);
  // varint length, bytes, one NUL.
  std::string_view String();
  // varint length+1, bytes, NUL, as a char array of `capacity` bytes is written; no NUL inside.
  std::string_view CString(std::size_t capacity);
  // Number of array elements, each of which takes at least `min_element_size` bytes; more than fit
  // is an error.
  std::uint64_t Count(std::size_t min_element_size);

  std::size_t position() const { return position_; }
  // What was read from `begin` to here.
  ByteView ReadSince(std::size_t begin) const { return data_.subspan(begin, position_ - begin); }
  // What is left up to the end of the innermost envelope or section, without reading it.
  ByteView Rest() const { return data_.subspan(position_, remaining()); }
  // Its number of bytes.
  std::size_t remaining() const { return limit_ - position_; }
  // False once decoding has stopped.
  bool ok() const { return !stopped_; }
  // The failure, with offset and field; success otherwise.
  Status status() const;
  // Stops decoding with a failure at `offset`; the first failure is the one that counts.
  void Fail(ErrorCode code, std::size_t offset, std::string message);

  bool tracing() const { return trace_ != nullptr; }
  // Names the bytes from `begin` to here that carry no value.
  void Frame(std::string_view name, std::size_t begin, std::string text = {});

  // A field while it is decoded: part of the error's field path and, when tracing, a node of the
  // dissection.
  class Scope {
   public:
    // `name` must outlive the scope.
    Scope(Decoder& decoder, std::string_view name, FieldKind kind)
        : Scope(decoder, name, -1, kind) {}
    // An array element.
    Scope(Decoder& decoder, std::int64_t index, FieldKind kind) : Scope(decoder, {}, index, kind) {}
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope();

    void SetValue(FieldValue value, std::string text);

   private:
    Scope(Decoder& decoder, std::string_view name, std::int64_t index, FieldKind kind);

    friend class Decoder;

    Decoder& decoder_;
    const Scope* outer_;
    std::string_view name_;
    std::int64_t index_;  // negative unless an array element
    std::size_t node_ = 0;
  };

  // An open envelope (version, length, payload): limits reads to the payload and, when it closes,
  // skips what a newer writer has added.
  class Envelope {
   public:
    Envelope(Decoder& decoder, std::uint64_t version);
    Envelope(const Envelope&) = delete;
    Envelope& operator=(const Envelope&) = delete;
    ~Envelope();

    // False once the payload is used up: fields an older writer did not know keep their defaults.
    bool HasMore() const { return decoder_.ok() && decoder_.remaining() > 0; }

   private:
    Decoder& decoder_;
    std::size_t outer_limit_;
  };

  // What a section does with bytes that the fields read meanwhile have not used up.
  enum class Leftover {
    kFail,  // structs that state their own length and do not tolerate a newer writer
    kSkip,  // structs to which a newer writer may add fields
  };

  // The next `length` bytes: limits reads to them.
  class Section {
   public:
    Section(Decoder& decoder, std::uint64_t length, Leftover leftover = Leftover::kFail);
    Section(const Section&) = delete;
    Section& operator=(const Section&) = delete;
    ~Section();

    // False once the bytes are used up.
    bool HasMore() const { return decoder_.ok() && decoder_.remaining() > 0; }

   private:
    Decoder& decoder_;
    std::size_t outer_limit_;
    Leftover leftover_;
  };

 private:
  // Deeper than any record nests; decoding fails beyond it.
  static constexpr std::size_t kMaxDepth = 32;

  std::uint64_t Varint(std::size_t max_bytes);
  // Records a failure without stopping.
  void Record(ErrorCode code, std::size_t offset, std::string message);
  // Moves to the end of the innermost envelope or section.
  void SkipRest();
  static void AppendPath(const Scope* innermost, std::string& path);

  ByteView data_;
  std::size_t position_;
  std::size_t limit_;
  Dissection* trace_;
  const Scope* innermost_ = nullptr;
  std::size_t depth_ = 0;
  std::optional<Error> error_;
  bool stopped_ = false;
};

}  // namespace obbak::format
