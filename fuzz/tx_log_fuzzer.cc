// Whatever reads as a transaction log block is written back and reads the same; the dissection of
// any bytes names each of them once.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>

#include "format/mutator.h"
#include "format/tx_log_block.h"
#include "format/tx_log_inspection.h"

namespace {

using namespace obbak::format;

// Reads all logs of `block`; nothing when one does not decode.
std::optional<obbak::Bytes> Rewrite(obbak::ByteView block) {
  auto reader = TxLogBlockReader::Open(block);
  if (!reader) return std::nullopt;
  TxLogBlockBuilder builder(reader->header());
  for (;;) {
    const auto view = reader->Next();
    if (!view) return std::nullopt;
    if (!*view) break;
    const auto log = DecodeTxLog(**view);
    if (!log) return std::nullopt;
    builder.Add(*log);
  }
  auto written = std::move(builder).Finish();
  if (!written) return std::nullopt;
  return std::move(*written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const obbak::ByteView block = std::as_bytes(std::span(data, size));
  // The first writing may drop what a newer writer added; after that nothing changes any more.
  if (const auto once = Rewrite(block)) {
    const auto twice = Rewrite(*once);
    if (!twice || *twice != *once) std::abort();
  }

  const Inspection inspection = InspectTxLogBlock(block);
  std::size_t at = 0;
  for (const Segment& segment : Segments(inspection.dissection)) {
    if (segment.begin != at || segment.end < at || segment.end > size) std::abort();
    at = segment.end;
  }
  if (inspection.findings.empty() && at != size) std::abort();

  if (const auto lines = SummarizeTxLogBlock(block)) {
    for (const TxLogLine& line : *lines) {
      if (line.offset + line.size > size) std::abort();
    }
  }
  if (const auto changes = RowChangesOf(block)) {
    for (const RowChange& change : *changes) {
      if (ToText(change).empty()) std::abort();
    }
  }
  return 0;
}
