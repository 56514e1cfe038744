// Encoding of ObMigrationTabletParam, which frames itself; see format/record.h.
// docs/spec/backup-data-files.md §11.
#pragma once

#include <fmt/format.h>

#include "format/record.h"
#include "format/storage_schema_codec.h"
#include "format/tablet_meta.h"

namespace obbak::format {

template <>
struct Codec<TabletHaStatus> : Codec<StrongId<TabletHaStatusTag>> {};

template <>
struct Codec<MigrationTabletParam> {
  static constexpr FieldKind kKind = FieldKind::kRecord;
  static constexpr std::size_t kFrameSize = 24;
  static constexpr std::size_t kMinSize = kFrameSize;

  static void Encode(Encoder& out, const MigrationTabletParam& param) {
    Encoder body;
    MigrationTabletParam::BodyFields(
        param, [&](std::string_view, const auto& field) { EncodeValue(body, field); });
    EncodeValue(out, param.magic_number);
    EncodeValue(out, param.version);
    out.FixedBigEndian(kFrameSize + body.bytes().size(), 8);
    out.Raw(body.bytes());
  }

  static void Decode(Decoder& in, MigrationTabletParam& param) {
    const std::size_t begin = in.position();
    DecodeField(in, "magic_number", param.magic_number);
    DecodeField(in, "version", param.version);
    const std::size_t length_at = in.position();
    const std::uint64_t length = in.FixedBigEndian(8);
    if (!in.ok()) return;
    in.Frame("length", length_at, fmt::to_string(length));
    if (param.magic_number.value != MigrationTabletParam::kMagic) {
      return in.Fail(ErrorCode::kInvalidData, begin,
                     fmt::format("magic number is {}, expected {}", param.magic_number.value,
                                 MigrationTabletParam::kMagic));
    }
    if (param.version.value != MigrationTabletParam::kVersion2) {
      return in.Fail(ErrorCode::kNotSupported, begin + 8,
                     fmt::format("version is {}, expected 2", param.version.value));
    }
    if (length < kFrameSize) {
      return in.Fail(ErrorCode::kDeserializeError, length_at,
                     fmt::format("length is {}, the frame alone has 24 bytes", length));
    }
    const Decoder::Section section(in, length - kFrameSize);
    MigrationTabletParam::BodyFields(param, [&](std::string_view name, auto& field) {
      if (in.ok()) DecodeField(in, name, field);
    });
  }
};

}  // namespace obbak::format
