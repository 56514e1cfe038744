// Manifest: the tenant's own record of what is on disk, and the only place that knows. A block,
// log or SSTable that it does not name is garbage.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/env.h"
#include "engine/manifest.pb.h"
#include "engine/manifest_file.h"
#include "engine/manifest_state.h"
#include "io/disk.h"
#include "io/sync.h"
#include "io/task.h"

namespace obbak::engine {

// When a manifest takes its measures.
struct ManifestLimits {
  // A file is left alone as long as it is not larger.
  std::uint64_t min_rewrite_size = std::uint64_t{1} << 20;
  // Bytes that the whole state may take; at most kMaxManifestRecord.
  std::uint64_t max_state_size = kMaxManifestRecord;
};

// A state in memory and a log of edits behind it (engine/manifest_file.h) in a directory of its
// own:
//
//   <n>      the manifest; when a crash left several, the greatest number counts
//   <n>.tmp  a successor that was never finished
//
// The log's first record is the complete state of its time. When the log has outgrown four times
// the state, a successor that starts with the state of now takes its place.
//
// All methods belong to the loop of `env`. The manifest must outlive the tasks it gave out. One
// manifest at a time per directory; to see to that is the caller's part.
class Manifest {
 public:
  // Starts a manifest with `initial`, which has a tenant, in the existing and durable directory
  // `dir`; durable when it returns. kEntryExist: `dir` has one already. kInvalidArgument,
  // kSizeOverflow: see Apply. What a Create that crashed has left behind is no obstacle.
  static io::Task<Result<std::unique_ptr<Manifest>>> Create(Env env, std::string dir,
                                                            pb::Edit initial,
                                                            ManifestLimits limits = {});

  // Reads the manifest of `dir`. Every edit whose Apply succeeded is there, in order; of those that
  // a crash or a failure interrupted, each is there or not, whole, and stays so. A last record that
  // is incomplete is what such a crash leaves: it is cut and `env.log` is warned.
  //
  // kFileNotExist: no manifest, or one whose Create has not finished. kChecksumError, kInvalidData,
  // kVersionNotMatch: damaged or not ours, with path, offset and advice; nothing was changed.
  static io::Task<Result<std::unique_ptr<Manifest>>> Open(Env env, std::string dir,
                                                          ManifestLimits limits = {});

  Manifest(const Manifest&) = delete;
  Manifest& operator=(const Manifest&) = delete;
  ~Manifest() = default;

  // Makes `edit` durable, then visible in state(), then returns. Edits that wait at the same time
  // are written together; they take effect in the order in which they were awaited.
  //
  // Refused without harm: kInvalidArgument (something has no id), kSizeOverflow (the state could
  // outgrow max_state_size; edits that only remove are always welcome). Any other failure leaves
  // open whether the edit is on disk; from then on every Apply gets kStateNotMatch, until the
  // directory is opened anew.
  io::Task<Status> Apply(pb::Edit edit);

  // What is durable. Elements may change or vanish with any co_await; copy what must stay.
  const ManifestState& state() const { return state_; }

 private:
  struct Waiting;

  Manifest(Env env, std::string dir, ManifestLimits limits);

  std::string PathOf(std::uint64_t number) const;

  // Reads file `number_` into `state_`; whether its tail is torn.
  io::Task<Result<bool>> Load();
  Status Replay(const ManifestRecords& records);
  // Goes on in file number_ + 1, which begins with the state of now.
  io::Task<Status> StartFile();
  // Writes `record` behind the last one, or into a new file when this one is too long.
  io::Task<Status> Append(const pb::Record& record);

  // Writes what waits and gives everyone their result. Holds the lock.
  io::Task<void> WriteWaiting();
  // The edits that fit; those that don't get their refusal. One record for all: of several, a torn
  // write could leave a later one sound, and that is what damage looks like.
  pb::Record TakeWaiting(std::vector<Waiting*>& taken);
  // Precondition: failure_.
  Status Refusal() const;

  Env env_;
  std::string dir_;
  ManifestLimits limits_;
  ManifestState state_;

  std::uint64_t number_ = 0;  // of file_
  std::unique_ptr<io::File> file_;
  std::uint64_t end_ = 0;            // of its last record
  std::uint64_t next_sequence_ = 1;  // of the record to come

  io::Mutex mutex_;  // held by who writes
  std::vector<Waiting*> waiting_;
  std::optional<Error> failure_;  // the first; nothing is written after it
};

}  // namespace obbak::engine
