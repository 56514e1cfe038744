// MergeInput: rows on their way into a merge, walked in memory, on any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "engine/arena.h"
#include "engine/row_iterator.h"
#include "format/column.h"
#include "format/datum.h"
#include "format/dml_flag.h"
#include "format/macro_block_reader.h"

namespace obbak::engine {

// A committed version of a row; the cells are the input's.
struct MergeRow {
  // As stored, the hidden columns included.
  std::span<const format::Datum> cells;
  std::int64_t version = 0;
  format::DmlFlag dml = format::DmlFlag::kInsert;
  bool insert_delete = false;
  // The input has no other version of this key.
  bool is_only = false;
};

// One of the sorted sources of a merge. Gets its rows in pieces, which it asks for by number.
class MergeInput {
 public:
  enum class State {
    kRow,         // row() is there
    kNeedsPiece,  // piece number next_piece() is to be entered
    kEnd,
  };

  MergeInput() = default;
  MergeInput(const MergeInput&) = delete;
  MergeInput& operator=(const MergeInput&) = delete;
  virtual ~MergeInput() = default;

  State state() const { return state_; }
  // Precondition: state() is kRow. Lives until Advance.
  const MergeRow& row() const { return row_; }
  std::size_t next_piece() const { return next_piece_; }
  // Goes to the next row that matters. Precondition: state() is kRow.
  virtual Status Advance() = 0;
  // Whether the next piece is at hand; if so, enters it. Precondition: state() is kNeedsPiece.
  virtual Result<bool> Enter() = 0;

 protected:
  State state_ = State::kNeedsPiece;
  MergeRow row_;
  std::size_t next_piece_ = 0;
};

// The data macro blocks of an SSTable.
class BlockInput final : public MergeInput {
 public:
  // Rows with versions above `above` up to `upto` matter. `schema` must outlive it.
  BlockInput(const format::RowSchema& schema, std::size_t blocks, bool is_major, std::int64_t above,
             std::int64_t upto);

  // The bytes of block `index`; they live until next_piece() is above index + 1 (while rows of the
  // block are read it is index + 1) or the block was skipped.
  void Supply(std::size_t index, ByteView block);
  // Passes the next block over. Precondition: state() is kNeedsPiece.
  void Skip();

  Status Advance() override;
  Result<bool> Enter() override;

  // Whether the last blocks were all read, none skipped: then it pays to read the next one ahead.
  bool reads_on() const { return entered_in_a_row_ >= 2; }
  // After an error: the number of the block that it is about, if it is this input's.
  std::optional<std::size_t> failed_block() const { return failed_block_; }

 private:
  struct Supplied {
    std::size_t index;
    ByteView bytes;
  };

  // Views of blocks up to the next one.
  void ForgetSupplied();
  // Takes the row at the cursor, or the next one that matters.
  Status Settle();
  Status TakeRow();
  Status OpenBlock(ByteView bytes);
  Status Note(Status status);

  const format::RowSchema& schema_;
  std::size_t blocks_;
  bool is_major_;
  std::int64_t above_;
  std::int64_t upto_;
  std::vector<Supplied> supplied_;
  std::optional<format::MacroBlockReader> reader_;
  std::optional<format::MacroBlockCursor> cursor_;
  std::size_t entered_in_a_row_ = 0;
  std::optional<std::size_t> failed_block_;
};

// Rows of a RowIterator, copied, so that another thread can read them.
class MergeBatch {
 public:
  static constexpr std::size_t kCapacity = 256 << 10;

  explicit MergeBatch(const format::RowSchema& schema) : schema_(schema) {}

  void Add(const RowVersion& row);
  bool is_full() const { return bytes_ >= kCapacity; }
  bool empty() const { return rows_.empty(); }
  void Clear();

 private:
  friend class BatchInput;
  struct Row {
    std::int64_t version;
    format::DmlFlag dml;
  };

  std::span<const format::Datum> Cells(std::size_t row) const;
  std::span<const format::Datum> Key(std::size_t row) const;

  const format::RowSchema& schema_;
  std::vector<Row> rows_;
  std::vector<format::Datum> cells_;
  std::size_t bytes_ = 0;
  Arena values_;
};

class BatchInput final : public MergeInput {
 public:
  // `schema` must outlive it.
  explicit BatchInput(const format::RowSchema& schema) : schema_(schema) {}

  // The next batch, not empty; it must outlive the rows. Precondition: state() is kNeedsPiece, and
  // the last one was entered.
  void Supply(const MergeBatch& batch) { supplied_ = &batch; }
  // There is none. Same precondition.
  void Finish() { state_ = State::kEnd; }

  Status Advance() override;
  Result<bool> Enter() override;

 private:
  void TakeRow();

  const format::RowSchema& schema_;
  const MergeBatch* supplied_ = nullptr;
  const MergeBatch* batch_ = nullptr;
  std::size_t at_ = 0;
};

}  // namespace obbak::engine
