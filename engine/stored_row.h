// StoredRow: a row of a data micro block, as a version of that row.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <span>

#include "base/result.h"
#include "engine/row_iterator.h"
#include "format/column.h"
#include "format/flat_row.h"
#include "format/micro_block_reader.h"

namespace obbak::engine {

// To be read again and again; the cells live as long as the micro block, or until the next Read.
class StoredRow {
 public:
  // `schema` must outlive it.
  explicit StoredRow(const format::RowSchema& schema)
      : schema_(schema), cells_(schema.columns.size()) {}

  // Precondition: row < block.row_count(). kInvalidData when the block's columns are not the
  // schema's; kNotSupported for a row that had not been committed.
  Status Read(const format::MicroBlockReader& block, std::size_t row);

  const RowVersion& version() const { return version_; }
  // The fields of version() that the row's key is made of.
  std::span<const format::Datum> key() const {
    return version_.cells.first(schema_.rowkey_count - format::RowSchema::kHiddenColumns);
  }
  bool is_shadow() const { return flags_.mvcc.Has(format::MvccFlags::kShadow); }
  // Stands for no version of a row.
  bool is_ghost() const { return flags_.mvcc.Has(format::MvccFlags::kGhost); }

 private:
  const format::RowSchema& schema_;
  format::FlatRow flat_;
  format::RowFlags flags_;
  boost::container::small_vector<format::Datum, 16> cells_;
  RowVersion version_;
};

}  // namespace obbak::engine
