// Validation over what the archiver and the backup really write: nothing to say about an untouched
// destination, something about any damage.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "e2e/validate_test_support.h"
#include "format/backup_path.h"
#include "format/object_parts.h"
#include "format/storage_object_meta.h"

namespace obbak::e2e {
namespace {

// The same tenant's archive, stopped, and started again into a second round.
const Destinations& TwoRounds() {
  static const Destinations& made = *[] {
    auto* destinations = new Destinations();
    Tenant1002 tenant;
    tenant.Write();
    tenant.Backup(BackupType::kFull);
    tenant.Later();
    tenant.StopArchive();
    tenant.Write();
    tenant.StartArchive();
    tenant.Write();
    tenant.Backup(BackupType::kInc);
    tenant.Later();
    tenant.CopyTo(*destinations);
    return destinations;
  }();
  return made;
}

// Sets with their own logs; the archive goes on behind them.
const Destinations& WithOwnLogs() {
  static const Destinations& made = *[] {
    auto* destinations = new Destinations();
    Tenant1002 tenant;
    tenant.Write();
    tenant.Compact();
    tenant.Backup(BackupType::kFull, /*plus_archivelog=*/true);
    tenant.Later();
    tenant.Write();
    tenant.Backup(BackupType::kInc, /*plus_archivelog=*/true);
    tenant.Later();
    tenant.CopyTo(*destinations);
    return destinations;
  }();
  return made;
}

TEST(ValidateDestinations, NothingIsFoundInAnUntouchedChain) {
  const ValidationReport report = ValidateAll(Chain());
  EXPECT_EQ(Text(report), "");
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.sets.size(), 2u);
  for (const restore::ValidatedSet& set : report.sets) EXPECT_TRUE(set.intact);
  for (const restore::ValidatedPiece& piece : report.pieces) EXPECT_TRUE(piece.intact);
  std::uint64_t bytes = 0;
  for (const auto* medium : {&Chain().data, &Chain().archive}) {
    for (const auto& [path, file] : medium->files) bytes += file.size();
  }
  EXPECT_EQ(report.bytes, bytes);
}

TEST(ValidateDestinations, NothingIsFoundInTwoRounds) {
  const ValidationReport report = ValidateAll(TwoRounds());
  EXPECT_EQ(Text(report), "");
  for (const restore::ValidatedPiece& piece : report.pieces) EXPECT_TRUE(piece.intact);
}

TEST(ValidateDestinations, NothingIsFoundInSetsWithTheirOwnLogs) {
  const ValidationReport report = ValidateAll(WithOwnLogs());
  EXPECT_EQ(Text(report), "");
  for (const restore::ValidatedSet& set : report.sets) EXPECT_TRUE(set.intact);
}

TEST(ValidateDestinations, NothingIsFoundInSetsWithTheirOwnLogsAndNoArchive) {
  Destinations without = WithOwnLogs();
  io::SimWorld world(1);
  const auto report = world.loop().Run(restore::Validate(world.loop(), {&without.data}));
  ASSERT_TRUE(report);
  EXPECT_EQ(Text(*report), "");
  // Each set restores to its one point.
  ASSERT_EQ(report->windows.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(report->windows[i].from, report->sets[i].desc.min_restore_scn);
    EXPECT_EQ(report->windows[i].to, report->windows[i].from);
    EXPECT_EQ(report->windows[i].set, report->sets[i].desc.backup_set_id);
  }
}

// Tables come and go, tablets move, data is compacted while sets are made and log is archived; with
// tiny data files, so that there are many.
TEST(ValidateDestinations, NothingIsFoundInBusySets) {
  std::int64_t turns = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Source::Options options = HourlyPieces();
    options.backup.data_file_size = std::uint64_t{4} << 20;
    options.backup.retry_delay = std::chrono::milliseconds(5);
    Tenant1002 tenant(options, seed);
    tenant.BackupBesides(BackupType::kFull, seed);
    tenant.Later();
    tenant.BackupBesides(BackupType::kInc, seed + 100);
    tenant.Later();
    tenant.BackupBesides(BackupType::kInc, seed + 200, seed % 2 == 0);
    tenant.Later();
    Destinations made;
    tenant.CopyTo(made);
    const ValidationReport report = ValidateAll(made);
    EXPECT_EQ(Text(report), "") << "seed " << seed;
    for (const restore::ValidatedSet& set : report.sets)
      turns += set.desc.minor_turn_id + set.desc.major_turn_id - 2;
  }
  EXPECT_GT(turns, 0);
}

TEST(ValidateDestinations, NothingIsFoundInLongLogsAndLargeSstables) {
  Destinations made = Long();
  const ValidationReport report = ValidateAll(made);
  EXPECT_EQ(Text(report), "");
  std::size_t second_files = 0;
  for (const auto& [path, file] : made.archive.files)
    second_files += path.ends_with("/log/2.obarc");
  EXPECT_GT(second_files, 0u);
}

// As on a medium without append, or copied from one (docs/spec/layout.md §6): each log file in
// parts, every second one with a list of them.
Destinations InParts(const Destinations& whole) {
  Destinations parted = whole;
  bool is_sealed = false;
  for (const auto& [path, file] : whole.archive.files) {
    auto part = format::ParseBackupPath(path);
    if (!part || part->kind != format::PathKind::kLogFile) continue;
    parted.archive.files.erase(path);
    const auto put = [&](format::PathKind kind, ByteView bytes) {
      part->kind = kind;
      parted.archive.files[format::Print(*part)] = Bytes(bytes.begin(), bytes.end());
    };
    put(format::PathKind::kLogFormatMeta, AsByteView(format::kFormatMetaContent));
    format::StorageObjectMeta seal{.length = {file.size()}, .parts = {}};
    const std::uint64_t step = std::max<std::uint64_t>(5000, file.size() / 5);
    for (std::uint64_t at = 0; at < file.size(); at += step) {
      part->part = {at, std::min<std::uint64_t>(at + step, file.size())};
      put(format::PathKind::kLogPart, ByteView(file).subspan(at, part->part.size()));
      seal.parts.push_back(part->part);
    }
    is_sealed = !is_sealed;
    if (is_sealed) put(format::PathKind::kLogSealMeta, *format::WriteSealMeta(seal));
  }
  return parted;
}

TEST(ValidateDestinations, LogFilesMayBeInParts) {
  for (const Destinations* whole : {&Chain(), &Long()}) {
    const ValidationReport report = ValidateAll(InParts(*whole));
    EXPECT_EQ(Text(report), "");
    const ValidationReport expected = ValidateAll(*whole);
    EXPECT_EQ(report.windows, expected.windows);
    ASSERT_EQ(report.pieces.size(), expected.pieces.size());
    for (std::size_t i = 0; i < report.pieces.size(); ++i)
      EXPECT_EQ(report.pieces[i].entries, expected.pieces[i].entries);
  }
}

// ---- Damage: each test changes one file at a time, and collects what nobody noticed.

class Damage : public testing::Test {
 protected:
  using Change = std::function<void(MemoryMedium& medium, const std::string& path)>;

  // Validates with `change` made to a copy.
  bool IsFound(const Destinations& whole, bool in_archive, const std::string& path,
               const Change& change) {
    Destinations damaged = whole;
    change(in_archive ? damaged.archive : damaged.data, path);
    const ValidationReport report = ValidateAll(damaged);
    return !report.findings.empty();
  }

  // Every file for which `applies`.
  std::vector<std::string> NotFound(
      const Destinations& whole, const Change& change,
      const std::function<bool(const std::string& path, const Bytes& file)>& applies) {
    std::vector<std::string> missed;
    for (const bool in_archive : {false, true}) {
      for (const auto& [path, file] : (in_archive ? whole.archive : whole.data).files) {
        if (!applies(path, file)) continue;
        if (!IsFound(whole, in_archive, path, change)) missed.push_back(path);
      }
    }
    return missed;
  }

  static bool IsNotEmpty(const std::string&, const Bytes& file) { return !file.empty(); }
  static bool Always(const std::string&, const Bytes&) { return true; }

  io::Random random_{77};
};

TEST_F(Damage, EveryFlippedBitIsFound) {
  for (int round = 0; round < 2; ++round) {
    const auto flip = [&](MemoryMedium& medium, const std::string& path) {
      Bytes& file = medium.files[path];
      // Half of them where files are dense.
      const std::size_t end =
          random_.OneIn(2) ? std::min<std::size_t>(file.size(), 400) : file.size();
      file[random_.Below(end)] ^= static_cast<std::byte>(1u << random_.Below(8));
    };
    EXPECT_THAT(NotFound(Chain(), flip, IsNotEmpty), testing::IsEmpty());
  }
}

TEST_F(Damage, EveryTruncatedFileIsFound) {
  const auto truncate = [&](MemoryMedium& medium, const std::string& path) {
    Bytes& file = medium.files[path];
    file.resize(random_.Below(file.size()));
  };
  EXPECT_THAT(NotFound(Chain(), truncate, IsNotEmpty), testing::IsEmpty());
}

// Where the data dictionary is in the log, nobody but readers of changes must know; and whether
// there was such a file, nothing else says.
bool IsSchemaMeta(const std::string& path) { return path.find("/schema_meta/") != path.npos; }

TEST_F(Damage, EveryMissingFileIsFoundButTheIndexOfTheDictionary) {
  const auto remove = [](MemoryMedium& medium, const std::string& path) {
    medium.files.erase(path);
  };
  EXPECT_THAT(NotFound(Chain(), remove, Always), testing::Each(testing::Truly(IsSchemaMeta)));
}

// A path of the same kind with another number or time in its name; empty when there is none.
std::string OtherName(const std::string& path) {
  auto parsed = format::ParseBackupPath(path);
  if (!parsed) return {};
  format::BackupPath other = *parsed;
  const std::string_view pattern = format::Facts(other.kind).pattern;
  const std::string_view name = pattern.substr(pattern.rfind('/') + 1);
  const auto has = [&](std::string_view variable) { return name.find(variable) != name.npos; };
  if (has("{file}")) {
    ++other.file;
  } else if (has("{turn}")) {
    ++other.turn;
  } else if (has("{retry}")) {
    ++other.retry;
  } else if (has("{scn}") || has("{checkpoint}")) {
    ++other.scn.value;
  } else if (has("{piece}")) {
    ++other.piece.value;
    ++other.piece.value;
    ++other.piece.value;
    ++other.piece.value;
  } else if (has("{time}")) {
    other.time.value += std::chrono::seconds(7);
  } else if (has("{round}")) {
    ++other.round.value;
  } else {
    return {};
  }
  return format::Print(other);
}

TEST_F(Damage, EveryCopyUnderAnotherNameIsFound) {
  const auto copy = [](MemoryMedium& medium, const std::string& path) {
    const Bytes file = medium.files[path];
    medium.files[OtherName(path)] = file;
  };
  const auto applies = [](const std::string& path, const Bytes&) {
    return !OtherName(path).empty();
  };
  EXPECT_THAT(NotFound(Chain(), copy, applies), testing::IsEmpty());
}

// Names that stand for nothing else: the wall clock when a destination was checked, and how far a
// piece was archived at some time before it was frozen.
bool HasFreeName(const std::string& path) {
  return path.find("_connect_file_") != path.npos ||
         path.find("/checkpoint/checkpoint_info.") != path.npos;
}

TEST_F(Damage, EveryRenamedFileIsFoundButTheFreelyNamed) {
  const auto rename = [](MemoryMedium& medium, const std::string& path) {
    medium.files[OtherName(path)] = medium.files[path];
    medium.files.erase(path);
  };
  const auto applies = [](const std::string& path, const Bytes&) {
    return !OtherName(path).empty();
  };
  EXPECT_THAT(NotFound(Chain(), rename, applies), testing::Each(testing::Truly(HasFreeName)));
}

TEST_F(Damage, EveryFileInThePlaceOfAnotherOfItsKindIsFound) {
  // The next one of the same kind, around the end.
  const auto other = [&](const MemoryMedium& medium, const std::string& path) {
    const auto kind = format::ParseBackupPath(path)->kind;
    auto at = medium.files.find(path);
    do {
      if (++at == medium.files.end()) at = medium.files.begin();
    } while (format::ParseBackupPath(at->first)->kind != kind);
    return at->first;
  };
  for (const bool in_archive : {false, true}) {
    const MemoryMedium& medium = in_archive ? Chain().archive : Chain().data;
    std::vector<std::string> missed;
    for (const auto& [path, file] : medium.files) {
      const std::string from = other(medium, path);
      if (medium.files.at(from) == file) continue;
      const auto replace = [&](MemoryMedium& changed, const std::string& to) {
        changed.files[to] = changed.files[from];
      };
      if (!IsFound(Chain(), in_archive, path, replace)) missed.push_back(path);
    }
    EXPECT_THAT(missed, testing::IsEmpty());
  }
}

TEST_F(Damage, EveryFlippedBitAndEveryMissingPartOfALogInPartsIsFound) {
  const Destinations parted = InParts(Chain());
  const auto is_part = [](const std::string& path, const Bytes&) {
    return path.find("@APD_PART@") != path.npos;
  };
  const auto flip = [&](MemoryMedium& medium, const std::string& path) {
    Bytes& file = medium.files[path];
    file[random_.Below(file.size())] ^= static_cast<std::byte>(1u << random_.Below(8));
  };
  EXPECT_THAT(NotFound(parted, flip, is_part), testing::IsEmpty());
  const auto remove = [](MemoryMedium& medium, const std::string& path) {
    medium.files.erase(path);
  };
  // Either of the two marks tells that the directory is a file.
  const auto is_mark = [](const std::string& path) { return path.find("_META") != path.npos; };
  EXPECT_THAT(NotFound(parted, remove, is_part), testing::Each(testing::Truly(is_mark)));
}

TEST_F(Damage, EveryUnknownNameIsFound) {
  for (const std::string name : {"junk", "backup_sets/junk", "backup_set_1_full/infos/junk.obbak",
                                 "backup_set_1_full/logstream_1/junk/file"}) {
    const auto add = [](MemoryMedium& medium, const std::string& path) { medium.files[path] = {}; };
    EXPECT_TRUE(IsFound(Chain(), false, name, add)) << name;
  }
  for (const std::string name : {"junk", "pieces/junk", "piece_d1001r1p1/checkpoint/junk",
                                 "piece_d1001r1p1/logstream_1/log/1.obarc.old"}) {
    const auto add = [](MemoryMedium& medium, const std::string& path) { medium.files[path] = {}; };
    EXPECT_TRUE(IsFound(Chain(), true, name, add)) << name;
  }
}

TEST_F(Damage, EveryLongerFileIsFound) {
  const auto append = [&](MemoryMedium& medium, const std::string& path) {
    medium.files[path].resize(medium.files[path].size() + 1 + random_.Below(5000), std::byte{0});
  };
  EXPECT_THAT(NotFound(Chain(), append, Always), testing::IsEmpty());
}

TEST_F(Damage, EveryFlippedBitInALogInsideASetIsFound) {
  const auto is_log = [](const std::string& path, const Bytes& file) {
    return !file.empty() && path.find("/complement_log/") != path.npos;
  };
  const auto flip = [&](MemoryMedium& medium, const std::string& path) {
    Bytes& file = medium.files[path];
    file[random_.Below(file.size())] ^= static_cast<std::byte>(1u << random_.Below(8));
  };
  EXPECT_THAT(NotFound(WithOwnLogs(), flip, is_log), testing::IsEmpty());
  const auto truncate = [&](MemoryMedium& medium, const std::string& path) {
    Bytes& file = medium.files[path];
    file.resize(random_.Below(file.size()));
  };
  EXPECT_THAT(NotFound(WithOwnLogs(), truncate, is_log), testing::IsEmpty());
  const auto remove = [](MemoryMedium& medium, const std::string& path) {
    medium.files.erase(path);
  };
  // Of a piece that was frozen already nobody reads how it began.
  const auto is_useless = [](const std::string& path) {
    return path.ends_with("/checkpoint/checkpoint_info.0.obarc");
  };
  EXPECT_THAT(NotFound(WithOwnLogs(), remove, is_log), testing::Each(testing::Truly(is_useless)));
}

// ---- States that are no damage.

class Legal : public testing::Test {
 protected:
  Destinations whole_ = Chain();

  void RemoveAll(MemoryMedium& medium, std::string_view prefix) {
    std::erase_if(medium.files, [&](const auto& file) { return file.first.starts_with(prefix); });
  }
  static std::vector<int> RulesOf(const ValidationReport& report, restore::Severity severity) {
    std::vector<int> rules;
    for (const restore::Finding& finding : report.findings) {
      if (finding.severity == severity) rules.push_back(finding.rule);
    }
    return rules;
  }
};

TEST_F(Legal, ASetThatRunsOrFailedHasAStartMarkAndAnyOfItsFiles) {
  // In the reverse order of writing.
  for (const std::string name :
       {"backup_sets/backup_set_2_inc_end", "backup_set_2_inc/backup_set_2_inc_",
        "backup_set_2_inc/infos/diagnose", "backup_set_2_inc/tenant_backup_set_infos",
        "backup_set_2_inc/single_backup_set_info", "backup_set_2_inc/infos/locality",
        "backup_set_2_inc/infos/major_data_info_turn_1/tenant",
        "backup_set_2_inc/logstream_1001/major",
        "backup_set_2_inc/infos/minor_data_info_turn_1/tenant",
        "backup_set_2_inc/logstream_1/minor", "backup_set_2_inc/infos/meta_info/ls_meta_infos",
        "backup_set_2_inc/logstream_1002", "backup_set_2_inc"}) {
    RemoveAll(whole_.data, name);
    const ValidationReport report = ValidateAll(whole_);
    EXPECT_TRUE(report.ok()) << name << "\n" << Text(report);
    ASSERT_EQ(report.sets.size(), 2u);
    EXPECT_TRUE(report.sets[0].intact);
    EXPECT_FALSE(report.sets[1].intact);
  }
  EXPECT_EQ(Text(ValidateAll(whole_)), "");
}

TEST_F(Legal, AnActivePieceMayEndWithPartOfAGroup) {
  // Of the group before, so that its header is right.
  Bytes& log = whole_.archive.files["piece_d1001r1p4/logstream_1001/log/1.obarc"];
  const Bytes before = log;
  log.insert(log.end(), before.begin() + 4096, before.begin() + 4096 + 70);
  for (const std::size_t part : {70u, 56u, 40u, 1u}) {
    log.resize(before.size() + part);
    const ValidationReport report = ValidateAll(whole_);
    EXPECT_TRUE(report.ok()) << Text(report);
  }
  // What a crash leaves of an append may be anything.
  log.resize(before.size() + 512, std::byte{0});
  const ValidationReport report = ValidateAll(whole_);
  EXPECT_TRUE(report.ok()) << Text(report);
  EXPECT_EQ(report.pieces.size(), 4u);
  EXPECT_TRUE(report.pieces.back().intact);
}

TEST_F(Legal, AFrozenPieceWithoutItsEndMarkIsAWarning) {
  RemoveAll(whole_.archive, "pieces/piece_d1001r1p3_end");
  const ValidationReport report = ValidateAll(whole_);
  EXPECT_TRUE(report.ok()) << Text(report);
  EXPECT_THAT(RulesOf(report, restore::Severity::kWarning), testing::ElementsAre(37));
}

TEST_F(Legal, TheOldestPieceAndTheSetThatNeedsItMayHaveBeenCleanedUp) {
  RemoveAll(whole_.archive, "pieces/piece_d1001r1p1");
  RemoveAll(whole_.archive, "piece_d1001r1p1");
  const ValidationReport report = ValidateAll(whole_);
  // Nothing is wrong with the archive; but the sets' logs, from the beginning, are gone.
  EXPECT_THAT(RulesOf(report, restore::Severity::kError), testing::Each(44));
  for (const restore::ValidatedPiece& piece : report.pieces) EXPECT_TRUE(piece.intact);
}

// A destination that is written to as soon as a directory has been listed.
class GrowingMedium : public MemoryMedium {
 public:
  using MemoryMedium::MemoryMedium;
  std::string listed;
  std::map<std::string, Bytes> later;

  // What begins so comes later.
  void HoldBack(std::string_view prefix) {
    for (auto file = files.begin(); file != files.end();) {
      const bool is_it = file->first.starts_with(prefix);
      if (is_it) later.insert(*file);
      file = is_it ? files.erase(file) : std::next(file);
    }
  }
  io::Task<Result<std::vector<io::DirEntry>>> List(std::string path) override {
    const bool is_it = path == listed;
    auto entries = co_await MemoryMedium::List(std::move(path));
    if (is_it) files.merge(later);
    co_return entries;
  }
};

TEST_F(Legal, SetsAndPiecesMayEndMeanwhile) {
  GrowingMedium data(kDataUri);
  data.files = whole_.data.files;
  data.HoldBack("backup_sets/backup_set_2_inc_end");
  for (const std::string name : {"tenant_backup_set_infos", "single_backup_set_info", "backup_set_",
                                 "infos/diagnose", "infos/locality"})
    data.HoldBack("backup_set_2_inc/" + name);
  data.listed = "backup_set_2_inc";
  GrowingMedium archive(kArchiveUri);
  archive.files = whole_.archive.files;
  archive.HoldBack("pieces/piece_d1001r1p3_end");
  for (const std::string name : {"single_piece_info", "file_info", "piece_"})
    archive.HoldBack("piece_d1001r1p3/" + name);
  archive.listed = "piece_d1001r1p3";
  io::SimWorld world(1);
  const auto report = world.loop().Run(restore::Validate(world.loop(), {&data, &archive}));
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->ok()) << Text(*report);
  ASSERT_EQ(report->sets.size(), 2u);
  EXPECT_TRUE(report->sets[0].intact);
  EXPECT_FALSE(report->sets[1].ended);
}

// What is left of both destinations when the power goes off at any moment.
TEST_F(Legal, NothingIsBrokenAfterAPowerFailure) {
  std::vector<std::pair<std::uint64_t, io::SimImage>> images;
  Source::Options options = HourlyPieces();
  options.backup.data_file_size = std::uint64_t{4} << 20;
  Tenant1002 tenant(options);
  io::SimDisk& disk = tenant.source().world().disk();
  io::Random random(3);
  disk.Observe([&](const io::SimOperation& operation) {
    const bool is_there = operation.path.find("data/") != operation.path.npos ||
                          operation.path.find("archive/") != operation.path.npos;
    if (is_there && random.OneIn(25)) {
      const std::uint64_t seed = random.Below(6);
      images.emplace_back(seed, disk.CrashImage(seed));
    }
    return io::SimFault::kNone;
  });
  tenant.Write();
  tenant.Compact();
  tenant.Backup(BackupType::kFull, /*plus_archivelog=*/true);
  tenant.Later();
  tenant.Write();
  tenant.Backup(BackupType::kInc);
  tenant.Later();
  tenant.StopArchive();
  disk.Observe({});
  EXPECT_GT(images.size(), 20u);
  std::size_t with_pieces = 0;
  for (auto& [seed, image] : images) {
    io::SimWorld world(1, std::move(image));
    const auto data = io::MakeDirectoryMedium(world.loop(), world.disk(), "/data", kDataUri);
    const auto archive =
        io::MakeDirectoryMedium(world.loop(), world.disk(), "/archive", kArchiveUri);
    const auto has_format = world.loop().Run(data->Exists("format.obbak"));
    std::vector<io::Medium*> media{archive.get()};
    if (has_format && *has_format) media.push_back(data.get());
    const auto report = world.loop().Run(restore::Validate(world.loop(), media));
    ASSERT_TRUE(report) << report.error().ToString();
    EXPECT_TRUE(report->ok()) << "crash seed " << seed << "\n" << Text(*report);
    with_pieces += report->pieces.empty() ? 0 : 1;
  }
  EXPECT_GT(with_pieces, 10u);
}

// ---- What can be restored.

TEST(ValidateWindows, FromTheFirstSetToTheArchivesCheckpoint) {
  const ValidationReport report = ValidateAll(Chain());
  ASSERT_EQ(report.windows.size(), 2u);
  EXPECT_EQ(report.windows[0].from, report.sets[0].desc.min_restore_scn);
  EXPECT_EQ(report.windows[0].to.value + 1, report.windows[1].from.value);
  EXPECT_EQ(report.windows[1].from, report.sets[1].desc.min_restore_scn);
  EXPECT_EQ(report.windows[1].to, report.pieces.back().attr.checkpoint_scn);
}

TEST(ValidateWindows, DamageTakesAwayWhatNeedsIt) {
  Destinations damaged = Chain();
  damaged.data
      .files["backup_set_2_inc/logstream_1001/major_data_turn_1_retry_0/meta_index.obbak"][4200] ^=
      std::byte{1};
  ValidationReport report = ValidateAll(damaged);
  EXPECT_TRUE(report.sets[0].intact);
  EXPECT_FALSE(report.sets[1].intact);
  // For all points behind it a restore would take the second set.
  ASSERT_EQ(report.windows.size(), 1u);
  EXPECT_EQ(report.windows[0].set, report.sets[0].desc.backup_set_id);
  EXPECT_EQ(report.windows[0].to.value + 1, report.sets[1].desc.min_restore_scn.value);

  Destinations log = Chain();
  log.archive.files["piece_d1001r1p3/logstream_1/log/1.obarc"][5000] ^= std::byte{1};
  report = ValidateAll(log);
  EXPECT_FALSE(report.pieces[2].intact);
  EXPECT_TRUE(report.sets[1].intact) << Text(report);
  ASSERT_FALSE(report.windows.empty());
  EXPECT_LE(report.windows.back().to, report.pieces[1].attr.checkpoint_scn);

  // An incremental set needs the full one.
  Destinations full = Chain();
  full.data
      .files["backup_set_1_full/logstream_1/major_data_turn_1_retry_0/macro_block_data.0.obbak"]
            [9000] ^= std::byte{1};
  report = ValidateAll(full);
  EXPECT_FALSE(report.sets[0].intact);
  EXPECT_FALSE(report.sets[1].intact);
  EXPECT_TRUE(report.windows.empty());
}

// A restore knows of pieces by the newest one's history, and cannot do without its records.
TEST(ValidateWindows, NothingIsPromisedThatARestoreCannotChoose) {
  Destinations damaged = Chain();
  damaged.archive.files["piece_d1001r1p4/tenant_archive_piece_infos.obarc"][100] ^= std::byte{1};
  EXPECT_TRUE(ValidateAll(damaged).windows.empty());
  damaged = Chain();
  damaged.data.files["backup_set_2_inc/single_backup_set_info.obbak"][100] ^= std::byte{1};
  EXPECT_TRUE(ValidateAll(damaged).windows.empty());
  damaged = Chain();
  damaged.data.files["backup_set_2_inc/infos/locality_info.obbak"][100] ^= std::byte{1};
  EXPECT_TRUE(ValidateAll(damaged).windows.empty());
}

// Each data destination has its own chains, and their numbers are the same.
TEST(ValidateWindows, DestinationsForDataDoNotMix) {
  Destinations whole = Chain();
  MemoryMedium second("file:///data2");
  second.files = whole.data.files;
  Destinations damaged = Chain();
  damaged.data
      .files["backup_set_1_full/logstream_1/major_data_turn_1_retry_0/macro_block_data.0.obbak"]
            [9000] ^= std::byte{1};
  std::erase_if(second.files, [](const auto& file) {
    return file.first.find("backup_set_2_inc") != std::string::npos;
  });
  io::SimWorld world(1);
  const auto report =
      world.loop().Run(restore::Validate(world.loop(), {&damaged.data, &second, &damaged.archive}));
  ASSERT_TRUE(report);
  // Nothing from the first, whose incremental set has no full one; all from the second's.
  ASSERT_EQ(report->windows.size(), 1u) << Text(*report);
  EXPECT_EQ(report->windows[0].set, format::BackupSetId{1});
  EXPECT_EQ(report->windows[0].to, report->pieces.back().attr.checkpoint_scn);
}

TEST(ValidateReport, FindingsBeyondTheLimitAreCounted) {
  Destinations damaged = Chain();
  std::erase_if(damaged.data.files, [](const auto& file) {
    return file.first.find("macro_block_data") != std::string::npos;
  });
  const ValidationReport all = ValidateAll(damaged);
  io::SimWorld world(1);
  const auto report = world.loop().Run(restore::Validate(
      world.loop(), {&damaged.data, &damaged.archive}, {.concurrency = 2, .max_findings = 3}));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->findings.size(), 3u);
  EXPECT_EQ(report->findings.size() + report->suppressed_errors + report->suppressed_warnings,
            all.findings.size());
  EXPECT_FALSE(report->ok());
  EXPECT_FALSE(report->sets[0].intact);
}

TEST(ValidateReport, ProgressEndsWithAllBytes) {
  Destinations whole = Chain();
  io::SimWorld world(1);
  std::uint64_t last = 0;
  std::uint64_t total = 0;
  const auto report =
      world.loop().Run(restore::Validate(world.loop(), {&whole.data, &whole.archive}, {},
                                         [&](const restore::ValidateProgress& progress) {
                                           EXPECT_GE(progress.bytes_done, last);
                                           last = progress.bytes_done;
                                           total = progress.bytes_total;
                                         }));
  ASSERT_TRUE(report);
  EXPECT_EQ(last, total);
  EXPECT_EQ(last, report->bytes);
}

}  // namespace
}  // namespace obbak::e2e
