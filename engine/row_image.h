// Rows as redo logs and MemTables carry them: a flat row for the cells, objects for the key.
// docs/spec/clog-and-archive.md §12, §13.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "engine/arena.h"
#include "format/datum.h"
#include "format/dml_flag.h"
#include "format/flat_row.h"
#include "format/obj.h"

namespace obbak::engine {

// The columns of a table as its rows are stored: key columns first. The two hidden columns of
// SSTables (format::RowSchema) are not among them.
struct StoredColumns {
  std::vector<format::ObjMeta> types;
  std::size_t key_count = 0;

  std::size_t size() const { return types.size(); }
  std::span<const format::ObjMeta> key() const { return std::span(types).first(key_count); }
};

// How many columns an image holds: of a deletion or a lock only the key.
std::size_t ImageColumns(const StoredColumns& columns, format::DmlFlag dml);

// Success when `cells` can be written as a change of a row: as many as ImageColumns says, or more,
// of which the rest is not looked at; a key with a known order, within its types' ranges; lengths
// that fit the types. kInvalidArgument, kInvalidData, kNotSupported, with the column's number as
// the field.
Status CheckRow(const StoredColumns& columns, format::DmlFlag dml,
                std::span<const format::Datum> cells);

// The image of a change, appended to `arena`. `cells` passed CheckRow. A NOP cell says that an
// update leaves the column as it was.
ByteView EncodeRowImage(const StoredColumns& columns, format::DmlFlag dml,
                        std::span<const format::Datum> cells, Arena& arena);

// Reads images of one table, quicker than one by one.
class RowImageReader {
 public:
  // `columns` must outlive the reader.
  explicit RowImageReader(const StoredColumns& columns) : columns_(columns) {}

  // The cells of an image; they point into it. `cells` has columns.size() elements. Columns that
  // the image does not hold, and those beyond the key of a deletion or lock even when it does,
  // become NOP. kInvalidData when the image isn't one of such a row; what is in the cells is not
  // checked.
  Status Read(format::DmlFlag dml, ByteView image, std::span<format::Datum> cells);

 private:
  const StoredColumns& columns_;
  format::FlatRow row_;
};

// As RowImageReader::Read of an image from somebody's log: the cells are ones that CheckRow
// accepts.
Status DecodeRowImage(const StoredColumns& columns, format::DmlFlag dml, ByteView image,
                      std::span<format::Datum> cells);

// The key as the redo's objects, which borrow the cells' texts: `cells` must outlive them.
// `objects` has key_count elements.
void KeyToObjects(const StoredColumns& columns, std::span<const format::Datum> cells,
                  std::span<format::ObjView> objects);

// The cells that `objects` stand for, inverse of KeyToObjects. Values that are not stored as the
// object has them are put into `arena`; texts keep pointing to where the objects' do. `cells` has
// key_count elements. kInvalidData when number or types of the objects don't fit the key.
Status KeyFromObjects(const StoredColumns& columns, std::span<const format::ObjView> objects,
                      Arena& arena, std::span<format::Datum> cells);

}  // namespace obbak::engine
