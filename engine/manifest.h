// Manifest: the tenant's own record of what is on disk, and the only place that knows. A block,
// log or SSTable that it does not name is garbage.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "engine/env.h"
#include "engine/manifest.pb.h"
#include "engine/manifest_state.h"
#include "io/disk.h"
#include "io/sync.h"
#include "io/task.h"

namespace obbak::engine {

// A state in memory and a log of edits behind it (engine/manifest_file.h) in a directory of its
// own:
//
//   <n>      the manifest; when a crash left several, the greatest number counts
//   <n>.tmp  a successor that was never finished
//
// The log's first record is the complete state of its time. When the log has outgrown the state, a
// successor that starts with the state of now takes its place.
//
// All methods belong to the loop of `env`. The manifest must outlive the tasks it gave out. One
// manifest at a time per directory; to see to that is the caller's part.
class Manifest {
 public:
  // Starts a manifest with `initial`, which names the tenant, in the existing and durable directory
  // `dir`; durable when it returns. kEntryExist: `dir` has one already. kInvalidArgument,
  // kSizeOverflow: see Apply. What a Create that crashed has left behind is no obstacle.
  static io::Task<Result<std::unique_ptr<Manifest>>> Create(Env env, std::string dir,
                                                            pb::Edit initial);

  // Reads the manifest of `dir`. Every edit whose Apply succeeded is there, in order; of those that
  // a crash or a failure interrupted, each is there or not, whole, and stays so. A last record
  // that is incomplete is what such a crash leaves: it is cut and `env.log` is warned.
  //
  // kFileNotExist: no manifest, or one whose Create has not finished. kChecksumError, kInvalidData,
  // kVersionNotMatch: damaged or not ours, with path, offset and advice; nothing was changed.
  static io::Task<Result<std::unique_ptr<Manifest>>> Open(Env env, std::string dir);

  Manifest(const Manifest&) = delete;
  Manifest& operator=(const Manifest&) = delete;
  ~Manifest();

  // Makes `edit` durable, then visible in state(), then returns. Edits that wait at the same time
  // are written together; they take effect in the order of the calls.
  //
  // Refused without harm: kInvalidArgument (something has no id), kSizeOverflow (the state would
  // not fit into a record: kMaxRecordSize). Any other failure leaves open whether the edit is on
  // disk; from then on every Apply gets kStateNotMatch, until the directory is opened anew.
  io::Task<Status> Apply(pb::Edit edit);

  // What is durable. Elements may change or vanish with any co_await; copy what must stay.
  const ManifestState& state() const { return state_; }

 private:
  struct Waiting;

  Manifest(Env env, std::string dir);

  std::string PathOf(std::uint64_t number) const;
  // Removes what is left of `<number>.tmp`, and older manifests than ours.
  io::Task<Status> StartFile(std::uint64_t number);
  io::Task<Status> Recover(std::uint64_t number);
  io::Task<void> WriteWaiting();
  io::Task<Status> Append(const Bytes& record);

  Env env_;
  std::string dir_;
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
