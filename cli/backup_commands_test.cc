// Archive, backup, restore and what looks into destinations, as commands: whole command lines, real
// files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "cli/data_dir.h"
#include "cli/obbak_test_support.h"
#include "cli/tree_view.h"

namespace obbak::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class BackupCommandsTest : public ObbakTest {
 protected:
  std::string Archive() const { return (directory_ / "archive").string(); }
  std::string Data() const { return (directory_ / "backup").string(); }
  std::string Both() const { return Data() + "," + Archive(); }

  // A tenant with accounts, whose logs are archived.
  void CreateArchived() {
    CreateAccounts();
    Out({"put", "accounts", "1", "ann", "10"});
    EXPECT_THAT(Out({"archive", "start", "--dest", Archive()}), HasSubstr("round 1 is DOING"));
  }
  std::string PutAccount(const std::string& id, const std::string& owner) {
    return ScnIn(Out({"put", "accounts", id, owner, "0", "--tenant", "shop"}));
  }
  std::string Accounts(const std::string& tenant) {
    return Out({"scan", "accounts", "--tenant", tenant});
  }
  json::value Json(std::vector<std::string> arguments) {
    arguments.push_back("--json");
    return json::parse(Out(std::move(arguments)));
  }
};

TEST_F(BackupCommandsTest, ATenantComesBackAsItWasAtAnyPoint) {
  CreateArchived();
  Out({"backup", "full", "--dest", Data()});
  const std::string before = PutAccount("2", "bob");
  const std::string at_before = Accounts("shop");
  Out({"compact", "major"});
  Out({"backup", "incremental", "--description", "second"});
  const std::string after = PutAccount("3", "cid");
  const std::string at_after = Accounts("shop");
  Out({"delete", "accounts", "1"});

  Out({"restore", "--from", Both(), "--tenant", "early", "--tenant-id", "1004", "--until", before});
  EXPECT_EQ(Accounts("early"), at_before);
  Out({"restore", "--from", "file://" + Archive() + ",file://" + Data(), "--tenant", "late",
       "--tenant-id", "1006", "--until", after});
  EXPECT_EQ(Accounts("late"), at_after);
  Out({"restore", "--from", Both(), "--tenant", "last", "--tenant-id", "1008"});
  EXPECT_EQ(Accounts("last"), Accounts("shop"));
}

TEST_F(BackupCommandsTest, ARestoredTenantIsReadRecoveredAndActivated) {
  CreateArchived();
  Out({"backup", "full", "--dest", Data()});
  const std::string first = PutAccount("2", "bob");
  const std::string second = PutAccount("3", "cid");
  const std::string at_second = Accounts("shop");
  PutAccount("4", "dan");
  Out({"restore", "--from", Both(), "--tenant", "copy", "--until", first});

  const json::value shown = Json({"tenant", "show", "--tenant", "copy"});
  EXPECT_EQ(shown.at("tenant").at("role").as_string(), "STANDBY");
  EXPECT_EQ(shown.at("tenant").at("snapshot_scn").as_string(), first);
  EXPECT_THAT(Err({"put", "accounts", "9", "eve", "0", "--tenant", "copy"}),
              HasSubstr("[OB_OP_NOT_ALLOW -4179]"));
  EXPECT_THAT(Err({"archive", "start", "--dest", Archive() + "2", "--tenant", "copy"}),
              HasSubstr("standby"));
  EXPECT_THAT(Err({"backup", "full", "--dest", Data() + "2", "--tenant", "copy"}),
              HasSubstr("[OB_BACKUP_CAN_NOT_START -9040]"));

  Out({"recover-standby", "--tenant", "copy", "--until", second});
  EXPECT_EQ(Accounts("copy"), at_second);
  EXPECT_THAT(Err({"recover-standby", "--tenant", "copy", "--until", first}),
              HasSubstr("[OB_OP_NOT_ALLOW -4179]"));
  EXPECT_THAT(Err({"recover-standby", "--tenant", "shop", "--from", Both(), "--until", second}),
              HasSubstr("[OB_STATE_NOT_MATCH -4109]"));
  EXPECT_THAT(Out({"activate", "--tenant", "copy"}), StartsWith("tenant copy is a primary"));

  Out({"put", "accounts", "9", "eve", "0", "--tenant", "copy"});
  Out({"archive", "start", "--dest", Archive() + "2", "--tenant", "copy"});
  Out({"backup", "full", "--dest", Data() + "2", "--tenant", "copy"});
  Out({"restore", "--from", Data() + "2," + Archive() + "2", "--tenant", "third", "--tenant-id",
       "1006"});
  EXPECT_EQ(Accounts("third"), Accounts("copy"));
}

TEST_F(BackupCommandsTest, ASetWithItsLogsRestoresAlone) {
  CreateArchived();
  const json::value set = Json({"backup", "full", "--dest", Data(), "--plus-archivelog"});
  EXPECT_EQ(set.at("backup_set").at("plus_archivelog").as_string(), "ON");
  const std::string expected = Accounts("shop");
  PutAccount("2", "bob");
  fs::remove_all(Archive());
  Out({"restore", "--from", Data(), "--tenant", "copy"});
  EXPECT_EQ(Accounts("copy"), expected);
}

TEST_F(BackupCommandsTest, PreviewNamesSetsAndPieces) {
  CreateArchived();
  Out({"backup", "full", "--dest", Data()});
  const std::vector<std::string> lines = Lines(Out({"restore", "--from", Both(), "--preview"}));
  ASSERT_EQ(lines.size(), 3);
  EXPECT_EQ(lines[0], "backup_type\tbackup_id\tbackup_dest\tdescription");
  EXPECT_THAT(lines[1], StartsWith("BACKUP_SET\t1\tfile://" + Data() + "/backup_set_1_full"));
  EXPECT_THAT(lines[2], StartsWith("BACKUP_PIECE\t1\tfile://" + Archive() + "/piece_d"));
  EXPECT_THAT(Out({"tenant", "list"}), Not(HasSubstr("\trestor")));
}

TEST_F(BackupCommandsTest, TheArchiveIsSuspendedResumedAndStopped) {
  CreateArchived();
  EXPECT_THAT(Err({"archive", "start"}), HasSubstr("[OB_ALREADY_IN_ARCHIVE_MODE -9091]"));
  EXPECT_THAT(Err({"archive", "start", "--dest", Archive() + "2"}),
              HasSubstr("[OB_NOT_SUPPORTED -4007]"));
  EXPECT_THAT(Out({"archive", "suspend"}), HasSubstr("round 1 is SUSPEND:"));
  PutAccount("2", "bob");
  EXPECT_THAT(Out({"archive", "resume"}), HasSubstr("round 1 is DOING:"));
  EXPECT_THAT(Out({"archive", "stop"}), HasSubstr("round 1 is STOP:"));
  EXPECT_THAT(Err({"archive", "stop"}), HasSubstr("[OB_ALREADY_IN_NOARCHIVE_MODE -9092]"));
  EXPECT_THAT(Out({"archive", "start", "--lag-target", "1s"}), HasSubstr("round 2 is DOING:"));

  const json::value status = Json({"archive", "status"});
  EXPECT_EQ(status.at("destination").at("log_mode").as_string(), "ARCHIVELOG");
  EXPECT_EQ(status.at("destination").at("path").as_string(), "file://" + Archive());
  ASSERT_EQ(status.at("rounds").as_array().size(), 2);
  EXPECT_EQ(status.at("rounds").at(0).at("status").as_string(), "STOP");
  EXPECT_EQ(status.at("rounds").at(1).at("status").as_string(), "DOING");
  EXPECT_EQ(status.at("pieces").as_array().size(), 2);
  EXPECT_EQ(status.at("log_streams").as_array().size(), 3);
  const json::value tenant = Json({"tenant", "show"});
  EXPECT_EQ(tenant.at("tenant").at("archive_lag_target").as_string(), "1s");
}

TEST_F(BackupCommandsTest, RefusalsNameTheirErrors) {
  CreateAccounts();
  EXPECT_THAT(Err({"archive", "start"}), HasSubstr("[OB_MISS_ARGUMENT -4277]"));
  EXPECT_THAT(Err({"archive", "suspend"}), HasSubstr("[OB_LOG_ARCHIVE_NOT_RUNNING -9029]"));
  EXPECT_THAT(Err({"backup", "full"}), HasSubstr("[OB_BACKUP_CAN_NOT_START -9040]"));
  EXPECT_THAT(Err({"backup", "full", "--dest", Data()}),
              HasSubstr("[OB_BACKUP_CAN_NOT_START -9040]"));
  EXPECT_THAT(
      Err({"archive", "start", "--dest", "LOCATION=" + Archive() + " PIECE_SWITCH_INTERVAL=10s"}),
      HasSubstr("[OB_NOT_SUPPORTED -4007]"));
  const std::string foreign = (directory_ / "foreign").string();
  fs::create_directories(foreign);
  std::ofstream(foreign + "/precious") << "x";
  EXPECT_THAT(Err({"archive", "start", "--dest", foreign}),
              HasSubstr("[OB_BACKUP_FORMAT_FILE_NOT_EXIST -9080]"));
  EXPECT_THAT(Err({"archive", "start", "--dest",
                   "oss://bucket/path?host=h&access_id=ID&access_key=SECRET"}),
              AllOf(HasSubstr("[OB_NOT_SUPPORTED -4007]"), Not(HasSubstr("SECRET"))));

  EXPECT_THAT(Err({"restore", "--from", Both()}), HasSubstr("--tenant"));
  EXPECT_THAT(Err({"restore", "--from", foreign, "--tenant", "copy"}),
              HasSubstr("[OB_BACKUP_FORMAT_FILE_NOT_EXIST -9080]"));
  EXPECT_EQ(Out({"backup", "cancel"}), "no backup is running\n");
}

TEST_F(BackupCommandsTest, APointThatCannotBeReachedIsRefused) {
  CreateArchived();
  const std::string early = PutAccount("2", "bob");
  Out({"backup", "full", "--dest", Data()});
  const auto restore = [&](const std::string& until) {
    return Err({"restore", "--from", Both(), "--tenant", "copy", "--until", until});
  };
  EXPECT_THAT(restore(early), HasSubstr("[OB_ENTRY_NOT_EXIST -4018]"));
  EXPECT_THAT(restore("4000000000000000000"), HasSubstr("[OB_ENTRY_NOT_EXIST -4018]"));
  EXPECT_THAT(restore("0"), HasSubstr("[OB_INVALID_ARGUMENT -4002]"));
  EXPECT_THAT(restore("yesterday"), HasSubstr("[OB_INVALID_ARGUMENT -4002]"));
  EXPECT_THAT(Err({"restore", "--from", Both(), "--tenant", "shop"}),
              HasSubstr("[OB_ENTRY_EXIST -4017]"));
}

TEST_F(BackupCommandsTest, AnUnreachableArchiveIsNoReasonToFail) {
  CreateArchived();
  fs::rename(Archive(), Archive() + ".away");
  std::ofstream(Archive()) << "in the way";
  const CommandResult put = Run({"put", "accounts", "2", "bob", "0"});
  EXPECT_EQ(put.status, kSuccess);
  EXPECT_THAT(put.err, StartsWith("obbak: WARN: the archive is behind"));
  EXPECT_THAT(put.out, StartsWith("committed at SCN "));
  fs::remove(Archive());
  fs::rename(Archive() + ".away", Archive());
  PutAccount("3", "cid");
  Out({"backup", "full", "--dest", Data()});
  EXPECT_EQ(Run({"validate", Data(), Archive()}).status, kSuccess);
}

TEST_F(BackupCommandsTest, ListsSetsAndJobs) {
  CreateArchived();
  Out({"backup", "full", "--dest", Data(), "--description", "the first"});
  Out({"backup", "incremental"});
  const json::value list = Json({"backup", "list"});
  EXPECT_EQ(list.at("destination").at("data_backup_dest").as_string(), "file://" + Data());
  ASSERT_EQ(list.at("sets").as_array().size(), 2);
  EXPECT_EQ(list.at("sets").at(0).at("backup_type").as_string(), "FULL");
  EXPECT_EQ(list.at("sets").at(1).at("backup_type").as_string(), "INC");
  EXPECT_EQ(list.at("sets").at(1).at("prev_inc_backup_set_id").as_int64(), 1);
  EXPECT_EQ(list.at("sets").at(1).at("status").as_string(), "SUCCESS");
  ASSERT_EQ(list.at("jobs").as_array().size(), 2);
  EXPECT_EQ(list.at("jobs").at(0).at("status").as_string(), "COMPLETED");
  EXPECT_EQ(list.at("jobs").at(0).at("description").as_string(), "the first");
}

TEST_F(BackupCommandsTest, ARunningBackupIsCancelledFromOutside) {
  CreateArchived();
  Out({"load", "--csv", Write("a.csv", "id,owner,balance\n2,bob,0\n"), "--table", "accounts"});
  // A backup may be over before it is asked; then there is nothing to cancel, and another one is.
  CommandResult backup;
  for (int i = 0; i < 10 && backup.status == kSuccess; ++i) {
    std::thread other([&] { backup = Run({"backup", "full", "--dest", Data()}); });
    std::string answer;
    for (int tries = 0; tries < 200 && !answer.starts_with("process"); ++tries) {
      answer = Out({"backup", "cancel"});
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    other.join();
  }
  EXPECT_THAT(backup.err, HasSubstr("[OB_CANCELED -4072]"));
  const json::value list = Json({"backup", "list"});
  EXPECT_EQ(list.at("jobs").as_array().back().at("status").as_string(), "CANCELED");
  EXPECT_EQ(list.at("sets").as_array().back().at("file_status").as_string(), "INCOMPLETE");
  Out({"backup", "full"});
}

TEST_F(BackupCommandsTest, ValidateReadsEveryByte) {
  CreateArchived();
  Out({"backup", "full", "--dest", Data()});
  const CommandResult sound = Run({"validate", Data(), "file://" + Archive()});
  EXPECT_EQ(sound.status, kSuccess) << sound.out;
  EXPECT_THAT(sound.out, ContainsRegex("\nset\tset 1\tintact\t"));
  EXPECT_THAT(sound.out, ContainsRegex("\npiece\tpiece 1\tintact\t"));
  EXPECT_THAT(sound.out, ContainsRegex("\nwindow\tfrom set 1\trestorable\t"));
  EXPECT_THAT(sound.err, StartsWith("sound: "));

  fs::path victim;
  for (const fs::path& path : fs::recursive_directory_iterator(Data())) {
    if (path.filename().string().starts_with("macro_block_data")) victim = path;
  }
  ASSERT_FALSE(victim.empty());
  std::fstream file(victim, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(fs::file_size(victim) / 2));
  file.put('\x5a');
  file.close();
  const CommandResult broken = Run({"validate", Data(), Archive(), "--json"});
  EXPECT_EQ(broken.status, kFailure);
  EXPECT_THAT(broken.out, HasSubstr("\"state\": \"error\""));
  EXPECT_THAT(broken.out, HasSubstr(victim.filename().string()));
  EXPECT_THAT(broken.err, StartsWith("broken: "));
}

TEST_F(BackupCommandsTest, TheTreeKnowsEveryFile) {
  CreateArchived();
  Out({"backup", "full", "--dest", Data(), "--plus-archivelog"});
  for (const std::string& dest : {Data(), "file://" + Archive()}) {
    EXPECT_THAT(Out({"tree", dest}), HasSubstr(" files, 0 unknown names\n"));
    const json::value entries = Json({"tree", dest});
    for (const json::value& entry : entries.as_array()) {
      EXPECT_TRUE(entry.at("known").as_bool()) << entry.at("path").as_string();
    }
  }
  EXPECT_THAT(Err({"tree", "s3://bucket/path?host=h"}), HasSubstr("[OB_NOT_SUPPORTED -4007]"));
}

TEST_F(BackupCommandsTest, JsonIsJsonWhateverAFileIsCalled) {
  CreateArchived();
  std::ofstream(Archive() + "/caf\xe9") << "of another program";
  const json::value entries = Json({"tree", Archive()});
  EXPECT_TRUE(std::ranges::any_of(entries.as_array(), [](const json::value& entry) {
    return entry.at("path").as_string() == "caf\xEF\xBF\xBD";
  }));
  const CommandResult report = Run({"validate", Archive(), "--json"});
  for (const std::string& line : Lines(report.out)) EXPECT_NO_THROW(json::parse(line)) << line;
}

TEST_F(BackupCommandsTest, EveryFileOfARealDestinationIsExplained) {
  CreateArchived();
  Out({"load", "--csv", Write("a.csv", "id,owner,balance\n2,bob,0\n"), "--table", "accounts"});
  Out({"compact", "major"});
  Out({"backup", "full", "--dest", Data(), "--plus-archivelog"});
  for (const std::string& dest : {Data(), Archive()}) {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(dest)) {
      if (!entry.is_regular_file()) continue;
      const CommandResult seen = Run({"inspect", entry.path().string()});
      EXPECT_EQ(seen.status, kSuccess) << entry.path() << ": " << seen.err;
    }
  }
}

}  // namespace
}  // namespace obbak::cli
