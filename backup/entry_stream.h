// EntryStream: index entries of a destination, one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "backup/set_context.h"
#include "base/bytes.h"
#include "base/result.h"
#include "dest/dest_store.h"
#include "dest/index_file.h"
#include "dest/object_reader.h"
#include "format/backup_data_file.h"
#include "format/backup_index_file.h"
#include "format/backup_index_records.h"
#include "format/backup_path.h"
#include "io/task.h"

namespace obbak::backup {

template <class Entry>
class EntryStream {
 public:
  virtual ~EntryStream() = default;
  // Moves to the next entry; false at the end.
  io::Task<Result<bool>> Next();
  // Precondition: Next() gave true.
  const Entry& entry() const { return entries_[at_]; }

 protected:
  // Some of the entries that come next; none at all: the end.
  virtual io::Task<Result<std::optional<std::vector<Entry>>>> Load() = 0;

 private:
  std::vector<Entry> entries_;
  std::size_t at_ = 0;
};

// Which of a data file's two lists, and of the metas which.
enum class ListKind { kMacros, kMetas, kMappings };

// What the lists at the ends of an attempt's data files add to an index, in file order.
template <class Entry>
class AttemptStream final : public EntryStream<Entry> {
 public:
  // `context` outlives it. kMacros for BackupMacroRangeIndex and BackupMacroBlockIndex, the others
  // for BackupMetaIndex.
  AttemptStream(const SetContext& context, FinishedAttempt attempt, ListKind kind)
      : context_(context), attempt_(attempt), kind_(kind) {}

 private:
  io::Task<Result<std::optional<std::vector<Entry>>>> Load() override;
  io::Task<Status> OpenFile();
  Result<std::vector<Entry>> Decode(ByteView block, format::ByteRange range) const;

  const SetContext& context_;
  FinishedAttempt attempt_;
  ListKind kind_;
  std::int64_t next_file_ = 0;
  std::optional<dest::SequentialReader> list_;
};

// The leaves of an index file.
template <class Entry>
class IndexFileStream final : public EntryStream<Entry> {
 public:
  explicit IndexFileStream(const dest::IndexFile<Entry>& file) : scan_(file) {}

 private:
  io::Task<Result<std::optional<std::vector<Entry>>>> Load() override;

  dest::IndexScan<Entry> scan_;
};

}  // namespace obbak::backup
