#include "format/sstable_desc.h"

#include <fmt/format.h>

#include <algorithm>

#include "format/flat_row.h"
#include "format/macro_meta.h"

namespace obbak::format {

Status SstableDesc::Check() const {
  const auto refuse = [](std::string message) {
    return Fail(ErrorCode::kInvalidArgument, std::move(message));
  };
  if (tablet_id.value == 0) return refuse("an SSTable needs a tablet id");
  if (schema.rowkey_count <= RowSchema::kHiddenColumns ||
      schema.rowkey_count > schema.columns.size() || schema.rowkey_count >= kMaxFlatRowkeyColumns ||
      schema.columns.size() > kMaxFlatRowColumns) {
    return refuse(
        fmt::format("{} columns with {} key columns", schema.columns.size(), schema.rowkey_count));
  }
  if (!std::ranges::all_of(schema.rowkey(), HasKnownOrder))
    return refuse("a key column has a type or collation whose order is unknown");
  if (logical_version() <= 0) return refuse(fmt::format("version {}", logical_version()));
  if (macro_block_size > kMacroBlockSize || macro_block_size % kMacroBlockAlignment != 0 ||
      macro_store_size > macro_block_size || micro_block_size < 1 ||
      micro_block_size > macro_block_size) {
    return refuse(fmt::format("micro blocks of {} bytes in macro blocks of {} ({})",
                              micro_block_size, macro_block_size, macro_store_size));
  }
  // Headers, index and meta must leave room for rows.
  const std::size_t overhead =
      MacroBlockHeaders::SizeFor(schema.rowkey_count, schema.columns.size()) +
      MaxMacroMetaSize(schema.columns.size(), has_column_checksums());
  if (overhead > macro_block_size / 2)
    return refuse(
        fmt::format("headers of {} bytes in macro blocks of {}", overhead, macro_block_size));
  if (const Result<const Compressor*> codec = Compressor::Of(compressor); !codec)
    return Fail(codec.error());
  return {};
}

}  // namespace obbak::format
