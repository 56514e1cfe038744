#include "format/shared_macro_block.h"

#include <algorithm>

#include "format/macro_block_header.h"
#include "format/record.h"

namespace obbak::format {

// What OceanBase's memory happens to be filled with.
constexpr std::byte kFill{0x09};

Bytes SharedMacroBlockHead() {
  MacroBlockCommonHeader header;
  header.attr = MacroBlockType::kSharedSstableData;
  Encoder out;
  EncodeValue(out, header);
  Bytes head = out.bytes();
  head.resize(kMacroBlockAlignment, kFill);
  return head;
}

Status CheckSharedMacroBlockHead(ByteView block) {
  const Result<MacroBlockCommonHeader> header = ReadMacroBlockCommonHeader(block);
  if (!header) return Fail(header.error());
  if (header->attr != MacroBlockType::kSharedSstableData || block.size() < kMacroBlockAlignment) {
    return Fail(ErrorCode::kInvalidData, "is not the head of a shared macro block");
  }
  const ByteView fill = block.subspan(MacroBlockCommonHeader::kSize,
                                      kMacroBlockAlignment - MacroBlockCommonHeader::kSize);
  const auto other = std::ranges::find_if(fill, [](std::byte b) { return b != kFill; });
  if (other == fill.end()) return {};
  return Fail(Error(ErrorCode::kInvalidData, "is not the fill byte 0x09")
                  .WithOffset(MacroBlockCommonHeader::kSize +
                              static_cast<std::size_t>(other - fill.begin())));
}

}  // namespace obbak::format
