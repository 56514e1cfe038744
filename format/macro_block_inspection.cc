#include "format/macro_block_inspection.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "format/flat_row.h"
#include "format/macro_block_codec.h"
#include "format/macro_block_reader.h"
#include "format/micro_block_reader.h"
#include "format/record.h"
#include "format/shared_macro_block.h"

namespace obbak::format {
namespace {

// An open node of the dissection; closes as damaged unless it was ended.
class Node {
 public:
  Node(Dissection& out, std::string name, FieldKind kind, std::size_t begin)
      : out_(out), index_(out.Open(std::move(name), kind, begin)), end_(begin) {}
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node() { out_.Close(index_, end_, !ended_); }

  void End(std::size_t end) {
    end_ = end;
    ended_ = true;
  }

 private:
  Dissection& out_;
  std::size_t index_;
  std::size_t end_;
  bool ended_ = false;
};

std::string Element(std::size_t index) { return fmt::format("[{}]", index); }

class RowDissector {
 public:
  RowDissector(ByteView bytes, std::size_t begin, MicroBlockRole role,
               std::span<const ObjMeta> types, Dissection& out)
      : bytes_(bytes), begin_(begin), role_(role), types_(types), out_(out) {}

  Status Run(std::size_t end) {
    const Result<FlatRow> row = FlatRow::Open(bytes_.subspan(begin_, end - begin_));
    if (!row) return Fail(Error(row.error()).ShiftOffset(begin_));
    Decoder in(bytes_.first(end), &out_, begin_);
    FlatRowHeader header;
    DecodeField(in, "header", header);
    {
      Node clusters(out_, "clusters", FieldKind::kArray, in.position());
      std::size_t at = in.position();
      std::size_t first_column = 0;
      for (std::size_t i = 0; i < row->cluster_count(); ++i) {
        const Result<FlatCluster> cluster = row->Cluster(i);
        if (!cluster) return Fail(Error(cluster.error()).ShiftOffset(begin_));
        if (Status status = Dissect(*cluster, i, at, first_column, row->column_count()); !status)
          return status;
        at += cluster->bytes.size();
        first_column += cluster->column_count;
      }
      clusters.End(at);
    }
    out_.AddFraming(
        "cluster_offsets", begin_ + row->cluster_offsets_begin(), end,
        fmt::format("{} of {} bytes", row->cluster_count(), row->cluster_offset_width()));
    return {};
  }

 private:
  Status Dissect(const FlatCluster& cluster, std::size_t index, std::size_t at,
                 std::size_t first_column, std::size_t columns) {
    Node node(out_, Element(index), FieldKind::kRecord, at);
    out_.AddFraming(
        "header", at, at + FlatCluster::kHeaderSize,
        fmt::format("{} columns{}", cluster.column_count, cluster.is_sparse ? ", sparse" : ""));
    {
      Node cells(out_, "cells", FieldKind::kArray, at + FlatCluster::kHeaderSize);
      for (std::size_t i = 0; i < cluster.cell_count; ++i) {
        const std::size_t within =
            cluster.is_sparse
                ? std::to_integer<std::size_t>(cluster.bytes[cluster.indexes_begin + i])
                : i;
        const Result<Datum> cell = ReadClusterCell(cluster, i);
        if (!cell) return Fail(Error(cell.error()).ShiftOffset(at));
        const CellRange range = ClusterCellRange(cluster, i);
        if (Status status =
                AddCell(first_column + within, columns, *cell, at + range.begin, at + range.end);
            !status) {
          return status;
        }
      }
      cells.End(at + cluster.cells_end);
    }
    const std::size_t end = at + cluster.bytes.size();
    if (cluster.indexes_begin < cluster.offsets_begin)
      out_.AddFraming("column_indexes", at + cluster.indexes_begin, at + cluster.offsets_begin);
    if (cluster.offsets_begin < cluster.specials_begin) {
      out_.AddFraming("cell_offsets", at + cluster.offsets_begin, at + cluster.specials_begin,
                      fmt::format("of {} bytes", cluster.offset_width));
      out_.AddFraming("cell_kinds", at + cluster.specials_begin, end);
    }
    node.End(end);
    return {};
  }

  Status AddCell(std::size_t column, std::size_t columns, const Datum& cell, std::size_t begin,
                 std::size_t end) {
    if (role_ != MicroBlockRole::kData && column + 1 == columns) {
      Decoder in(bytes_.first(end), &out_, begin);
      if (role_ == MicroBlockRole::kIndex) {
        IndexRowValue value;
        DecodeIndexRowValue(in, value);
      } else {
        MacroMeta meta;
        DecodeMacroMeta(in, meta);
      }
      return in.status();
    }
    Node leaf(out_, Element(column), FieldKind::kValue, begin);
    const std::size_t index = out_.fields().size() - 1;
    if (column < types_.size()) {
      out_.SetValue(index, CellValue(types_[column], cell), CellText(types_[column], cell));
    } else {
      out_.SetValue(index, CellValue(cell), CellText(ObjMeta(), cell));
    }
    leaf.End(end);
    return {};
  }

  ByteView bytes_;
  std::size_t begin_;
  MicroBlockRole role_;
  std::span<const ObjMeta> types_;
  Dissection& out_;
};

Status DissectRows(ByteView bytes, std::size_t begin, const MicroBlockReader& micro,
                   MicroBlockRole role, std::span<const ObjMeta> types, Dissection& out) {
  Node rows(out, "rows", FieldKind::kArray, begin);
  std::size_t at = begin;
  for (std::size_t i = 0; i < micro.row_count(); ++i) {
    const std::size_t end = at + micro.RowBytes(i).size();
    if (Status status = DissectFlatRow(bytes, at, end, Element(i), role, types, out); !status)
      return status;
    at = end;
  }
  rows.End(at);
  return {};
}

Status DissectPayload(ByteView bytes, std::size_t begin, std::size_t end,
                      const MicroBlockReader& micro, MicroBlockRole role,
                      std::span<const ObjMeta> types, Dissection& out) {
  if (Status status = DissectRows(bytes, begin, micro, role, types, out); !status) return status;
  const std::size_t index_begin = begin + micro.header().row_offset - micro.header().header_size;
  const std::size_t index_end = index_begin + 4 * (micro.row_count() + 1);
  out.AddFraming("row_index", index_begin, index_end,
                 fmt::format("offsets of {} rows and their end", micro.row_count()));
  if (index_end < end) out.AddFraming("hash_index", index_end, end);
  return {};
}

// That the last cells of a compressed block's rows are what `role` says: no field of the dissection
// would show it.
Status CheckRowValues(const MicroBlockReader& micro, MicroBlockRole role) {
  if (role == MicroBlockRole::kData) return {};
  for (std::size_t i = 0; i < micro.row_count(); ++i) {
    const Result<FlatRow> row = micro.Row(i);
    if (!row) return Fail(row.error());
    const Result<Datum> cell = row->Cell(row->column_count() - 1);
    if (!cell) return Fail(cell.error());
    Decoder in(cell->bytes());
    if (role == MicroBlockRole::kIndex) {
      IndexRowValue value;
      DecodeIndexRowValue(in, value);
    } else {
      MacroMeta meta;
      DecodeMacroMeta(in, meta);
    }
    // An offset in the decompressed rows would mislead.
    if (Status status = in.status(); !status) {
      return Fail(
          Error(status.error().code(), fmt::format("row {}: {}", i, status.error().message())));
    }
  }
  return {};
}

void DissectColumnChecksums(Decoder& in, const MicroBlockHeader& header) {
  if (!header.has_column_checksum()) return;
  const Decoder::Scope scope(in, "column_checksums", FieldKind::kArray);
  for (std::size_t i = 0; i < header.column_count && in.ok(); ++i) {
    std::int64_t checksum = 0;
    PackedCodec<RecordLayout::kPackedLittleEndian>::Decode(in, static_cast<std::int64_t>(i),
                                                           checksum);
  }
}

// The parts of one macro block, in order, as far as they can be understood.
class MacroBlockInspector {
 public:
  explicit MacroBlockInspector(ByteView block) : block_(block) {}

  Inspection Run() && {
    Decoder in(block_, &out_.dissection);
    MacroBlockHeaders headers;
    const Result<MacroBlockCommonHeader> common = ReadMacroBlockCommonHeader(block_);
    if (common && HoldsNoRows(common->attr)) {
      DecodeField(in, "common_header", headers.common);
      InspectOther(*common, in.position());
      return std::move(out_);
    }
    if (const Result<MacroBlockReader> strict = MacroBlockReader::Open(block_); !strict) {
      out_.findings.push_back(strict.error());
    } else if (Status status = strict->VerifyColumnChecksums(); !status) {
      out_.findings.push_back(std::move(status).error());
    }
    DecodeMacroBlockHeaders(in, headers);
    if (in.ok() && headers.common.payload_size >= 0) InspectParts(headers, in.position());
    return std::move(out_);
  }

 private:
  static bool HoldsNoRows(MacroBlockType type) {
    return type != MacroBlockType::kSstableData && type != MacroBlockType::kSstableIndex &&
           type != MacroBlockType::kSstableMacroMeta;
  }

  void InspectOther(const MacroBlockCommonHeader& header, std::size_t at) {
    if (header.attr == MacroBlockType::kSharedSstableData) {
      if (Status status = CheckSharedMacroBlockHead(block_); !status)
        out_.findings.push_back(std::move(status).error());
      const std::size_t fill_end = std::min(block_.size(), kMacroBlockAlignment);
      if (at < fill_end) out_.dissection.AddFraming("fill", at, fill_end);
      if (fill_end < block_.size())
        out_.dissection.AddFraming("nested_blocks", fill_end, block_.size());
      return;
    }
    const std::size_t end = at + static_cast<std::size_t>(header.payload_size);
    out_.findings.push_back(
        Error(ErrorCode::kNotSupported,
              fmt::format("macro blocks of type {} are not explained", NameOf(header.attr))));
    if (at < end) out_.dissection.AddFraming("payload", at, end);
    Pad(end);
  }

  void InspectParts(const MacroBlockHeaders& headers, std::size_t at) {
    const SstableMacroHeader& header = headers.sstable;
    const std::size_t payload_end =
        std::min(block_.size(), MacroBlockCommonHeader::kSize +
                                    static_cast<std::size_t>(headers.common.payload_size));
    payload_ = block_.first(payload_end);
    const MicroBlockRole role =
        headers.common.attr == MacroBlockType::kSstableData    ? MicroBlockRole::kData
        : headers.common.attr == MacroBlockType::kSstableIndex ? MicroBlockRole::kIndex
                                                               : MicroBlockRole::kMacroMeta;
    {
      Node micro_blocks(out_.dissection, "micro_blocks", FieldKind::kArray, at);
      for (std::int32_t i = 0; i < header.micro_block_count && at < payload_end; ++i) {
        if (!InspectMicroBlock(Element(static_cast<std::size_t>(i)), role, headers, at)) return;
      }
      micro_blocks.End(at);
    }
    if (header.idx_block_size != 0 &&
        !InspectMicroBlock("leaf_index", MicroBlockRole::kIndex, headers, at)) {
      return;
    }
    if (header.meta_block_size != 0 &&
        !InspectMicroBlock("macro_meta", MicroBlockRole::kMacroMeta, headers, at)) {
      return;
    }
    Pad(at);
  }

  // Moves `at` to its end; false when it can't be found.
  bool InspectMicroBlock(std::string name, MicroBlockRole role, const MacroBlockHeaders& headers,
                         std::size_t& at) {
    const Result<std::size_t> end =
        DissectMicroBlock(payload_, at, std::move(name), role, headers.sstable.compressor_type,
                          headers.column_types, out_.dissection);
    if (!end) {
      out_.findings.push_back(end.error());
      return false;
    }
    at = *end;
    return true;
  }

  void Pad(std::size_t at) {
    if (at >= block_.size()) return;
    out_.dissection.AddFraming("padding", at, block_.size());
    const ByteView padding = block_.subspan(at);
    const auto other = std::ranges::find_if(padding, [](std::byte b) { return b != std::byte{0}; });
    if (other == padding.end()) return;
    out_.findings.push_back(Error(ErrorCode::kInvalidData, "padding is not zero")
                                .WithOffset(at + static_cast<std::size_t>(other - padding.begin()))
                                .WithField("padding"));
  }

  ByteView block_;
  ByteView payload_;
  Inspection out_;
};

}  // namespace

Status DissectFlatRow(ByteView bytes, std::size_t begin, std::size_t end, std::string name,
                      MicroBlockRole role, std::span<const ObjMeta> types, Dissection& out) {
  Node node(out, std::move(name), FieldKind::kRecord, begin);
  Status status = RowDissector(bytes, begin, role, types, out).Run(end);
  if (status) node.End(end);
  return status;
}

Result<std::size_t> DissectMicroBlock(ByteView bytes, std::size_t begin, std::string name,
                                      MicroBlockRole role, CompressorType compressor,
                                      std::span<const ObjMeta> types, Dissection& out) {
  if (begin > bytes.size()) {
    return Fail(Error(ErrorCode::kInvalidData, "the micro block begins behind the end")
                    .WithOffset(begin)
                    .WithField(std::move(name)));
  }
  Node node(out, std::move(name), FieldKind::kRecord, begin);
  const auto shifted = [begin](Error error) { return Fail(std::move(error).ShiftOffset(begin)); };
  const ByteView rest = bytes.subspan(begin);
  const Result<MicroBlockHeader> header = ReadMicroBlockHeader(rest);
  if (!header) return shifted(header.error());
  Decoder in(bytes, &out, begin);
  MicroBlockHeader decoded;
  DecodeField(in, "header", decoded);
  DissectColumnChecksums(in, *header);
  if (Status status = in.status(); !status) return Fail(std::move(status).error());
  const std::size_t end = begin + header->block_size();

  Bytes scratch;
  const Result<MicroBlockReader> micro = MicroBlockReader::Open(rest, compressor, scratch);
  if (header->is_compressed() || header->row_store_type != RowStoreType::kFlat) {
    if (in.position() < end) {
      out.AddFraming("payload", in.position(), end,
                     fmt::format("{}, {}: {} bytes uncompressed", NameOf(header->row_store_type),
                                 NameOf(compressor), header->data_length));
    }
    if (!micro) return shifted(micro.error());
    if (Status status = CheckRowValues(*micro, role); !status)
      return shifted(std::move(status).error().WithOffset(in.position() - begin));
  } else {
    if (!micro) return shifted(micro.error());
    if (Status status = DissectPayload(bytes, in.position(), end, *micro, role, types, out);
        !status) {
      return Fail(std::move(status).error());
    }
  }
  node.End(end);
  return end;
}

Inspection InspectMacroBlock(ByteView block) { return MacroBlockInspector(block).Run(); }

}  // namespace obbak::format
