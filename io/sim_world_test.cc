#include "io/sim_world.h"

#include <gtest/gtest.h>

#include "io/buffer_pool.h"
#include "io/sync.h"

namespace obbak::io {
namespace {

Task<Status> WriteAndReadBack(Loop& loop, Disk& disk) {
  BufferPool pool(loop, 8192, 2);
  Result<std::unique_ptr<File>> file = co_await disk.Open("a", {.create = true, .direct = true});
  if (!file) co_return Fail(file.error());
  Buffer out = co_await pool.Acquire();
  std::ranges::fill(out.span(), std::byte{7});
  Status written = co_await (*file)->Write(4096, out.span(), Durability::kDurable);
  if (!written) co_return written;
  Buffer in = co_await pool.Acquire();
  Result<std::size_t> read = co_await (*file)->Read(0, in.span());
  if (!read) co_return Fail(read.error());
  EXPECT_EQ(*read, 8192u);
  EXPECT_EQ(in.span()[4095], std::byte{0});
  EXPECT_EQ(in.span()[4096], std::byte{7});
  co_return co_await disk.SyncDirectory("/");
}

TEST(SimWorld, RunsAProgramOnItsDisk) {
  SimWorld world(1);
  const Status status = world.loop().Run(WriteAndReadBack(world.loop(), world.disk()));
  ASSERT_TRUE(status.has_value()) << status.error().ToString();
  const SimImage after = world.disk().CrashImage(0);
  ASSERT_NE(after.Find("a"), SimImage::kNoNode);
  EXPECT_EQ(after.file(after.Find("a")).size(), 4096u + 8192u);
}

}  // namespace
}  // namespace obbak::io
