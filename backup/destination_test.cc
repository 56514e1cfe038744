#include "backup/destination.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backup/archiver_test_support.h"
#include "format/destination_records.h"
#include "format/metadata_file.h"

namespace obbak::backup {
namespace {

using format::BackupDestType;
using format::DestId;

// A tenant's catalogue and directories that might become its destinations.
class DestinationTest : public testing::Test {
 protected:
  DestinationTest() { Start(); }

  template <class T>
  T Run(io::Task<T> task) {
    return world_->loop().Run(std::move(task));
  }

  void Start() {
    ASSERT_OK(Run(world_->disk().MakeDirectory("m")));
    ASSERT_OK(Run(world_->disk().SyncDirectory(".")));
    engine::pb::Edit first;
    first.mutable_tenant()->set_tenant_id(options_.tenant_id);
    auto made = Run(engine::Manifest::Create(engine::EnvOf(*world_), "m", std::move(first)));
    ASSERT_OK(made);
    manifest_ = *std::move(made);
  }

  std::unique_ptr<io::Medium> MediumOf(const std::string& dir) {
    return io::MakeDirectoryMedium(world_->loop(), world_->disk(), dir, "file://" + dir);
  }
  DestinationOwner Owner() {
    setting_up_.emplace(world_->loop());
    return {options_, world_->clock(), Catalogue(*manifest_), *setting_up_};
  }

  Result<DestId> MakeDest(const std::string& dir,
                          BackupDestType type = BackupDestType::kArchiveLog) {
    const auto medium = MediumOf(dir);
    ForgetDestination forget = [this](DestId gone, CatalogueEdit&) -> Status {
      forgotten_.push_back(gone);
      return {};
    };
    return Run(SetUpDestination(Owner(), *medium, type, std::move(forget)));
  }
  ErrorCode CodeOfMaking(const std::string& dir,
                         BackupDestType type = BackupDestType::kArchiveLog) {
    const auto id = MakeDest(dir, type);
    return id ? ErrorCode{} : id.error().code();
  }
  ErrorCode CodeOfCheck(const std::string& dir, std::int64_t id) {
    const auto medium = MediumOf(dir);
    const Status status =
        Run(CheckDestination(Owner(), *medium, BackupDestType::kArchiveLog, {id}));
    return status ? ErrorCode{} : status.error().code();
  }

  void PutFile(const std::string& dir, const std::string& name, const Bytes& bytes = {}) {
    ASSERT_OK(Run(MediumOf(dir)->Put(name, bytes)));
  }
  std::map<std::string, Bytes> Tree(const std::string& dir) {
    return TreeOf(world_->disk().image(), dir);
  }
  format::BackupFormatDesc FormatOf(const std::string& dir) {
    const auto read =
        format::MetadataFile<format::BackupFormatDesc>::Read(Tree(dir).at("format.obbak"));
    EXPECT_TRUE(read);
    return read.value_or(format::BackupFormatDesc());
  }

  engine::TenantOptions options_;
  std::unique_ptr<io::SimWorld> world_ = std::make_unique<io::SimWorld>(1);
  std::unique_ptr<engine::Manifest> manifest_;
  std::optional<io::Mutex> setting_up_;
  std::vector<DestId> forgotten_;
};

TEST_F(DestinationTest, AnEmptyDirectoryIsFormattedAndKeepsItsId) {
  EXPECT_EQ(MakeDest("/a").value().value, 1001);
  EXPECT_EQ(MakeDest("/d", BackupDestType::kBackupData).value().value, 1002);
  EXPECT_EQ(MakeDest("/a").value().value, 1001);
  EXPECT_EQ(MakeDest("/b").value().value, 1003);
  const format::BackupFormatDesc format = FormatOf("/a");
  EXPECT_EQ(format.path.value, "file:///a");
  EXPECT_EQ(format.dest_id.value, 1001);
  EXPECT_EQ(format.dest_type.value, BackupDestType::kArchiveLog);
  EXPECT_EQ(FormatOf("/d").dest_type.value, BackupDestType::kBackupData);
  EXPECT_TRUE(forgotten_.empty());
  EXPECT_EQ(CodeOfCheck("/a", 1001), ErrorCode{});
}

TEST_F(DestinationTest, TheFormatFileIsNeverWrittenAgain) {
  ASSERT_OK(MakeDest("/a"));
  const Bytes before = Tree("/a").at("format.obbak");
  world_->clock().Advance(5'000'000'000);
  ASSERT_OK(MakeDest("/a"));
  EXPECT_EQ(Tree("/a").at("format.obbak"), before);
}

TEST_F(DestinationTest, ThereIsOneCheckFileOfTheTenantAndThoseOfOthersStay) {
  ASSERT_OK(MakeDest("/a"));
  PutFile("/a", "check_file/1004_connect_file_20240101T000000.obbak");
  for (int i = 0; i < 3; ++i) {
    world_->clock().Advance(1'000'000'000);
    ASSERT_OK(MakeDest("/a"));
  }
  std::vector<std::string> names;
  for (const auto& [name, bytes] : Tree("/a")) {
    if (name.starts_with("check_file/")) names.push_back(name);
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{"check_file/1002_connect_file_20240101T000003.obbak",
                                      "check_file/1004_connect_file_20240101T000000.obbak"}));
}

TEST_F(DestinationTest, SomethingElseInTheDirectoryIsNoDestination) {
  PutFile("/a", "letters/to_mother");
  EXPECT_EQ(CodeOfMaking("/a"), ErrorCode::kBackupFormatFileNotExist);
  PutFile("/b", "check_file/1004_connect_file_20240101T000000.obbak");
  EXPECT_EQ(CodeOfMaking("/b"), ErrorCode::kBackupFormatFileNotExist);
}

TEST_F(DestinationTest, ADirectoryOfAnotherTenantOrPurposeIsRefused) {
  ASSERT_OK(MakeDest("/a"));
  EXPECT_EQ(CodeOfMaking("/a", BackupDestType::kBackupData), ErrorCode::kBackupFormatFileNotMatch);
  const auto refuses = [&](auto change) {
    format::BackupFormatDesc format = FormatOf("/a");
    change(format);
    PutFile("/a", "format.obbak",
            format::MetadataFile<format::BackupFormatDesc>::Write(format).value());
    return CodeOfMaking("/a") == ErrorCode::kBackupFormatFileNotMatch &&
           CodeOfCheck("/a", 1001) == ErrorCode::kBackupFormatFileNotMatch;
  };
  const format::BackupFormatDesc original = FormatOf("/a");
  EXPECT_TRUE(refuses([](auto& format) { format.tenant_id.value = 1004; }));
  EXPECT_TRUE(refuses([&](auto& format) { format = original, format.cluster_id = 9; }));
  EXPECT_TRUE(refuses([&](auto& format) { format = original, format.incarnation = 2; }));
  EXPECT_TRUE(refuses([&](auto& format) { format = original, format.dest_id.value = 1009; }));
  EXPECT_TRUE(refuses([&](auto& format) { format = original, format.path.value = "file:///b"; }));
  // Names and the time may be others.
  EXPECT_FALSE(refuses([&](auto& format) {
    format = original;
    format.tenant_name.value = "renamed";
    format.cluster_name.value = "moved";
    format.ts.value += 1;
  }));
}

TEST_F(DestinationTest, ADirectoryOfATenantWithTheSameIdsIsNotItsOwn) {
  ASSERT_OK(MakeDest("/a"));
  // The same tenant, created anew.
  const io::SimImage image = world_->disk().image();
  manifest_.reset();
  world_ = std::make_unique<io::SimWorld>(2, image);
  ASSERT_OK(Run(world_->disk().Remove("m/1")));
  ASSERT_OK(Run(world_->disk().Remove("m")));
  Start();
  ASSERT_FALSE(HasFailure());
  EXPECT_EQ(CodeOfMaking("/a"), ErrorCode::kBackupFormatFileNotMatch);
}

TEST_F(DestinationTest, ADirectoryThatWasEmptiedGetsANewIdAndWhatWasThereIsForgotten) {
  ASSERT_OK(MakeDest("/a"));
  const auto medium = MediumOf("/a");
  for (const auto& [name, bytes] : Tree("/a")) ASSERT_OK(Run(medium->Remove(name)));
  ASSERT_OK(Run(medium->RemoveDirectory("check_file")));
  EXPECT_EQ(CodeOfCheck("/a", 1001), ErrorCode::kBackupFormatFileNotExist);
  EXPECT_EQ(MakeDest("/a").value().value, 1002);
  EXPECT_EQ(forgotten_, (std::vector<DestId>{{1001}}));
  EXPECT_EQ(FormatOf("/a").dest_id.value, 1002);
}

TEST_F(DestinationTest, ADirectoryThatCannotBeWrittenSaysWhy) {
  world_->disk().Observe([](const io::SimOperation& operation) {
    const bool is_there = operation.path.starts_with("/a/");
    const bool writes = operation.kind == io::SimOperation::Kind::kWrite ||
                        operation.kind == io::SimOperation::Kind::kDurableWrite;
    return is_there && writes ? io::SimFault::kNoSpace : io::SimFault::kNone;
  });
  EXPECT_EQ(CodeOfMaking("/a"), ErrorCode::kBackupDeviceOutOfSpace);
  world_->disk().Observe({});
  EXPECT_EQ(CodeOfMaking("/a"), ErrorCode{});
}

TEST_F(DestinationTest, SettingUpCanBeTriedAgainAfterAPowerFailureAtAnyMoment) {
  const io::SimImage start = world_->disk().image();
  manifest_.reset();
  for (std::uint64_t stop = 1;; ++stop) {
    ASSERT_LT(stop, 200U);
    world_ = std::make_unique<io::SimWorld>(stop, start);
    auto opened = Run(engine::Manifest::Open(engine::EnvOf(*world_), "m"));
    ASSERT_OK(opened);
    manifest_ = *std::move(opened);
    world_->disk().StopAtOperation(world_->disk().operations() + stop);
    const auto first = MakeDest("/a");
    if (world_->disk().powered()) break;
    for (const std::uint64_t seed : {0U, 1U, 2U}) {
      SCOPED_TRACE("operation " + std::to_string(stop) + ", image " + std::to_string(seed));
      io::SimWorld after(seed, world_->disk().CrashImage(seed + 3 * stop * (seed / 2)));
      auto manifest = after.loop().Run(engine::Manifest::Open(engine::EnvOf(after), "m"));
      ASSERT_OK(manifest);
      const auto medium = io::MakeDirectoryMedium(after.loop(), after.disk(), "/a", "file:///a");
      io::Mutex setting_up(after.loop());
      DestinationOwner owner{options_, after.clock(), Catalogue(**manifest), setting_up};
      ASSERT_OK(after.loop().Run(medium->RemoveTemporaries()));
      const auto id =
          after.loop().Run(SetUpDestination(owner, *medium, BackupDestType::kArchiveLog,
                                            [](DestId, CatalogueEdit&) { return Status(); }));
      ASSERT_OK(id);
      ASSERT_OK(
          after.loop().Run(CheckDestination(owner, *medium, BackupDestType::kArchiveLog, *id)));
    }
    manifest_.reset();
  }
}

}  // namespace
}  // namespace obbak::backup
