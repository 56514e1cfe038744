// Decoding of macro block headers with names for the dissection. For the files that read or inspect
// macro blocks, not for their users.
#pragma once

#include "format/decoder.h"
#include "format/macro_block_header.h"

namespace obbak::format {

// Reads both headers and the arrays as the nodes "common_header" and "macro_header", and checks
// what each field must be; does not check the payload's checksum.
void DecodeMacroBlockHeaders(Decoder& in, MacroBlockHeaders& headers);

}  // namespace obbak::format
