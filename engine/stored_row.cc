#include "engine/stored_row.h"

#include <fmt/format.h>

#include <algorithm>

namespace obbak::engine {

Status StoredRow::Read(const format::MicroBlockReader& block, std::size_t row) {
  if (block.header().column_count != cells_.size() ||
      block.header().rowkey_column_count != schema_.rowkey_count) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("rows of {} columns with {} key columns; the SSTable has {} with {}",
                            block.header().column_count, block.header().rowkey_column_count,
                            cells_.size(), schema_.rowkey_count));
  }
  if (Status status = block.ReadRow(row, flat_); !status) return status;
  if (Status status = flat_.ReadCells(cells_); !status) return status;
  flags_ = flat_.flags();
  if (flags_.mvcc.Has(format::MvccFlags::kUncommitted))
    return Fail(ErrorCode::kNotSupported, "the row had not been committed");
  const format::Datum& trans_version = cells_[schema_.trans_version_column()];
  if (!trans_version.is_word())
    return Fail(ErrorCode::kInvalidData, "the row's trans_version is no number");
  version_.commit_version = -trans_version.AsInt();
  version_.dml = flags_.dml;
  // The key moves over the hidden columns, so that the others follow it.
  constexpr std::size_t kHidden = format::RowSchema::kHiddenColumns;
  const auto key_end = cells_.begin() + static_cast<std::ptrdiff_t>(schema_.rowkey_count - kHidden);
  std::copy_backward(cells_.begin(), key_end, key_end + kHidden);
  version_.cells = std::span<const format::Datum>(cells_).subspan(kHidden);
  return {};
}

}  // namespace obbak::engine
