// Any bytes as the payload of a micro block whose checksums are right, so that rows and row index
// are reached: nothing crashes, and rows that read back are the same column by column.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "format/crc32c.h"
#include "format/macro_block_inspection.h"
#include "format/micro_block_reader.h"
#include "format/record.h"

namespace obbak::format {
namespace {

// The input's first bytes are header fields, the rest is the payload.
struct Knobs {
  std::uint8_t columns;
  std::uint8_t keys;
  std::uint8_t rows;
  std::uint8_t compressor;
  std::uint32_t index_begin;
};

void ReadRows(const MicroBlockReader& micro) {
  std::vector<Datum> cells(micro.header().column_count);
  for (std::size_t i = 0; i < micro.row_count(); ++i) {
    const Result<FlatRow> row = micro.Row(i);
    if (!row || !row->ReadCells(cells)) continue;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      const Result<Datum> cell = row->Cell(c);
      if (!cell || !(*cell == cells[c])) std::abort();
    }
  }
}

void Test(ByteView input) {
  Knobs knobs;
  if (input.size() < sizeof(knobs)) return;
  std::memcpy(&knobs, input.data(), sizeof(knobs));
  const ByteView payload = input.subspan(sizeof(knobs));
  MicroBlockHeader header;
  header.column_count = knobs.columns;
  header.rowkey_column_count = knobs.keys;
  header.row_count = knobs.rows;
  header.row_offset = MicroBlockHeader::kSize + knobs.index_begin % (1U << 20);
  header.data_zlength = static_cast<std::int32_t>(payload.size());
  const bool is_compressed = knobs.compressor > 1;
  header.data_length = is_compressed ? 4 * header.data_zlength + 1 : header.data_zlength;
  header.original_length = header.data_length;
  header.data_checksum = static_cast<std::int64_t>(Crc64(payload));
  header.header_checksum = header.ComputeChecksum({});
  Bytes block = *EncodeRecord(header);
  block.insert(block.end(), payload.begin(), payload.end());

  const auto compressor = static_cast<CompressorType>(knobs.compressor);
  Bytes scratch;
  const Result<MicroBlockReader> micro = MicroBlockReader::Open(block, compressor, scratch);
  if (micro) ReadRows(*micro);
  for (const MicroBlockRole role :
       {MicroBlockRole::kData, MicroBlockRole::kIndex, MicroBlockRole::kMacroMeta}) {
    Dissection dissection;
    static_cast<void>(DissectMicroBlock(block, 0, "micro", role, compressor, {}, dissection));
  }
}

}  // namespace
}  // namespace obbak::format

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  obbak::format::Test(std::as_bytes(std::span(data, size)));
  return 0;
}
