#include "backup/schema_meta.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "engine/dictionary_dump.h"
#include "format/backup_path.h"
#include "format/schema_meta_file.h"

namespace obbak::backup {
namespace {

using format::Scn;

// So many dumps are remembered, and listed in a file; at the usual interval those of two months.
constexpr std::size_t kMaxDumps = 4096;

format::DataDictMetaInfoItem ItemOf(const engine::DictionaryDump& dump) {
  return {.snapshot_scn = dump.snapshot_scn,
          .start_lsn = dump.start_lsn.value,
          .end_lsn = dump.end_lsn.value,
          .end_scn = dump.end_scn};
}

}  // namespace

Result<std::vector<DictionaryRow>> SchemaMeta::DumpsOf(const RoundStatus& round) const {
  Result<std::vector<DictionaryRow>> dumps = rows_.Dictionaries();
  if (!dumps) return dumps;
  std::erase_if(*dumps,
                [&](const DictionaryRow& row) { return row.dump.snapshot_scn < round.start_scn; });
  return dumps;
}

io::Task<Status> SchemaMeta::DumpIfDue(RoundStatus round) {
  const bool can_write = core_->manifest->state().tenant().role() == engine::pb::Tenant::PRIMARY;
  if (!can_write) co_return Status();
  const auto dumps = DumpsOf(round);
  if (!dumps) co_return Fail(dumps.error());
  const Scn now{core_->env.clock.NowNs()};
  const auto interval = static_cast<std::uint64_t>(std::chrono::nanoseconds(interval_).count());
  const bool is_recent =
      !dumps->empty() && now.value < dumps->back().dump.snapshot_scn.value + interval;
  if (is_recent || core_->ddl.is_locked()) co_return Status();

  const Result<engine::DictionaryDump> dump = co_await engine::DumpDictionary(*core_);
  if (!dump) co_return Fail(dump.error());
  CatalogueEdit edit;
  PutDictionary(edit, {.dump = *dump});
  const auto all = rows_.Dictionaries();
  if (!all) co_return Fail(all.error());
  for (std::size_t i = 0; i < all->size(); ++i) {
    const DictionaryRow& old = (*all)[i];
    const bool is_too_many = all->size() - i >= kMaxDumps;
    if (is_too_many || old.dump.snapshot_scn < round.start_scn) RemoveDictionary(edit, old);
  }
  co_return co_await catalogue_.Apply(std::move(edit));
}

io::Task<Status> SchemaMeta::RecordIfArchived(RoundStatus round, dest::DestStore store) {
  const auto dumps = DumpsOf(round);
  if (!dumps) co_return Fail(dumps.error());
  if (dumps->empty() || dumps->back().recorded) co_return Status();
  const DictionaryRow& newest = dumps->back();
  const Scn snapshot = newest.dump.snapshot_scn;
  const format::PieceId piece = PieceSchedule::Of(round).PieceOf(snapshot);
  const auto progress = rows_.LastProgressOf(round, format::kSysLsId);
  if (!progress) co_return Fail(progress.error());
  // The dump itself, too: whoever finds the file will look for it.
  if (!*progress || (*progress)->checkpoint_scn < newest.dump.end_scn) co_return Status();
  const auto pieces = rows_.PiecesOf(round);
  if (!pieces) co_return Fail(pieces.error());
  const auto found =
      std::ranges::find(*pieces, piece, [](const auto& attr) { return attr.key.piece_id; });
  // A dump across a border may be too late for its piece; the next one will list it.
  const bool is_frozen =
      found != pieces->end() && found->status.value == format::ArchivePieceStatus::kFrozen;
  if (is_frozen) co_return co_await MarkRecorded(newest);

  format::SchemaMetaFile file{.timestamp = snapshot,
                              .body = {.tenant_id = {core_->options.tenant_id}, .items = {}}};
  for (auto row = dumps->rbegin(); row != dumps->rend(); ++row) {
    file.body.items.push_back(ItemOf(row->dump));
  }
  const Result<Bytes> bytes = file.Write();
  if (!bytes) co_return Fail(bytes.error());
  const format::BackupPath path{.kind = format::PathKind::kSchemaMeta,
                                .ls = format::kSysLsId,
                                .dest = round.dest,
                                .round = round.round,
                                .piece = piece,
                                .scn = snapshot};
  Status status = co_await store.medium().Put(store.PathOf(path), *bytes);
  if (!status) co_return status;
  co_return co_await MarkRecorded(newest);
}

io::Task<Status> SchemaMeta::MarkRecorded(DictionaryRow row) {
  row.recorded = true;
  CatalogueEdit edit;
  PutDictionary(edit, row);
  co_return co_await catalogue_.Apply(std::move(edit));
}

}  // namespace obbak::backup
