// MergeStep: a merge in slices, on any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/key_chain.h"
#include "engine/merge_input.h"
#include "engine/merge_sink.h"
#include "format/compressor.h"
#include "format/macro_block_writer.h"
#include "format/sstable_desc.h"
#include "format/sstable_index_builder.h"

namespace obbak::engine {

// Touches nothing but its inputs and its sink, so that a worker may run it while the loop waits for
// the slice's end. Between slices the loop supplies inputs and makes room in the sink.
class MergeStep {
 public:
  enum class Stop {
    kSlice,       // the slice is over
    kNeedsInput,  // an input needs its next piece: see MergeInput::state()
    kNeedsRoom,   // the sink has less than kRoom places
    kDone,
  };
  // Places that the sink needs for the merge to go on.
  static constexpr std::size_t kRoom = 6;
  // Places that can be taken for long: an index and a meta macro block being filled.
  static constexpr std::size_t kOpenBlocks = 2;

  struct Plan {
    // merge_type kMajor: a baseline; otherwise all versions.
    format::SstableDesc desc;
    std::int64_t first_data_seq = 0;
    std::int64_t recycle_version = 0;
  };
  // The SSTable whose untouched blocks a major merge reuses.
  struct Reusable {
    BlockInput* input = nullptr;
    std::span<const format::DataBlockInfo> blocks;
  };
  struct Counts {
    std::uint64_t rows_read = 0;
    std::uint64_t rows_written = 0;
    std::uint64_t blocks_reused = 0;
  };

  // `inputs`, oldest first, includes that of `reusable`, as the first one. All outlive the step.
  static Result<std::unique_ptr<MergeStep>> Create(Plan plan, std::vector<MergeInput*> inputs,
                                                   Reusable reusable, MergeSink& sink);
  MergeStep(const MergeStep&) = delete;
  MergeStep& operator=(const MergeStep&) = delete;

  // Reads up to `rows` rows, unless it stops before. After an error the merge is over.
  Result<Stop> Run(std::size_t rows);

  // Precondition: Run() returned kDone. Without data blocks when no row was left.
  const format::SstableIndex& index() const { return index_; }
  const format::SstableDesc& desc() const { return plan_.desc; }
  const Counts& counts() const { return counts_; }

 private:
  // A row or a reused block may finish so many macro blocks.
  static constexpr std::size_t kRoomForRow = 3;
  // Meta rows from this size on are not kept inside the SSTable's meta when they are alone; then
  // the index needs to know where the block itself has its meta, which its meta does not say.
  static constexpr std::size_t kMaxReusableMeta = 8192;

  MergeStep(Plan plan, std::vector<MergeInput*> inputs, Reusable reusable, MergeSink& sink,
            const format::Compressor& compressor);

  Result<Stop> MergeRows(std::size_t rows);
  // True: go on. Otherwise why not.
  Result<std::optional<Stop>> EnterPieces();
  Result<std::optional<Stop>> EnterReusable();
  bool CanReuse() const;
  Status ReuseBlock();
  Status MergeNext();
  // Adds one more version of the chain's key; false when there is none.
  Result<bool> ExtendChain();
  Status ArrangeChain();
  // Whether a row can be written as it is, being all there is of its key.
  bool IsFinal(const MergeRow& row) const;
  Status WriteRow(const format::RowView& row);
  int Compare(const MergeRow& left, std::span<const format::Datum> right) const;
  void TakeBlocks();
  Result<Stop> BuildIndex();

  Plan plan_;
  std::vector<MergeInput*> inputs_;
  Reusable reusable_;
  MergeSink* sink_;
  format::MacroBlockWriter writer_;
  format::SstableIndexBuilder builder_;
  KeyChain chain_;
  // Rows of the chain that were written, once it is arranged.
  std::optional<std::size_t> chain_written_;
  std::size_t rows_left_ = 0;
  // Rows wait in the writer, in a macro block that is not finished.
  bool block_is_open_ = false;
  bool rows_done_ = false;
  // Of the result, in key order.
  std::vector<format::DataBlockInfo> blocks_;
  std::size_t indexed_ = 0;
  format::SstableIndex index_;
  Counts counts_;
};

}  // namespace obbak::engine
