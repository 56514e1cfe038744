#include "dest/archive_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace obbak::dest {
namespace {

using format::BackupPath;
using format::PathKind;
using format::PieceCheckpointDesc;
using format::Scn;
using format::SinglePieceDesc;
using format::TenantArchivePieceAttr;
using format::TenantArchivePieceInfosDesc;

Status CheckIds(const DestStore& archive, const BackupPath& path, format::RoundId round,
                format::PieceId piece) {
  if (round == path.round && piece == path.piece) return {};
  return Fail(
      Error(ErrorCode::kInvalidData,
            fmt::format("it describes another piece: round {}, piece {}", round.value, piece.value))
          .WithPath(archive.FullPathOf(path)));
}

// The greatest checkpoint that a mark in the piece's checkpoint/ names, under both of its names;
// none if there is no mark.
io::Task<Result<std::optional<Scn>>> ReadCheckpointMark(DestStore archive, PieceName name) {
  const Result<Listing> listing = co_await archive.List(name.Path(PathKind::kPieceCheckpointDir));
  if (!listing) co_return Fail(listing.error());
  std::optional<Scn> greatest;
  for (const BackupPath& path : listing->known) {
    const bool mark =
        path.kind == PathKind::kPieceCheckpointMarker || path.kind == PathKind::kPieceCheckpointScn;
    if (mark && path.scn.IsValid() && (!greatest || *greatest < path.scn)) greatest = path.scn;
  }
  co_return greatest;
}

io::Task<Result<ArchivedPiece>> ReadUnfrozenPiece(DestStore archive, PieceName name) {
  ArchivedPiece piece{.name = name, .state = PieceState::kEmpty, .attr = {}};
  const Result<std::optional<PieceCheckpointDesc>> first =
      co_await archive.ReadIfThere<PieceCheckpointDesc>(name.Path(PathKind::kPieceCheckpointInfo));
  if (!first) co_return Fail(first.error());
  if (!*first) co_return piece;
  const BackupPath path = name.Path(PathKind::kTenantArchivePieceInfos);
  Result<TenantArchivePieceInfosDesc> infos =
      co_await archive.Read<TenantArchivePieceInfosDesc>(path);
  if (!infos) co_return Fail(std::move(infos).error());
  if (Status same = CheckIds(archive, path, infos->round_id, infos->piece_id); !same)
    co_return Fail(std::move(same).error());
  const Result<std::optional<Scn>> mark = co_await ReadCheckpointMark(archive, name);
  if (!mark) co_return Fail(mark.error());
  piece.state = PieceState::kActive;
  piece.attr = ActiveAttr(*std::move(infos), **first, *mark);
  co_return piece;
}

}  // namespace

TenantArchivePieceAttr ActiveAttr(TenantArchivePieceInfosDesc infos,
                                  const PieceCheckpointDesc& first, std::optional<Scn> mark) {
  return {.key = {.tenant_id = infos.tenant_id,
                  .dest_id = infos.dest_id,
                  .round_id = infos.round_id,
                  .piece_id = infos.piece_id},
          .incarnation = infos.incarnation,
          .dest_no = infos.dest_no,
          .start_scn = infos.start_scn,
          .checkpoint_scn = mark.value_or(first.checkpoint_scn),
          .max_scn = mark.value_or(first.max_scn),
          .end_scn = infos.end_scn,
          .compatible = infos.compatible,
          .status = {format::ArchivePieceStatus::kActive},
          .file_status = format::BackupFileStatus::kAvailable,
          .path = std::move(infos.path)};
}

io::Task<Result<std::vector<PieceName>>> ListPieces(DestStore archive) {
  const Result<Listing> listing = co_await archive.List({.kind = PathKind::kPiecesDir});
  if (!listing) co_return Fail(listing.error());
  std::vector<PieceName> names;
  for (const BackupPath& path : listing->known) {
    if (path.kind == PathKind::kPieceStart) names.push_back({path.dest, path.round, path.piece});
  }
  // A start mark can be there twice, in the time zones of two writers.
  std::ranges::sort(names);
  const auto again = std::ranges::unique(names);
  names.erase(again.begin(), again.end());
  co_return names;
}

io::Task<Result<ArchivedPiece>> ReadPiece(DestStore archive, PieceName name) {
  const BackupPath path = name.Path(PathKind::kSinglePieceInfo);
  Result<std::optional<SinglePieceDesc>> frozen =
      co_await archive.ReadIfThere<SinglePieceDesc>(path);
  if (!frozen) co_return Fail(std::move(frozen).error());
  if (!*frozen) co_return co_await ReadUnfrozenPiece(archive, name);
  TenantArchivePieceAttr& attr = (*frozen)->piece;
  if (Status same = CheckIds(archive, path, attr.key.round_id, attr.key.piece_id); !same)
    co_return Fail(std::move(same).error());
  co_return ArchivedPiece{.name = name, .state = PieceState::kFrozen, .attr = std::move(attr)};
}

io::Task<Result<std::vector<TenantArchivePieceAttr>>> ReadAllPieces(DestStore archive) {
  const Result<std::vector<PieceName>> names = co_await ListPieces(archive);
  if (!names) co_return Fail(names.error());
  for (auto name = names->rbegin(); name != names->rend(); ++name) {
    Result<ArchivedPiece> newest = co_await ReadPiece(archive, *name);
    if (!newest) co_return Fail(std::move(newest).error());
    if (newest->state == PieceState::kEmpty) continue;
    Result<TenantArchivePieceInfosDesc> infos = co_await archive.Read<TenantArchivePieceInfosDesc>(
        name->Path(PathKind::kTenantArchivePieceInfos));
    if (!infos) co_return Fail(std::move(infos).error());
    co_return WithHistory(std::move(newest->attr), *std::move(infos));
  }
  co_return std::vector<TenantArchivePieceAttr>();
}

std::vector<TenantArchivePieceAttr> WithHistory(TenantArchivePieceAttr newest,
                                                TenantArchivePieceInfosDesc infos) {
  std::vector<TenantArchivePieceAttr> pieces = std::move(infos.his_frozen_pieces);
  pieces.push_back(std::move(newest));
  std::ranges::sort(pieces, {}, [](const TenantArchivePieceAttr& piece) {
    return std::tuple(piece.key.round_id, piece.key.piece_id);
  });
  return pieces;
}

}  // namespace obbak::dest
