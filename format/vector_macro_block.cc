#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "format/block_json.h"
#include "format/macro_block_builder.h"
#include "format/macro_block_reader.h"
#include "format/macro_block_writer.h"
#include "format/record_json.h"
#include "format/shared_macro_block.h"
#include "format/sstable_scenario.h"
#include "format/vector_checks.h"
#include "format/vector_record.h"

namespace obbak::format {
namespace {

namespace json = boost::json;

// Gives back the payloads that a vector has stored, so that everything around a compressed payload
// can be compared byte for byte: OceanBase's versions of lz4 and zstd compress to other bytes than
// the system's.
class ReplayCompressor final : public Compressor {
 public:
  explicit ReplayCompressor(CompressorType type) : type_(type) {}

  // Learns the micro block that begins at `bytes`.
  Status Learn(ByteView bytes) {
    const Result<MicroBlockHeader> header = ReadMicroBlockHeader(bytes);
    if (!header) return Fail(header.error());
    Bytes scratch;
    const Result<ByteView> plain = ReadMicroBlockPayload(*header, bytes, type_, scratch);
    if (!plain) return Fail(plain.error());
    const ByteView stored =
        bytes.subspan(header->header_size, static_cast<std::size_t>(header->data_zlength));
    known_.emplace_back(Bytes(plain->begin(), plain->end()), Bytes(stored.begin(), stored.end()));
    return {};
  }

  CompressorType type() const override { return type_; }
  std::size_t Bound(std::size_t size) const override { return size; }
  Result<std::size_t> Compress(ByteView in, std::span<std::byte> out) const override {
    for (const auto& [plain, stored] : known_) {
      if (!std::ranges::equal(plain, in)) continue;
      std::ranges::copy(stored, out.begin());
      return stored.size();
    }
    return Fail(ErrorCode::kInvalidData,
                fmt::format("a payload of {} bytes that the vector does not have", in.size()));
  }
  Status Decompress(ByteView, std::span<std::byte>) const override {
    return Fail(ErrorCode::kNotSupported, "replays compression only");
  }

 private:
  CompressorType type_;
  std::vector<std::pair<Bytes, Bytes>> known_;
};

// The last cell of an index or meta row, decoded and encoded again.
Result<Bytes> Reencode(const Datum& cell, MicroBlockRole role) {
  if (role == MicroBlockRole::kIndex) {
    const Result<IndexRowValue> value = DecodeIndexRowValue(cell.bytes());
    if (!value) return Fail(value.error());
    return EncodeIndexRowValue(*value);
  }
  if (role == MicroBlockRole::kMacroMeta) {
    const Result<MacroMeta> value = DecodeMacroMeta(cell.bytes());
    if (!value) return Fail(value.error());
    return EncodeMacroMeta(*value);
  }
  return Bytes();
}

// The rows of one micro block, encoded anew.
Result<SealedMicroBlock> Rewrite(const MicroBlockReader& micro, MicroBlockRole role,
                                 const Compressor& compressor, MicroBlockWriter& writer) {
  std::vector<Datum> cells(micro.header().column_count);
  for (std::size_t i = 0; i < micro.row_count(); ++i) {
    const Result<FlatRow> row = micro.Row(i);
    if (!row) return Fail(row.error());
    if (Status status = row->ReadCells(cells); !status) return Fail(std::move(status).error());
    const Result<Bytes> value = Reencode(cells.back(), role);
    if (!value) return Fail(value.error());
    if (role != MicroBlockRole::kData) cells.back() = Datum::Of(*value);
    if (Status status = writer.Append({row->flags(), cells}); !status)
      return Fail(std::move(status).error());
  }
  return writer.Seal(compressor, micro.header().max_merged_trans_version);
}

MicroBlockWriter WriterLike(const MicroBlockHeader& header) {
  return {header.column_count, header.rowkey_column_count, header.has_column_checksum()};
}

Status CheckCells(const json::array& expected, const FlatRow& row) {
  std::vector<Datum> cells(row.column_count());
  if (Status status = row.ReadCells(cells); !status) return status;
  if (cells.size() != expected.size()) return Fail(ErrorCode::kInvalidData, "number of columns");
  std::vector<Bytes> texts;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const Result<Datum> cell = CellFromJson(expected[i], texts);
    if (!cell) return Fail(cell.error());
    const Result<Datum> alone = row.Cell(i);
    if (!alone) return Fail(alone.error());
    if (!(*cell == cells[i]) || !(*cell == *alone))
      return Fail(ErrorCode::kInvalidData, fmt::format("column {} has another value", i));
  }
  return {};
}

std::int64_t Int(const json::object& object, std::string_view key) {
  return static_cast<std::int64_t>(IntegerFromJson(object.at(key)).value_or(0));
}

Result<ScenarioRow> RowFromCells(const json::array& cells, RowFlags flags) {
  ScenarioRow row{.flags = flags, .cells = {}, .texts = {}};
  for (const json::value& json : cells) {
    const Result<Datum> cell = CellFromJson(json, row.texts);
    if (!cell) return Fail(cell.error());
    row.cells.push_back(*cell);
  }
  return row;
}

Status CheckFlatRow(const Vector& vector) {
  const json::object& fields = vector.fields;
  const json::array& columns = fields.at("columns").as_array();
  const RowFlags flags{.dml = static_cast<DmlFlag>(Int(fields, "dml_flag")),
                       .insert_delete = false,
                       .mvcc = {static_cast<std::uint8_t>(Int(fields, "multi_version_flag"))},
                       .trans_id = Int(fields, "trans_id")};
  const Result<ScenarioRow> row = RowFromCells(columns, flags);
  if (!row) return Fail(row.error());
  Bytes encoded(MaxFlatRowSize(row->cells));
  encoded.resize(
      WriteFlatRow(row->view(), static_cast<std::size_t>(Int(fields, "rowkey_cnt")), encoded));
  if (Status status = ExpectBytes(vector, encoded); !status) return status;

  const Result<FlatRow> read = FlatRow::Open(vector.bytes);
  if (!read) return Fail(read.error());
  if (!(read->flags() == flags)) return Fail(ErrorCode::kInvalidData, "the row's flags differ");
  if (Status status = CheckCells(columns, *read); !status) return status;
  Dissection dissection;
  if (Status status = DissectFlatRow(vector.bytes, 0, vector.bytes.size(), "row",
                                     MicroBlockRole::kData, {}, dissection);
      !status) {
    return status;
  }
  json::object header = fields.at("row_header").as_object();
  for (const std::string_view computed : {"offset_type", "single_cluster", "size_of_header"})
    header.erase(computed);
  if (Status status = ExpectFields(header, ToJson(dissection, "row.header")); !status)
    return status;
  return ExpectEveryByteNamed(dissection, vector.bytes.size());
}

Status CheckRows(const json::array& rows, const MicroBlockReader& micro) {
  if (rows.size() != micro.row_count()) return Fail(ErrorCode::kInvalidData, "number of rows");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Result<FlatRow> row = micro.Row(i);
    if (!row) return Fail(row.error());
    if (Status status = CheckCells(rows[i].as_array(), *row); !status) return status;
  }
  return {};
}

Status CheckMicroBlock(const Vector& vector) {
  const json::object& fields = vector.fields;
  const json::array& rows = fields.at("rows").as_array();
  const RowFlags flags{
      .mvcc = {static_cast<std::uint8_t>(Int(fields, "multi_version_flag_of_rows"))}};
  MicroBlockWriter writer(rows.at(0).as_array().size(),
                          static_cast<std::size_t>(Int(fields, "rowkey_cnt")),
                          fields.at("is_major").as_bool());
  for (const json::value& cells : rows) {
    const Result<ScenarioRow> row = RowFromCells(cells.as_array(), flags);
    if (!row) return Fail(row.error());
    if (Status status = writer.Append(row->view()); !status) return status;
  }
  const Result<SealedMicroBlock> sealed = writer.Seal(**Compressor::Of(CompressorType::kNone));
  if (!sealed) return Fail(sealed.error());
  if (Status status = ExpectBytes(vector, Bytes(sealed->bytes.begin(), sealed->bytes.end()));
      !status) {
    return status;
  }
  Bytes scratch;
  const Result<MicroBlockReader> read =
      MicroBlockReader::Open(vector.bytes, CompressorType::kNone, scratch);
  if (!read) return Fail(read.error());
  if (Status status = CheckRows(rows, *read); !status) return status;
  if (Status status =
          ExpectFields(fields.at("header"),
                       ToJson(read->header(), ReadColumnChecksums(read->header(), vector.bytes)));
      !status) {
    return status;
  }
  Dissection dissection;
  const Result<std::size_t> end = DissectMicroBlock(
      vector.bytes, 0, "micro_block", MicroBlockRole::kData, CompressorType::kNone, {}, dissection);
  if (!end) return Fail(end.error());
  return ExpectEveryByteNamed(dissection, vector.bytes.size());
}

// The vectors list some of the first rows only, and none of data micro blocks.
Status CheckDecoded(const json::value& described, ByteView bytes, const MicroBlockReader& micro,
                    MicroBlockRole role) {
  json::object expected = described.as_object();
  const std::size_t listed = expected.at("rows").as_array().size();
  if (role == MicroBlockRole::kData) expected.erase("rows");
  const Result<json::object> decoded = MicroBlockToJson(bytes, micro, role, listed);
  if (!decoded) return Fail(decoded.error());
  return ExpectFields(expected, *decoded);
}

// A root kept inside an SSTable meta: always uncompressed.
Status CheckRoot(const Vector& vector, MicroBlockRole role) {
  Bytes scratch;
  const Result<MicroBlockReader> read =
      MicroBlockReader::Open(vector.bytes, CompressorType::kNone, scratch);
  if (!read) return Fail(read.error());
  if (Status status = CheckDecoded(vector.fields.at("decoded"), vector.bytes, *read, role); !status)
    return status;
  MicroBlockWriter writer = WriterLike(read->header());
  const Result<SealedMicroBlock> sealed =
      Rewrite(*read, role, **Compressor::Of(CompressorType::kNone), writer);
  if (!sealed) return Fail(sealed.error());
  if (Status status = ExpectBytes(vector, Bytes(sealed->bytes.begin(), sealed->bytes.end()));
      !status) {
    return status;
  }
  Dissection dissection;
  const Result<std::size_t> end = DissectMicroBlock(vector.bytes, 0, "micro_block", role,
                                                    CompressorType::kNone, {}, dissection);
  if (!end) return Fail(end.error());
  return ExpectEveryByteNamed(dissection, vector.bytes.size());
}

Status CheckMetaTreeRoot(const Vector& vector) {
  const bool has_metas = vector.fields.at("is_meta_root").as_bool();
  return CheckRoot(vector, has_metas ? MicroBlockRole::kMacroMeta : MicroBlockRole::kIndex);
}

// --- Macro blocks ---

MicroBlockRole RoleOf(MacroBlockType type) {
  if (type == MacroBlockType::kSstableIndex) return MicroBlockRole::kIndex;
  return type == MacroBlockType::kSstableMacroMeta ? MicroBlockRole::kMacroMeta
                                                   : MicroBlockRole::kData;
}

// What the writer of the block was told, as far as the block says.
SstableDesc DescOf(const MacroBlockReader& block, bool has_column_checksums, bool is_major_node) {
  const SstableMacroHeader& header = block.headers().sstable;
  SstableDesc desc;
  desc.tablet_id = header.tablet_id;
  desc.merge_type = has_column_checksums
                        ? MergeType::kMajor
                        : (is_major_node ? MergeType::kMetaMajor : MergeType::kMinor);
  desc.schema.rowkey_count = block.rowkey().size();
  desc.schema.columns = block.headers().column_types;
  if (block.type() == MacroBlockType::kSstableData)
    desc.schema.columns.resize(static_cast<std::size_t>(header.column_count));
  desc.compressor = header.compressor_type;
  desc.snapshot_version = header.logical_version;
  desc.end_scn = header.logical_version;
  desc.micro_block_size = desc.macro_block_size;
  if (const std::optional<MacroMeta>& meta = block.meta()) {
    desc.snapshot_version = meta->snapshot_version;
    desc.schema_version = meta->schema_version;
    desc.progressive_merge_round = meta->progressive_merge_round;
  }
  return desc;
}

// From the rows alone, by the writer that the engine uses.
Result<Bytes> RewriteData(const MacroBlockReader& block, const SstableDesc& desc,
                          const Compressor& compressor) {
  RecordingSink sink;
  Result<MacroBlockWriter> writer =
      MacroBlockWriter::Create(desc, sink, block.headers().sstable.data_seq, &compressor);
  if (!writer) return Fail(writer.error());
  MacroBlockCursor cursor(block);
  Status status = cursor.SeekToFirst();
  for (const MacroBlockReader::MicroBlock& micro : block.micro_blocks()) {
    for (std::size_t i = 0; i < micro.row_count && status; ++i) {
      status = writer->Append(cursor.row());
      if (status) status = cursor.Next();
    }
    if (status) status = writer->FinishMicroBlock();
  }
  if (status) status = writer->Finish();
  if (!status) return Fail(std::move(status).error());
  const RecordingSink::Kept& kept = sink.blocks().at(0);
  return Bytes(kept.bytes.begin(), kept.bytes.begin() + static_cast<std::ptrdiff_t>(kept.used));
}

// Micro block by micro block, for blocks without leaf index and macro meta.
Result<Bytes> RewriteParts(const MacroBlockReader& block, const SstableDesc& desc,
                           const Compressor& compressor) {
  MacroBlockBuilder builder(desc, block.type());
  builder.Open(block.headers().sstable.data_seq);
  for (std::size_t i = 0; i < block.micro_blocks().size(); ++i) {
    Bytes scratch;
    const Result<MicroBlockReader> micro = block.OpenMicroBlock(i, scratch);
    if (!micro) return Fail(micro.error());
    MicroBlockWriter writer = WriterLike(micro->header());
    const Result<SealedMicroBlock> sealed =
        Rewrite(*micro, RoleOf(block.type()), compressor, writer);
    if (!sealed) return Fail(sealed.error());
    builder.Append(*sealed);
  }
  const Result<MacroBlockSink::Block> built = builder.Finish(nullptr, nullptr);
  if (!built) return Fail(built.error());
  return Bytes(built->bytes.begin(),
               built->bytes.begin() + static_cast<std::ptrdiff_t>(built->used));
}

Result<Bytes> RewriteMacroBlock(ByteView bytes, const MacroBlockReader& block) {
  const SstableMacroHeader& header = block.headers().sstable;
  ReplayCompressor compressor(header.compressor_type);
  std::vector<std::size_t> offsets;
  for (const MacroBlockReader::MicroBlock& micro : block.micro_blocks())
    offsets.push_back(micro.offset);
  if (header.idx_block_size != 0)
    offsets.push_back(static_cast<std::size_t>(header.idx_block_offset));
  if (header.meta_block_size != 0)
    offsets.push_back(static_cast<std::size_t>(header.meta_block_offset));
  for (const std::size_t offset : offsets) {
    if (Status status = compressor.Learn(bytes.subspan(offset)); !status)
      return Fail(std::move(status).error());
  }
  Bytes scratch;
  const Result<MicroBlockReader> first = block.OpenMicroBlock(0, scratch);
  if (!first) return Fail(first.error());
  const bool has_column_checksums = first->header().has_column_checksum();
  if (!block.meta()) {
    return RewriteParts(block, DescOf(block, has_column_checksums, has_column_checksums),
                        compressor);
  }
  Bytes leaf_scratch;
  const Result<MicroBlockReader> leaf = block.OpenLeafIndex(leaf_scratch);
  if (!leaf) return Fail(leaf.error());
  const Result<FlatRow> row = leaf->Row(0);
  if (!row) return Fail(row.error());
  const Result<Datum> cell = row->Cell(row->column_count() - 1);
  if (!cell) return Fail(cell.error());
  const Result<IndexRowValue> value = DecodeIndexRowValue(cell->bytes());
  if (!value) return Fail(value.error());
  return RewriteData(
      block, DescOf(block, has_column_checksums, value->header.Has(IndexRowHeader::kIsMajorNode)),
      compressor);
}

Status CheckPart(const json::object& part, ByteView bytes, MicroBlockRole role,
                 CompressorType compressor) {
  const auto offset = static_cast<std::size_t>(Int(part, "offset"));
  if (offset > bytes.size()) return Fail(ErrorCode::kInvalidData, "offset of a micro block");
  const ByteView micro_bytes = bytes.subspan(offset);
  Bytes scratch;
  const Result<MicroBlockReader> micro = MicroBlockReader::Open(micro_bytes, compressor, scratch);
  if (!micro) return Fail(micro.error());
  if (const json::value* decoded = part.if_contains("decoded"))
    return CheckDecoded(*decoded, micro_bytes, *micro, role);
  if (Status status =
          ExpectFields(part.at("header"),
                       ToJson(micro->header(), ReadColumnChecksums(micro->header(), micro_bytes)));
      !status) {
    return status;
  }
  return CheckRows(part.at("rows").as_array(), *micro);
}

bool HasHashIndex(const MacroBlockReader& block) {
  Bytes scratch;
  const Result<MicroBlockReader> micro = block.OpenMicroBlock(0, scratch);
  return micro && (micro->header().flags & MicroBlockHeader::kContainsHashIndex) != 0;
}

Status CheckMacroBlock(const Vector& vector) {
  const json::object& fields = vector.fields;
  const Result<MacroBlockReader> block = MacroBlockReader::Open(vector.bytes);
  if (!block) return Fail(block.error());
  if (Status status = block->VerifyColumnChecksums(); !status) return status;
  const CompressorType compressor = block->headers().sstable.compressor_type;
  if (Status status = ExpectFields(fields.at("common_header"), ToJson(block->headers().common));
      !status) {
    return status;
  }
  if (Status status = ExpectFields(fields.at("macro_header"), ToJson(block->headers())); !status)
    return status;
  for (const json::value& part : fields.at("micro_blocks").as_array()) {
    if (Status status =
            CheckPart(part.as_object(), vector.bytes, RoleOf(block->type()), compressor);
        !status) {
      return status;
    }
  }
  for (const auto& [key, role] : {std::pair("leaf_index_block", MicroBlockRole::kIndex),
                                  std::pair("macro_meta_block", MicroBlockRole::kMacroMeta)}) {
    const json::value* part = fields.if_contains(key);
    if (part == nullptr || !part->is_object()) continue;
    if (Status status = CheckPart(part->get_object(), vector.bytes, role, compressor); !status)
      return status;
  }
  // Hash indexes are read over, not written.
  if (!HasHashIndex(*block)) {
    if (Status status = ExpectBytes(vector, RewriteMacroBlock(vector.bytes, *block)); !status)
      return status;
  }
  const Inspection inspection = InspectMacroBlock(vector.bytes);
  if (!inspection.findings.empty()) return Fail(inspection.findings.front());
  return ExpectEveryByteNamed(inspection.dissection, vector.bytes.size());
}

Status CheckSharedMacroBlock(const Vector& vector) {
  if (Status status = ExpectBytes(vector, SharedMacroBlockHead()); !status) return status;
  if (Status status = CheckSharedMacroBlockHead(vector.bytes); !status) return status;
  const Inspection inspection = InspectMacroBlock(vector.bytes);
  if (!inspection.findings.empty()) return Fail(inspection.findings.front());
  if (Status status = ExpectFields(vector.fields.at("common_header"),
                                   ToJson(inspection.dissection, "common_header"));
      !status) {
    return status;
  }
  return ExpectEveryByteNamed(inspection.dissection, vector.bytes.size());
}

// The checks take the vectors' shape for granted; Boost.JSON throws where it is another one.
VectorCheck Guarded(VectorCheck check) {
  return [check = std::move(check)](const Vector& vector) -> Status {
    try {
      return check(vector);
    } catch (const std::exception& exception) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("the vector has another shape: {}", exception.what()));
    }
  };
}

}  // namespace

void AddMacroBlockChecks(VectorChecks& checks) {
  checks.Add("ObMacroBlockCommonHeader", CheckRecordVector<MacroBlockCommonHeader>);
  checks.Add("flat_row", Guarded(CheckFlatRow));
  checks.Add("micro_block:flat", Guarded(CheckMicroBlock));
  checks.Add("micro_block:data_tree_root", Guarded([](const Vector& vector) {
               return CheckRoot(vector, MicroBlockRole::kIndex);
             }));
  checks.Add("micro_block:macro_meta_tree_root", Guarded(CheckMetaTreeRoot));
  for (const std::string_view name :
       {"macro_block:sstable_data", "macro_block:sstable_index", "macro_block:sstable_macro_meta"})
    checks.Add(std::string(name), Guarded(CheckMacroBlock));
  checks.Add("macro_block:shared_sstable_data", Guarded(CheckSharedMacroBlock));
  checks.Add("sstable:meta", Guarded(CheckScenarioVector));
}

}  // namespace obbak::format
