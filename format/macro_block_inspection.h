// What `inspect` shows of rows, micro blocks and macro blocks: every byte with a name.
// docs/spec/macro-block.md.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "format/column.h"
#include "format/compressor.h"
#include "format/dissection.h"
#include "format/inspection.h"

namespace obbak::format {

// What the last column of a micro block's rows is.
enum class MicroBlockRole { kData, kIndex, kMacroMeta };

// Adds the node `name` for the row at bytes begin..end of `bytes`. `types` may cover fewer columns
// than the row has; the rest is shown as numbers and texts by their length.
Status DissectFlatRow(ByteView bytes, std::size_t begin, std::size_t end, std::string name,
                      MicroBlockRole role, std::span<const ObjMeta> types, Dissection& out);

// Adds the node `name` for the micro block that begins at `begin`, and returns where it ends. A
// compressed payload is one node: its cells have no bytes of their own.
Result<std::size_t> DissectMicroBlock(ByteView bytes, std::size_t begin, std::string name,
                                      MicroBlockRole role, CompressorType compressor,
                                      std::span<const ObjMeta> types, Dissection& out);

// A whole macro block, good or damaged, as stored (with its padding) or without padding. Top nodes:
// common_header, macro_header, micro_blocks, leaf_index, macro_meta, padding. The blocks nested in
// a shared macro block, which are macro blocks of their own, and the payloads of kinds without rows
// are one node.
Inspection InspectMacroBlock(ByteView block);

}  // namespace obbak::format
