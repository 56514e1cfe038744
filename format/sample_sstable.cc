#include "format/sample_sstable.h"

#include <fmt/format.h>

#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "format/flat_row.h"
#include "format/obj.h"
#include "format/sample_tenant.h"

namespace obbak::format {
namespace {

using namespace sample;

std::int64_t VersionOf(std::int64_t account) {
  const bool updated = account >= kFirstUpdated && account < kFirstUpdated + kUpdated;
  return static_cast<std::int64_t>((updated ? kUpdateScn : kInsertScn).value);
}

class KeepingSink final : public MacroBlockSink {
 public:
  explicit KeepingSink(std::vector<SampleBlock>& blocks) : blocks_(blocks) {}
  Result<MacroBlockId> Allocate() override {
    ++allocated_;
    return MacroBlockId{.first = 0, .second = 100 + allocated_, .third = 0};
  }
  Status Write(const MacroBlockId&, const Block& block) override {
    blocks_.push_back({block.type, Bytes(block.bytes.begin(), block.bytes.end()), block.used});
    return {};
  }

 private:
  std::int64_t allocated_ = 0;
  std::vector<SampleBlock>& blocks_;
};

Result<SstableDesc> Describe(MergeType merge, CompressorType compressor) {
  constexpr std::array kColumns = {ObjMeta::BigInt(), ObjMeta::Varchar(), ObjMeta::BigInt()};
  Result<RowSchema> schema = RowSchema::Create(kColumns, 1);
  if (!schema) return Fail(schema.error());
  SstableDesc desc;
  desc.tablet_id = kTablet;
  desc.merge_type = merge;
  desc.schema = *std::move(schema);
  desc.compressor = compressor;
  desc.snapshot_version = static_cast<std::int64_t>(kSnapshotScn.value);
  desc.end_scn = static_cast<std::int64_t>(kSnapshotScn.value);
  desc.schema_version = static_cast<std::uint64_t>(kSchemaVersion);
  desc.progressive_merge_round = 1;
  desc.micro_block_size = 512;
  desc.macro_block_size = kMacroBlockAlignment;
  desc.macro_store_size = kMacroBlockAlignment;
  return desc;
}

Status AppendRows(const SstableDesc& desc, std::int64_t rows, MacroBlockWriter& writer) {
  RowFlags flags;
  if (desc.is_multi_version())
    flags.mvcc.bits = MvccFlags::kFirst | MvccFlags::kCompacted | MvccFlags::kLast;
  for (std::int64_t account = 1; account <= rows; ++account) {
    const std::string owner = SampleOwner(account);
    const std::array cells = {Datum::Int(account), Datum::Int(-VersionOf(account)), Datum::Int(0),
                              Datum::Of(AsByteView(owner)), Datum::Int(SampleBalance(account))};
    if (Status status = writer.Append({flags, cells}); !status) return status;
  }
  return writer.Finish();
}

std::string_view KindName(MacroBlockType type) {
  switch (type) {
    case MacroBlockType::kSstableData:
      return "data";
    case MacroBlockType::kSstableIndex:
      return "index";
    default:
      return "meta";
  }
}

}  // namespace

StorageSchema SampleStorageSchema() {
  ObjMeta bigint = IntObj(0).meta;
  const ObjMeta varchar{.type = ObjType::kVarchar, .cs_level = 2, .cs_type = 46, .scale = -1};
  return PlainTableSchema(
      {{.type = bigint, .is_rowkey = true}, {.type = varchar}, {.type = bigint}}, kSchemaVersion,
      RowStoreType::kFlat, CompressorType::kNone);
}

std::string SampleOwner(std::int64_t account) {
  constexpr std::array<std::string_view, 4> kNames = {"Ada", "Edsger", "Grace", "Barbara"};
  return fmt::format("{} {}", kNames[static_cast<std::size_t>(account) % kNames.size()], account);
}
std::int64_t SampleBalance(std::int64_t account) { return account * account * 100 - 3'000; }

Result<SampleSstable> BuildSampleSstable(MergeType merge, CompressorType compressor,
                                         std::int64_t rows) {
  Result<SstableDesc> desc = Describe(merge, compressor);
  if (!desc) return Fail(desc.error());
  const Result<const Compressor*> codec = Compressor::Of(compressor);
  if (!codec) return Fail(codec.error());
  SampleSstable sstable;
  sstable.desc = *desc;
  KeepingSink sink(sstable.blocks);
  Result<MacroBlockWriter> writer = MacroBlockWriter::Create(*desc, sink);
  if (!writer) return Fail(writer.error());
  if (Status status = AppendRows(*desc, rows, *writer); !status)
    return Fail(std::move(status).error());
  sstable.data_blocks = writer->TakeBlocks();
  SstableIndexBuilder builder(*desc, sink, **codec);
  for (const DataBlockInfo& block : sstable.data_blocks) {
    if (Status status = builder.Add(block); !status) return Fail(std::move(status).error());
  }
  Result<SstableIndex> index = builder.Finish();
  if (!index) return Fail(index.error());
  sstable.index = *std::move(index);
  return sstable;
}

Result<std::vector<SampleFile>> SampleMacroBlocks() {
  struct Kind {
    std::string_view name;
    MergeType merge;
    CompressorType compressor;
  };
  constexpr Kind kKinds[] = {{"minor", MergeType::kMinor, CompressorType::kNone},
                             {"minor_lz4", MergeType::kMinor, CompressorType::kLz4},
                             {"major", MergeType::kMajor, CompressorType::kNone},
                             {"major_zstd", MergeType::kMajor, CompressorType::kZstd138}};
  // As many as give each tree a level outside of its root.
  constexpr std::int64_t kRows = 6'000;
  std::vector<SampleFile> files;
  for (const Kind& kind : kKinds) {
    const Result<SampleSstable> sstable = BuildSampleSstable(kind.merge, kind.compressor, kRows);
    if (!sstable) return Fail(sstable.error());
    std::set<MacroBlockType> seen;
    for (const SampleBlock& block : sstable->blocks) {
      if (!seen.insert(block.type).second) continue;
      files.push_back({fmt::format("engine/macro_block/{}_{}.mb", kind.name, KindName(block.type)),
                       block.bytes});
    }
  }
  return files;
}

}  // namespace obbak::format
