#include <chrono>
#include <cstdlib>
#include <optional>
#include <utility>

#include "backup/archiver.h"
#include "backup/data_backup.h"
#include "bench/check.h"
#include "bench/side.h"
#include "engine/tenant.h"
#include "io/directory_medium.h"
#include "io/host_driver.h"
#include "io/log_archive_dest.h"
#include "io/sync.h"
#include "restore/restore.h"
#include "restore/validate.h"

namespace obbak::bench {
namespace {

using engine::Tenant;
using format::Datum;
using SteadyClock = std::chrono::steady_clock;

constexpr int kLoaders = 8;

double SecondsSince(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

engine::EngineOptions OptionsOf(const Memory& memory) {
  engine::EngineOptions options;
  options.freeze_trigger = memory.write_buffer;
  options.memstore_limit = memory.write_limit;
  options.block_cache = memory.block_cache;
  return options;
}

class ObbakSide final : public ArchivingSide {
 public:
  ObbakSide() : loop_(Check(io::MakeUringDriver({}, {}))), random_(1) {}

  void Create(const std::string& dir, const Memory& memory) override {
    tenant_ = Check(loop_.Run(Tenant::Create(Environment(), dir, {}, OptionsOf(memory))));
    auto definition =
        Check(engine::ParseTableDefinition("k bigint not null, v varbinary(100), primary key (k)"));
    table_ = Check(loop_.Run(tenant_->CreateTable("rows", std::move(definition))));
  }
  void Open(const std::string& dir, const Memory& memory) override {
    tenant_ = Check(loop_.Run(Tenant::Open(Environment(), dir, OptionsOf(memory))));
    table_ = Check(tenant_->catalog().ResolveTable("rows"));
  }
  void Close() override {
    backup_.reset();
    if (archiver_ != nullptr) Check(loop_.Run(archiver_->Close()));
    archiver_.reset();
    Check(loop_.Run(tenant_->Close()));
    table_.reset();
    tenant_.reset();
  }

  std::vector<double> Commit(const Rows& rows, Range range, int writers) override {
    std::vector<double> seconds;
    seconds.reserve(range.count);
    const std::uint64_t each = range.count / static_cast<std::uint64_t>(writers);
    loop_.Run(Together(writers, [&](std::uint64_t writer) {
      return CommitOnes(rows, {range.begin + writer * each, each}, seconds);
    }));
    return seconds;
  }
  void Load(const Rows& rows, Range range, std::uint64_t batch) override {
    const std::uint64_t each = range.count / kLoaders;
    loop_.Run(Together(kLoaders, [&](std::uint64_t loader) {
      return LoadPart(rows, {range.begin + loader * each, each}, batch);
    }));
  }
  void Flush() override { Check(loop_.Run(tenant_->Flush())); }
  void Compact() override { Check(loop_.Run(tenant_->CompactMajor())); }
  void Get(const Rows& rows, std::span<const std::uint64_t> indexes) override {
    loop_.Run(GetRows(rows, indexes));
  }
  std::uint64_t Scan() override { return loop_.Run(CountRows()); }

  void PrepareBackup(const std::string& dir) override {
    archiver_ = Check(loop_.Run(backup::Archiver::Open(*tenant_, media_)));
    auto archive =
        Check(io::LogArchiveDest::Parse("LOCATION=" + ArchiveUri(dir) + " BINDING=MANDATORY"));
    Check(loop_.Run(archiver_->SetDest(std::move(archive))));
    Check(loop_.Run(archiver_->ArchiveLog()));
    Check(loop_.Run(archiver_->AwaitState()));
    backup_ = Check(loop_.Run(backup::DataBackup::Open(*tenant_, *archiver_, media_)));
    Check(loop_.Run(backup_->SetDest(Check(io::BackupDest::Parse(DataUri(dir))))));
  }
  void Backup(const std::string&, BackupKind kind) override {
    backup::BackupRequest request;
    request.type = kind == BackupKind::kFull ? format::BackupType::kFull : format::BackupType::kInc;
    Check(loop_.Run(backup_->Run(std::move(request))));
    CatchUp();
  }
  void VerifyBackup(const std::string& dir) override {
    const auto data = Check(media_(Check(io::BackupDest::Parse(DataUri(dir)))));
    const auto archive = Check(media_(Check(io::BackupDest::Parse(ArchiveUri(dir)))));
    const auto report = Check(
        loop_.Run(restore::Validate(loop_, std::vector<io::Medium*>{data.get(), archive.get()})));
    if (!report.ok()) Die("obbak: " + report.findings.front().error.ToString());
  }
  void Restore(const std::string& dir, const std::string& to) override {
    std::vector<io::BackupDest> dests{Check(io::BackupDest::Parse(DataUri(dir))),
                                      Check(io::BackupDest::Parse(ArchiveUri(dir)))};
    const auto source = Check(loop_.Run(restore::OpenRestoreSource(std::move(dests), media_)));
    auto plan = Check(loop_.Run(restore::MakeRestorePlan(source, {})));
    restore::RestoreOptions options;
    options.dir = to;
    options.tenant_name = "restored";
    Check(loop_.Run(restore::Restore(Environment(), source, std::move(plan), options)));
  }

  void SuspendArchive() override {
    Check(loop_.Run(archiver_->SetDestState(/*enable=*/false)));
    Check(loop_.Run(archiver_->AwaitState()));
  }
  void ResumeArchive() override {
    Check(loop_.Run(archiver_->SetDestState(/*enable=*/true)));
    Check(loop_.Run(archiver_->AwaitState()));
  }
  void CatchUp() override { Check(loop_.Run(archiver_->CatchUp())); }
  std::uint64_t LogBytes() override {
    std::uint64_t bytes = 0;
    for (const auto& ls : tenant_->Statistics().log_streams) bytes += ls.end_lsn.value;
    return bytes;
  }

 private:
  static std::string DataUri(const std::string& dir) { return "file://" + dir + "/" + kSets; }
  static std::string ArchiveUri(const std::string& dir) { return "file://" + dir + "/archive"; }

  engine::Env Environment() { return {loop_, loop_.disk(), clock_, random_, {}}; }

  template <class MakeTask>
  io::Task<void> Together(int count, MakeTask make_task) {
    io::TaskGroup group(loop_);
    for (int i = 0; i < count; ++i) group.Spawn(make_task(static_cast<std::uint64_t>(i)));
    co_await group.Join();
  }

  io::Task<void> CommitOnes(const Rows& rows, Range range, std::vector<double>& seconds) {
    for (std::uint64_t i = range.begin; i < range.begin + range.count; ++i) {
      const auto start = SteadyClock::now();
      co_await CommitBatch(rows, {i, 1});
      seconds.push_back(SecondsSince(start));
    }
  }
  io::Task<void> LoadPart(const Rows& rows, Range range, std::uint64_t batch) {
    for (std::uint64_t i = 0; i < range.count; i += batch) {
      co_await CommitBatch(rows, {range.begin + i, std::min(batch, range.count - i)});
    }
  }
  io::Task<void> CommitBatch(const Rows& rows, Range range) {
    const auto tx = Check(tenant_->Begin());
    for (std::uint64_t i = range.begin; i < range.begin + range.count; ++i) {
      const Datum row[] = {Datum::Int(Rows::Key(i)), Datum::Of(rows.Value(i))};
      Check(co_await tx->Put(*table_, row));
    }
    Check(co_await tx->Commit());
  }
  io::Task<void> GetRows(const Rows& rows, std::span<const std::uint64_t> indexes) {
    const format::Scn snapshot = tenant_->snapshot();
    for (const std::uint64_t i : indexes) {
      const Datum key[] = {Datum::Int(Rows::Key(i))};
      const auto row = Check(co_await tenant_->Get(table_, key, snapshot));
      if (!row || (*row)[1].bytes() != AsText(rows.Value(i))) Die("obbak: a row is wrong");
    }
  }
  io::Task<std::uint64_t> CountRows() {
    const auto scan =
        Check(tenant_->Scan(table_, {}, engine::Direction::kForward, tenant_->snapshot()));
    engine::RowBatch batch = scan->NewBatch();
    std::uint64_t count = 0;
    for (bool more = true; more; count += batch.size()) more = Check(co_await scan->Fetch(batch));
    co_return count;
  }

  io::Loop loop_;
  io::SystemClock clock_;
  io::Random random_;
  io::MediumFactory media_ = io::DirectoryMedia(loop_, loop_.disk());
  std::unique_ptr<Tenant> tenant_;
  engine::TableSchemaPtr table_;
  std::unique_ptr<backup::Archiver> archiver_;
  std::unique_ptr<backup::DataBackup> backup_;
};

}  // namespace

std::unique_ptr<ArchivingSide> MakeObbakSide() { return std::make_unique<ObbakSide>(); }

}  // namespace obbak::bench
