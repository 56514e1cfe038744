#include "format/backup_index_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "format/backup_file_samples.h"
#include "format/backup_inspect.h"

namespace obbak::format {
namespace {

using samples::AppendTo;
using samples::IndexFile;

// Ascending random keys with gaps between them.
template <class Entry>
Entry RandomEntry(std::mt19937_64& random, std::uint64_t& last);

template <>
BackupMacroRangeIndex RandomEntry(std::mt19937_64& random, std::uint64_t& last) {
  last += 2 + random() % 5;
  BackupMacroRangeIndex entry;
  entry.end_key = {.data_seq = {static_cast<std::int64_t>(last % 64)},
                   .logic_version = 1 + last / 64 % 4,
                   .tablet_id = 200001 + last / 256,
                   .info = 0};
  entry.start_key = entry.end_key;
  entry.backup_set_id = {static_cast<std::int64_t>(1 + random() % 100)};
  entry.ls_id = {1001};
  entry.turn_id = 1;
  entry.file_id = static_cast<std::int64_t>(random() % 1000);
  entry.offset = static_cast<std::int64_t>(random() >> 24);
  entry.length = static_cast<std::int64_t>(1 + random() % 65536);
  return entry;
}

template <>
BackupMetaIndex RandomEntry(std::mt19937_64& random, std::uint64_t& last) {
  last += 1 + random() % 5;
  BackupMetaIndex entry;
  entry.meta_key = {{1 + last / 3}, static_cast<BackupMetaType>(last % 3)};
  entry.backup_set_id = {static_cast<std::int64_t>(1 + random() % 100)};
  entry.ls_id = {1001};
  entry.turn_id = 1;
  entry.offset = static_cast<std::int64_t>(random() >> 30) * 4096;
  entry.length = static_cast<std::int64_t>(1 + random() % 500) * 4096;
  return entry;
}

template <class Entry>
std::vector<Entry> RandomEntries(std::uint64_t seed, std::size_t count) {
  std::mt19937_64 random(seed);
  std::uint64_t last = 0;
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < count; ++i) entries.push_back(RandomEntry<Entry>(random, last));
  return entries;
}

// The kind of file that holds those entries.
template <class Entry>
constexpr BackupFileKind kKind =
    std::is_same_v<Entry, BackupMetaIndex> ? BackupFileKind::kMetaIndex
                                           : BackupFileKind::kMacroRangeIndex;

template <class Entry>
class BackupIndexFile : public testing::Test {};
using EntryTypes = testing::Types<BackupMacroRangeIndex, BackupMetaIndex>;
TYPED_TEST_SUITE(BackupIndexFile, EntryTypes);

TYPED_TEST(BackupIndexFile, GivesBackEveryEntryInOrderForAnyNumberOfThem) {
  for (const std::size_t count : {0U, 1U, 255U, 256U, 257U, 300U, 65536U, 65537U, 100000U}) {
    const auto entries = RandomEntries<TypeParam>(count, count);
    const Bytes file = IndexFile(entries);
    std::vector<TypeParam> read;
    const Status status =
        ForEachIndexEntry<TypeParam>(RandomAccess::Of(file), [&](const TypeParam& entry) -> Status {
          read.push_back(entry);
          return {};
        });
    ASSERT_TRUE(status) << status.error().ToString();
    EXPECT_EQ(read, entries);
    const Status verified = VerifyBackupFile(kKind<TypeParam>, RandomAccess::Of(file));
    EXPECT_TRUE(verified) << count << ": " << verified.error().ToString();
    // 256 entries a block: one level above the leaves, then one more for each factor of 256.
    const auto trailer = ReadIndexTrailer(RandomAccess::Of(file)).value();
    EXPECT_EQ(trailer.tree_height, count <= 65536 ? 1 : 2) << count;
  }
}

TYPED_TEST(BackupIndexFile, FindsWhatALinearSearchFinds) {
  for (const std::size_t count : {0U, 1U, 256U, 257U, 70000U}) {
    const auto entries = RandomEntries<TypeParam>(count + 7, count);
    const Bytes file = IndexFile(entries);
    // Keys around: those of another run, some of which hit, most of which fall between.
    auto probes = RandomEntries<TypeParam>(99, 300);
    for (std::size_t i = 0; i < count; i += 1 + count / 300) probes.push_back(entries[i]);
    if (count > 0) probes.push_back(entries.back());
    for (const TypeParam& probe : probes) {
      const auto found = FindInIndex<TypeParam>(RandomAccess::Of(file), probe.key()).value();
      const auto expected = std::ranges::find_if(entries, [&](const TypeParam& entry) {
        // A range lookup takes the first that does not end below the key, a meta lookup the key.
        return std::is_same_v<TypeParam, BackupMetaIndex> ? entry.key() == probe.key()
                                                          : !(entry.key() < probe.key());
      });
      ASSERT_EQ(found.has_value(), expected != entries.end());
      if (found) {
        EXPECT_EQ(*found, *expected);
      }
    }
  }
}

TYPED_TEST(BackupIndexFile, SearchReadsOneBlockPerLevel) {
  const auto entries = RandomEntries<TypeParam>(3, 70000);
  const Bytes file = IndexFile(entries);
  const auto trailer = ReadIndexTrailer(RandomAccess::Of(file)).value();
  IndexSearch<TypeParam> search(trailer, entries[12345].key());
  int blocks = 0;
  while (const auto range = search.needed()) {
    ASSERT_TRUE(search.Feed(ByteView(file).subspan(static_cast<std::size_t>(range->offset),
                                                   static_cast<std::size_t>(range->length))));
    ++blocks;
  }
  EXPECT_EQ(blocks, 3);
  EXPECT_EQ(search.found(), entries[12345]);
}

TYPED_TEST(BackupIndexFile, EverySingleBitFlipIsReported) {
  const Bytes file = IndexFile(RandomEntries<TypeParam>(4, 20));
  for (const std::string& flip : samples::UnseenBitFlips(kKind<TypeParam>, file)) {
    ADD_FAILURE() << "unprotected: " << flip;
  }
}

TYPED_TEST(BackupIndexFile, EveryTruncationIsRefused) {
  samples::ExpectEveryTruncationRefused(kKind<TypeParam>,
                                        IndexFile(RandomEntries<TypeParam>(5, 600)));
}

TYPED_TEST(BackupIndexFile, RefusesKeysOutOfOrderWhereOrderMatters) {
  const auto entries = RandomEntries<TypeParam>(6, 2);
  Bytes file;
  BackupIndexFileWriter<TypeParam> writer(AppendTo(file));
  ASSERT_TRUE(writer.Append(entries[1]));
  EXPECT_FALSE(writer.Append(entries[0]));
  EXPECT_FALSE(writer.Finish());

  const Bytes unordered = IndexFile<TypeParam>({entries[1], entries[0]}, IndexOrder::kAny);
  EXPECT_FALSE(VerifyBackupFile(kKind<TypeParam>, RandomAccess::Of(unordered)));
  EXPECT_TRUE(VerifyBackupFile(kKind<TypeParam>, RandomAccess::Of(unordered), IndexOrder::kAny));
}

TYPED_TEST(BackupIndexFile, RefusesABlockOfAnotherTreeWithTheRightChecksums) {
  auto entries = RandomEntries<TypeParam>(8, 600);
  const Bytes file = IndexFile(entries);
  // One entry in the second leaf points elsewhere; the leaf keeps its size.
  TypeParam& victim = entries[300];
  victim.file_id ^= 1;
  const Bytes other = IndexFile(entries);
  ASSERT_EQ(file.size(), other.size());
  const std::size_t first = IndexBlockSize<TypeParam>(ByteView(file).subspan(4096)).value();
  const std::size_t second =
      IndexBlockSize<TypeParam>(ByteView(file).subspan(4096 + first)).value();
  Bytes mixed = file;
  std::copy_n(other.begin() + static_cast<std::ptrdiff_t>(4096 + first), second,
              mixed.begin() + static_cast<std::ptrdiff_t>(4096 + first));
  // No branch repeats that entry, so the tree still holds...
  EXPECT_TRUE(VerifyBackupFile(kKind<TypeParam>, RandomAccess::Of(mixed)));

  // ...but each leaf's last entry stands in the branch above it.
  entries[300] = RandomEntries<TypeParam>(8, 600)[300];
  entries[511].file_id ^= 1;
  const Bytes another = IndexFile(entries);
  mixed = file;
  std::copy_n(another.begin() + static_cast<std::ptrdiff_t>(4096 + first), second,
              mixed.begin() + static_cast<std::ptrdiff_t>(4096 + first));
  EXPECT_FALSE(VerifyBackupFile(kKind<TypeParam>, RandomAccess::Of(mixed)));
}

TYPED_TEST(BackupIndexFile, RefusesMissingAndRepeatedBlocks) {
  const Bytes file = IndexFile(RandomEntries<TypeParam>(9, 600));
  const std::size_t first = IndexBlockSize<TypeParam>(ByteView(file).subspan(4096)).value();
  const auto begin = file.begin() + 4096;
  Bytes missing(file.begin(), begin);
  missing.insert(missing.end(), begin + static_cast<std::ptrdiff_t>(first), file.end());
  EXPECT_FALSE(VerifyBackupFile(kKind<TypeParam>, RandomAccess::Of(missing)));
  Bytes repeated(file.begin(), begin + static_cast<std::ptrdiff_t>(first));
  repeated.insert(repeated.end(), begin, file.end());
  EXPECT_FALSE(VerifyBackupFile(kKind<TypeParam>, RandomAccess::Of(repeated)));
}

TYPED_TEST(BackupIndexFile, SearchStopsAtABranchThatPointsForward) {
  // A root that names itself as its child, every checksum right.
  const Bytes file = IndexFile(RandomEntries<TypeParam>(10, 1));
  const auto trailer = ReadIndexTrailer(RandomAccess::Of(file)).value();
  const auto root = DecodeIndexBlock<TypeParam>(
                        ByteView(file).subspan(static_cast<std::size_t>(trailer.last_block_offset),
                                               static_cast<std::size_t>(trailer.last_block_length)))
                        .value();
  ASSERT_EQ(root.level, 1);
  IndexSearch<TypeParam> search(
      {.tree_height = 1, .last_block_offset = 0, .last_block_length = trailer.last_block_length},
      root.last().key());
  EXPECT_FALSE(
      search.Feed(ByteView(file).subspan(static_cast<std::size_t>(trailer.last_block_offset),
                                         static_cast<std::size_t>(trailer.last_block_length))));
  EXPECT_FALSE(search.needed());
}

}  // namespace
}  // namespace obbak::format
