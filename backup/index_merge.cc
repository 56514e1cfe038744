#include "backup/index_merge.h"

#include <algorithm>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "backup/entry_stream.h"
#include "backup/object_sink.h"
#include "format/backup_index_file.h"
#include "format/backup_index_records.h"

namespace obbak::backup {
namespace {

using format::BackupMacroRangeIndex;
using format::BackupMetaIndex;
using format::DataType;
using format::IndexKind;
using format::IndexOrder;

template <class Entry>
using Streams = std::vector<std::unique_ptr<EntryStream<Entry>>>;

// Index blocks are written when there are so many bytes of them.
constexpr std::size_t kWriteSize = std::size_t{1} << 20;

// What happens to entries of different streams that have the same key.
enum class Ties {
  kNewestWins,  // of the greatest turn and retry
  kForbidden,
};

// Smallest key first; of equal ones the newest first.
template <class Entry>
bool ComesLater(const std::unique_ptr<EntryStream<Entry>>& a,
                const std::unique_ptr<EntryStream<Entry>>& b) {
  const Entry& x = a->entry();
  const Entry& y = b->entry();
  if (x.key() != y.key()) return y.key() < x.key();
  return std::tie(x.turn_id, x.retry_id) < std::tie(y.turn_id, y.retry_id);
}

// The streams that are not at their end, as a heap.
template <class Entry>
class Merge {
 public:
  io::Task<Status> Begin(Streams<Entry> streams) {
    for (std::unique_ptr<EntryStream<Entry>>& stream : streams) {
      if (Status status = co_await Push(std::move(stream)); !status) co_return status;
    }
    co_return Status();
  }
  bool empty() const { return heap_.empty(); }
  const Entry& entry() const { return heap_.front()->entry(); }
  io::Task<Status> Pop() {
    std::ranges::pop_heap(heap_, ComesLater<Entry>);
    std::unique_ptr<EntryStream<Entry>> stream = std::move(heap_.back());
    heap_.pop_back();
    co_return co_await Push(std::move(stream));
  }

 private:
  io::Task<Status> Push(std::unique_ptr<EntryStream<Entry>> stream) {
    const Result<bool> more = co_await stream->Next();
    if (!more) co_return Fail(more.error());
    if (!*more) co_return Status();
    heap_.push_back(std::move(stream));
    std::ranges::push_heap(heap_, ComesLater<Entry>);
    co_return Status();
  }

  Streams<Entry> heap_;
};

template <class Entry>
io::Task<Status> MergeInto(const SetContext& context, Streams<Entry> streams, Ties ties,
                           format::BackupIndexFileWriter<Entry>& writer, ObjectSink& out) {
  Merge<Entry> merge;
  Status status = co_await merge.Begin(std::move(streams));
  while (status && !merge.empty()) {
    if (status = context.CheckRunning(); !status) break;
    const Entry entry = merge.entry();
    status = writer.Append(entry);
    if (status) status = co_await merge.Pop();
    while (status && !merge.empty() && merge.entry().key() == entry.key()) {
      if (ties == Ties::kForbidden) {
        co_return Fail(ErrorCode::kErrUnexpected,
                       "two attempts end a range with the same macro block");
      }
      status = co_await merge.Pop();
    }
    if (status) status = co_await out.Drain(kWriteSize);
  }
  if (!status) co_return status;
  const auto trailer = writer.Finish();
  if (!trailer) co_return Fail(trailer.error());
  co_return Status();
}

template <class Entry>
io::Task<Status> WriteIndex(const SetContext& context, format::BackupPath path,
                            Streams<Entry> streams, Ties ties, IndexOrder order) {
  auto object = co_await context.store.medium().Create(context.store.PathOf(path));
  if (!object) co_return Fail(std::move(object).error());
  ObjectSink out(*std::move(object));
  format::BackupIndexFileWriter<Entry> writer(out.sink(), order);
  Status status = co_await MergeInto(context, std::move(streams), ties, writer, out);
  if (!status) status = Fail(std::move(status).error().WithPath(context.store.FullPathOf(path)));
  co_return co_await out.End(std::move(status));
}

template <class Entry>
Streams<Entry> StreamsOf(const SetContext& context, const std::vector<FinishedAttempt>& finished,
                         ListKind kind) {
  Streams<Entry> streams;
  for (const FinishedAttempt& attempt : finished) {
    streams.push_back(std::make_unique<AttemptStream<Entry>>(context, attempt, kind));
  }
  return streams;
}

// The three files beside each other; `path` has everything but which of them.
io::Task<Status> WriteIndexes(const SetContext& context, format::BackupPath path, DataType type,
                              std::vector<FinishedAttempt> finished,
                              std::optional<format::BackupPath> previous) {
  const bool is_major = type == DataType::kMajor;
  Streams<BackupMacroRangeIndex> ranges =
      StreamsOf<BackupMacroRangeIndex>(context, finished, ListKind::kMacros);
  if (previous) {
    const auto file = co_await dest::MacroRangeIndexFile::Open(context.store, *previous, nullptr);
    if (!file) co_return Fail(file.error());
    ranges.push_back(std::make_unique<IndexFileStream<BackupMacroRangeIndex>>(**file));
  }
  path.index = IndexKind::kMacroRange;
  Status status = co_await WriteIndex(context, path, std::move(ranges),
                                      is_major ? Ties::kForbidden : Ties::kNewestWins,
                                      is_major ? IndexOrder::kAscending : IndexOrder::kAny);
  if (!status) co_return status;
  path.index = IndexKind::kMeta;
  status = co_await WriteIndex(context, path,
                               StreamsOf<BackupMetaIndex>(context, finished, ListKind::kMetas),
                               Ties::kNewestWins, IndexOrder::kAscending);
  if (!status) co_return status;
  path.index = IndexKind::kSecMeta;
  co_return co_await WriteIndex(context, path,
                                StreamsOf<BackupMetaIndex>(context, finished, ListKind::kMappings),
                                Ties::kNewestWins, IndexOrder::kAscending);
}

}  // namespace

io::Task<Status> WriteLsIndexes(const SetContext& context, AttemptId attempt,
                                std::vector<FinishedAttempt> finished) {
  std::erase_if(finished, [&](const FinishedAttempt& other) {
    return other.id.ls != attempt.ls || other.id.type != attempt.type;
  });
  format::BackupPath path = context.Path(format::PathKind::kLsIndex, attempt);
  co_return co_await WriteIndexes(context, std::move(path), attempt.type, std::move(finished),
                                  std::nullopt);
}

io::Task<Status> WriteTenantIndexes(const SetContext& context, DataType type, std::int64_t turn,
                                    std::int64_t retry, std::vector<FinishedAttempt> finished,
                                    std::optional<format::BackupPath> previous) {
  std::erase_if(finished, [&](const FinishedAttempt& other) { return other.id.type != type; });
  format::BackupPath path = context.Path(format::PathKind::kTenantIndex);
  path.data_type = type;
  path.turn = turn;
  path.retry = retry;
  co_return co_await WriteIndexes(context, std::move(path), type, std::move(finished),
                                  std::move(previous));
}

}  // namespace obbak::backup
