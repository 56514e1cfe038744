#include "engine/manifest.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <charconv>
#include <span>
#include <string_view>
#include <utility>

#include "base/bytes.h"

namespace obbak::engine {
namespace {

// A log that is larger than the state by this factor is worth a new file.
constexpr std::uint64_t kRewriteFactor = 4;
constexpr std::string_view kUnfinished = ".tmp";

// Always the same bytes for the same record, whatever order a map's elements have in memory.
Bytes Serialize(const pb::Record& record) {
  Bytes bytes(record.ByteSizeLong());
  google::protobuf::io::ArrayOutputStream array(bytes.data(), static_cast<int>(bytes.size()));
  google::protobuf::io::CodedOutputStream out(&array);
  out.SetSerializationDeterministic(true);
  record.SerializeWithCachedSizes(&out);
  out.Trim();
  return bytes;
}

// The n of a file `<n>`.
std::optional<std::uint64_t> ManifestNumber(std::string_view name) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  if (name.starts_with('0')) return std::nullopt;
  return number;
}

struct Found {
  std::vector<std::uint64_t> numbers;  // ascending
  std::vector<std::string> unfinished;
};

io::Task<Result<Found>> FindFiles(io::Disk& disk, const std::string& dir) {
  const Result<std::vector<io::DirEntry>> entries = co_await disk.List(dir);
  if (!entries) co_return Fail(entries.error());
  Found found;
  for (const io::DirEntry& entry : *entries) {
    std::string_view name = entry.name;
    if (const auto number = ManifestNumber(name)) {
      found.numbers.push_back(*number);
    } else if (name.ends_with(kUnfinished)) {
      name.remove_suffix(kUnfinished.size());
      if (ManifestNumber(name)) found.unfinished.push_back(dir + "/" + entry.name);
    }
  }
  std::ranges::sort(found.numbers);
  co_return found;
}

io::Task<Status> RemoveAll(io::Disk& disk, std::span<const std::string> paths) {
  for (const std::string& path : paths) {
    if (Status removed = co_await disk.Remove(path); !removed) co_return removed;
  }
  co_return Status();
}

// Edits that only remove are welcome in a state of any size.
bool Adds(const pb::Edit& edit) {
  return edit.has_tenant() || edit.log_streams_size() > 0 || edit.tablets_size() > 0 ||
         edit.rows_size() > 0;
}

Error TooLarge(std::uint64_t size, std::uint64_t limit) {
  return Error(ErrorCode::kSizeOverflow,
               fmt::format("the manifest would take up to {} bytes, its limit is {}", size, limit))
      .WithAdvice("drop tables, or spread them over more than one tenant");
}

}  // namespace

struct Manifest::Waiting {
  pb::Edit edit;
  std::optional<Status> result;
};

Manifest::Manifest(Env env, std::string dir, ManifestLimits limits)
    : env_(std::move(env)), dir_(std::move(dir)), limits_(limits), mutex_(env_.loop) {}

std::string Manifest::PathOf(std::uint64_t number) const {
  return fmt::format("{}/{}", dir_, number);
}

io::Task<Result<std::unique_ptr<Manifest>>> Manifest::Create(Env env, std::string dir,
                                                             pb::Edit initial,
                                                             ManifestLimits limits) {
  if (Status checked = CheckEdit(initial); !checked) co_return Fail(checked.error());
  if (!initial.has_tenant()) {
    co_return Fail(
        Error(ErrorCode::kInvalidArgument, "a new manifest needs its tenant").WithField("tenant"));
  }
  const Result<Found> found = co_await FindFiles(env.disk, dir);
  if (!found) co_return Fail(found.error());
  if (!found->numbers.empty()) {
    co_return Fail(Error(ErrorCode::kEntryExist, "there is a manifest already").WithPath(dir));
  }
  if (Status removed = co_await RemoveAll(env.disk, found->unfinished); !removed) {
    co_return Fail(removed.error());
  }

  std::unique_ptr<Manifest> manifest(new Manifest(std::move(env), std::move(dir), limits));
  manifest->state_.Apply(std::move(initial));
  const std::uint64_t size = manifest->state_.encoded_size() + kManifestFrame;
  if (size > limits.max_state_size) co_return Fail(TooLarge(size, limits.max_state_size));
  if (Status started = co_await manifest->StartFile(); !started) co_return Fail(started.error());
  co_return manifest;
}

io::Task<Result<std::unique_ptr<Manifest>>> Manifest::Open(Env env, std::string dir,
                                                           ManifestLimits limits) {
  Result<Found> found = co_await FindFiles(env.disk, dir);
  if (!found) co_return Fail(found.error());
  if (found->numbers.empty()) {
    co_return Fail(
        Error(ErrorCode::kFileNotExist, "there is no manifest, so there is no tenant here")
            .WithPath(dir));
  }

  std::unique_ptr<Manifest> manifest(new Manifest(std::move(env), std::move(dir), limits));
  manifest->number_ = found->numbers.back();
  const Result<bool> torn = co_await manifest->Load();
  if (!torn) co_return Fail(torn.error());

  found->numbers.pop_back();
  for (const std::uint64_t old : found->numbers) {
    found->unfinished.push_back(manifest->PathOf(old));
  }
  io::Disk& disk = manifest->env_.disk;
  if (Status removed = co_await RemoveAll(disk, found->unfinished); !removed) {
    co_return Fail(removed.error());
  }
  // A new file rather than a cut one: what is torn must not come back behind a shorter record.
  if (*torn) {
    if (Status started = co_await manifest->StartFile(); !started) co_return Fail(started.error());
  }
  co_return manifest;
}

io::Task<Result<bool>> Manifest::Load() {
  const std::string path = PathOf(number_);
  Result<std::unique_ptr<io::File>> file = co_await env_.disk.Open(path, {});
  if (!file) co_return Fail(file.error());
  file_ = *std::move(file);

  // A process that was killed may have left a name or a record in the page cache alone. What we
  // are about to rely on, and let others see, must not vanish with the power.
  if (Status synced = co_await env_.disk.SyncDirectory(dir_); !synced) {
    co_return Fail(synced.error());
  }
  if (Status synced = co_await file_->Sync(); !synced) co_return Fail(synced.error());

  Bytes bytes(file_->size());
  const Result<std::size_t> size = co_await file_->Read(0, bytes);
  if (!size) co_return Fail(size.error());
  bytes.resize(*size);

  const Result<ManifestRecords> records = ParseManifestFile(bytes);
  if (!records) co_return Fail(Error(records.error()).WithPath(path));
  if (Status replayed = Replay(*records); !replayed) {
    co_return Fail(Error(replayed.error()).WithPath(path));
  }
  end_ = records->end;
  next_sequence_ = records->records.back().sequence + 1;

  const bool torn = end_ < bytes.size();
  if (torn) {
    env_.log.Write(LogLevel::kWarning,
                   fmt::format("{}: the last record, {} bytes from offset {:#x} on, is incomplete: "
                               "a write that was interrupted; it is left out",
                               path, bytes.size() - end_, end_));
  }
  co_return torn;
}

Status Manifest::Replay(const ManifestRecords& records) {
  for (const ManifestRecord& found : records.records) {
    pb::Record record;
    bool sound =
        record.ParseFromArray(found.payload.data(), static_cast<int>(found.payload.size()));
    for (const pb::Edit& edit : record.edits()) sound = sound && CheckEdit(edit).has_value();
    if (!sound) {
      return Fail(Error(ErrorCode::kInvalidData,
                        fmt::format("record {} has a good checksum but no edits that make sense",
                                    found.sequence))
                      .WithOffset(found.offset)
                      .WithAdvice("was it written by a newer program? nothing was changed"));
    }
    for (pb::Edit& edit : *record.mutable_edits()) state_.Apply(std::move(edit));
  }
  return {};
}

io::Task<Status> Manifest::StartFile() {
  const std::string path = PathOf(number_ + 1);
  const std::string unfinished = path + std::string(kUnfinished);
  pb::Record record;
  *record.add_edits() = state_.AsEdit();
  Bytes bytes = ManifestFileHeader();
  const Bytes first = EncodeManifestRecord(next_sequence_, Serialize(record));
  bytes.insert(bytes.end(), first.begin(), first.end());

  io::Disk& disk = env_.disk;
  Result<std::unique_ptr<io::File>> file =
      co_await disk.Open(unfinished, {.create = true, .exclusive = true});
  if (!file) co_return Fail(file.error());
  if (Status written = co_await (*file)->Write(0, bytes, io::Durability::kDurable); !written) {
    co_return written;
  }
  if (Status renamed = co_await disk.Rename(unfinished, path); !renamed) co_return renamed;
  if (Status synced = co_await disk.SyncDirectory(dir_); !synced) co_return synced;
  // Under its new name, which is the one that errors should tell.
  file = co_await disk.Open(path, {});
  if (!file) co_return Fail(file.error());

  const std::uint64_t old = std::exchange(number_, number_ + 1);
  file_ = *std::move(file);
  end_ = bytes.size();
  ++next_sequence_;
  if (old == 0) co_return Status();
  if (Status removed = co_await disk.Remove(PathOf(old)); !removed) {
    // The next Open tries again.
    env_.log.Write(LogLevel::kWarning, removed.error().ToString());
  }
  co_return Status();
}

io::Task<Status> Manifest::Apply(pb::Edit edit) {
  if (Status checked = CheckEdit(edit); !checked) co_return checked;
  Waiting waiting{.edit = std::move(edit), .result = std::nullopt};
  waiting_.push_back(&waiting);
  const io::Mutex::Guard lock = co_await mutex_.Lock();
  // Whoever had the lock before may have written this edit too.
  if (!waiting.result) co_await WriteWaiting();
  co_return *std::move(waiting.result);
}

Status Manifest::Refusal() const {
  return Fail(Error(ErrorCode::kStateNotMatch,
                    fmt::format("an earlier write of the manifest failed: {}", failure_->message()))
                  .WithPath(dir_)
                  .WithAdvice("open the tenant again"));
}

io::Task<void> Manifest::WriteWaiting() {
  std::vector<Waiting*> taken;
  pb::Record record = TakeWaiting(taken);
  if (taken.empty()) co_return;

  Status written = failure_ ? Refusal() : Status();
  if (written) {
    written = co_await Append(record);
    if (!written) failure_ = written.error();
  }
  if (written) {
    for (pb::Edit& edit : *record.mutable_edits()) state_.Apply(std::move(edit));
  }
  for (Waiting* waiting : taken) waiting->result = written;
}

pb::Record Manifest::TakeWaiting(std::vector<Waiting*>& taken) {
  pb::Record record;
  std::uint64_t size = 0;
  for (Waiting* waiting : std::exchange(waiting_, {})) {
    const std::uint64_t more = waiting->edit.ByteSizeLong() + kManifestFrame;
    const std::uint64_t largest = size + more + (Adds(waiting->edit) ? state_.encoded_size() : 0);
    if (largest > limits_.max_state_size) {
      waiting->result = Fail(TooLarge(largest, limits_.max_state_size));
      continue;
    }
    size += more;
    *record.add_edits() = std::move(waiting->edit);
    taken.push_back(waiting);
  }
  return record;
}

io::Task<Status> Manifest::Append(const pb::Record& record) {
  if (end_ > std::max(limits_.min_rewrite_size, kRewriteFactor * state_.encoded_size())) {
    if (Status started = co_await StartFile(); !started) co_return started;
  }
  const Bytes bytes = EncodeManifestRecord(next_sequence_, Serialize(record));
  if (Status written = co_await file_->Write(end_, bytes, io::Durability::kDurable); !written) {
    co_return written;
  }
  end_ += bytes.size();
  ++next_sequence_;
  co_return Status();
}

}  // namespace obbak::engine
