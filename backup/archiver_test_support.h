// What the archiver's tests share: a tenant that is archived, in a simulated world.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backup/archive_checker_test_support.h"
#include "backup/archiver.h"
#include "engine/clog_test_support.h"
#include "engine/tenant.h"
#include "engine/tenant_core.h"
#include "engine/tenant_test_support.h"
#include "io/directory_medium.h"
#include "io/sim_world.h"

namespace obbak::backup {

inline constexpr const char* kTenantDir = "/t";
inline constexpr const char* kArchiveDir = "/archive";

// Any interval goes; nothing happens by itself.
inline ArchiveOptions QuietArchive() {
  ArchiveOptions options;
  options.lag_target = std::chrono::milliseconds(0);
  options.piece_interval = {.min = std::chrono::microseconds(1), .max = std::chrono::days(7)};
  options.background = false;
  return options;
}

inline io::LogArchiveDest DestAt(const std::string& dir, std::chrono::microseconds interval,
                                 io::ArchiveBinding binding = io::ArchiveBinding::kOptional) {
  return {.location = io::BackupDest::Parse("file://" + dir).value(),
          .binding = binding,
          .piece_switch_interval = interval};
}

class ArchivedTenant {
 public:
  explicit ArchivedTenant(std::uint64_t seed = 1, io::SimImage image = {},
                          std::uint64_t now_ns = io::SimWorld::kStartNs)
      : world_(seed, std::move(image), now_ns),
        media_(io::DirectoryMedia(world_.loop(), world_.disk())) {}
  ~ArchivedTenant() { Close(); }

  io::SimWorld& world() { return world_; }
  io::SimDisk& disk() { return world_.disk(); }
  engine::Tenant& tenant() { return *tenant_; }
  engine::TenantCore& core() { return tenant_->core(); }
  Archiver& archiver() { return *archiver_; }
  bool is_open() const { return archiver_ != nullptr; }

  // Instead of directories; before Create or Open.
  void UseMedia(io::MediumFactory media) { media_ = std::move(media); }

  template <class T>
  T Run(io::Task<T> task) {
    return world_.loop().Run(std::move(task));
  }

  Status Create(engine::TenantOptions options = {}, ArchiveOptions archive = QuietArchive(),
                engine::EngineOptions engine = engine::SmallEngine()) {
    auto made = Run(engine::Tenant::Create(engine::EnvOf(world_), kTenantDir, options, engine));
    if (!made) return Fail(std::move(made).error());
    tenant_ = *std::move(made);
    table_ = Run(engine::CreateTestTable(*tenant_, "t", 4));
    if (table_ == nullptr) return Fail(ErrorCode::kIoError, "no table");
    return OpenArchiver(archive);
  }

  Status Open(ArchiveOptions archive = QuietArchive(),
              engine::EngineOptions engine = engine::SmallEngine()) {
    auto opened = Run(engine::Tenant::Open(engine::EnvOf(world_), kTenantDir, engine));
    if (!opened) return Fail(std::move(opened).error());
    tenant_ = *std::move(opened);
    const auto table = tenant_->catalog().ResolveTable("t");
    if (!table) return Fail(table.error());
    table_ = *table;
    return OpenArchiver(archive);
  }

  void Close() {
    if (archiver_ != nullptr) (void)Run(archiver_->Close());
    archiver_.reset();
    if (tenant_ != nullptr) (void)Run(tenant_->Close());
    tenant_.reset();
  }

  // SET LOG_ARCHIVE_DEST and ARCHIVELOG, until it is DOING.
  Status StartArchiving(io::LogArchiveDest dest) {
    if (Status status = Run(archiver_->SetDest(std::move(dest))); !status) return status;
    if (Status status = Run(archiver_->ArchiveLog()); !status) return status;
    return Run(archiver_->AwaitState());
  }
  Status StopArchiving() {
    if (Status status = Run(archiver_->NoArchiveLog()); !status) return status;
    return Run(archiver_->AwaitState());
  }

  // Commits `count` rows, each in a transaction of its own.
  Status Put(int count) {
    for (int i = 0; i < count; ++i) {
      ++next_key_;
      Status status = Run(engine::PutRow(*tenant_, *table_, next_key_, next_key_));
      if (!status) return status;
    }
    return {};
  }
  io::Task<Status> PutTask(std::int64_t key) { return engine::PutRow(*tenant_, *table_, key, key); }

  // Fills the log of BigLs() with rows of a mebibyte.
  Status PutMebibytes(int count) {
    if (big_ == nullptr) {
      auto definition = engine::ParseTableDefinition(
          "id bigint not null, v varbinary(1048576), primary key (id)");
      if (!definition) return Fail(definition.error());
      auto made = Run(tenant_->CreateTable("big", *std::move(definition)));
      if (!made) return Fail(std::move(made).error());
      big_ = *made;
    }
    for (int i = 0; i < count; ++i) {
      if (Status status = Run(PutBig(++next_key_)); !status) return status;
    }
    return {};
  }

  format::LsId BigLs() {
    const auto table = tenant_->catalog().ResolveTable("big");
    return *tenant_->catalog().LsOf((*table)->tablets().front());
  }
  engine::Clog& BigClog() { return core().streams.at(BigLs())->clog(); }

  void Advance(std::chrono::nanoseconds time) {
    world_.clock().Advance(static_cast<std::uint64_t>(time.count()));
  }

  // Checks the whole destination and that its logs are the tenant's.
  ArchiveChecker Check(ArchiveChecker::Options options = {}, const std::string& dir = kArchiveDir) {
    ArchiveChecker checker(TreeOf(world_.disk().image(), dir), options);
    checker.Check();
    ExpectSameAsClog(world_.disk().image(), kTenantDir, checker.logs());
    return checker;
  }

 private:
  io::Task<Status> PutBig(std::int64_t key) {
    io::Random random(static_cast<std::uint64_t>(key));
    const Bytes value = engine::RandomPayload(random, std::size_t{1} << 20);
    auto tx = tenant_->Begin();
    if (!tx) co_return Fail(tx.error());
    const std::vector<format::Datum> row{format::Datum::Int(key), format::Datum::Of(value)};
    if (Status status = co_await (*tx)->Put(*big_, row); !status) co_return status;
    const auto version = co_await (*tx)->Commit();
    if (!version) co_return Fail(version.error());
    co_return Status();
  }

  Status OpenArchiver(const ArchiveOptions& archive) {
    auto opened = Run(Archiver::Open(*tenant_, media_, archive));
    if (!opened) return Fail(std::move(opened).error());
    archiver_ = *std::move(opened);
    return {};
  }

  io::SimWorld world_;
  io::MediumFactory media_;
  std::unique_ptr<engine::Tenant> tenant_;
  std::unique_ptr<Archiver> archiver_;
  engine::TableSchemaPtr table_;
  engine::TableSchemaPtr big_;
  std::int64_t next_key_ = 0;
};

}  // namespace obbak::backup
