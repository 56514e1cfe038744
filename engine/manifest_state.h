// ManifestState: what the manifest says is on disk.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "base/result.h"
#include "engine/manifest.pb.h"
#include "format/ids.h"

namespace obbak::engine {

// At most so many bytes frame a message inside a message: a tag and a length.
inline constexpr std::uint64_t kManifestFrame = 6;

class ManifestState {
 public:
  using LogStreams = std::map<format::LsId, pb::LogStream>;
  using Tablets = std::map<std::pair<format::LsId, format::TabletId>, pb::Tablet>;
  // By key, in the order of its bytes.
  using Rows = std::map<std::string, pb::Row, std::less<>>;

  const pb::Tenant& tenant() const { return tenant_; }
  const LogStreams& log_streams() const { return log_streams_; }
  const Tablets& tablets() const { return tablets_; }
  const Rows& rows() const { return rows_; }

  // Bytes that AsEdit() takes: never more, and at most kManifestFrame less per element.
  std::uint64_t encoded_size() const;

  // Takes over what `edit` says, in the order that pb::Edit states. Removing what is not there
  // does nothing. Precondition: CheckEdit(edit).
  void Apply(pb::Edit edit);

  // The edit that makes this state from an empty one.
  pb::Edit AsEdit() const;

 private:
  template <class Message>
  void Put(Message& place, Message&& message);
  template <class Map>
  typename Map::iterator Erase(Map& map, typename Map::iterator at);
  void RemoveLogStream(format::LsId id);

  pb::Tenant tenant_;
  LogStreams log_streams_;
  Tablets tablets_;
  Rows rows_;
  std::uint64_t messages_size_ = 0;  // without their frames
};

// kInvalidArgument, with the field, unless everything in `edit` has its id.
Status CheckEdit(const pb::Edit& edit);

}  // namespace obbak::engine
