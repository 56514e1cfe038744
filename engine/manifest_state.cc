#include "engine/manifest_state.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace obbak::engine {
namespace {

Error MissingId(std::string_view list, int index, std::string_view field) {
  return Error(ErrorCode::kInvalidArgument, "the id is missing")
      .WithField(fmt::format("{}[{}].{}", list, index, field));
}

template <class Addressed>
Status CheckTabletIds(std::string_view list, const Addressed& addressed) {
  for (int i = 0; i < addressed.size(); ++i) {
    if (!addressed[i].has_ls_id()) return Fail(MissingId(list, i, "ls_id"));
    if (!addressed[i].has_tablet_id()) return Fail(MissingId(list, i, "tablet_id"));
  }
  return {};
}

}  // namespace

Status CheckEdit(const pb::Edit& edit) {
  for (int i = 0; i < edit.log_streams_size(); ++i) {
    if (!edit.log_streams(i).has_ls_id()) return Fail(MissingId("log_streams", i, "ls_id"));
  }
  if (Status tablets = CheckTabletIds("tablets", edit.tablets()); !tablets) return tablets;
  for (int i = 0; i < edit.rows_size(); ++i) {
    if (!edit.rows(i).has_key()) return Fail(MissingId("rows", i, "key"));
  }
  return CheckTabletIds("removed_tablets", edit.removed_tablets());
}

std::uint64_t ManifestState::encoded_size() const {
  return messages_size_ +
         kManifestFrame * (1 + log_streams_.size() + tablets_.size() + rows_.size());
}

void ManifestState::Apply(pb::Edit edit) {
  for (const pb::TabletAddress& removed : edit.removed_tablets()) {
    const auto at = tablets_.find({{removed.ls_id()}, {removed.tablet_id()}});
    if (at != tablets_.end()) Erase(tablets_, at);
  }
  for (const std::int64_t id : edit.removed_log_streams()) RemoveLogStream({id});

  for (const std::string& key : edit.removed_rows()) {
    const auto at = rows_.find(key);
    if (at != rows_.end()) Erase(rows_, at);
  }

  if (edit.has_tenant()) Put(tenant_, std::move(*edit.mutable_tenant()));
  for (pb::LogStream& log_stream : *edit.mutable_log_streams()) {
    Put(log_streams_[{log_stream.ls_id()}], std::move(log_stream));
  }
  for (pb::Tablet& tablet : *edit.mutable_tablets()) {
    Put(tablets_[{{tablet.ls_id()}, {tablet.tablet_id()}}], std::move(tablet));
  }
  for (pb::Row& row : *edit.mutable_rows()) Put(rows_[row.key()], std::move(row));
}

pb::Edit ManifestState::AsEdit() const {
  pb::Edit edit;
  *edit.mutable_tenant() = tenant_;
  for (const auto& [id, log_stream] : log_streams_) *edit.add_log_streams() = log_stream;
  for (const auto& [address, tablet] : tablets_) *edit.add_tablets() = tablet;
  for (const auto& [key, row] : rows_) *edit.add_rows() = row;
  return edit;
}

template <class Message>
void ManifestState::Put(Message& place, Message&& message) {
  messages_size_ -= place.ByteSizeLong();
  place = std::move(message);
  messages_size_ += place.ByteSizeLong();
}

template <class Map>
typename Map::iterator ManifestState::Erase(Map& map, typename Map::iterator at) {
  messages_size_ -= at->second.ByteSizeLong();
  return map.erase(at);
}

void ManifestState::RemoveLogStream(format::LsId id) {
  const auto log_stream = log_streams_.find(id);
  if (log_stream != log_streams_.end()) Erase(log_streams_, log_stream);
  auto tablet = tablets_.lower_bound({id, {}});
  while (tablet != tablets_.end() && tablet->first.first == id) tablet = Erase(tablets_, tablet);
}

}  // namespace obbak::engine
