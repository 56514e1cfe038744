#include "backup/resume.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "backup/entry_stream.h"

namespace obbak::backup {
namespace {

using format::BackupMacroBlockIndex;
using format::BackupMetaIndex;
using format::TabletId;

// Both go through tablets in ascending order, one attempt after the other.

io::Task<Result<std::optional<TabletId>>> LastTabletMeta(const SetContext& context,
                                                         FinishedAttempt attempt) {
  AttemptStream<BackupMetaIndex> metas(context, attempt, ListKind::kMetas);
  std::optional<TabletId> last;
  for (;;) {
    const Result<bool> more = co_await metas.Next();
    if (!more) co_return Fail(more.error());
    if (!*more) co_return last;
    const format::BackupMetaKey& key = metas.entry().meta_key;
    if (key.meta_type == format::BackupMetaType::kTabletMeta) last = key.tablet_id;
  }
}

// Leaves in `stored` the blocks of the last tablet only; returns it.
io::Task<Result<std::optional<TabletId>>> AddStoredBlocks(const SetContext& context,
                                                          FinishedAttempt attempt,
                                                          StoredBlocks& stored) {
  AttemptStream<BackupMacroBlockIndex> blocks(context, attempt, ListKind::kMacros);
  std::optional<TabletId> last;
  for (;;) {
    const Result<bool> more = co_await blocks.Next();
    if (!more) co_return Fail(more.error());
    if (!*more) co_return last;
    const BackupMacroBlockIndex& block = blocks.entry();
    last = TabletId{block.logic_id.tablet_id};
    const bool is_next_tablet =
        !stored.empty() && stored.begin()->first.tablet_id != block.logic_id.tablet_id;
    if (is_next_tablet) stored.clear();
    const Result<format::BackupPhysicalId> place = format::BackupPhysicalId::Of(block);
    if (!place) co_return Fail(place.error());
    stored[block.logic_id] = *place;
  }
}

}  // namespace

io::Task<Result<ResumePoint>> FindResumePoint(const SetContext& context, AttemptId attempt,
                                              std::vector<FinishedAttempt> finished) {
  std::erase_if(finished, [&](const FinishedAttempt& other) {
    return other.id.ls != attempt.ls || other.id.type != attempt.type ||
           other.id.turn != attempt.turn;
  });
  ResumePoint point;
  for (const FinishedAttempt& earlier : finished) {
    std::optional<TabletId> last_copied;
    if (attempt.type == format::DataType::kMajor) {
      const auto copied = co_await AddStoredBlocks(context, earlier, point.stored);
      if (!copied) co_return Fail(copied.error());
      last_copied = *copied;
    }
    const auto last_meta = co_await LastTabletMeta(context, earlier);
    if (!last_meta) co_return Fail(last_meta.error());
    if (last_copied) {
      point.done = TabletId{last_copied->value - 1};
    } else if (*last_meta) {
      point.done = **last_meta;
      point.stored.clear();
    }
  }
  co_return point;
}

}  // namespace obbak::backup
