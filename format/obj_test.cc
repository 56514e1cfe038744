#include "format/obj.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "format/obj_codec.h"
#include "format/tx_log_random.h"

namespace obbak::format {
namespace {

TEST(Obj, ReadsBackWhatItWroteForEveryType) {
  TxLogRandom random(1);
  for (int i = 0; i < 2000; ++i) {
    const ObjView object = random.Object();
    const Result<Bytes> bytes = EncodeRecord(object);
    ASSERT_TRUE(bytes);
    const Result<ObjView> read = DecodeRecord<ObjView>(*bytes);
    ASSERT_TRUE(read) << read.error().ToString();
    EXPECT_EQ(*read, object);
  }
}

TEST(Obj, IsWrittenAsTheSpecificationShows) {
  EXPECT_EQ(ToHex(EncodeRecord(IntObj(1)).value()), "05053fff01");
  EXPECT_EQ(ToHex(EncodeRecord(ObjView{.meta = {{}, 6, 63, -1}, .number = 0, .text = {}}).value()),
            "00063fff");
  EXPECT_EQ(ToHex(EncodeRecord(Obj{}).value()), "000700ff");
}

TEST(Obj, RefusesTypesItDoesNotKnow) {
  const Bytes bytes = FromHex("0105053fff2f3fff").value();
  Decoder in(ByteView(bytes).subspan(5));
  ObjView object;
  DecodeField(in, "object", object);
  ASSERT_FALSE(in.ok());
  EXPECT_EQ(in.status().error().code(), ErrorCode::kDeserializeError);

  const Bytes unknown = FromHex("2f053fff00").value();
  const Result<ObjView> read = DecodeRecord<ObjView>(unknown);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::kNotSupported);
}

TEST(Obj, PrintsAsAPersonReadsIt) {
  EXPECT_EQ(ToText(IntObj(-1)), "-1");
  EXPECT_EQ(ToText(ObjView{}), "NULL");
  ObjView text;
  text.meta.type = ObjType::kVarchar;
  text.text = "abc";
  EXPECT_EQ(ToText(text), "'abc'");
  text.text = std::string_view("\0\xff", 2);
  EXPECT_EQ(ToText(text), "0x00ff");
}

}  // namespace
}  // namespace obbak::format
