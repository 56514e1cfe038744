#include "backup/catalogue.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backup/catalogue.pb.h"
#include "engine/tenant_test_support.h"
#include "io/sim_world.h"

namespace obbak::backup {
namespace {

class CatalogueTest : public testing::Test {
 protected:
  CatalogueTest() { Start(); }

  template <class T>
  T Run(io::Task<T> task) {
    return world_->loop().Run(std::move(task));
  }

  void Start() {
    ASSERT_TRUE(Run(world_->disk().MakeDirectory("m")));
    ASSERT_TRUE(Run(world_->disk().SyncDirectory(".")));
    engine::pb::Edit first;
    first.mutable_tenant()->set_tenant_id(1002);
    auto made = Run(engine::Manifest::Create(engine::EnvOf(*world_), "m", std::move(first)));
    ASSERT_TRUE(made) << made.error().ToString();
    manifest_ = *std::move(made);
  }

  void LosePower() {
    const io::SimImage image = world_->disk().CrashImage(0);
    manifest_.reset();
    world_ = std::make_unique<io::SimWorld>(2, image);
    auto opened = Run(engine::Manifest::Open(engine::EnvOf(*world_), "m"));
    ASSERT_TRUE(opened) << opened.error().ToString();
    manifest_ = *std::move(opened);
  }

  static pb::Dest DestOf(std::int64_t id) {
    pb::Dest dest;
    dest.set_dest_id(id);
    return dest;
  }

  std::unique_ptr<io::SimWorld> world_ = std::make_unique<io::SimWorld>(1);
  std::unique_ptr<engine::Manifest> manifest_;
};

TEST_F(CatalogueTest, WhatWasAppliedIsThereAfterAPowerFailure) {
  CatalogueEdit edit;
  edit.Put(RowKey("dest", {7}), DestOf(7));
  ASSERT_TRUE(Run(Catalogue(*manifest_).Apply(std::move(edit))));
  LosePower();
  const auto dest = Catalogue(*manifest_).Get<pb::Dest>(RowKey("dest", {7}));
  ASSERT_TRUE(dest);
  ASSERT_TRUE(dest->has_value());
  EXPECT_EQ((*dest)->dest_id(), 7);
}

TEST_F(CatalogueTest, RowsOfOneTableAreListedInTheOrderOfTheirNumbersAndNoOthers) {
  const std::vector<std::int64_t> ids{10, 2, std::numeric_limits<std::int64_t>::max(), 0, 9};
  CatalogueEdit edit;
  for (const std::int64_t id : ids) edit.Put(RowKey("dest", {1, id}), DestOf(id));
  edit.Put(RowKey("dest", {10, 3}), DestOf(3));
  edit.Put(RowKey("destination", {1, 4}), DestOf(4));
  edit.Put(RowKey("dest"), DestOf(5));
  ASSERT_TRUE(Run(Catalogue(*manifest_).Apply(std::move(edit))));
  const auto listed = Catalogue(*manifest_).List<pb::Dest>(RowPrefix("dest", {1}));
  ASSERT_TRUE(listed);
  std::vector<std::int64_t> found;
  for (const pb::Dest& dest : *listed) found.push_back(dest.dest_id());
  EXPECT_EQ(found,
            (std::vector<std::int64_t>{0, 2, 9, 10, std::numeric_limits<std::int64_t>::max()}));
}

TEST_F(CatalogueTest, TheLastChangeOfARowInAnEditCounts) {
  CatalogueEdit edit;
  edit.Put(RowKey("dest", {1}), DestOf(1));
  edit.Remove(RowKey("dest", {1}));
  edit.Remove(RowKey("dest", {2}));
  edit.Put(RowKey("dest", {2}), DestOf(2));
  edit.Put(RowKey("dest", {2}), DestOf(3));
  Catalogue catalogue(*manifest_);
  ASSERT_TRUE(Run(catalogue.Apply(std::move(edit))));
  EXPECT_FALSE(catalogue.Get<pb::Dest>(RowKey("dest", {1}))->has_value());
  EXPECT_EQ(catalogue.Get<pb::Dest>(RowKey("dest", {2}))->value().dest_id(), 3);
}

TEST_F(CatalogueTest, ARowThatIsNoSuchMessageIsNamed) {
  engine::pb::Edit edit;
  engine::pb::Row& row = *edit.add_rows();
  row.set_key(RowKey("dest", {1}));
  row.set_value("\xff\xff\xff");
  ASSERT_TRUE(Run(manifest_->Apply(std::move(edit))));
  Catalogue catalogue(*manifest_);
  const auto got = catalogue.Get<pb::Dest>(RowKey("dest", {1}));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), ErrorCode::kInvalidData);
  EXPECT_NE(got.error().message().find("backup/dest/"), std::string::npos);
  EXPECT_FALSE(catalogue.List<pb::Dest>(RowPrefix("dest")));
}

}  // namespace
}  // namespace obbak::backup
