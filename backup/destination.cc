#include "backup/destination.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backup/catalogue.pb.h"
#include "dest/dest_store.h"
#include "format/backup_path.h"
#include "format/destination_records.h"
#include "format/time_tag.h"
#include "format/utc_offset.h"

namespace obbak::backup {
namespace {

using dest::DestStore;
using format::BackupCheckDesc;
using format::BackupDestType;
using format::BackupFormatDesc;
using format::DestId;
using format::PathKind;

constexpr std::string_view kDestTable = "dest";
constexpr std::int64_t kFirstDestId = 1001;

// What a directory turned out to be.
struct Found {
  bool is_empty = false;
  std::optional<BackupFormatDesc> format;
};

Error FormatFileNotExist(const io::Medium& medium) {
  return Error(ErrorCode::kBackupFormatFileNotExist, "format file does not exist")
      .WithPath(medium.location())
      .WithAdvice("try to set a new directory");
}

Error FormatFileNotMatch(const io::Medium& medium, std::string what) {
  return Error(ErrorCode::kBackupFormatFileNotMatch, "format file does not match: " + what)
      .WithPath(medium.location() + "/format.obbak")
      .WithAdvice("try to set a new directory");
}

std::int64_t NowMicros(const DestinationOwner& owner) {
  return static_cast<std::int64_t>(owner.clock.NowNs() / 1000);
}

format::TenantId TenantIdOf(const DestinationOwner& owner) { return {owner.tenant.tenant_id}; }

// The two descriptions say the same of who writes them.
template <class Desc>
Desc DescOf(const DestinationOwner& owner, const io::Medium& medium) {
  Desc desc;
  desc.cluster_name.value = owner.tenant.cluster_name;
  desc.tenant_name.value = owner.tenant.tenant_name;
  desc.path.value = medium.location();
  desc.cluster_id = owner.tenant.cluster_id;
  desc.tenant_id = TenantIdOf(owner);
  desc.ts = {NowMicros(owner)};
  return desc;
}

BackupFormatDesc FormatDescOf(const DestinationOwner& owner, const io::Medium& medium,
                              BackupDestType type, DestId id) {
  auto desc = DescOf<BackupFormatDesc>(owner, medium);
  desc.dest_id = id;
  desc.dest_type = {type};
  return desc;
}

// The fields of §1.1; names and creation time are not compared.
Status Compare(const io::Medium& medium, const BackupFormatDesc& found,
               const BackupFormatDesc& ours) {
  const auto differ = [&medium](std::string_view field, const auto& is, const auto& wanted) {
    return Fail(FormatFileNotMatch(medium, fmt::format("{} is {}, not {}", field, is, wanted)));
  };
  if (found.dest_type != ours.dest_type) {
    return differ("dest_type", NameOf(found.dest_type.value), NameOf(ours.dest_type.value));
  }
  if (found.cluster_id != ours.cluster_id) {
    return differ("cluster_id", found.cluster_id, ours.cluster_id);
  }
  if (found.tenant_id != ours.tenant_id) {
    return differ("tenant_id", found.tenant_id.value, ours.tenant_id.value);
  }
  if (found.incarnation != ours.incarnation) {
    return differ("incarnation", found.incarnation, ours.incarnation);
  }
  if (found.dest_id != ours.dest_id) {
    return differ("dest_id", found.dest_id.value, ours.dest_id.value);
  }
  if (found.path != ours.path) return differ("path", found.path.value, ours.path.value);
  return {};
}

bool IsOwnCheckFile(const DestinationOwner& owner, const format::BackupPath& path) {
  return path.kind == PathKind::kConnectFile && path.tenant == TenantIdOf(owner);
}

// Empty, or what a SetUpDestination left that was cut short.
io::Task<Result<bool>> IsEmpty(const DestinationOwner& owner, DestStore store) {
  const Result<dest::Listing> root = co_await store.ListRoot();
  if (!root) co_return Fail(root.error());
  if (!root->unknown.empty()) co_return false;
  const bool only_checks = std::ranges::all_of(
      root->known, [](const auto& path) { return path.kind == PathKind::kCheckDir; });
  if (!only_checks) co_return false;
  const Result<dest::Listing> checks = co_await store.List({.kind = PathKind::kCheckDir});
  if (!checks) co_return Fail(checks.error());
  co_return checks->unknown.empty() && std::ranges::all_of(checks->known, [&](const auto& path) {
    return IsOwnCheckFile(owner, path);
  });
}

// Writes a check file and removes the older ones of the tenant.
io::Task<Status> CheckConnectivity(const DestinationOwner& owner, DestStore store) {
  const Result<std::chrono::seconds> offset = format::ParseUtcOffset(owner.tenant.time_zone);
  if (!offset) co_return Fail(offset.error());
  const format::BackupPath path{
      .kind = PathKind::kConnectFile,
      .tenant = TenantIdOf(owner),
      .time = format::TimeTag::FromUnixSeconds(NowMicros(owner) / 1'000'000, *offset)};
  auto desc = DescOf<BackupCheckDesc>(owner, store.medium());
  if (Status status = co_await store.Write(path, std::move(desc)); !status) co_return status;
  const Result<dest::Listing> checks = co_await store.List({.kind = PathKind::kCheckDir});
  if (!checks) co_return Fail(checks.error());
  for (const format::BackupPath& old : checks->known) {
    if (!IsOwnCheckFile(owner, old) || old == path) continue;
    Status status = co_await store.medium().Remove(store.PathOf(old));
    if (!status) co_return status;
  }
  co_return Status();
}

// Steps 5.1 to 5.3.
io::Task<Result<Found>> Examine(const DestinationOwner& owner, DestStore store) {
  const Result<bool> is_empty = co_await IsEmpty(owner, store);
  if (!is_empty) co_return Fail(is_empty.error());
  if (Status status = co_await CheckConnectivity(owner, store); !status) {
    co_return Fail(std::move(status).error());
  }
  Found found{.is_empty = *is_empty, .format = std::nullopt};
  auto format = co_await store.ReadIfThere<BackupFormatDesc>({.kind = PathKind::kFormatFile});
  if (!format) co_return Fail(format.error());
  found.format = *std::move(format);
  if (!found.format && !found.is_empty) co_return Fail(FormatFileNotExist(store.medium()));
  co_return found;
}

DestStore StoreOf(io::Medium& medium) { return {medium, format::DestKind::kDataOrArchive}; }

}  // namespace

io::Task<Result<DestId>> SetUpDestination(DestinationOwner owner, io::Medium& medium,
                                          BackupDestType type, ForgetDestination forget) {
  const io::Mutex::Guard lock = co_await owner.setting_up.Lock();
  const DestStore store = StoreOf(medium);
  const Result<Found> found = co_await Examine(owner, store);
  if (!found) co_return Fail(found.error());

  auto dests = owner.catalogue.List<pb::Dest>(RowPrefix(kDestTable));
  if (!dests) co_return Fail(dests.error());
  // The newest that had this path.
  const auto known = std::find_if(dests->rbegin(), dests->rend(), [&](const pb::Dest& dest) {
    return dest.path() == medium.location();
  });
  if (found->format) {
    if (known == dests->rend()) {
      co_return Fail(FormatFileNotMatch(medium, "this tenant has never used the directory"));
    }
    if (known->dest_type() != static_cast<std::int32_t>(type)) {
      co_return Fail(FormatFileNotMatch(medium, "it was set for another purpose"));
    }
    const DestId id{known->dest_id()};
    Status same = Compare(medium, *found->format, FormatDescOf(owner, medium, type, id));
    if (!same) co_return Fail(std::move(same).error());
    co_return id;
  }

  const DestId id{dests->empty() ? kFirstDestId : dests->back().dest_id() + 1};
  CatalogueEdit edit;
  pb::Dest row;
  row.set_dest_id(id.value);
  row.set_dest_type(static_cast<std::int32_t>(type));
  row.set_path(medium.location());
  edit.Put(RowKey(kDestTable, {id.value}), row);
  if (known != dests->rend()) {
    Status forgotten = forget(DestId{known->dest_id()}, edit);
    if (!forgotten) co_return Fail(std::move(forgotten).error());
  }
  // The id first: no file may ever carry one that is given out again.
  Status status = co_await owner.catalogue.Apply(std::move(edit));
  if (status) {
    const format::BackupPath path{.kind = PathKind::kFormatFile};
    status = co_await store.WriteOnce(path, FormatDescOf(owner, medium, type, id));
  }
  if (!status) co_return Fail(std::move(status).error());
  co_return id;
}

io::Task<Status> CheckDestination(DestinationOwner owner, io::Medium& medium, BackupDestType type,
                                  DestId id) {
  const Result<Found> found = co_await Examine(owner, StoreOf(medium));
  if (!found) co_return Fail(found.error());
  if (!found->format) co_return Fail(FormatFileNotExist(medium));
  co_return Compare(medium, *found->format, FormatDescOf(owner, medium, type, id));
}

io::Task<Status> CheckFormatFile(DestinationOwner owner, io::Medium& medium, BackupDestType type,
                                 DestId id) {
  const DestStore store = StoreOf(medium);
  const auto format = co_await store.ReadIfThere<BackupFormatDesc>({.kind = PathKind::kFormatFile});
  if (!format) co_return Fail(format.error());
  if (!*format) co_return Fail(FormatFileNotExist(medium));
  co_return Compare(medium, **format, FormatDescOf(owner, medium, type, id));
}

}  // namespace obbak::backup
