#include "format/local_sstable_meta.h"

#include <gtest/gtest.h>

#include <cstddef>

#include "format/encoder.h"

namespace obbak::format {
namespace {

SstableDesc Desc(MergeType merge) {
  const ObjMeta columns[] = {ObjMeta::BigInt(), ObjMeta::Varchar()};
  SstableDesc desc;
  desc.tablet_id = {200001};
  desc.merge_type = merge;
  desc.schema = *RowSchema::Create(columns, 1);
  desc.snapshot_version = 5;
  desc.end_scn = 7;
  return desc;
}

SstableIndex Index() {
  SstableIndex index;
  index.data_root = {
      .inline_block = Bytes(300, std::byte{1}), .place = {}, .size = 300, .height = 2};
  index.meta_root = {
      .inline_block = Bytes(200, std::byte{2}), .place = {}, .size = 200, .height = 1};
  index.data_blocks = {{1, 100, 0}, {2, 101, 0}};
  index.other_blocks = {{3, 102, 0}};
  index.row_count = 9;
  index.max_merged_trans_version = 3;
  index.column_checksums = {1, 2, 3, 4};
  return index;
}

TEST(SstableMeta, ReadsBackWithRootsInsideAndOutside) {
  SstableIndex index = Index();
  for (const bool is_inline : {true, false}) {
    if (!is_inline) {
      index.data_root.inline_block.clear();
      index.data_root.place = {.macro_id = {3, 102, 0}, .offset = 4096};
    }
    const SstableMeta meta = MakeSstableMeta(Desc(MergeType::kMajor), index);
    EXPECT_EQ(meta.data_root_info.addr.is_memory(), is_inline);
    EXPECT_EQ(meta.data_root_info.addr.size(), 300U);
    const Result<Bytes> bytes = EncodeMeta(meta);
    ASSERT_TRUE(bytes) << bytes.error().ToString();
    const Result<SstableMeta> read = DecodeSstableMeta(*bytes);
    ASSERT_TRUE(read) << read.error().ToString();
    EXPECT_EQ(*read, meta);
  }
}

TEST(SstableMeta, OnlyMajorLikeOnesHaveColumnChecksumsAndASnapshot) {
  for (const MergeType merge :
       {MergeType::kMajor, MergeType::kMetaMajor, MergeType::kMinor, MergeType::kMini}) {
    const SstableMeta meta = MakeSstableMeta(Desc(merge), Index());
    const bool is_major = merge == MergeType::kMajor || merge == MergeType::kMetaMajor;
    EXPECT_EQ(meta.column_checksums.empty(), !is_major);
    EXPECT_EQ(meta.basic_meta.create_snapshot_version, is_major ? 5 : 0);
  }
}

TEST(SstableMeta, UncommittedRowsLeaveTheUpperVersionOpen) {
  SstableIndex index = Index();
  EXPECT_EQ(MakeSstableMeta(Desc(MergeType::kMinor), index).basic_meta.upper_trans_version, 3);
  index.contain_uncommitted_row = true;
  EXPECT_EQ(MakeSstableMeta(Desc(MergeType::kMinor), index).basic_meta.upper_trans_version,
            0x7FFFFFFFFFFFFFFF);
}

TEST(SstableMeta, BlockListsInLinkedBlocksAreRefused) {
  SstableMeta meta = MakeSstableMeta(Desc(MergeType::kMajor), Index());
  meta.macro_info.entry_id = {1, 7, 0};
  const Result<SstableMeta> read = DecodeSstableMeta(*EncodeMeta(meta));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::kNotSupported);
}

TEST(SstableMeta, EveryTruncationIsAnError) {
  const Bytes bytes = *EncodeMeta(MakeSstableMeta(Desc(MergeType::kMajor), Index()));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(DecodeSstableMeta(ByteView(bytes).first(size))) << size;
}

// Its compressor is an enumeration of one byte, written as a varint.
TEST(SstableMeta, NumbersBeyondTheirEnumerationAreRefused) {
  const SstableMeta meta = MakeSstableMeta(Desc(MergeType::kMajor), Index());
  Bytes bytes = *EncodeMeta(meta);
  // The last fields of the basic meta, of one byte each: ... row store, compressor, encrypt_id,
  // master_key_id, sstable_logic_seq, latest row store. Moving a byte from encrypt_id into the
  // compressor's varint makes it 1 + 128 * 2 = 257.
  constexpr std::size_t kFrame = 3;
  const std::size_t end = kFrame + std::to_integer<std::size_t>(bytes[kFrame + 7]);
  ASSERT_EQ(bytes[end - 5], std::byte{1});
  bytes[end - 5] = std::byte{0x81};
  bytes[end - 4] = std::byte{2};
  const Result<SstableMeta> read = DecodeSstableMeta(bytes);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().field(), "record.basic_meta.compressor_type");
}

}  // namespace
}  // namespace obbak::format
