// Decoding of the records in a macro block with names for the dissection. For the files that read
// or inspect macro blocks, not for their users.
#pragma once

#include "format/decoder.h"
#include "format/index_row.h"
#include "format/macro_block_header.h"
#include "format/macro_meta.h"

namespace obbak::format {

// Reads both headers and the arrays as the nodes "common_header" and "macro_header", and checks
// what each field must be; does not check the payload's checksum.
void DecodeMacroBlockHeaders(Decoder& in, MacroBlockHeaders& headers);

// Node "value": the rest of `in` is one.
void DecodeIndexRowValue(Decoder& in, IndexRowValue& value);
void DecodeMacroMeta(Decoder& in, MacroMeta& meta);

}  // namespace obbak::format
