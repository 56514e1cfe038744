// Encoding of the parts of a storage schema that no field list can describe; see format/record.h.
// docs/spec/backup-data-files.md §11.
#pragma once

#include <fmt/format.h>

#include "format/obj_codec.h"
#include "format/record.h"
#include "format/storage_schema.h"

namespace obbak::format {

// The index list has no count of its own.
template <>
struct Codec<StorageColumnGroup> {
  static constexpr FieldKind kKind = FieldKind::kRecord;
  static constexpr std::size_t kMinSize = 9;

  static void Encode(Encoder& out, const StorageColumnGroup& group) {
    VisitHead(group, [&](std::string_view, const auto& field) { EncodeValue(out, field); });
    for (const std::uint16_t index : group.column_idxs) EncodeValue(out, index);
  }
  static void Decode(Decoder& in, StorageColumnGroup& group) {
    VisitHead(group, [&](std::string_view name, auto& field) {
      if (in.ok()) DecodeField(in, name, field);
    });
    group.column_idxs.clear();
    const Decoder::Scope scope(in, "column_idxs", FieldKind::kArray);
    if (group.type == ColumnGroupType::kAllColumns) return;
    for (std::int64_t i = 0; i < group.column_cnt && in.ok(); ++i) {
      DecodeField(in, i, group.column_idxs.emplace_back());
    }
  }

 private:
  template <class Group, class Visitor>
  static void VisitHead(Group& group, Visitor&& visitor) {
    VisitFields(group, [&](std::string_view name, auto& field) {
      if constexpr (!std::is_same_v<std::remove_cvref_t<decltype(field)>,
                                    std::vector<std::uint16_t>>) {
        visitor(name, field);
      }
    });
  }
};

template <>
struct Codec<StorageSchema> {
  static constexpr FieldKind kKind = FieldKind::kRecord;
  static constexpr std::size_t kMinSize = 29;

  static void Encode(Encoder& out, const StorageSchema& schema) {
    VisitFields(schema, [&](std::string_view, const auto& field) { EncodeValue(out, field); });
  }
  static void Decode(Decoder& in, StorageSchema& schema) {
    const std::size_t begin = in.position();
    VisitFields(schema, [&](std::string_view name, auto& field) {
      if (!in.ok()) return;
      DecodeField(in, name, field);
      // The first field decides how the others are written.
      if (in.ok() && schema.storage_schema_version != StorageSchema::kVersion3) {
        in.Fail(
            ErrorCode::kNotSupported, begin,
            fmt::format("storage schema version is {}, expected 3", schema.storage_schema_version));
      }
    });
  }
};

template <>
struct Codec<MediumCompactionInfo> {
  static constexpr FieldKind kKind = FieldKind::kRecord;
  static constexpr std::size_t kMinSize = 4 + Codec<StorageSchema>::kMinSize;

  static void Encode(Encoder& out, const MediumCompactionInfo& info) {
    VisitFields(info, [&](std::string_view, const auto& field) { EncodeValue(out, field); });
  }
  static void Decode(Decoder& in, MediumCompactionInfo& info) {
    const std::size_t begin = in.position();
    VisitFields(info, [&](std::string_view name, auto& field) {
      if (!in.ok()) return;
      DecodeField(in, name, field);
      if (in.ok() && info.has_parallel_info()) {
        in.Fail(ErrorCode::kNotSupported, begin,
                "medium compactions with a parallel merge plan are not supported");
      }
    });
  }
};

}  // namespace obbak::format
