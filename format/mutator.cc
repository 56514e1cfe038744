#include "format/mutator.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <string_view>
#include <utility>

#include "format/crc32c.h"
#include "format/le_bytes.h"
#include "format/mutator_codec.h"

namespace obbak::format {
namespace {

// Where the part of the meta begins that meta_crc covers.
constexpr std::size_t kCheckedMeta = 8;

std::uint32_t Low32(std::uint64_t value) { return static_cast<std::uint32_t>(value); }

std::uint32_t MetaCrc(ByteView meta) { return Low32(Crc64(meta.subspan(kCheckedMeta))); }

void CheckCrc(Decoder& in, std::size_t offset, std::string_view what, std::uint32_t stored,
              std::uint32_t computed) {
  if (stored == computed) return;
  in.Fail(
      ErrorCode::kChecksumError, offset,
      fmt::format("checksum of the {} is {:#010x}, stored is {:#010x}", what, computed, stored));
}

// Reads the meta and checks it and the data behind it.
MutatorMeta DecodeMeta(Decoder& in) {
  const std::size_t begin = in.position();
  MutatorMeta meta;
  const Decoder::Scope scope(in, "meta", FieldKind::kRecord);
  Codec<MutatorMeta>::Decode(in, meta);
  if (!in.ok()) return meta;
  if (meta.magic != MutatorMeta::kMagic) {
    in.Fail(ErrorCode::kInvalidData, begin,
            fmt::format("magic is {:#010x}, expected {:#010x}", meta.magic, MutatorMeta::kMagic));
  }
  CheckCrc(in, begin + 4, "meta", meta.meta_crc, MetaCrc(in.ReadSince(begin)));
  if (meta.meta_size != static_cast<std::int16_t>(MutatorMeta::kSize)) {
    in.Fail(ErrorCode::kNotSupported, begin + kCheckedMeta,
            fmt::format("meta_size is {}, expected {}", meta.meta_size, MutatorMeta::kSize));
  }
  if (meta.flags != 0) {
    in.Fail(
        ErrorCode::kNotSupported, begin + 11,
        fmt::format("flags are {:#x}: encrypted and split mutators are not supported", meta.flags));
  }
  if (meta.data_size > in.remaining()) {
    in.Fail(ErrorCode::kDeserializeError, begin + 16,
            fmt::format("data_size is {}, {} bytes are left", meta.data_size, in.remaining()));
  }
  if (!in.ok()) return meta;
  CheckCrc(in, begin + 12, "rows", meta.data_crc, Low32(Crc64(in.Rest().first(meta.data_size))));
  return meta;
}

void DecodeRowHeader(Decoder& in, MutatorRowHeader& header) {
  const std::size_t begin = in.position();
  const Decoder::Scope scope(in, "row_header", FieldKind::kRecord);
  Codec<MutatorRowHeader>::Decode(in, header);
  if (in.ok() && header.magic != MutatorRowHeader::kMagic) {
    in.Fail(ErrorCode::kInvalidData, begin,
            fmt::format("magic is {:#010x}, expected {:#010x}",
                        static_cast<std::uint32_t>(header.magic), MutatorRowHeader::kMagic));
  }
}

void DecodeUnknownRow(Decoder& in, ByteView& body) {
  Decoder::Scope scope(in, "row", FieldKind::kRecord);
  const std::uint64_t size = DecodeRowSize(in);
  const Decoder::Scope rest(in, "unknown", FieldKind::kFraming);
  body = in.Take(size);
}

void DecodeEntry(Decoder& in, MutatorEntry& entry) {
  DecodeRowHeader(in, entry.header);
  if (!in.ok()) return;
  switch (entry.header.mutator_type) {
    case MutatorType::kRow:
      return DecodeRowBody(in, entry.body.emplace<MemtableMutatorRow>());
    case MutatorType::kTableLock:
      return DecodeRowBody(in, entry.body.emplace<MutatorTableLock>());
  }
  DecodeUnknownRow(in, entry.body.emplace<ByteView>());
}

void EncodeRowHeader(Encoder& out, MutatorType type, TabletId tablet) {
  EncodeValue(out, MutatorRowHeader{.mutator_type = type, .tablet_id = tablet});
}

}  // namespace

Bytes EncodeRowkeyObjects(std::span<const ObjView> objects) {
  Encoder out;
  for (const ObjView& object : objects) EncodeValue(out, object);
  return out.bytes();
}

Result<std::vector<ObjView>> RowkeyObjects(const Rowkey& rowkey) {
  Decoder in(rowkey.objects);
  std::vector<ObjView> objects;
  for (std::uint64_t i = 0; i < rowkey.count && in.ok(); ++i) {
    DecodeField(in, static_cast<std::int64_t>(i), objects.emplace_back());
  }
  if (Status status = in.status(); !status) return Fail(std::move(status).error());
  return objects;
}

std::uint32_t AccumulateRowChecksum(std::uint32_t previous, DmlFlag dml_flag, ByteView new_row) {
  std::array<std::byte, 16> prefix;
  StoreLe(prefix.data(), previous);
  StoreLe(prefix.data() + 4, std::uint32_t{static_cast<std::uint8_t>(dml_flag)});
  StoreLe(prefix.data() + 8, std::uint64_t{new_row.size()});
  const std::uint32_t checksum = Low32(Crc64(new_row, Crc64(prefix)));
  return checksum == 0 ? 1 : checksum;
}

std::uint64_t DecodeRowSize(Decoder& in) {
  Decoder::Scope scope(in, "row_size", FieldKind::kValue);
  const std::size_t begin = in.position();
  const auto size = static_cast<std::int32_t>(in.FixedBigEndian(kRowSizeWidth));
  if (!in.ok()) return 0;
  if (size < static_cast<std::int32_t>(kRowSizeWidth)) {
    in.Fail(ErrorCode::kDeserializeError, begin,
            fmt::format("row_size is {}, it counts its own {} bytes", size, kRowSizeWidth));
    return 0;
  }
  scope.SetValue(std::int64_t{size}, {});
  return static_cast<std::uint64_t>(size) - kRowSizeWidth;
}

void PatchRowSize(Encoder& out, std::size_t row_begin) {
  Encoder size;
  size.FixedBigEndian(out.bytes().size() - row_begin, kRowSizeWidth);
  out.Overwrite(row_begin, size.bytes());
}

void DissectMutator(Decoder& in) {
  const Decoder::Scope scope(in, "mutator", FieldKind::kRecord);
  const MutatorMeta meta = DecodeMeta(in);
  const Decoder::Scope rows(in, "rows", FieldKind::kArray);
  const Decoder::Section data(in, in.ok() ? meta.data_size : 0);
  for (std::uint32_t i = 0; i < meta.row_count && in.ok(); ++i) {
    const Decoder::Scope row(in, std::int64_t{i}, FieldKind::kRecord);
    MutatorEntry entry;
    DecodeEntry(in, entry);
  }
}

MutatorBuilder::MutatorBuilder() { EncodeValue(out_, MutatorMeta{}); }

void MutatorBuilder::Add(TabletId tablet, const MemtableMutatorRow& row) {
  EncodeRowHeader(out_, MutatorType::kRow, tablet);
  EncodeRowBody(out_, row);
  ++row_count_;
}

void MutatorBuilder::Add(const MutatorTableLock& lock) {
  EncodeRowHeader(out_, MutatorType::kTableLock, kLockTableTabletId);
  EncodeRowBody(out_, lock);
  ++row_count_;
}

Result<Bytes> MutatorBuilder::Finish() && {
  const std::size_t data_size = size() - MutatorMeta::kSize;
  if (row_count_ == 0) return Fail(ErrorCode::kInvalidArgument, "a mutator needs a row");
  if (data_size > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    return Fail(ErrorCode::kSizeOverflow,
                fmt::format("{} bytes of rows are too many for one mutator", data_size));
  }
  const ByteView data = ByteView(out_.bytes()).subspan(MutatorMeta::kSize);
  MutatorMeta meta{.data_crc = Low32(Crc64(data)),
                   .data_size = static_cast<std::uint32_t>(data_size),
                   .row_count = row_count_};
  const auto store = [&] {
    Encoder stored;
    EncodeValue(stored, meta);
    return stored.bytes();
  };
  meta.meta_crc = MetaCrc(store());
  out_.Overwrite(0, store());
  return std::move(out_).Finish();
}

Result<MutatorReader> MutatorReader::Open(ByteView mutator) {
  Decoder in(mutator);
  const MutatorMeta meta = DecodeMeta(in);
  if (Status status = in.status(); !status) return Fail(std::move(status).error());
  return MutatorReader(meta, mutator.first(MutatorMeta::kSize + meta.data_size));
}

Result<std::optional<MutatorEntry>> MutatorReader::Next() {
  if (rows_read_ == meta_.row_count) {
    if (position_ == data_.size()) return std::nullopt;
    return Fail(Error(ErrorCode::kInvalidData,
                      fmt::format("{} bytes are left over after the last of {} rows",
                                  data_.size() - position_, meta_.row_count))
                    .WithOffset(position_));
  }
  Decoder in(data_, nullptr, position_);
  MutatorEntry entry;
  {
    const Decoder::Scope row(in, std::int64_t{rows_read_}, FieldKind::kRecord);
    DecodeEntry(in, entry);
  }
  if (Status status = in.status(); !status) return Fail(std::move(status).error());
  position_ = in.position();
  ++rows_read_;
  return entry;
}

}  // namespace obbak::format
