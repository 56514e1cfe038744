// The files of a destination, each read and checked by what its path says it is, and what is kept
// of them for the rules between files.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "format/archive_records.h"
#include "format/backup_path.h"
#include "format/backup_set_records.h"
#include "format/destination_records.h"
#include "format/ls_meta_records.h"
#include "io/task.h"
#include "restore/validate_data_files.h"
#include "restore/validate_facts.h"
#include "restore/validate_findings.h"
#include "restore/validate_reading.h"

namespace obbak::restore {

// One attempt at one log stream: a `..._turn_<turn>_retry_<retry>` directory.
struct Attempt {
  format::LsId ls;
  std::int64_t turn = 0;
  std::int64_t retry = 0;
  auto operator<=>(const Attempt&) const = default;
};
struct DataAttempt {
  format::DataType type{};
  Attempt attempt;
  auto operator<=>(const DataAttempt&) const = default;
};

struct MetaAttemptFacts {
  std::optional<format::LsMetaPackage> ls_meta;
  std::map<std::int64_t, TabletInfoFacts> tablet_info;  // by number
};
// The three index files beside each other, of a log stream's attempt or of the tenant.
struct IndexFacts {
  std::optional<IndexFileFacts<format::BackupMacroRangeIndex>> macro_range;
  std::optional<IndexFileFacts<format::BackupMetaIndex>> meta;
  std::optional<IndexFileFacts<format::BackupMetaIndex>> sec_meta;
};
struct DataAttemptFacts {
  std::map<std::int64_t, DataFileFacts> files;  // by number
  IndexFacts indexes;
};
// A phase of the backup: its data type and turn.
using Phase = std::pair<format::DataType, std::int64_t>;

// An archived log file, not read yet.
struct LogFileFound {
  std::uint64_t size = 0;
};

struct LsPieceFacts {
  std::optional<format::SingleLsInfoDesc> file_info;
  std::map<std::int64_t, LogFileFound> log_files;  // by number
};

// One piece, as far as its metadata files say. An absent record is a file that is missing or, after
// a finding, damaged.
struct PieceFacts {
  std::vector<std::pair<format::TimeTag, std::optional<format::PieceStartDesc>>> start_marks;
  std::vector<std::pair<format::TimeTag, std::optional<format::PieceEndDesc>>> end_marks;
  struct InnerMark {
    format::TimeTag start;
    format::TimeTag checkpoint;
    std::optional<format::PieceInnerPlaceholderDesc> record;
  };
  std::vector<InnerMark> inner_marks;
  bool has_single_info = false;
  bool has_file_info = false;
  bool has_checkpoint = false;
  std::optional<format::SinglePieceDesc> single_info;
  std::optional<format::TenantArchivePieceInfosDesc> piece_infos;
  std::optional<format::PieceInfoDesc> file_info;
  std::optional<format::PieceCheckpointDesc> checkpoint;
  std::vector<format::Scn> checkpoint_marks;  // ascending
  std::map<format::LsId, LsPieceFacts> log_streams;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

struct RoundFacts {
  std::optional<format::RoundStartDesc> start;
  std::optional<format::RoundEndDesc> end;
  bool has_end = false;
  std::map<format::PieceId, PieceFacts> pieces;
};

// An archive destination, or the complement log of a set.
struct ArchiveFacts {
  std::optional<format::BackupFormatDesc> format;
  // What the names say.
  std::map<format::DestId, std::map<format::RoundId, RoundFacts>> rounds;
};

struct SetFacts {
  format::BackupSetKind kind{};
  bool has_start_mark = false;
  std::vector<format::TimeTag> success_marks;
  std::vector<format::TimeTag> failed_marks;
  std::vector<std::pair<format::TimeTag, format::TimeTag>> inner_marks;
  std::optional<format::BackupSetFileDesc> desc;
  std::optional<std::vector<format::BackupSetFileDesc>> all_sets;
  std::optional<format::ExternTenantLocalityInfoDesc> locality;
  std::optional<format::ExternTenantDiagnoseInfoDesc> diagnose;
  std::map<std::int64_t, format::BackupDataLsAttrDesc> ls_attrs;  // by meta turn
  std::optional<std::vector<format::LsMetaPackage>> ls_metas;
  std::map<Phase, format::BackupDataTabletToLsDesc> tablet_maps;
  std::map<Phase, std::map<std::int64_t, IndexFacts>> tenant_indexes;  // then by retry
  std::map<Attempt, MetaAttemptFacts> metas;
  std::map<DataAttempt, DataAttemptFacts> data;
  std::optional<ArchiveFacts> complement;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;

  // Its last file is there, so all others must be.
  bool is_complete() const { return !success_marks.empty(); }
};

// A whole destination. Archived logs are not read yet: they need what sets say.
struct DestFacts {
  std::size_t medium = 0;
  std::string location;
  std::optional<format::BackupFormatDesc> format;
  bool is_archive = false;
  std::size_t check_files = 0;
  std::map<format::BackupSetId, SetFacts> sets;
  ArchiveFacts archive;
  const Tree* tree = nullptr;
};

// What the root of a destination says it is.
struct DestIdentity {
  std::optional<format::BackupFormatDesc> format;  // absent after a finding
  bool is_archive = false;
};
io::Task<Result<DestIdentity>> IdentifyDest(FileChecks checks, Reporter found);

// Reads every file but the archived logs, `concurrency` at a time. `files` must outlive the result.
io::Task<DestFacts> ReadDest(FileChecks checks, DestIdentity identity, const Tree& files,
                             std::size_t concurrency, Reporter found);

// Runs work(0), work(1), ... count in all, `concurrency` at a time.
io::Task<void> ForAll(io::Loop& loop, std::size_t count, std::size_t concurrency,
                      std::function<io::Task<void>(std::size_t index)> work);

}  // namespace obbak::restore
