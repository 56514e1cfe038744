#include "format/storage_object_meta.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace obbak::format {
namespace {

// The worked example of docs/spec/layout.md §6.4.
constexpr std::string_view kExample =
    "01a58080800001828080800 0f403020301828080800000640183808080006 4ac020184808080 00c801f403";

Bytes Example() {
  std::string hex(kExample);
  std::erase(hex, ' ');
  return FromHex(hex).value();
}

StorageObjectMeta ExampleMeta() {
  return {.length = {500}, .parts = {{0, 100}, {100, 300}, {200, 500}}};
}

TEST(StorageObjectMetaTest, HasTheBytesOfTheWorkedExample) {
  EXPECT_EQ(ToHex(WriteSealMeta(ExampleMeta()).value()), ToHex(Example()));
  EXPECT_EQ(ReadSealMeta(Example()).value(), ExampleMeta());
}

TEST(StorageObjectMetaTest, RefusesListsThatNoWriterMakes) {
  const auto refused = [](auto change) {
    StorageObjectMeta meta = ExampleMeta();
    change(meta);
    return !WriteSealMeta(meta).has_value();
  };
  EXPECT_TRUE(refused([](StorageObjectMeta& meta) { meta.length.value = 499; }));
  EXPECT_TRUE(refused([](StorageObjectMeta& meta) { meta.type = StorageObjectMetaType::kNormal; }));
  EXPECT_TRUE(refused([](StorageObjectMeta& meta) { meta.parts.clear(); }));
  EXPECT_TRUE(refused([](StorageObjectMeta& meta) { std::swap(meta.parts[0], meta.parts[1]); }));
  EXPECT_FALSE(refused([](StorageObjectMeta&) {}));
}

TEST(StorageObjectMetaTest, FormatMetaIsNineFixedBytes) {
  EXPECT_TRUE(InspectFormatMeta(AsByteView("version=1")).findings.empty());
  EXPECT_FALSE(InspectFormatMeta(AsByteView("version=1\n")).findings.empty());
  EXPECT_FALSE(InspectFormatMeta({}).findings.empty());
}

}  // namespace
}  // namespace obbak::format
