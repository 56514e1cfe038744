// ManifestState: what the manifest says is on disk.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "base/result.h"
#include "engine/manifest.pb.h"
#include "format/ids.h"

namespace obbak::engine {

class ManifestState {
 public:
  using LogStreams = std::map<format::LsId, pb::LogStream>;
  using Tablets = std::map<std::pair<format::LsId, format::TabletId>, pb::Tablet>;

  const pb::Tenant& tenant() const { return tenant_; }
  const LogStreams& log_streams() const { return log_streams_; }
  const Tablets& tablets() const { return tablets_; }

  // Bytes that AsEdit() takes in a file, within a few per element and never less.
  std::uint64_t encoded_size() const { return encoded_size_; }

  // Takes over what `edit` says, in the order that pb::Edit states. Removing what is not there
  // does nothing. Precondition: CheckEdit(edit).
  void Apply(pb::Edit edit);

  // The edit that makes this state from an empty one.
  pb::Edit AsEdit() const;

 private:
  pb::Tenant tenant_;
  LogStreams log_streams_;
  Tablets tablets_;
  std::uint64_t encoded_size_ = 0;
};

// kInvalidArgument, with the field, unless everything in `edit` has its id.
Status CheckEdit(const pb::Edit& edit);

}  // namespace obbak::engine
