#include "restore/restore_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "dest/archive_reader.h"
#include "dest/set_reader.h"
#include "format/backup_enums.h"
#include "format/time_tag.h"
#include "format/utc_offset.h"
#include "restore/restore_choice.h"
#include "restore/restore_point.h"
#include "restore/restore_window.h"

namespace obbak::restore {
namespace {

using dest::DestStore;
using format::BackupFormatDesc;
using format::BackupSetFileDesc;
using format::DataVersion;
using format::Scn;
using format::TenantArchivePieceAttr;

constexpr DataVersion kVersion42{std::uint64_t{4} << 32 | std::uint64_t{2} << 16};
// What sets that don't record a zone were restored in.
constexpr std::string_view kOldTimeZone = "+08:00";

template <class T>
std::vector<T> Pick(std::span<const T> all, const std::vector<std::size_t>& indexes) {
  std::vector<T> picked;
  for (const std::size_t i : indexes) picked.push_back(all[i]);
  return picked;
}

// ---- Opening ----

io::Task<Result<BackupFormatDesc>> ReadFormat(io::Medium& medium) {
  const DestStore store(medium, format::DestKind::kDataOrArchive);
  const format::BackupPath path{.kind = format::PathKind::kFormatFile};
  Result<BackupFormatDesc> desc = co_await store.Read<BackupFormatDesc>(path);
  if (desc || desc.error().code() != ErrorCode::kFileNotExist) co_return desc;
  co_return Fail(Error(ErrorCode::kBackupFormatFileNotExist, "there is no format file")
                     .WithPath(store.FullPathOf(path))
                     .WithAdvice("give the directory that was set as backup or archive "
                                 "destination"));
}

// One destination joins the source.
Status Add(RestoreSource& source, std::unique_ptr<io::Medium> medium, BackupFormatDesc desc) {
  const auto fails = [&](ErrorCode code, std::string text) {
    return Fail(Error(code, std::move(text)).WithPath(medium->location()));
  };
  switch (desc.dest_type.value) {
    case format::BackupDestType::kBackupData:
      if (source.data_medium != nullptr) {
        return fails(ErrorCode::kNotSupported, "a second data backup destination");
      }
      source.data_medium = std::move(medium);
      source.data_format = std::move(desc);
      return {};
    case format::BackupDestType::kArchiveLog:
      source.archive_media.push_back(std::move(medium));
      source.archive_formats.push_back(std::move(desc));
      return {};
    case format::BackupDestType::kBackupKey:
      break;
  }
  return fails(ErrorCode::kNotSupported, "restoring from a destination for keys");
}

Status CheckOneTenant(const RestoreSource& source) {
  const BackupFormatDesc& data = source.data_format;
  for (std::size_t i = 0; i < source.archive_formats.size(); ++i) {
    const BackupFormatDesc& archive = source.archive_formats[i];
    if (archive.cluster_id == data.cluster_id && archive.tenant_id == data.tenant_id &&
        archive.incarnation == data.incarnation) {
      continue;
    }
    return Fail(
        Error(ErrorCode::kBackupFormatFileNotMatch,
              fmt::format("it belongs to tenant {} of cluster {}, the data backup to tenant {} of "
                          "cluster {}",
                          archive.tenant_id.value, archive.cluster_id, data.tenant_id.value,
                          data.cluster_id))
            .WithPath(source.archive_media[i]->location()));
  }
  return {};
}

// ---- The point ----

// The time zone of the backup tenant, as the newest set that can be read says.
io::Task<Result<std::string>> ReadTimeZone(DestStore data,
                                           std::span<const BackupSetFileDesc> sets) {
  for (auto set = sets.rbegin(); set != sets.rend(); ++set) {
    if (set->tenant_compatible < kVersion42) break;
    const dest::SetReader reader(data, dest::NameOf(*set));
    Result<format::ExternTenantLocalityInfoDesc> locality = co_await reader.ReadLocality();
    if (locality) co_return std::move(locality->sys_time_zone.value);
    if (locality.error().code() != ErrorCode::kFileNotExist)
      co_return Fail(std::move(locality).error());
  }
  co_return std::string(kOldTimeZone);
}

Status CheckPoint(Scn scn) {
  if (scn.IsValid() && scn > format::kBaseScn) return {};
  return Fail(ErrorCode::kInvalidArgument, "until scn, it should be positive integer");
}

// ---- The choice ----

Error NotEnoughLog(const RestoreSource& source, const Candidates& available,
                   std::optional<Scn> point) {
  const std::vector<Window> windows = RestorableWindows(available);
  std::string advice = "nothing can be restored from here";
  if (!windows.empty()) advice = "these can be reached: " + WindowsText(windows);
  if (windows.empty() && available.archives.empty() && !available.sets.empty()) {
    advice = "no set has its logs with it: give the log archive destination too";
  }
  std::string message = "No enough log for restore";
  if (point) message += fmt::format(" to SCN {} ({})", point->value, ToText(*point));
  return Error(ErrorCode::kEntryNotExist, std::move(message))
      .WithPath(source.data_medium->location())
      .WithAdvice(std::move(advice));
}

// §4.2 for no point at all: as far as there is.
std::optional<Scn> FarthestOf(const Candidates& available) {
  std::optional<Scn> farthest;
  if (available.archives.empty()) {
    const std::vector<std::size_t> chain = ChooseSetIndexes(available.sets, format::kMaxScn);
    if (!chain.empty()) farthest = available.sets[chain.back()].min_restore_scn;
  }
  for (const Candidates::Archive& archive : available.archives)
    farthest = std::max(farthest, FarthestPoint(archive.pieces));
  return farthest;
}

Result<std::optional<Scn>> TargetOf(const RestorePoint& point, const Candidates& available,
                                    std::string_view time_zone) {
  std::optional<Scn> target = point.scn;
  // The logs that a set has with it reach one point only, so a time says nothing (§4.2).
  if (!target && point.time && !available.archives.empty()) {
    const Result<Scn> scn = PointOfTime(*point.time, time_zone);
    if (!scn) return Fail(scn.error());
    target = *scn;
  }
  if (!target) return FarthestOf(available);
  if (Status valid = CheckPoint(*target); !valid) return Fail(std::move(valid).error());
  return target;
}

Status CheckPasswords(const RestoreSource& source, std::span<const BackupSetFileDesc> sets,
                      Scn point) {
  const BackupSetFileDesc* set = FindProtected(sets, point);
  if (set == nullptr) return {};
  return Fail(
      Error(ErrorCode::kBackupInvalidPassword,
            fmt::format("backup set {} is protected by a password", set->backup_set_id.value))
          .WithPath(source.data_medium->location()));
}

Status CheckVersion(const RestoreSource& source, const BackupSetFileDesc& set) {
  const std::string_view unknown = UnknownVersionOf(set);
  if (unknown.empty()) return {};
  return Fail(
      Error(
          ErrorCode::kOpNotAllow,
          fmt::format(
              "restore from {} is not allowed: backup set {} is of cluster {} and data version {}",
              unknown, set.backup_set_id.value, ToText(set.cluster_version),
              ToText(set.tenant_compatible)))
          .WithPath(source.data_medium->location()));
}

// The pieces in a set's complement_log, ascending.
io::Task<Result<std::vector<TenantArchivePieceAttr>>> ReadComplementPieces(DestStore data,
                                                                           BackupSetFileDesc set) {
  const dest::SetName name = dest::NameOf(set);
  const DestStore archive = DestStore::ComplementLog(data, name.id, name.kind);
  const Result<std::vector<dest::PieceName>> names = co_await dest::ListPieces(archive);
  if (!names) co_return Fail(names.error());
  std::vector<TenantArchivePieceAttr> pieces;
  for (const dest::PieceName& piece_name : *names) {
    Result<dest::ArchivedPiece> piece = co_await dest::ReadPiece(archive, piece_name);
    if (!piece) co_return Fail(std::move(piece).error());
    if (piece->state != dest::PieceState::kEmpty) pieces.push_back(std::move(piece->attr));
  }
  co_return pieces;
}

io::Task<Result<Candidates>> ReadCandidates(const RestoreSource& source) {
  Candidates available;
  Result<std::vector<BackupSetFileDesc>> sets = co_await dest::ReadCompleteSets(source.data());
  if (!sets) co_return Fail(std::move(sets).error());
  available.sets = *std::move(sets);
  for (std::size_t i = 0; i < source.archive_media.size(); ++i) {
    Result<std::vector<TenantArchivePieceAttr>> pieces =
        co_await dest::ReadAllPieces(source.archive(i));
    if (!pieces) co_return Fail(std::move(pieces).error());
    available.archives.push_back({source.archive_formats[i].dest_id, *std::move(pieces)});
  }
  co_return available;
}

// ---- The preview ----

// "1.50_MB".
std::string SizeText(std::int64_t bytes) {
  constexpr std::string_view kUnits[] = {"B", "KB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  std::int64_t divisor = 1;
  while (unit + 1 < std::size(kUnits) && bytes / divisor >= 1024) {
    divisor *= 1024;
    ++unit;
  }
  if (bytes % divisor == 0) return fmt::format("{}_{}", bytes / divisor, kUnits[unit]);
  return fmt::format("{:.2f}_{}", static_cast<double>(bytes) / static_cast<double>(divisor),
                     kUnits[unit]);
}

}  // namespace

io::Task<Result<RestoreSource>> OpenRestoreSource(std::vector<io::BackupDest> dests,
                                                  io::MediumFactory media) {
  RestoreSource source;
  for (auto dest = dests.begin(); dest != dests.end(); ++dest) {
    if (std::find(dests.begin(), dest, *dest) != dest) continue;
    Result<std::unique_ptr<io::Medium>> medium = media(*dest);
    if (!medium) co_return Fail(std::move(medium).error());
    Result<BackupFormatDesc> desc = co_await ReadFormat(**medium);
    if (!desc) co_return Fail(std::move(desc).error());
    if (Status added = Add(source, *std::move(medium), *std::move(desc)); !added)
      co_return Fail(std::move(added).error());
  }
  if (source.data_medium == nullptr) {
    co_return Fail(Error(ErrorCode::kMissArgument, "no data backup destination was given")
                       .WithAdvice("give the destination with the backup sets, and beside it that "
                                   "of the log archive"));
  }
  if (Status same = CheckOneTenant(source); !same) co_return Fail(std::move(same).error());
  co_return source;
}

Result<std::vector<TenantArchivePieceAttr>> ChoosePieces(
    std::span<const TenantArchivePieceAttr> pieces, format::DestId dest, Scn start, Scn end) {
  if (start >= end) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("logs from SCN {} to {} are none", start.value, end.value));
  }
  const std::optional<std::vector<std::size_t>> chosen =
      ChoosePieceIndexes(pieces, dest, start, end);
  if (chosen) return Pick(pieces, *chosen);
  return Fail(ErrorCode::kEntryNotExist,
              fmt::format("No enough log for restore from SCN {} to {}", start.value, end.value));
}

io::Task<Result<RestorePlan>> MakeRestorePlan(const RestoreSource& source, RestorePoint point) {
  const Result<Candidates> available = co_await ReadCandidates(source);
  if (!available) co_return Fail(available.error());
  RestorePlan plan;
  Result<std::string> time_zone = co_await ReadTimeZone(source.data(), available->sets);
  if (!time_zone) co_return Fail(std::move(time_zone).error());
  plan.time_zone = *std::move(time_zone);
  const Result<std::optional<Scn>> target = TargetOf(point, *available, plan.time_zone);
  if (!target) co_return Fail(target.error());
  if (!*target) co_return Fail(NotEnoughLog(source, *available, std::nullopt));
  plan.restore_scn = **target;
  if (Status open = CheckPasswords(source, available->sets, plan.restore_scn); !open)
    co_return Fail(std::move(open).error());
  const std::vector<std::size_t> chain = ChooseSetIndexes(available->sets, plan.restore_scn);
  Status known;
  if (!chain.empty()) known = CheckVersion(source, available->sets[chain.back()]);
  if (!known) co_return Fail(std::move(known).error());
  const std::optional<Choice> choice = Choose(*available, plan.restore_scn);
  if (!choice) co_return Fail(NotEnoughLog(source, *available, plan.restore_scn));
  plan.sets = Pick(std::span(available->sets), choice->sets);
  if (choice->archive) {
    plan.archive = *choice->archive;
    plan.pieces = Pick(std::span(available->archives[plan.archive].pieces), choice->pieces);
    co_return plan;
  }
  Result<std::vector<TenantArchivePieceAttr>> pieces =
      co_await ReadComplementPieces(source.data(), plan.last_set());
  if (!pieces) co_return Fail(std::move(pieces).error());
  if (pieces->empty()) co_return Fail(NotEnoughLog(source, *available, plan.restore_scn));
  plan.from_complement = true;
  plan.pieces = *std::move(pieces);
  co_return plan;
}

std::vector<PreviewRow> PreviewOf(const RestoreSource& source, const RestorePlan& plan) {
  // A zone that is none shows times in UTC.
  const std::chrono::seconds offset =
      format::ParseUtcOffset(plan.time_zone).value_or(std::chrono::seconds(0));
  const auto display = [&](Scn scn) { return ToText(format::TimeTag::FromScn(scn, offset)); };
  std::vector<PreviewRow> rows;
  for (const BackupSetFileDesc& set : plan.sets) {
    const dest::SetReader reader(source.data(), dest::NameOf(set));
    const bool full = set.backup_type.value == format::BackupType::kFull;
    rows.push_back(
        {.backup_type = "BACKUP_SET",
         .backup_id = set.backup_set_id.value,
         .backup_dest = reader.store().FullPathOf(reader.Path(format::PathKind::kBackupSetDir)),
         .description =
             fmt::format("type: {}, min_restore_scn_display: {}, size: {}.", full ? "FULL" : "INC",
                         display(set.min_restore_scn), SizeText(set.stats.output_bytes))});
  }
  const dest::SetName last = dest::NameOf(plan.last_set());
  const DestStore archive = plan.from_complement
                                ? DestStore::ComplementLog(source.data(), last.id, last.kind)
                                : source.archive(plan.archive);
  for (const TenantArchivePieceAttr& piece : plan.pieces) {
    dest::PieceName name{piece.key.dest_id, piece.key.round_id, piece.key.piece_id};
    if (plan.from_complement) name.dest = source.data_format.dest_id;
    rows.push_back(
        {.backup_type = "BACKUP_PIECE",
         .backup_id = piece.key.piece_id.value,
         .backup_dest = archive.FullPathOf(name.Path(format::PathKind::kPieceDir)),
         .description = fmt::format("start_scn_display: {}, checkpoint_scn_display: {}.",
                                    display(piece.start_scn), display(piece.checkpoint_scn))});
  }
  return rows;
}

}  // namespace obbak::restore
