#include "backup/archive_rows.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "backup/catalogue.pb.h"
#include "format/record.h"

namespace obbak::backup {
namespace {

using format::Scn;
using format::TenantArchivePieceAttr;

constexpr std::string_view kModeRow = "archive/mode";
constexpr std::string_view kDestRow = "archive/dest";
constexpr std::string_view kRoundRow = "archive/round";
constexpr std::string_view kHistoryTable = "archive/history";
constexpr std::string_view kPieceTable = "archive/piece";
constexpr std::string_view kProgressTable = "archive/progress";
constexpr std::string_view kDictionaryTable = "archive/dictionary";

// ---- One pair for each message

pb::ArchiveDest ToRow(const ArchiveDestSetting& setting) {
  pb::ArchiveDest row;
  row.set_dest_id(setting.id.value);
  row.set_uri(setting.dest.location.ToPersistedStringWithSecrets());
  row.set_binding(static_cast<std::int32_t>(setting.dest.binding));
  row.set_piece_switch_interval(setting.dest.piece_switch_interval.count());
  row.set_deferred(setting.deferred);
  return row;
}

Result<ArchiveDestSetting> FromRow(const pb::ArchiveDest& row) {
  Result<io::BackupDest> location = io::BackupDest::Parse(row.uri());
  if (!location) return Fail(std::move(location).error());
  const std::chrono::microseconds interval(row.piece_switch_interval());
  return ArchiveDestSetting{.id = {row.dest_id()},
                            .dest = {.location = *std::move(location),
                                     .binding = static_cast<io::ArchiveBinding>(row.binding()),
                                     .piece_switch_interval = interval},
                            .deferred = row.deferred()};
}

pb::ArchiveRound ToRow(const RoundStatus& round) {
  pb::ArchiveRound row;
  row.set_round_id(round.round.value);
  row.set_dest_id(round.dest.value);
  row.set_state(static_cast<std::int32_t>(round.state));
  row.set_start_scn(round.start_scn.value);
  row.set_checkpoint_scn(round.checkpoint_scn.value);
  row.set_max_scn(round.max_scn.value);
  row.set_base_piece_id(round.base_piece.value);
  row.set_used_piece_id(round.used_piece.value);
  row.set_piece_switch_interval(round.piece_switch_interval.count());
  row.set_bytes(round.bytes);
  row.set_path(round.path);
  row.set_comment(round.comment);
  row.set_stopping_since(round.stopping_since.value);
  return row;
}

Result<RoundStatus> FromRow(const pb::ArchiveRound& row) {
  return RoundStatus{
      .round = {row.round_id()},
      .dest = {row.dest_id()},
      .state = static_cast<RoundState>(row.state()),
      .start_scn = {row.start_scn()},
      .checkpoint_scn = {row.checkpoint_scn()},
      .max_scn = {row.max_scn()},
      .base_piece = {row.base_piece_id()},
      .used_piece = {row.used_piece_id()},
      .piece_switch_interval = std::chrono::microseconds(row.piece_switch_interval()),
      .bytes = row.bytes(),
      .path = row.path(),
      .comment = row.comment(),
      .stopping_since = {row.stopping_since()}};
}

Result<TenantArchivePieceAttr> FromRow(const pb::ArchivePiece& row) {
  return format::DecodeRecord<TenantArchivePieceAttr>(AsByteView(row.attr()));
}

pb::ArchiveLsProgress ToRow(const LsProgress& progress) {
  pb::ArchiveLsProgress row;
  row.set_dest_id(progress.dest.value);
  row.set_round_id(progress.round.value);
  row.set_piece_id(progress.piece.value);
  row.set_ls_id(progress.ls.value);
  row.set_start_scn(progress.start_scn.value);
  row.set_min_lsn(progress.min_lsn.value);
  row.set_max_lsn(progress.max_lsn.value);
  row.set_checkpoint_scn(progress.checkpoint_scn.value);
  row.set_state(static_cast<std::int32_t>(progress.state));
  row.set_deleted(progress.deleted);
  row.set_reason(progress.reason);
  row.set_lost(progress.lost);
  return row;
}

Result<LsProgress> FromRow(const pb::ArchiveLsProgress& row) {
  return LsProgress{.dest = {row.dest_id()},
                    .round = {row.round_id()},
                    .piece = {row.piece_id()},
                    .ls = {row.ls_id()},
                    .start_scn = {row.start_scn()},
                    .min_lsn = {row.min_lsn()},
                    .max_lsn = {row.max_lsn()},
                    .checkpoint_scn = {row.checkpoint_scn()},
                    .state = static_cast<ArchiveLsState>(row.state()),
                    .deleted = row.deleted(),
                    .reason = row.reason(),
                    .lost = row.lost()};
}

pb::ArchiveDictionary ToRow(const DictionaryRow& dictionary) {
  pb::ArchiveDictionary row;
  row.set_snapshot_scn(dictionary.dump.snapshot_scn.value);
  row.set_start_lsn(dictionary.dump.start_lsn.value);
  row.set_end_lsn(dictionary.dump.end_lsn.value);
  row.set_end_scn(dictionary.dump.end_scn.value);
  row.set_recorded(dictionary.recorded);
  return row;
}

Result<DictionaryRow> FromRow(const pb::ArchiveDictionary& row) {
  return DictionaryRow{.dump = {.snapshot_scn = {row.snapshot_scn()},
                                .start_lsn = {row.start_lsn()},
                                .end_lsn = {row.end_lsn()},
                                .end_scn = {row.end_scn()}},
                       .recorded = row.recorded()};
}

template <class Message>
using ValueOf = decltype(FromRow(std::declval<Message>()))::value_type;

template <class Message>
Result<std::optional<ValueOf<Message>>> GetAs(const Catalogue& catalogue, const std::string& key) {
  using Value = ValueOf<Message>;
  const auto row = catalogue.Get<Message>(key);
  if (!row) return Fail(row.error());
  if (!*row) return std::optional<Value>();
  Result<Value> value = FromRow(**row);
  if (!value) return Fail(std::move(value).error());
  return std::optional<Value>(*std::move(value));
}

std::string KeyOf(const LsProgress& progress) {
  return RowKey(kProgressTable, {progress.dest.value, progress.round.value, progress.piece.value,
                                 progress.ls.value});
}

std::string KeyOf(const DictionaryRow& row) {
  return RowKey(kDictionaryTable, {static_cast<std::int64_t>(row.dump.snapshot_scn.value)});
}

}  // namespace

template <class Message>
auto ArchiveRows::ListAs(const std::string& prefix) const {
  using Value = ValueOf<Message>;
  using Values = Result<std::vector<Value>>;
  const auto rows = catalogue_.List<Message>(prefix);
  if (!rows) return Values(Fail(rows.error()));
  std::vector<Value> values;
  for (const Message& row : *rows) {
    Result<Value> value = FromRow(row);
    if (!value) return Values(Fail(std::move(value).error()));
    values.push_back(*std::move(value));
  }
  return Values(std::move(values));
}

Result<bool> ArchiveRows::ArchiveLogMode() const {
  const auto row = catalogue_.Get<pb::ArchiveMode>(RowKey(kModeRow));
  if (!row) return Fail(row.error());
  return row->has_value() && (*row)->archive_log();
}

Result<std::optional<ArchiveDestSetting>> ArchiveRows::Dest() const {
  return GetAs<pb::ArchiveDest>(catalogue_, RowKey(kDestRow));
}

Result<std::optional<RoundStatus>> ArchiveRows::Round() const {
  return GetAs<pb::ArchiveRound>(catalogue_, RowKey(kRoundRow));
}

Result<std::vector<RoundStatus>> ArchiveRows::History() const {
  return ListAs<pb::ArchiveRound>(RowPrefix(kHistoryTable));
}

Result<std::vector<TenantArchivePieceAttr>> ArchiveRows::Pieces() const {
  return ListAs<pb::ArchivePiece>(RowPrefix(kPieceTable));
}

Result<std::vector<TenantArchivePieceAttr>> ArchiveRows::PiecesOf(format::DestId dest) const {
  return ListAs<pb::ArchivePiece>(RowPrefix(kPieceTable, {dest.value}));
}

Result<std::vector<TenantArchivePieceAttr>> ArchiveRows::PiecesOf(const RoundStatus& round) const {
  return ListAs<pb::ArchivePiece>(RowPrefix(kPieceTable, {round.dest.value, round.round.value}));
}

Result<std::vector<LsProgress>> ArchiveRows::ProgressOf(const RoundStatus& round) const {
  return ListAs<pb::ArchiveLsProgress>(
      RowPrefix(kProgressTable, {round.dest.value, round.round.value}));
}

Result<std::optional<LsProgress>> ArchiveRows::LastProgressOf(const RoundStatus& round,
                                                              format::LsId ls) const {
  Result<std::vector<LsProgress>> rows = ProgressOf(round);
  if (!rows) return Fail(std::move(rows).error());
  std::optional<LsProgress> last;
  for (LsProgress& row : *rows) {
    if (row.ls == ls) last = std::move(row);
  }
  return last;
}

Result<std::vector<DictionaryRow>> ArchiveRows::Dictionaries() const {
  return ListAs<pb::ArchiveDictionary>(RowPrefix(kDictionaryTable));
}

void PutArchiveLogMode(CatalogueEdit& edit, bool archive_log) {
  pb::ArchiveMode row;
  row.set_archive_log(archive_log);
  edit.Put(RowKey(kModeRow), row);
}

void PutDest(CatalogueEdit& edit, const ArchiveDestSetting& setting) {
  edit.Put(RowKey(kDestRow), ToRow(setting));
}

void RemoveDest(CatalogueEdit& edit) { edit.Remove(RowKey(kDestRow)); }

void PutRound(CatalogueEdit& edit, const RoundStatus& round) {
  edit.Put(RowKey(kRoundRow), ToRow(round));
}

void PutHistory(CatalogueEdit& edit, const RoundStatus& round) {
  edit.Put(RowKey(kHistoryTable, {round.round.value}), ToRow(round));
}

Status PutPiece(CatalogueEdit& edit, const TenantArchivePieceAttr& piece) {
  const Result<Bytes> encoded = format::EncodeRecord(piece);
  if (!encoded) return Fail(encoded.error());
  pb::ArchivePiece row;
  row.set_attr(std::string(AsText(*encoded)));
  edit.Put(RowKey(kPieceTable,
                  {piece.key.dest_id.value, piece.key.round_id.value, piece.key.piece_id.value}),
           row);
  return {};
}

void PutProgress(CatalogueEdit& edit, const LsProgress& progress) {
  edit.Put(KeyOf(progress), ToRow(progress));
}

void RemoveProgress(CatalogueEdit& edit, const LsProgress& progress) {
  edit.Remove(KeyOf(progress));
}

void PutDictionary(CatalogueEdit& edit, const DictionaryRow& row) {
  edit.Put(KeyOf(row), ToRow(row));
}

void RemoveDictionary(CatalogueEdit& edit, const DictionaryRow& row) { edit.Remove(KeyOf(row)); }

}  // namespace obbak::backup
