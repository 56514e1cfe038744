// A small fixed tenant, archived and backed up under a fixed clock, gives the same destinations
// byte for byte, on every run and on every machine: those of testdata/golden/destination.
//
// After an intended change: OBBAK_WRITE_GOLDEN=1 build/release/e2e_test --gtest_filter='Golden*'
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "e2e/history_test_support.h"
#include "io/sim_image.h"

namespace obbak::e2e {
namespace {

namespace fs = std::filesystem;

const fs::path kGolden = fs::path(OBBAK_TESTDATA_DIR) / "golden" / "destination";

// Paths below the root, and what the files hold.
using Tree = std::map<std::string, std::string>;

void AddFiles(const io::SimImage& image, const std::string& directory, Tree& tree) {
  for (const auto& [name, node] : image.entries(image.Find(directory))) {
    const std::string path = directory + "/" + name;
    if (image.IsDirectory(node)) {
      AddFiles(image, path, tree);
      continue;
    }
    const io::SimFile& file = image.file(node);
    std::string& bytes = tree[path];
    bytes.resize(file.size());
    EXPECT_EQ(file.Read(0, std::as_writable_bytes(std::span(bytes))), bytes.size());
  }
}

Tree ReadGolden() {
  Tree tree;
  if (!fs::exists(kGolden)) return tree;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(kGolden)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    tree["/" + fs::relative(entry.path(), kGolden).string()] = {std::istreambuf_iterator<char>(in),
                                                                {}};
  }
  return tree;
}

void WriteGolden(const Tree& tree) {
  fs::remove_all(kGolden);
  for (const auto& [path, bytes] : tree) {
    const fs::path file = kGolden / path.substr(1);
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << bytes;
  }
}

Status Work(Source& source, Workload& workload) {
  if (Status status = source.Create(); !status) return status;
  if (Status status = workload.CreateTable(); !status) return status;
  if (Status status = workload.Write(1, 10); !status) return status;
  if (Status status = source.StartArchive(); !status) return status;
  if (Status status = source.SetDataDest(); !status) return status;
  if (const auto set = source.Backup(format::BackupType::kFull); !set) return Fail(set.error());
  if (Status status = workload.Write(1, 10); !status) return status;
  if (const auto major = source.Run(source.tenant().CompactMajor()); !major) {
    return Fail(major.error());
  }
  if (Status status = workload.Write(1, 5); !status) return status;
  // Into the next piece.
  if (Status status = source.Run(source.world().loop().Sleep(std::chrono::seconds(60))); !status) {
    return status;
  }
  const auto set = source.Backup(format::BackupType::kInc, /*plus_archivelog=*/true);
  if (!set) return Fail(set.error());
  if (Status status = workload.Write(1, 5); !status) return status;
  return source.Run(source.archiver().CatchUp());
}

Tree MakeTree() {
  io::SimWorld world(/*seed=*/1);
  Source source(world, {.user_log_streams = 1, .piece_interval = std::chrono::seconds(60)});
  History history;
  Workload workload(source, history, 1);
  const Status worked = Work(source, workload);
  EXPECT_TRUE(worked) << worked.error().ToString();
  const Status closed = source.Close();
  EXPECT_TRUE(closed) << closed.error().ToString();
  Tree tree;
  AddFiles(world.disk().image(), "/data", tree);
  AddFiles(world.disk().image(), "/archive", tree);
  return tree;
}

TEST(GoldenDestination, EveryRunGivesTheSameBytes) {
  const Tree tree = MakeTree();
  if (HasFailure()) return;
  EXPECT_EQ(tree, MakeTree());
  if (std::getenv("OBBAK_WRITE_GOLDEN") != nullptr) WriteGolden(tree);
  const Tree golden = ReadGolden();
  ASSERT_FALSE(golden.empty());
  for (const auto& [path, bytes] : golden) {
    const auto ours = tree.find(path);
    if (ours == tree.end()) {
      ADD_FAILURE() << path << " is missing";
      continue;
    }
    const auto differs = std::ranges::mismatch(ours->second, bytes).in1;
    EXPECT_EQ(ours->second.size(), bytes.size()) << path;
    EXPECT_TRUE(differs == ours->second.end())
        << path << " differs at offset " << differs - ours->second.begin();
  }
  for (const auto& [path, bytes] : tree) {
    EXPECT_TRUE(golden.contains(path)) << path << " is new";
  }
}

}  // namespace
}  // namespace obbak::e2e
