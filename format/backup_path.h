// The names of the 4.x destinations: every file and directory of docs/spec/layout.md §2, §3, §6.2
// and §7, printed and parsed by one table (format/backup_path.cc). Paths are relative to the root
// of their destination, components are joined by one '/', directories have no trailing '/'.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "format/ids.h"
#include "format/object_parts.h"
#include "format/time_tag.h"

namespace obbak::format {

// What a destination is for; a set of bits.
enum class DestKind : std::uint8_t {
  kData = 1,
  kArchive = 2,
  kDataOrArchive = kData | kArchive,
  kClusterParameter = 4,
  kAny = kData | kArchive | kClusterParameter,
};

// One kind per row of the table. `Facts` says what each of them is.
enum class PathKind : std::uint8_t {
  // Both destinations.
  kFormatFile,
  kCheckDir,
  kConnectFile,
  kPermissionFile,
  kPermissionPart,
  kPermissionFormatMeta,
  kPermissionSealMeta,
  // Data destination.
  kBackupSetsDir,
  kBackupSetStart,
  kBackupSetEndSuccess,
  kBackupSetEndFailed,
  kBackupSetDir,
  kBackupSetInnerMark,
  kSingleBackupSetInfo,
  kTenantBackupSetInfos,
  kInfosDir,
  kLocalityInfo,
  kDiagnoseInfo,
  kTenantParameter,
  kDeletedTabletInfo,
  kMviewDepTabletList,
  kMetaInfoDir,
  kLsAttrInfo,
  kLsMetaInfos,
  kRootKey,
  kMetaTabletLsInfo,
  kTableListDir,
  kTableListPart,
  kTableListMeta,
  kDataInfoDir,
  kTabletLsInfo,
  kTenantIndex,
  kDataInfoDir41,
  kTabletLsInfo41,
  kTenantIndex41,
  kSysDataInfoDir,
  kSysTabletLsInfo,
  kSysTenantIndex,
  kSetLsDir,
  kLsMetaInfoDir,
  kLsMetaInfo,
  kTabletInfo,
  kLsDataDir,
  kMacroBlockData,
  kLsIndex,
  kComplementLogDir,
  // Archive destination, also below a set's complement_log/.
  kRoundsDir,
  kRoundStart,
  kRoundEnd,
  kPiecesDir,
  kPieceStart,
  kPieceEnd,
  kPieceDir,
  kPieceInnerMark,
  kSinglePieceInfo,
  kTenantArchivePieceInfos,
  kPieceFileInfo,
  kPieceCheckpointDir,
  kPieceCheckpointInfo,
  kPieceCheckpointMarker,
  kPieceCheckpointScn,
  kPieceLsDir,
  kLsFileInfo,
  kLsLogDir,
  kLogFile,
  kLogPart,
  kLogFormatMeta,
  kLogSealMeta,
  kSchemaMetaDir,
  kSchemaMeta,
  // Cluster parameter destination.
  kClusterParameter,
};
inline constexpr std::size_t kPathKindCount =
    static_cast<std::size_t>(PathKind::kClusterParameter) + 1;

enum class BackupSetKind : std::uint8_t { kFull, kInc };
// ObBackupDataType, with its numbers.
enum class DataType : std::uint8_t { kSys, kMinor, kMajor };
enum class IndexKind : std::uint8_t { kMacroRange, kMeta, kSecMeta };
// How a permission probe writes.
enum class ProbeAccess : std::uint8_t { kOverwriter, kAppender, kMultipartWriter };

// A path, taken apart. Variables that a kind doesn't have stay at their defaults, so that equal
// paths are equal values.
struct BackupPath {
  PathKind kind = PathKind::kFormatFile;
  // An archive kind below the complement_log/ of the set `set`, `set_kind`.
  bool in_complement_log = false;

  BackupSetId set{};
  BackupSetKind set_kind = BackupSetKind::kFull;
  LsId ls{};
  DataType data_type = DataType::kSys;
  IndexKind index = IndexKind::kMacroRange;
  std::int64_t turn = 0;
  std::int64_t retry = 0;
  // File number: macro_block_data.F, tablet_info.F, log/F, the part of a table list.
  std::int64_t file = 0;
  TenantId tenant{};
  ProbeAccess access = ProbeAccess::kOverwriter;
  DestId dest{};
  RoundId round{};
  PieceId piece{};
  // Of a checkpoint, a table list or a dictionary snapshot.
  Scn scn{};
  TimeTag time{};
  // The second one in a name that has two.
  TimeTag end_time{};
  ObjectPart part{};

  bool operator==(const BackupPath&) const = default;
};

enum class EntryForm : std::uint8_t {
  kFile,
  kDirectory,
  // A file, or on a medium without append a prefix that holds its parts (layout.md §6).
  kFileOrParts,
};

// Which of our writers makes a kind (docs/spec/README.md, decisions 1 and 2). Readers take all.
enum class LayoutProfile : std::uint8_t {
  k430 = 1,  // what 4.3.0.1 writes
  k435 = 2,  // with the additions of the later documents
};

struct PathFacts {
  // "MacroBlockData".
  std::string_view name;
  // "backup_set_{set}_{kind}/single_backup_set_info.obbak".
  std::string_view pattern;
  // Where it may stand, apart from complement_log/, which holds what an archive holds.
  DestKind dest;
  EntryForm form;
  // Bits of LayoutProfile; 0 for names that only others write.
  std::uint8_t writers;
  // One line for people.
  std::string_view meaning;

  bool WrittenBy(LayoutProfile profile) const {
    return (writers & static_cast<std::uint8_t>(profile)) != 0;
  }
};

const PathFacts& Facts(PathKind kind);

// Whether the path has a spelling: numbers not negative, SCNs not all ones, words that the kind
// knows (no tenant-level index of sys data), a part with start < end, `in_complement_log` for
// archive kinds only.
bool IsPrintable(const BackupPath& path);
// The path relative to the root. `path` must be printable.
std::string Print(const BackupPath& path);
// A path of the data destination relative to its set directory, for those who were given that
// directory as their root. `path` must be printable and lie below a set directory.
std::string PrintInSet(const BackupPath& path);

// The inverse of Print for the paths of a destination of that kind: what parses prints the same
// string again. Fails with kNotSupported for names that only 4.3.2 and later write, and with
// kInvalidData, naming the first component that doesn't fit, for everything else.
Result<BackupPath> ParseBackupPath(std::string_view relative_path, DestKind dest = DestKind::kAny);

// The path in full: `root` without its trailing slashes, '/', `path`. Fails with kInvalidArgument
// for a root without a name or an unprintable path, with kSizeOverflow from 1024 bytes on (§1.1).
Result<std::string> JoinRoot(std::string_view root, std::string_view relative_path);
Result<std::string> JoinRoot(std::string_view root, const BackupPath& path);

// "tablet metadata of one log stream (set 1, kind full, ls 1001, turn 1, retry 0, file 1)".
std::string Describe(const BackupPath& path);

// What a name can be when nobody knows where the root is.
struct NameClass {
  // Where the part of the path begins that was recognised.
  std::size_t offset = 0;
  // That part is a whole path of a destination: what stands before it is the root. Otherwise it is
  // only the end of one, and the variables of the components before it are unknown (defaults): tell
  // its meaning from Facts, not by Describe.
  bool whole = false;
  // Several only if not whole: "file_info.obarc" is that of a piece or of a log stream.
  std::vector<BackupPath> candidates;
};

// Looks for the longest end of `path`, beginning at a component, that is a whole path of a
// destination, and failing that for the longest that is the end of one. Without candidates if
// even the last component is unknown. Trailing slashes don't count.
NameClass ClassifyByName(std::string_view path);

}  // namespace obbak::format
