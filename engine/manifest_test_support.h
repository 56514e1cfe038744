// For tests of the manifest: a model of it, random edits, and a world with a directory for it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "engine/manifest.h"
#include "io/random.h"
#include "io/sim_world.h"
#include "io/sync.h"

namespace obbak::engine::manifest_test {

inline const std::string kManifestDir = "/manifest";
// Small, so that a few edits are enough for a new file.
inline constexpr ManifestLimits kSmallFiles{.min_rewrite_size = 2000,
                                            .max_state_size = kMaxManifestRecord};

// What a manifest should hold, kept in a way of its own: each element as its encoded message, so
// that nothing of one is forgotten in a comparison.
struct Model {
  std::string tenant;
  std::map<std::int64_t, std::string> log_streams;
  std::map<std::pair<std::int64_t, std::uint64_t>, std::string> tablets;
  std::map<std::string, std::string> rows;

  bool operator==(const Model&) const = default;

  void Apply(const pb::Edit& edit) {
    for (const auto& gone : edit.removed_tablets()) tablets.erase({gone.ls_id(), gone.tablet_id()});
    for (const std::int64_t gone : edit.removed_log_streams()) {
      log_streams.erase(gone);
      std::erase_if(tablets, [&](const auto& tablet) { return tablet.first.first == gone; });
    }
    for (const std::string& gone : edit.removed_rows()) rows.erase(gone);
    if (edit.has_tenant()) tenant = edit.tenant().SerializeAsString();
    for (const auto& put : edit.log_streams()) log_streams[put.ls_id()] = put.SerializeAsString();
    for (const auto& put : edit.tablets()) {
      tablets[{put.ls_id(), put.tablet_id()}] = put.SerializeAsString();
    }
    for (const auto& put : edit.rows()) rows[put.key()] = put.SerializeAsString();
  }
};

inline Model ModelOf(const ManifestState& state) {
  Model model;
  model.tenant = state.tenant().SerializeAsString();
  for (const auto& [id, log_stream] : state.log_streams()) {
    model.log_streams[id.value] = log_stream.SerializeAsString();
  }
  for (const auto& [address, tablet] : state.tablets()) {
    model.tablets[{address.first.value, address.second.value}] = tablet.SerializeAsString();
  }
  for (const auto& [key, row] : state.rows()) model.rows[key] = row.SerializeAsString();
  return model;
}

inline std::ostream& operator<<(std::ostream& out, const Model& model) {
  out << "{tenant of " << model.tenant.size() << " bytes; log streams";
  for (const auto& [id, bytes] : model.log_streams) out << " " << id << ":" << bytes.size();
  out << "; tablets";
  for (const auto& [id, bytes] : model.tablets) {
    out << " " << id.first << "/" << id.second << ":" << bytes.size();
  }
  return out << "; " << model.rows.size() << " rows}";
}

inline std::string RandomBytes(io::Random& random, std::size_t max_size) {
  std::string bytes(random.Below(max_size + 1), '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.Next());
  return bytes;
}

inline std::int64_t RandomLsId(io::Random& random) {
  return random.OneIn(3) ? 1 : 1001 + static_cast<std::int64_t>(random.Below(3));
}

inline pb::Tenant RandomTenant(io::Random& random) {
  pb::Tenant tenant;
  tenant.set_tenant_id(1002);
  // Names need not be UTF-8.
  tenant.set_tenant_name(RandomBytes(random, 20));
  tenant.set_role(random.OneIn(2) ? pb::Tenant::PRIMARY : pb::Tenant::RESTORING);
  // One at most: with more, a map's order in memory would be in the model's bytes.
  if (random.OneIn(2)) (*tenant.mutable_parameters())["p"] = RandomBytes(random, 8);
  return tenant;
}

inline pb::LogStream RandomLogStream(io::Random& random) {
  pb::LogStream log_stream;
  log_stream.set_ls_id(RandomLsId(random));
  log_stream.set_clog_checkpoint_scn(random.Next());
  log_stream.set_clog_base_lsn(random.Next());
  if (random.OneIn(2)) log_stream.set_palf_base(RandomBytes(random, 40));
  if (random.OneIn(3)) log_stream.mutable_timestamp_limit()->set_latest_log_ts(random.Next());
  return log_stream;
}

inline pb::Tablet RandomTablet(io::Random& random) {
  pb::Tablet tablet;
  tablet.set_ls_id(RandomLsId(random));
  tablet.set_tablet_id(200001 + random.Below(6));
  tablet.set_meta(RandomBytes(random, 300));
  for (std::uint64_t i = random.Below(3); i > 0; --i) {
    pb::Sstable& sstable = *tablet.add_sstables();
    sstable.set_table_key(RandomBytes(random, 30));
    sstable.set_meta(RandomBytes(random, 200));
  }
  return tablet;
}

inline pb::Edit RandomEdit(io::Random& random) {
  pb::Edit edit;
  if (random.OneIn(8)) *edit.mutable_tenant() = RandomTenant(random);
  for (std::uint64_t i = random.Below(3); i > 0; --i) {
    *edit.add_log_streams() = RandomLogStream(random);
  }
  for (std::uint64_t i = random.Below(4); i > 0; --i) *edit.add_tablets() = RandomTablet(random);
  for (std::uint64_t i = random.Below(3); i > 0; --i) {
    pb::TabletAddress& removed = *edit.add_removed_tablets();
    removed.set_ls_id(RandomLsId(random));
    removed.set_tablet_id(200001 + random.Below(6));
  }
  for (std::uint64_t i = random.Below(3); i > 0; --i) {
    pb::Row& row = *edit.add_rows();
    row.set_key("row" + std::to_string(random.Below(6)));
    row.set_value(RandomBytes(random, 100));
  }
  if (random.OneIn(3)) edit.add_removed_rows("row" + std::to_string(random.Below(6)));
  if (random.OneIn(6)) edit.add_removed_log_streams(RandomLsId(random));
  return edit;
}

inline pb::Edit InitialEdit(std::uint64_t seed = 1) {
  io::Random random(seed);
  pb::Edit edit;
  *edit.mutable_tenant() = RandomTenant(random);
  *edit.add_log_streams() = RandomLogStream(random);
  *edit.add_tablets() = RandomTablet(random);
  return edit;
}

inline pb::Edit LogStreamEdit(std::int64_t id, std::size_t size) {
  pb::Edit edit;
  pb::LogStream& log_stream = *edit.add_log_streams();
  log_stream.set_ls_id(id);
  log_stream.set_palf_base(std::string(size, 'x'));
  return edit;
}

inline io::SimImage ImageWithDirectory() {
  io::SimImage image;
  EXPECT_EQ(image.Create(kManifestDir, /*directory=*/true), 0);
  image.SyncDirectory(io::SimImage::kRoot, image.sequence());
  return image;
}

// A simulated world and what a test does in it.
class ManifestWorld {
 public:
  explicit ManifestWorld(std::uint64_t seed, io::SimImage image = ImageWithDirectory())
      : sim_(seed, std::move(image)) {}

  Env env() {
    return Env{.loop = sim_.loop(),
               .disk = sim_.disk(),
               .clock = sim_.clock(),
               .random = sim_.random(),
               .log = Logger(LogLevel::kInfo, [this](LogLevel, std::string_view message) {
                 log_.emplace_back(message);
               })};
  }
  io::SimDisk& disk() { return sim_.disk(); }
  const std::vector<std::string>& log() const { return log_; }

  template <class T>
  T Run(io::Task<T> task) {
    return sim_.loop().Run(std::move(task));
  }

  Result<std::unique_ptr<Manifest>> Create(pb::Edit initial, ManifestLimits limits = {}) {
    return Run(Manifest::Create(env(), kManifestDir, std::move(initial), limits));
  }
  Result<std::unique_ptr<Manifest>> Open(ManifestLimits limits = {}) {
    return Run(Manifest::Open(env(), kManifestDir, limits));
  }

  // Applies all at the same time. Tells in `started` the order in which they were awaited.
  std::vector<Status> ApplyTogether(Manifest& manifest, const std::vector<pb::Edit>& edits,
                                    std::vector<std::size_t>& started) {
    std::vector<Status> results(edits.size());
    io::TaskGroup group(sim_.loop());
    for (std::size_t i = 0; i < edits.size(); ++i) {
      group.Spawn(ApplyOne(manifest, edits[i], i, results, started));
    }
    Run(group.Join());
    return results;
  }

  std::vector<std::string> Names() {
    std::vector<std::string> names;
    const std::vector<io::DirEntry> entries = Run(disk().List(kManifestDir)).value();
    for (const io::DirEntry& entry : entries) names.push_back(entry.name);
    return names;
  }
  Bytes ReadFile(const std::string& name) {
    const std::unique_ptr<io::File> file = Run(disk().Open(kManifestDir + "/" + name, {})).value();
    Bytes bytes(file->size());
    Run(Read(*file, bytes));
    return bytes;
  }
  void WriteFile(const std::string& name, std::uint64_t offset, ByteView bytes) {
    const std::unique_ptr<io::File> file =
        Run(disk().Open(kManifestDir + "/" + name, {.create = true})).value();
    EXPECT_TRUE(Run(Write(*file, offset, bytes)));
  }

 private:
  static io::Task<void> ApplyOne(Manifest& manifest, pb::Edit edit, std::size_t i,
                                 std::vector<Status>& results, std::vector<std::size_t>& started) {
    started.push_back(i);
    results[i] = co_await manifest.Apply(std::move(edit));
  }
  static io::Task<void> Read(io::File& file, Bytes& bytes) {
    EXPECT_EQ((co_await file.Read(0, bytes)).value(), bytes.size());
  }
  static io::Task<Status> Write(io::File& file, std::uint64_t offset, ByteView bytes) {
    co_return co_await file.Write(offset, bytes);
  }

  io::SimWorld sim_;
  std::vector<std::string> log_;
};

}  // namespace obbak::engine::manifest_test
