// What tests of data backups share: a tenant with archiver and backups on one simulated disk.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "backup/archive_view.h"
#include "backup/archiver.h"
#include "backup/data_backup.h"
#include "engine/tenant.h"
#include "engine/tenant_core.h"
#include "engine/tenant_test_support.h"
#include "io/directory_medium.h"
#include "io/sim_image.h"
#include "io/sim_world.h"

namespace obbak::backup {

inline const char* const kTenantDir = "/tenant";
inline const char* const kDataDir = "/data";

// Small files, so that a few blocks need several.
inline BackupOptions SmallBackup() {
  BackupOptions options;
  options.data_file_size = std::uint64_t{8} << 20;
  options.retry_delay = std::chrono::milliseconds(10);
  options.patience = std::chrono::seconds(10);
  return options;
}

class HookedArchive final : public ArchiveView {
 public:
  using Hook = std::function<io::Task<void>(engine::Tenant& tenant, int time)>;
  HookedArchive(Archiver& archiver, engine::Tenant& tenant, Hook hook)
      : view_(archiver), tenant_(tenant), hook_(std::move(hook)) {}
  ArchiveStatus status() const override { return view_.status(); }
  io::Task<Status> CatchUpTo(format::Scn scn) override {
    Status status = co_await view_.CatchUpTo(scn);
    if (hook_) co_await hook_(tenant_, ++time_);
    co_return status;
  }

 private:
  ArchiverView view_;
  engine::Tenant& tenant_;
  Hook hook_;
  int time_ = 0;
};

// Nothing happens by itself but for what the options say.
class BackedUpTenant {
 public:
  struct Options {
    engine::EngineOptions engine = engine::SmallEngine();
    BackupOptions backup = SmallBackup();
    int user_log_streams = 2;
    std::string time_zone = "+08:00";
    std::string archive_options = " PIECE_SWITCH_INTERVAL=1d";
    // Happens when the backup has brought the archive up to date, for the first time, the second
    // time and so on: before the META task of log stream 1, before those of the others (again in
    // each turn), before the minor data.
    HookedArchive::Hook when_archived;
  };

  BackedUpTenant(io::SimWorld& world, Options options)
      : world_(world),
        options_(std::move(options)),
        media_(io::DirectoryMedia(world.loop(), world.disk())) {}
  explicit BackedUpTenant(io::SimWorld& world) : BackedUpTenant(world, Options()) {}
  ~BackedUpTenant() { (void)Close(); }
  BackedUpTenant(const BackedUpTenant&) = delete;
  BackedUpTenant& operator=(const BackedUpTenant&) = delete;

  template <class T>
  T Run(io::Task<T> task) {
    return world_.loop().Run(std::move(task));
  }

  // A tenant that archives, and has a destination for its backups.
  Status Create() {
    engine::TenantOptions tenant;
    tenant.time_zone = options_.time_zone;
    tenant.user_log_streams = options_.user_log_streams;
    auto created =
        Run(engine::Tenant::Create(engine::EnvOf(world_), kTenantDir, tenant, options_.engine));
    if (!created) return Fail(created.error());
    tenant_ = *std::move(created);
    if (Status status = OpenServices(); !status) return status;
    if (Status status = StartArchive(); !status) return status;
    return Run(backup_->SetDest(*io::BackupDest::Parse(std::string("file://") + kDataDir)));
  }
  Status Open() {
    auto opened = Run(engine::Tenant::Open(engine::EnvOf(world_), kTenantDir, options_.engine));
    if (!opened) return Fail(opened.error());
    tenant_ = *std::move(opened);
    return OpenServices();
  }
  Status Close() {
    Status result;
    backup_.reset();
    if (archiver_ != nullptr) result = Run(archiver_->Close());
    archiver_.reset();
    if (tenant_ != nullptr) {
      Status closed = Run(tenant_->Close());
      if (result) result = std::move(closed);
    }
    tenant_.reset();
    return result;
  }

  engine::TableSchemaPtr CreateTable(std::string name, std::uint32_t partitions) {
    return Run(engine::CreateTestTable(*tenant_, std::move(name), partitions));
  }
  Status Put(const engine::TableSchema& table, std::int64_t from, std::int64_t to,
             std::int64_t value) {
    return Run(PutRows(*tenant_, table, from, to, value));
  }
  // (id bigint primary key, payload varchar): rows so large that forty fill a macro block.
  engine::TableSchemaPtr CreateWideTable(std::string name, std::uint32_t partitions) {
    Result<engine::TableDefinition> definition = engine::ParseTableDefinition(
        "id bigint not null, payload varchar(60000), primary key (id)");
    if (!definition) return nullptr;
    definition->partitions = partitions;
    const auto table = Run(tenant_->CreateTable(std::move(name), *std::move(definition)));
    return table ? *table : nullptr;
  }
  // Rows of random bytes; the same seed gives the same.
  Status PutWide(const engine::TableSchema& table, std::int64_t from, std::int64_t to,
                 std::uint64_t seed) {
    return Run(PutWideRows(*tenant_, table, from, to, seed));
  }
  Result<format::BackupSetFileDesc> Backup(format::BackupType type, ReportBackup report = {},
                                           bool plus_archivelog = false) {
    return Run(backup_->Run({.type = type, .plus_archivelog = plus_archivelog, .description = {}},
                            std::move(report)));
  }
  Result<format::BackupSetFileDesc> Full(ReportBackup report = {}) {
    return Backup(format::BackupType::kFull, std::move(report));
  }
  Result<format::BackupSetFileDesc> Incremental(ReportBackup report = {}) {
    return Backup(format::BackupType::kInc, std::move(report));
  }
  Status CompactMajor() {
    const auto major = Run(tenant_->CompactMajor());
    if (!major) return Fail(major.error());
    return {};
  }

  io::SimWorld& world() { return world_; }
  engine::Tenant& tenant() { return *tenant_; }
  Archiver& archiver() { return *archiver_; }
  DataBackup& backup() { return *backup_; }

  static io::Task<Status> PutWideRows(engine::Tenant& tenant, const engine::TableSchema& table,
                                      std::int64_t from, std::int64_t to, std::uint64_t seed) {
    io::Random random(seed);
    std::string payload(50'000, ' ');
    for (; from < to; ++from) {
      for (char& letter : payload) letter = static_cast<char>('!' + random.Below(90));
      auto tx = tenant.Begin();
      if (!tx) co_return Fail(tx.error());
      const std::vector<format::Datum> row{format::Datum::Int(from),
                                           format::Datum::Of(AsByteView(payload))};
      if (Status status = co_await (*tx)->Put(table, row); !status) co_return status;
      const auto version = co_await (*tx)->Commit();
      if (!version) co_return Fail(version.error());
    }
    co_return Status();
  }

  // Rows from `from` up to `to`, in transactions of a hundred.
  static io::Task<Status> PutRows(engine::Tenant& tenant, const engine::TableSchema& table,
                                  std::int64_t from, std::int64_t to, std::int64_t value) {
    while (from < to) {
      auto tx = tenant.Begin();
      if (!tx) co_return Fail(tx.error());
      for (int i = 0; i < 100 && from < to; ++i, ++from) {
        const std::vector<format::Datum> row{format::Datum::Int(from), format::Datum::Int(value)};
        if (Status status = co_await (*tx)->Put(table, row); !status) co_return status;
      }
      const auto version = co_await (*tx)->Commit();
      if (!version) co_return Fail(version.error());
    }
    co_return Status();
  }

 private:
  Status OpenServices() {
    ArchiveOptions archive;
    archive.background = false;
    archive.lag_target = std::chrono::milliseconds(0);
    archive.piece_interval = {.min = std::chrono::microseconds(1), .max = std::chrono::days(7)};
    auto archiver = Run(Archiver::Open(*tenant_, media_, archive));
    if (!archiver) return Fail(archiver.error());
    archiver_ = *std::move(archiver);
    auto view = std::make_unique<HookedArchive>(*archiver_, *tenant_, options_.when_archived);
    auto backup = Run(DataBackup::Open(*tenant_, std::move(view), media_, options_.backup));
    if (!backup) return Fail(backup.error());
    backup_ = *std::move(backup);
    return {};
  }
  Status StartArchive() {
    const auto dest = io::LogArchiveDest::Parse(
        "LOCATION=file:///archive" + options_.archive_options,
        {.min = std::chrono::microseconds(1), .max = std::chrono::days(7)});
    if (!dest) return Fail(dest.error());
    if (Status status = Run(archiver_->SetDest(*dest)); !status) return status;
    if (Status status = Run(archiver_->ArchiveLog()); !status) return status;
    return Run(archiver_->AwaitState());
  }

  io::SimWorld& world_;
  Options options_;
  io::MediumFactory media_;
  std::unique_ptr<engine::Tenant> tenant_;
  std::unique_ptr<Archiver> archiver_;
  std::unique_ptr<DataBackup> backup_;
};

// Paths below `directory`, and what the files hold.
using Tree = std::map<std::string, Bytes>;

inline void AddFiles(const io::SimImage& image, const std::string& directory,
                     const std::string& prefix, Tree& tree) {
  for (const auto& [name, node] : image.entries(image.Find(directory))) {
    if (image.IsDirectory(node)) {
      AddFiles(image, directory + "/" + name, prefix + name + "/", tree);
      continue;
    }
    const io::SimFile& file = image.file(node);
    Bytes& bytes = tree[prefix + name];
    bytes.resize(file.size());
    (void)file.Read(0, bytes);
  }
}

inline Tree TreeOf(const io::SimImage& image, const std::string& directory) {
  Tree tree;
  AddFiles(image, directory, "", tree);
  return tree;
}

}  // namespace obbak::backup
