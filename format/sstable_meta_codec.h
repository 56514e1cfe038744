// Encoding of ObSSTableBasicMeta and ObMigrationSSTableParam, which frame themselves; see
// format/record.h. docs/spec/backup-data-files.md §12.
#pragma once

#include <fmt/format.h>

#include "format/record.h"
#include "format/sstable_meta.h"

namespace obbak::format {

// Sixteen raw bytes, one leaf.
template <>
struct Codec<std::array<std::uint8_t, 16>> : LeafCodec {
  using Key = std::array<std::uint8_t, 16>;
  static constexpr std::size_t kMinSize = 16;
  static void Encode(Encoder& out, const Key& key) { out.Raw(std::as_bytes(std::span(key))); }
  static void Decode(Decoder& in, Key& key) {
    const ByteView bytes = in.Take(key.size());
    for (std::size_t i = 0; i < bytes.size(); ++i) key[i] = std::to_integer<std::uint8_t>(bytes[i]);
  }
  static FieldValue Value(const Key& key) {
    return std::string(AsText(std::as_bytes(std::span(key))));
  }
  static std::string Text(const Key& key) { return ToHex(std::as_bytes(std::span(key))); }
};

template <>
struct Codec<SstableBasicMeta> {
  static constexpr FieldKind kKind = FieldKind::kRecord;
  static constexpr std::size_t kFrameSize = 8;
  static constexpr std::size_t kMinSize = kFrameSize + 16 + 31;

  static void Encode(Encoder& out, const SstableBasicMeta& meta) {
    Encoder body;
    VisitFields(meta, [&](std::string_view name, const auto& field) {
      if (name != "version") EncodeValue(body, field);
    });
    EncodeValue(out, meta.version);
    out.FixedBigEndian(kFrameSize + body.bytes().size(), 4);
    out.Raw(body.bytes());
  }

  static void Decode(Decoder& in, SstableBasicMeta& meta) {
    const std::size_t begin = in.position();
    DecodeField(in, "version", meta.version);
    std::uint32_t length = 0;
    {
      Decoder::Scope scope(in, "length", FieldKind::kValue);
      length = static_cast<std::uint32_t>(in.FixedBigEndian(4));
      if (in.tracing()) scope.SetValue(std::uint64_t{length}, {});
    }
    if (!in.ok()) return;
    if (meta.version.value != SstableBasicMeta::kVersion1) {
      return in.Fail(ErrorCode::kNotSupported, begin,
                     fmt::format("version is {}, expected 1", meta.version.value));
    }
    if (length < kFrameSize) {
      return in.Fail(ErrorCode::kDeserializeError, begin + 4,
                     fmt::format("length is {}, the frame alone has 8 bytes", length));
    }
    const Decoder::Section section(in, length - kFrameSize);
    VisitFields(meta, [&](std::string_view name, auto& field) {
      if (in.ok() && name != "version") DecodeField(in, name, field);
    });
  }
};

// Records in a frame of their own: version and length as ordinary varints, then the fields, which
// `Codec<R>` may encode and decode in its own way.
template <class R>
struct FramedCodec {
  static constexpr FieldKind kKind = FieldKind::kRecord;
  static constexpr std::size_t kMinSize = 2;
  static constexpr std::uint64_t kVersion = 1;

  static void EncodeBody(Encoder& out, const R& record) {
    VisitFields(record, [&](std::string_view, const auto& field) { EncodeValue(out, field); });
  }
  static void DecodeBody(Decoder& in, R& record) {
    VisitFields(record, [&](std::string_view name, auto& field) {
      if (in.ok()) DecodeField(in, name, field);
    });
  }

  static void Encode(Encoder& out, const R& record) {
    Encoder body;
    Codec<R>::EncodeBody(body, record);
    out.Varint64(kVersion);
    out.Varint64(body.bytes().size());
    out.Raw(body.bytes());
  }

  static void Decode(Decoder& in, R& record) {
    const std::size_t begin = in.position();
    const std::uint64_t version = in.Varint64();
    const std::uint64_t length = in.Varint64();
    if (!in.ok()) return;
    if (version != kVersion) {
      return in.Fail(ErrorCode::kNotSupported, begin,
                     fmt::format("version is {}, expected 1", version));
    }
    in.Frame("frame", begin, "version 1, length");
    const Decoder::Section section(in, length);
    Codec<R>::DecodeBody(in, record);
  }
};

template <>
struct Codec<MigrationSstableParam> : FramedCodec<MigrationSstableParam> {};

}  // namespace obbak::format
