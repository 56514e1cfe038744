#include "engine/tenant_directory.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/block_file.h"
#include "engine/manifest.h"
#include "engine/sstable_store.h"
#include "format/compat_record.h"

namespace obbak::engine {
namespace {

using format::Scn;

std::string ParentOf(const std::string& dir) {
  std::filesystem::path path = std::filesystem::path(dir).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // "dir/"
  return path.has_parent_path() ? path.parent_path().string() : ".";
}

io::Task<Status> MakeDirectories(TenantCore& core) {
  io::Disk& disk = core.env.disk;
  const auto there = co_await disk.List(core.dir);
  if (there && !there->empty()) {
    co_return Fail(Error(ErrorCode::kEntryExist, "the directory is not empty")
                       .WithPath(core.dir)
                       .WithAdvice("give another data directory, or remove this one"));
  }
  if (!there) {
    if (Status status = co_await disk.MakeDirectory(core.dir); !status) co_return status;
  }
  // Also when it was there: whoever made it need not have made its name durable.
  if (Status status = co_await disk.SyncDirectory(ParentOf(core.dir)); !status) co_return status;
  for (const char* name : {"/manifest", "/clog"}) {
    if (Status status = co_await disk.MakeDirectory(core.dir + name); !status) co_return status;
  }
  co_return co_await disk.SyncDirectory(core.dir);
}

BlockFile::Options BlockFileOptions(const TenantCore& core) {
  return {.path = core.BlockFilePath(),
          .cluster_id = core.options.cluster_id,
          .tenant_id = core.options.tenant_id,
          .max_size = core.engine.data_file_limit};
}

void UseBlocks(TenantCore& core, std::unique_ptr<BlockFile> blocks) {
  core.blocks = std::move(blocks);
  core.store = std::make_unique<SstableStore>(
      SstableStore{core.env.loop, *core.blocks, core.cache, core.scan_buffers, core.background});
}

// What a tenant's directory has.
constexpr auto kEntries = std::to_array<std::string_view>({"block_file", "clog", "manifest"});

Error NotOurs(const std::string& dir) {
  return Error(ErrorCode::kEntryExist,
               "the directory holds something else than an unfinished restore")
      .WithPath(dir)
      .WithAdvice("give another data directory, or remove this one");
}

// Whether what is in `dir`, besides a manifest, is no more than what comes before the manifest.
io::Task<Result<bool>> HasNoManifestYet(io::Disk& disk, std::string dir) {
  for (const char* name : {"/clog", "/manifest"}) {
    const auto entries = co_await disk.List(dir + name);
    if (!entries && entries.error().code() == ErrorCode::kFileNotExist) continue;
    if (!entries) co_return Fail(entries.error());
    const auto is_temporary = [](const io::DirEntry& entry) {
      return entry.name.ends_with(".tmp");
    };
    if (!std::ranges::all_of(*entries, is_temporary)) co_return false;
  }
  co_return true;
}

io::Task<Status> CheckUnfinished(Env env, std::string dir, std::vector<io::DirEntry> entries) {
  for (const io::DirEntry& entry : entries) {
    if (std::ranges::find(kEntries, entry.name) == kEntries.end()) co_return Fail(NotOurs(dir));
  }
  auto manifest = co_await Manifest::Open(env, dir + "/manifest");
  if (manifest) {
    const bool is_ours = (*manifest)->state().tenant().role() == pb::Tenant::RESTORING;
    co_return is_ours ? Status() : Fail(NotOurs(dir));
  }
  if (manifest.error().code() != ErrorCode::kFileNotExist) co_return Fail(manifest.error());
  const Result<bool> is_early = co_await HasNoManifestYet(env.disk, dir);
  if (!is_early) co_return Fail(is_early.error());
  co_return *is_early ? Status() : Fail(NotOurs(dir));
}

io::Task<Status> RemoveTree(io::Disk& disk, std::string path) {
  const auto entries = co_await disk.List(path);
  if (!entries && entries.error().code() == ErrorCode::kFileNotExist) co_return Status();
  if (!entries) co_return Fail(entries.error());
  for (const io::DirEntry& entry : *entries) {
    const std::string below = path + "/" + entry.name;
    io::Task<Status> remove = entry.is_directory ? RemoveTree(disk, below) : disk.Remove(below);
    if (Status status = co_await std::move(remove); !status) co_return status;
  }
  if (Status status = co_await disk.SyncDirectory(path); !status) co_return status;
  co_return co_await disk.Remove(path);
}

}  // namespace

pb::Tenant RecordOf(const TenantOptions& options, Scn create_scn) {
  pb::Tenant record;
  record.set_cluster_id(options.cluster_id);
  record.set_cluster_name(options.cluster_name);
  record.set_tenant_id(options.tenant_id);
  record.set_tenant_name(options.tenant_name);
  record.set_mode(pb::Tenant::MYSQL);
  record.set_time_zone(options.time_zone);
  record.set_locality(options.locality);
  for (const auto& [name, value] : options.parameters) (*record.mutable_parameters())[name] = value;
  record.set_data_version(format::kDataVersion4301.value);
  record.set_create_scn(create_scn.value);
  return record;
}

Status CheckOptions(const TenantOptions& options) {
  if (!format::IsUserTenant(format::TenantId{options.tenant_id})) {
    return Fail(Error(ErrorCode::kInvalidArgument,
                      "tenant id " + std::to_string(options.tenant_id) + " is not a user tenant's")
                    .WithAdvice("user tenants have even ids above 1000, such as 1002"));
  }
  if (options.cluster_id < 1) {
    return Fail(ErrorCode::kInvalidArgument, "the cluster id must be at least 1");
  }
  if (options.user_log_streams < 1 || options.user_log_streams > 100) {
    return Fail(ErrorCode::kInvalidArgument, "a tenant has 1 to 100 user log streams");
  }
  return {};
}

io::Task<Status> CreateStorage(TenantCore& core, pb::Tenant record) {
  if (Status status = co_await MakeDirectories(core); !status) co_return status;
  auto blocks = co_await BlockFile::Create(core.env.loop, core.env.disk, BlockFileOptions(core));
  if (!blocks) co_return Fail(blocks.error());
  UseBlocks(core, *std::move(blocks));
  pb::Edit first;
  *first.mutable_tenant() = std::move(record);
  auto manifest = co_await Manifest::Create(core.env, core.ManifestDir(), std::move(first));
  if (!manifest) co_return Fail(manifest.error());
  core.manifest = *std::move(manifest);
  co_return Status();
}

io::Task<Status> OpenBlocks(TenantCore& core) {
  auto blocks = co_await BlockFile::Open(core.env.loop, core.env.disk, BlockFileOptions(core));
  if (!blocks) co_return Fail(blocks.error());
  UseBlocks(core, *std::move(blocks));
  co_return Status();
}

io::Task<Status> ClearUnfinished(Env env, std::string dir) {
  auto entries = co_await env.disk.List(dir);
  if (!entries && entries.error().code() == ErrorCode::kFileNotExist) co_return Status();
  if (!entries) co_return Fail(entries.error());
  if (entries->empty()) co_return Status();
  if (Status status = co_await CheckUnfinished(env, dir, *std::move(entries)); !status) {
    co_return status;
  }
  // The manifest last: as long as anything else is there, it says what that is.
  if (Status status = co_await RemoveTree(env.disk, dir + "/clog"); !status) co_return status;
  Status status = co_await env.disk.Remove(dir + "/block_file");
  if (!status && status.error().code() != ErrorCode::kFileNotExist) co_return status;
  if (status = co_await env.disk.SyncDirectory(dir); !status) co_return status;
  if (status = co_await RemoveTree(env.disk, dir + "/manifest"); !status) co_return status;
  co_return co_await env.disk.SyncDirectory(dir);
}

}  // namespace obbak::engine
