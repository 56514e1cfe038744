// Any bytes: no reader crashes, and what opens can be walked, sought and inspected.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "format/macro_block_inspection.h"
#include "format/macro_block_reader.h"
#include "format/vector_record.h"

namespace obbak::format {
namespace {

void Walk(const MacroBlockReader& reader) {
  MacroBlockCursor cursor(reader);
  std::size_t rows = 0;
  Status status = cursor.SeekToFirst();
  for (; status && cursor.Valid(); status = cursor.Next()) ++rows;
  if (status && rows != reader.row_count()) std::abort();
  if (!status || !cursor.SeekToLast()) return;
  const std::vector<Datum> key(
      cursor.cells().begin(),
      cursor.cells().begin() + static_cast<std::ptrdiff_t>(reader.rowkey().size()));
  static_cast<void>(cursor.Seek(key));
}

void Test(ByteView block) {
  const Inspection inspection = InspectMacroBlock(block);
  if (inspection.findings.empty() && !ExpectEveryByteNamed(inspection.dissection, block.size()))
    std::abort();
  const Result<MacroBlockReader> reader = MacroBlockReader::Open(block);
  if (!reader) return;
  static_cast<void>(reader->VerifyColumnChecksums());
  Walk(*reader);
}

}  // namespace
}  // namespace obbak::format

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  obbak::format::Test(std::as_bytes(std::span(data, size)));
  return 0;
}
