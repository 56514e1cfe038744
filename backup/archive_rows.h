// The archive's rows of the catalogue, as values: mode, destination, rounds, pieces, progress of
// log streams, dumps of the data dictionary.
#pragma once

#include <optional>
#include <vector>

#include "backup/archive_round.h"
#include "backup/catalogue.h"
#include "base/result.h"
#include "engine/dictionary_dump.h"
#include "format/archive_records.h"
#include "format/ids.h"
#include "io/log_archive_dest.h"

namespace obbak::backup {

// LOG_ARCHIVE_DEST and LOG_ARCHIVE_DEST_STATE.
struct ArchiveDestSetting {
  format::DestId id;
  io::LogArchiveDest dest;
  bool deferred = false;
};

struct DictionaryRow {
  engine::DictionaryDump dump;
  bool recorded = false;  // its schema_meta file is written
};

// Reads. Everything is what the catalogue has at the moment; nothing is kept here.
class ArchiveRows {
 public:
  explicit ArchiveRows(Catalogue catalogue) : catalogue_(catalogue) {}

  Result<bool> ArchiveLogMode() const;
  Result<std::optional<ArchiveDestSetting>> Dest() const;
  // The current round, also when it has stopped.
  Result<std::optional<RoundStatus>> Round() const;
  // Stopped ones, oldest first.
  Result<std::vector<RoundStatus>> History() const;
  // In the order of destination, round and piece.
  Result<std::vector<format::TenantArchivePieceAttr>> Pieces() const;
  Result<std::vector<format::TenantArchivePieceAttr>> PiecesOf(format::DestId dest) const;
  Result<std::vector<format::TenantArchivePieceAttr>> PiecesOf(const RoundStatus& round) const;
  // All rows that are kept of the round, by piece and log stream.
  Result<std::vector<LsProgress>> ProgressOf(const RoundStatus& round) const;
  // The newest row of a log stream; none: it has not begun.
  Result<std::optional<LsProgress>> LastProgressOf(const RoundStatus& round, format::LsId ls) const;
  // Oldest first.
  Result<std::vector<DictionaryRow>> Dictionaries() const;

 private:
  template <class Message>
  auto ListAs(const std::string& prefix) const;

  Catalogue catalogue_;
};

// Changes, to be put into one edit.
void PutArchiveLogMode(CatalogueEdit& edit, bool archive_log);
void PutDest(CatalogueEdit& edit, const ArchiveDestSetting& setting);
void RemoveDest(CatalogueEdit& edit);
void PutRound(CatalogueEdit& edit, const RoundStatus& round);
// The round has stopped.
void PutHistory(CatalogueEdit& edit, const RoundStatus& round);
Status PutPiece(CatalogueEdit& edit, const format::TenantArchivePieceAttr& piece);
void PutProgress(CatalogueEdit& edit, const LsProgress& progress);
void RemoveProgress(CatalogueEdit& edit, const LsProgress& progress);
void PutDictionary(CatalogueEdit& edit, const DictionaryRow& row);
void RemoveDictionary(CatalogueEdit& edit, const DictionaryRow& row);

}  // namespace obbak::backup
