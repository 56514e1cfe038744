#include "format/backup_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <random>
#include <set>

namespace obbak::format {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr PathKind KindAt(std::size_t i) { return static_cast<PathKind>(i); }

bool Mentions(PathKind kind, std::string_view variable) {
  return Facts(kind).pattern.find("{" + std::string(variable) + "}") != std::string_view::npos;
}

bool LivesInArchive(PathKind kind) {
  return (static_cast<int>(Facts(kind).dest) & static_cast<int>(DestKind::kArchive)) != 0;
}

// Mostly the numbers that occur, sometimes the limits.
std::int64_t RandomNumber(std::mt19937_64& random) {
  switch (random() % 4) {
    case 0:
      return static_cast<std::int64_t>(random() % 3);
    case 1:
      return static_cast<std::int64_t>(1000 + random() % 1000);
    case 2:
      return static_cast<std::int64_t>(random() >> 1);
    default:
      return std::numeric_limits<std::int64_t>::max() - static_cast<std::int64_t>(random() % 2);
  }
}

TimeTag RandomTag(std::mt19937_64& random) {
  return TimeTag::FromUnixSeconds(static_cast<std::int64_t>(random() % 250'000'000'000),
                                  std::chrono::hours(8));
}

void FillSet(std::mt19937_64& random, BackupPath& path) {
  path.set.value = RandomNumber(random);
  path.set_kind = static_cast<BackupSetKind>(random() % 2);
}

// Random values for the variables that the kind's pattern mentions.
BackupPath RandomPath(PathKind kind, std::mt19937_64& random) {
  BackupPath path;
  path.kind = kind;
  if (Mentions(kind, "set")) FillSet(random, path);
  if (Mentions(kind, "ls")) path.ls.value = RandomNumber(random);
  if (Mentions(kind, "dtype")) path.data_type = static_cast<DataType>(random() % 3);
  if (Mentions(kind, "level")) path.data_type = static_cast<DataType>(1 + random() % 2);
  if (Mentions(kind, "index")) path.index = static_cast<IndexKind>(random() % 3);
  if (Mentions(kind, "turn")) path.turn = RandomNumber(random);
  if (Mentions(kind, "retry")) path.retry = RandomNumber(random);
  if (Mentions(kind, "file")) path.file = RandomNumber(random);
  if (Mentions(kind, "tenant")) path.tenant.value = random() >> (random() % 64);
  if (Mentions(kind, "access")) path.access = static_cast<ProbeAccess>(random() % 3);
  if (Mentions(kind, "dest")) path.dest.value = RandomNumber(random);
  if (Mentions(kind, "round")) path.round.value = RandomNumber(random);
  if (Mentions(kind, "piece")) path.piece.value = RandomNumber(random);
  if (Mentions(kind, "scn")) path.scn.value = random() >> (random() % 64);
  if (Mentions(kind, "checkpoint")) path.scn.value = 1 + (random() >> 1 >> (random() % 63));
  if (Mentions(kind, "time")) path.time = RandomTag(random);
  if (Mentions(kind, "end_time")) path.end_time = RandomTag(random);
  if (Mentions(kind, "start")) {
    path.part.start = random() >> 2;
    path.part.end = path.part.start + 1 + (random() >> (2 + random() % 60));
  }
  if (LivesInArchive(kind) && random() % 3 == 0) {
    path.in_complement_log = true;
    FillSet(random, path);
  }
  return path;
}

template <class Check>
void ForRandomPaths(int rounds, Check check) {
  std::mt19937_64 random(20230111);
  for (std::size_t i = 0; i < kPathKindCount; ++i) {
    for (int round = 0; round < rounds; ++round) check(RandomPath(KindAt(i), random), random);
  }
}

// With it goes: no two kinds print the same string.
TEST(BackupPathTest, EveryPathParsesBackToItself) {
  ForRandomPaths(300, [](const BackupPath& path, auto&) {
    ASSERT_TRUE(IsPrintable(path)) << Facts(path.kind).name;
    const std::string text = Print(path);
    const auto parsed = ParseBackupPath(text);
    ASSERT_TRUE(parsed) << parsed.error().ToString();
    ASSERT_EQ(*parsed, path) << text << " is " << Facts(parsed->kind).name;
    const DestKind home = path.in_complement_log ? DestKind::kData : Facts(path.kind).dest;
    ASSERT_TRUE(ParseBackupPath(text, home)) << text;
  });
}

std::string Damage(std::string text, std::mt19937_64& random) {
  constexpr std::string_view kTypical = "/_.-+ 0123456789TdrpaAX";
  const std::size_t at = random() % text.size();
  const char c =
      random() % 8 == 0 ? static_cast<char>(random()) : kTypical[random() % kTypical.size()];
  switch (random() % 6) {
    case 0:
      text[at] = c;
      break;
    case 1:
      text.insert(at, 1, c);
      break;
    case 2:
      text.erase(at, 1 + random() % 3);
      break;
    case 3:
      text.insert(at, text.substr(at, 1 + random() % 20));
      break;
    case 4:
      std::swap(text[at], text[random() % text.size()]);
      break;
    default:
      text.append(1, c);
      break;
  }
  return text;
}

TEST(BackupPathTest, WhateverParsesPrintsTheSameString) {
  int still_parse = 0;
  ForRandomPaths(400, [&](const BackupPath& path, auto& random) {
    const std::string damaged = Damage(Print(path), random);
    if (const auto parsed = ParseBackupPath(damaged)) {
      ASSERT_EQ(Print(*parsed), damaged);
      ++still_parse;
    }
  });
  EXPECT_GT(still_parse, 1000);
}

TEST(BackupPathTest, EveryDirectoryOnTheWayToAFileIsAKindOfItsOwn) {
  ForRandomPaths(20, [](const BackupPath& path, auto&) {
    const std::string text = Print(path);
    for (std::size_t i = text.find('/'); i != std::string::npos; i = text.find('/', i + 1)) {
      const auto parent = ParseBackupPath(text.substr(0, i));
      ASSERT_TRUE(parent) << parent.error().ToString();
      // On a medium without append a file is a prefix of its parts.
      const bool part = text.substr(i).starts_with("/@APD_PART@");
      ASSERT_EQ(Facts(parent->kind).form, part ? EntryForm::kFileOrParts : EntryForm::kDirectory)
          << text;
    }
  });
}

TEST(BackupPathTest, KindsHaveDistinctNamesPatternsAndAMeaning) {
  std::set<std::string_view> names;
  std::set<std::string_view> patterns;
  for (std::size_t i = 0; i < kPathKindCount; ++i) {
    const PathFacts& facts = Facts(KindAt(i));
    EXPECT_TRUE(names.insert(facts.name).second) << facts.name;
    EXPECT_TRUE(patterns.insert(facts.pattern).second) << facts.pattern;
    EXPECT_FALSE(facts.meaning.empty()) << facts.name;
  }
}

TEST(BackupPathTest, AProfileWritesExactlyOneFormOfCheckpointMark) {
  for (const LayoutProfile profile : {LayoutProfile::k430, LayoutProfile::k435}) {
    EXPECT_NE(Facts(PathKind::kPieceCheckpointMarker).WrittenBy(profile),
              Facts(PathKind::kPieceCheckpointScn).WrittenBy(profile));
    EXPECT_TRUE(Facts(PathKind::kMacroBlockData).WrittenBy(profile));
    EXPECT_FALSE(Facts(PathKind::kBackupSetEndFailed).WrittenBy(profile));
  }
  EXPECT_FALSE(Facts(PathKind::kTableListMeta).WrittenBy(LayoutProfile::k430));
  EXPECT_TRUE(Facts(PathKind::kTableListMeta).WrittenBy(LayoutProfile::k435));
}

TEST(BackupPathTest, ValuesThatCannotStandInANameAreNotPrintable) {
  BackupPath path{.kind = PathKind::kTabletInfo, .set = {1}};
  EXPECT_FALSE(IsPrintable(path)) << "no log stream";
  path.ls.value = 1001;
  EXPECT_TRUE(IsPrintable(path));
  path.file = -1;
  EXPECT_FALSE(IsPrintable(path));

  path = {.kind = PathKind::kTenantIndex, .set = {1}, .data_type = DataType::kSys};
  EXPECT_FALSE(IsPrintable(path)) << "no tenant-level index of sys data";
  path.data_type = DataType::kMajor;
  EXPECT_TRUE(IsPrintable(path));
  path.in_complement_log = true;
  EXPECT_FALSE(IsPrintable(path)) << "no data files in an archive";

  path = {.kind = PathKind::kLogPart, .ls = {1}, .part = {4096, 4096}};
  EXPECT_FALSE(IsPrintable(path));
  path.part.end = 4097;
  EXPECT_TRUE(IsPrintable(path));

  path = {.kind = PathKind::kPieceCheckpointMarker, .scn = {0}};
  EXPECT_FALSE(IsPrintable(path)) << "that is checkpoint_info.0";
  EXPECT_FALSE(IsPrintable({.kind = PathKind::kSchemaMeta, .ls = {1}, .scn = kInvalidScn}));
}

TEST(BackupPathTest, NamesOutsideTheGrammarAreRefused) {
  for (const char* text : {
           "",
           "/",
           "/format.obbak",
           "format.obbak/",
           "backup_sets/",
           "backup_sets//backup_set_1_full_start.obbak",
           "format.obarc",
           "Format.obbak",
           "backup_set_01_full",
           "backup_set_+1_full",
           "backup_set_-1_full",
           "backup_set__full",
           "backup_set_9223372036854775808_full",
           "backup_set_1_FULL",
           "backup_set_1_full_start.obbak",
           "backup_set_1_full/backup_set_2_full_20230111T193330_20230111T193420.obbak",
           "backup_set_1_full/backup_set_1_inc_20230111T193330_20230111T193420.obbak",
           "backup_set_1_full/backup_set_1_full_20230229T193330_20230111T193420.obbak",
           "backup_set_1_full/infos/minor_data_info_turn_1/tenant_major_data_meta_index.0.obbak",
           "backup_set_1_full/infos/sys_data_info_turn_1",
           "backup_set_1_full/infos/_data_info_turn_1/tenant_minor_data_meta_index.0.obbak",
           "backup_set_1_full/log_stream_1",
           "backup_set_1_full/complement_log/backup_sets",
           "rounds/round_d1002r1_start_20230111T193049.obarc",
           "piece_d1002r1p1/piece_d1002r1p2_20230111T193049_20230112T193049.obarc",
           "piece_d1002r1p1/checkpoint/checkpoint.0.obarc",
           "piece_d1r1p1/checkpoint/checkpoint_info.18446744073709551616.obarc",
           "piece_d1r1p1/logstream_1/log/1.obarc/@APD_PART@5-5.obarc",
           "piece_d1r1p1/logstream_1/log/1.obarc/@APD_PART@6-5.obarc",
           "piece_d1r1p1/logstream_1/log/1.obarc/@APD_PART@0-5.obbak",
           "piece_d1r1p1/logstream_1/log/1.obarc/0-5.obarc",
       }) {
    const auto parsed = ParseBackupPath(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidData) << text;
    EXPECT_EQ(parsed.error().path(), text);
  }
}

TEST(BackupPathTest, TheErrorNamesTheFirstComponentThatDoesNotFit) {
  const std::map<std::string, std::string> expected = {
      {"lost+found/x", "\"lost+found\" is no name of the layout"},
      {"backup_sets/readme/x", "\"readme\" is no name of the layout below backup_sets/"},
      {"backup_set_1_full/logstream_1/x_data_turn_1_retry_0/meta_index.obbak",
       "\"x_data_turn_1_retry_0\" is no name of the layout below backup_set_1_full/logstream_1/"},
      {"format.obbak/x", "\"x\" is no name of the layout below format.obbak/"},
      {"backup_set_3_inc/complement_log/pieces/y",
       "\"y\" is no name of the layout below backup_set_3_inc/complement_log/pieces/"},
  };
  for (const auto& [path, message] : expected) {
    EXPECT_EQ(ParseBackupPath(path).error().message(), message);
  }
}

TEST(BackupPathTest, NamesOf432AndLaterAreRefusedAsUnsupported) {
  for (const char* text :
       {"backup_set_1_full/logstream_1001/user_data_turn_1_retry_0/macro_block_data.0.obbak",
        "backup_set_1_full/logstream_1001/user_data_turn_1_retry_0",
        "backup_set_1_full/infos/user_data_info_turn_1/tenant_user_data_meta_index.0.obbak",
        "backup_set_1_full/logstream_1001/fused_meta_info_turn_1_retry_0/tablet_info.1.obbak"}) {
    const auto parsed = ParseBackupPath(text);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().code(), ErrorCode::kNotSupported);
    EXPECT_THAT(parsed.error().message(), HasSubstr("unsupported backup compatible version"));
  }
}

TEST(BackupPathTest, ADestinationTakesItsOwnNamesOnly) {
  EXPECT_TRUE(ParseBackupPath("format.obbak", DestKind::kData));
  EXPECT_TRUE(ParseBackupPath("format.obbak", DestKind::kArchive));
  EXPECT_FALSE(ParseBackupPath("format.obbak", DestKind::kClusterParameter));
  EXPECT_TRUE(ParseBackupPath("backup_sets", DestKind::kData));
  EXPECT_FALSE(ParseBackupPath("backup_sets", DestKind::kArchive));
  EXPECT_FALSE(ParseBackupPath("backup_set_1_full/complement_log/rounds", DestKind::kArchive));
  EXPECT_THAT(ParseBackupPath("pieces", DestKind::kData).error().message(),
              HasSubstr("name of a log archive destination"));
}

TEST(BackupPathTest, RootAndPathAreJoinedByOneSlash) {
  const BackupPath pieces{.kind = PathKind::kPiecesDir};
  EXPECT_EQ(JoinRoot("file:///a", pieces), "file:///a/pieces");
  EXPECT_EQ(JoinRoot("file:///a///", pieces), "file:///a/pieces");
  EXPECT_EQ(JoinRoot("a//b", pieces), "a//b/pieces");
  EXPECT_EQ(JoinRoot("/", pieces), "/pieces");
  for (const char* root : {"", "file://", "file:///"}) {
    EXPECT_EQ(JoinRoot(root, pieces).error().code(), ErrorCode::kInvalidArgument) << root;
  }
  EXPECT_EQ(JoinRoot("/a", BackupPath{.kind = PathKind::kLogFile}).error().code(),
            ErrorCode::kInvalidArgument);
}

TEST(BackupPathTest, FullPathsStayBelow1024Bytes) {
  const BackupPath pieces{.kind = PathKind::kPiecesDir};
  EXPECT_EQ(JoinRoot(std::string(1016, 'a'), pieces)->size(), 1023U);
  EXPECT_EQ(JoinRoot(std::string(1017, 'a'), pieces).error().code(), ErrorCode::kSizeOverflow);
}

TEST(BackupPathTest, PathsBelowASetCanBePrintedFromThere) {
  const BackupPath path{.kind = PathKind::kTabletInfo, .set = {1}, .ls = {1001}, .turn = 1};
  EXPECT_EQ(PrintInSet(path), "logstream_1001/meta_info_turn_1_retry_0/tablet_info.0.obbak");
}

TEST(BackupPathTest, DescriptionsTellTheValues) {
  EXPECT_EQ(Describe({.kind = PathKind::kTabletInfo,
                      .set = {12},
                      .set_kind = BackupSetKind::kInc,
                      .ls = {1001},
                      .turn = 1,
                      .file = 7}),
            "tablet metadata of one log stream (set 12, kind inc, ls 1001, turn 1, retry 0, "
            "file 7)");
  EXPECT_EQ(Describe({.kind = PathKind::kPiecesDir, .in_complement_log = true, .set = {2}}),
            "start and end of all pieces, complement log (set 2, kind full)");
  EXPECT_EQ(Describe({.kind = PathKind::kFormatFile}), "identity of the destination");
}

// ---- ClassifyByName ----

std::vector<PathKind> KindsOf(const NameClass& found) {
  std::vector<PathKind> kinds;
  kinds.reserve(found.candidates.size());
  for (const BackupPath& candidate : found.candidates) kinds.push_back(candidate.kind);
  return kinds;
}

TEST(ClassifyByNameTest, AWholePathIsFoundBelowAnyRoot) {
  ForRandomPaths(10, [](const BackupPath& path, auto&) {
    const std::string text = Print(path);
    for (const std::string root : {"", "/", "/mnt/nfs/a b/", "file:///x/data_backup_dest/"}) {
      const NameClass found = ClassifyByName(root + text);
      ASSERT_TRUE(found.whole) << root << text;
      ASSERT_EQ(found.offset, root.size()) << root << text;
      ASSERT_THAT(found.candidates, ElementsAre(path)) << root << text;
    }
  });
}

TEST(ClassifyByNameTest, ALoneNameGivesEveryKindItCanBe) {
  EXPECT_THAT(KindsOf(ClassifyByName("single_piece_info.obarc")),
              ElementsAre(PathKind::kSinglePieceInfo));
  EXPECT_THAT(KindsOf(ClassifyByName("/x/file_info.obarc")),
              UnorderedElementsAre(PathKind::kPieceFileInfo, PathKind::kLsFileInfo));
  EXPECT_THAT(KindsOf(ClassifyByName("tablet_log_stream_info.obbak")),
              UnorderedElementsAre(PathKind::kMetaTabletLsInfo, PathKind::kTabletLsInfo,
                                   PathKind::kTabletLsInfo41, PathKind::kSysTabletLsInfo));
  EXPECT_THAT(KindsOf(ClassifyByName("/x/1.obarc")),
              UnorderedElementsAre(PathKind::kLogFile, PathKind::kSchemaMeta));
  EXPECT_THAT(ClassifyByName("/some/where/notes.txt").candidates, IsEmpty());
  EXPECT_THAT(ClassifyByName("").candidates, IsEmpty());
  EXPECT_THAT(ClassifyByName("///").candidates, IsEmpty());
}

TEST(ClassifyByNameTest, MoreComponentsDecideAndTheirValuesAreKept) {
  const NameClass file_info = ClassifyByName("/tmp/logstream_1001/file_info.obarc");
  EXPECT_FALSE(file_info.whole);
  EXPECT_EQ(file_info.offset, 5U);
  EXPECT_THAT(file_info.candidates,
              ElementsAre(BackupPath{.kind = PathKind::kLsFileInfo, .ls = {1001}}));

  EXPECT_THAT(ClassifyByName("log/7.obarc").candidates,
              ElementsAre(BackupPath{.kind = PathKind::kLogFile, .file = 7}));
  EXPECT_THAT(KindsOf(ClassifyByName("x/logstream_1/")),
              UnorderedElementsAre(PathKind::kSetLsDir, PathKind::kPieceLsDir));
}

TEST(ClassifyByNameTest, EveryTailOfEveryPathFindsItsKind) {
  ForRandomPaths(5, [](const BackupPath& path, auto&) {
    const std::string text = Print(path);
    for (std::size_t i = text.find('/'); i != std::string::npos; i = text.find('/', i + 1)) {
      const NameClass found = ClassifyByName("/elsewhere" + text.substr(i));
      ASSERT_THAT(KindsOf(found), ::testing::Contains(path.kind)) << text.substr(i);
    }
  });
}

// ---- docs/spec/layout.md §9 ----

struct Expected {
  const char* path;
  PathKind kind;
};

TEST(WorkedExampleTest, TheDataDestinationClassifiesCompletely) {
  using K = PathKind;
  constexpr Expected kOnce[] = {
      {"format.obbak", K::kFormatFile},
      {"check_file/1002_connect_file_20230111T193020.obbak", K::kConnectFile},
      {"backup_sets/backup_set_1_full_start.obbak", K::kBackupSetStart},
      {"backup_sets/backup_set_1_full_end_success_20230111T193420.obbak", K::kBackupSetEndSuccess},
      {"backup_sets/backup_set_2_inc_start.obbak", K::kBackupSetStart},
      {"backup_sets/backup_set_2_inc_end_success_20230112T214420.obbak", K::kBackupSetEndSuccess},
      {"backup_set_1_full/backup_set_1_full_20230111T193330_20230111T193420.obbak",
       K::kBackupSetInnerMark},
      {"backup_set_2_inc/backup_set_2_inc_20230112T214310_20230112T214420.obbak",
       K::kBackupSetInnerMark},
  };
  constexpr Expected kInSet[] = {
      {"single_backup_set_info.obbak", K::kSingleBackupSetInfo},
      {"tenant_backup_set_infos.obbak", K::kTenantBackupSetInfos},
      {"infos/locality_info.obbak", K::kLocalityInfo},
      {"infos/diagnose_info.obbak", K::kDiagnoseInfo},
      {"infos/meta_info/ls_attr_info.1.obbak", K::kLsAttrInfo},
      {"infos/meta_info/ls_meta_infos.obbak", K::kLsMetaInfos},
      {"infos/minor_data_info_turn_1/tablet_log_stream_info.obbak", K::kTabletLsInfo},
      {"infos/minor_data_info_turn_1/tenant_minor_data_macro_range_index.0.obbak", K::kTenantIndex},
      {"infos/minor_data_info_turn_1/tenant_minor_data_meta_index.0.obbak", K::kTenantIndex},
      {"infos/minor_data_info_turn_1/tenant_minor_data_sec_meta_index.0.obbak", K::kTenantIndex},
      {"infos/major_data_info_turn_1/tablet_log_stream_info.obbak", K::kTabletLsInfo},
      {"infos/major_data_info_turn_1/tenant_major_data_macro_range_index.0.obbak", K::kTenantIndex},
      {"infos/major_data_info_turn_1/tenant_major_data_meta_index.0.obbak", K::kTenantIndex},
      {"infos/major_data_info_turn_1/tenant_major_data_sec_meta_index.0.obbak", K::kTenantIndex},
  };
  constexpr Expected kInLs[] = {
      {"meta_info_turn_1_retry_0/ls_meta_info.obbak", K::kLsMetaInfo},
      {"meta_info_turn_1_retry_0/tablet_info.1.obbak", K::kTabletInfo},
      {"sys_data_turn_1_retry_0/macro_block_data.0.obbak", K::kMacroBlockData},
      {"minor_data_turn_1_retry_0/macro_range_index.obbak", K::kLsIndex},
      {"minor_data_turn_1_retry_0/meta_index.obbak", K::kLsIndex},
      {"major_data_turn_1_retry_0/sec_meta_index.obbak", K::kLsIndex},
  };
  const auto check = [](const std::string& path, PathKind kind) {
    const auto parsed = ParseBackupPath(path, DestKind::kData);
    ASSERT_TRUE(parsed) << parsed.error().ToString();
    EXPECT_EQ(parsed->kind, kind) << path;
    EXPECT_EQ(Facts(kind).form, EntryForm::kFile);
    EXPECT_TRUE(Facts(kind).WrittenBy(LayoutProfile::k430)) << path;
  };
  for (const Expected& file : kOnce) check(file.path, file.kind);
  for (const std::string set : {"backup_set_1_full/", "backup_set_2_inc/"}) {
    for (const Expected& file : kInSet) check(set + file.path, file.kind);
    for (const std::string ls : {"logstream_1/", "logstream_1001/", "logstream_1002/"}) {
      for (const Expected& file : kInLs) check(set + ls + file.path, file.kind);
    }
  }
}

TEST(WorkedExampleTest, TheArchiveDestinationClassifiesCompletely) {
  using K = PathKind;
  constexpr Expected kFiles[] = {
      {"format.obbak", K::kFormatFile},
      {"check_file/1002_connect_file_20230111T193049.obbak", K::kConnectFile},
      {"rounds/round_d1002r1_start.obarc", K::kRoundStart},
      {"rounds/round_d1002r1_end.obarc", K::kRoundEnd},
      {"pieces/piece_d1002r1p1_start_20230111T193049.obarc", K::kPieceStart},
      {"pieces/piece_d1002r1p1_end_20230112T193049.obarc", K::kPieceEnd},
      {"pieces/piece_d1002r1p3_start_20230113T193049.obarc", K::kPieceStart},
      {"piece_d1002r1p1/piece_d1002r1p1_20230111T193049_20230112T193049.obarc", K::kPieceInnerMark},
      {"piece_d1002r1p1/single_piece_info.obarc", K::kSinglePieceInfo},
      {"piece_d1002r1p1/tenant_archive_piece_infos.obarc", K::kTenantArchivePieceInfos},
      {"piece_d1002r1p1/file_info.obarc", K::kPieceFileInfo},
      {"piece_d1002r1p1/checkpoint/checkpoint_info.0.obarc", K::kPieceCheckpointInfo},
      {"piece_d1002r1p1/checkpoint/checkpoint_info.1673523049000000000.obarc",
       K::kPieceCheckpointMarker},
      {"piece_d1002r1p1/logstream_1/file_info.obarc", K::kLsFileInfo},
      {"piece_d1002r1p1/logstream_1/log/1.obarc", K::kLogFile},
      {"piece_d1002r1p1/logstream_1/schema_meta/1673436701000000000.obarc", K::kSchemaMeta},
      {"piece_d1002r1p2/logstream_1002/file_info.obarc", K::kLsFileInfo},
      {"piece_d1002r1p3/logstream_1/log/2.obarc", K::kLogFile},
      {"piece_d1002r1p3/logstream_1/log/2.obarc/@APD_PART@FORMAT_META.obarc", K::kLogFormatMeta},
      {"piece_d1002r1p3/logstream_1/log/2.obarc/@APD_PART@0-32472973.obarc", K::kLogPart},
      {"piece_d1002r1p3/logstream_1/log/2.obarc/@APD_PART@32472973-33000000.obarc", K::kLogPart},
  };
  for (const Expected& file : kFiles) {
    const auto parsed = ParseBackupPath(file.path, DestKind::kArchive);
    ASSERT_TRUE(parsed) << parsed.error().ToString();
    EXPECT_EQ(parsed->kind, file.kind) << file.path;
    EXPECT_TRUE(Facts(file.kind).WrittenBy(LayoutProfile::k430)) << file.path;
  }
  const auto log = ParseBackupPath("piece_d1002r1p3/logstream_1001/log/2.obarc");
  const BackupPath expected{.kind = PathKind::kLogFile,
                            .ls = {1001},
                            .file = 2,
                            .dest = {1002},
                            .round = {1},
                            .piece = {3}};
  EXPECT_EQ(log, expected);
}

}  // namespace
}  // namespace obbak::format
