#include "bench/macro_blocks.h"

#include <benchmark/benchmark.h>

#include "bench/check.h"
#include "format/macro_block_reader.h"
#include "format/macro_block_writer.h"

namespace obbak::bench {
using namespace format;

Status DroppingSink::Write(const MacroBlockId&, const Block& block) {
  benchmark::DoNotOptimize(block.bytes.data());
  return {};
}

Status KeepingSink::Write(const MacroBlockId&, const Block& block) {
  blocks.emplace_back(block.bytes.begin(), block.bytes.end());
  return {};
}

SstableDesc BlocksDesc(MergeType merge, CompressorType compressor) {
  const ObjMeta columns[] = {ObjMeta::BigInt(), ObjMeta::Varbinary()};
  SstableDesc desc;
  desc.tablet_id = {200001};
  desc.merge_type = merge;
  desc.compressor = compressor;
  desc.schema = *RowSchema::Create(columns, 1);
  desc.snapshot_version = 1'700'000'000'000'000'000;
  desc.end_scn = desc.snapshot_version;
  return desc;
}

void BuildBlocks(const SstableDesc& desc, ByteView values, MacroBlockSink& sink) {
  MacroBlockWriter writer = Check(MacroBlockWriter::Create(desc, sink));
  RowFlags flags;
  if (desc.is_multi_version())
    flags.mvcc.bits = MvccFlags::kFirst | MvccFlags::kCompacted | MvccFlags::kLast;
  for (std::size_t i = 0; i < values.size() / kBlockValueSize; ++i) {
    const Datum cells[] = {Datum::Int(static_cast<std::int64_t>(i)),
                           Datum::Int(-1'600'000'000'000'000'000), Datum::Int(0),
                           Datum::Of(values.subspan(i * kBlockValueSize, kBlockValueSize))};
    Check(writer.Append({flags, cells}));
  }
  Check(writer.Finish());
}

std::size_t ScanBlocks(const std::vector<Bytes>& blocks) {
  std::size_t rows = 0;
  for (const Bytes& block : blocks) {
    const MacroBlockReader reader = Check(MacroBlockReader::Open(block));
    MacroBlockCursor cursor(reader);
    Status status = cursor.SeekToFirst();
    for (; status && cursor.Valid(); status = cursor.Next()) {
      benchmark::DoNotOptimize(cursor.cells().data());
      ++rows;
    }
    Check(status);
  }
  return rows;
}

}  // namespace obbak::bench
