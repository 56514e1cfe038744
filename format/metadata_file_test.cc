#include "format/metadata_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <string>

#include "format/archive_records.h"
#include "format/backup_set_records.h"
#include "format/common_header.h"
#include "format/crc32c.h"
#include "format/destination_records.h"
#include "format/dissection_json.h"
#include "format/later_records.h"
#include "format/ls_meta_records.h"
#include "format/record.h"
#include "format/record_json.h"
#include "format/record_random.h"
#include "format/vector_record.h"

namespace obbak::format {
namespace {

// Properties of every record that is a file.
template <class R>
class MetadataRecordTest : public testing::Test {};

using Records =
    testing::Types<BackupFormatDesc, BackupCheckDesc, ExternBackupSetPlaceholderDesc,
                   ExternBackupSetInfoDesc, TenantBackupSetInfosDesc, ExternTenantLocalityInfoDesc,
                   ExternTenantDiagnoseInfoDesc, BackupDataLsAttrDesc, BackupDataTabletToLsDesc,
                   BackupDeletedTabletToLsDesc, BackupLsMetaInfo, BackupLsMetaInfosDesc,
                   RoundStartDesc, RoundEndDesc, PieceStartDesc, PieceEndDesc,
                   PieceInnerPlaceholderDesc, SinglePieceDesc, PieceCheckpointDesc,
                   TenantArchivePieceInfosDesc, SingleLsInfoDesc, PieceInfoDesc,
                   BackupPartialTableListDesc, BackupTableListMetaInfoDesc, ExternParamInfoDesc>;
TYPED_TEST_SUITE(MetadataRecordTest, Records);

constexpr int kRounds = 50;

TYPED_TEST(MetadataRecordTest, ComesBackFromItsBytes) {
  RandomSource random(1);
  for (int i = 0; i < kRounds; ++i) {
    TypeParam record;
    Randomize(random, record);
    const Result<Bytes> bytes = EncodeRecord(record);
    ASSERT_TRUE(bytes.has_value()) << bytes.error().ToString();
    const Result<TypeParam> decoded = DecodeRecord<TypeParam>(*bytes);
    ASSERT_TRUE(decoded.has_value()) << decoded.error().ToString();
    EXPECT_EQ(*decoded, record);
  }
}

TYPED_TEST(MetadataRecordTest, ComesBackFromTheJsonOfItsDissection) {
  RandomSource random(2);
  for (int i = 0; i < kRounds; ++i) {
    TypeParam record;
    Randomize(random, record);
    const Bytes bytes = EncodeRecord(record).value();
    Dissection dissection;
    ASSERT_TRUE(DecodeRecord<TypeParam>(bytes, &dissection).has_value());
    const Status named = ExpectEveryByteNamed(dissection, bytes.size());
    EXPECT_TRUE(named.has_value()) << named.error().ToString();
    TypeParam from_json;
    const boost::json::value json = ToJson(dissection, "record");
    const Status status = FromJson(json, from_json);
    ASSERT_TRUE(status.has_value()) << status.error().ToString() << PrettyJson(json);
    EXPECT_EQ(from_json, record);
  }
}

TYPED_TEST(MetadataRecordTest, NeverDecodesFromAnyTruncation) {
  RandomSource random(3);
  TypeParam record;
  Randomize(random, record);
  const Bytes bytes = EncodeRecord(record).value();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeRecord<TypeParam>(ByteView(bytes).first(size)).has_value()) << size;
  }
}

TYPED_TEST(MetadataRecordTest, SurvivesRandomDamage) {
  RandomSource random(4);
  for (int i = 0; i < 20 * kRounds; ++i) {
    TypeParam record;
    Randomize(random, record);
    Bytes bytes = EncodeRecord(record).value();
    for (int flips = 0; flips < 3; ++flips) {
      bytes[random() % bytes.size()] ^= static_cast<std::byte>(1U << random() % 8);
    }
    // Whatever decodes encodes again; most damage does not.
    if (const Result<TypeParam> decoded = DecodeRecord<TypeParam>(bytes)) {
      EXPECT_TRUE(EncodeRecord(*decoded).has_value());
    }
  }
}

// A payload that ends after some field, as an older writer's does, and one that goes on, as a newer
// writer's does.
TEST(CompatibilityTest, OlderWritersLeaveDefaults) {
  BackupSetFileDesc desc;
  desc.backup_set_id = BackupSetId{7};
  desc.minor_turn_id = 3;
  desc.major_turn_id = 4;
  desc.consistent_scn = Scn{5};
  const Bytes all = EncodeRecord(desc).value();
  // The last three fields take one byte each here; what remains ends with field 25, as a set of 4.1
  // does.
  constexpr std::size_t kLater = 3;
  Bytes older(all.begin(), all.end() - kLater);
  const auto length = EnvelopeLength(all.size() - 6 - kLater);
  std::ranges::copy(length, older.begin() + 1);
  const Result<BackupSetFileDesc> decoded = DecodeRecord<BackupSetFileDesc>(older);
  ASSERT_TRUE(decoded.has_value()) << decoded.error().ToString();
  EXPECT_EQ(decoded->backup_set_id, BackupSetId{7});
  EXPECT_EQ(decoded->minor_turn_id, 0);
  EXPECT_EQ(decoded->consistent_scn, kInvalidScn);
}

TEST(CompatibilityTest, NewerWritersFieldsAreSkippedAndNamed) {
  const RoundStartDesc desc{DestId{1}, RoundId{2}, Scn{3}, PieceId{4}, 5};
  Bytes newer = EncodeRecord(desc).value();
  newer.push_back(std::byte{0x99});
  newer.push_back(std::byte{0x01});
  const auto length = EnvelopeLength(newer.size() - 6);
  std::ranges::copy(length, newer.begin() + 1);
  Dissection dissection;
  const Result<RoundStartDesc> decoded = DecodeRecord<RoundStartDesc>(newer, &dissection);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(*decoded, desc);
  ASSERT_NE(dissection.Find("record.unknown"), nullptr);
  EXPECT_EQ(dissection.Find("record.unknown")->end - dissection.Find("record.unknown")->begin, 2U);
  EXPECT_TRUE(ExpectEveryByteNamed(dissection, newer.size()).has_value());
}

TEST(CompatibilityTest, AnIdMetaArrayOfAnotherLengthKeepsWhatFits) {
  Enveloped<CountedArray<IdMeta, 3>> ids;
  for (const int count : {0, 1, 3, 5}) {
    Encoder out;
    const std::size_t envelope = out.BeginEnvelope(1);
    out.Varint64(static_cast<std::uint64_t>(count));
    for (int i = 0; i < count; ++i)
      EncodeValue(out, IdMeta{.limited_id = 100 + i, .latest_log_ts = Scn{9}});
    out.EndEnvelope(envelope);
    Decoder in(out.bytes());
    ids = {};
    DecodeField(in, "ids", ids);
    ASSERT_TRUE(in.ok());
    EXPECT_EQ(in.remaining(), 0U);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(ids.value.items[static_cast<std::size_t>(i)].limited_id, i < count ? 100 + i : 1);
    }
  }
}

RoundStartDesc SampleRound() {
  return {DestId{1002}, RoundId{1}, Scn{1'700'000'000'123'456'789}, PieceId{1}, 60};
}

// Writes `value` over `width` bytes at `offset` of a valid file and, if asked, makes both checksums
// right again.
Bytes Tampered(std::size_t offset, std::uint64_t value, std::size_t width, bool repair) {
  Bytes file = MetadataFile<RoundStartDesc>::Write(SampleRound()).value();
  Encoder out;
  out.FixedLittleEndian(value, width);
  std::copy(out.bytes().begin(), out.bytes().end(),
            file.begin() + static_cast<std::ptrdiff_t>(offset));
  if (!repair) return file;
  BackupCommonHeader header = DecodeRecord<BackupCommonHeader>(ByteView(file).first(48)).value();
  header.data_checksum = static_cast<std::int64_t>(Crc64(ByteView(file).subspan(48)));
  header.header_checksum = header.ComputeChecksum();
  const Bytes bytes = EncodeRecord(header).value();
  std::ranges::copy(bytes, file.begin());
  return file;
}

Error FirstFinding(const Bytes& file) {
  const Result<RoundStartDesc> read = MetadataFile<RoundStartDesc>::Read(file);
  return read ? Error(ErrorCode::kEntryExist, "accepted") : read.error();
}

TEST(MetadataFileTest, ReadsWhatItWrites) {
  const Bytes file = MetadataFile<RoundStartDesc>::Write(SampleRound()).value();
  EXPECT_EQ(MetadataFile<RoundStartDesc>::Read(file).value(), SampleRound());
}

TEST(MetadataFileTest, WritesNothingThatBreaksItsRules) {
  RoundStartDesc desc = SampleRound();
  desc.round_id = RoundId{0};
  const Result<Bytes> file = MetadataFile<RoundStartDesc>::Write(desc);
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().field(), "round_id");
}

// The reject list of docs/spec/encoding-and-metadata.md §11, one header field after the other.
struct HeaderCase {
  std::string_view field;
  std::size_t offset;
  std::size_t width;
  std::uint64_t value;
  ErrorCode code;
};
class HeaderRejectTest : public testing::TestWithParam<HeaderCase> {};
TEST_P(HeaderRejectTest, NamesTheFieldAndItsOffset) {
  const HeaderCase& c = GetParam();
  const bool is_checksum = c.field.ends_with("checksum");
  const Error error = FirstFinding(Tampered(c.offset, c.value, c.width, !is_checksum));
  EXPECT_EQ(error.field(), "header." + std::string(c.field)) << error.ToString();
  EXPECT_EQ(error.offset(), c.offset);
  EXPECT_EQ(error.code(), c.code);
}
INSTANTIATE_TEST_SUITE_P(
    All, HeaderRejectTest,
    testing::Values(HeaderCase{"data_type", 0, 2, 19, ErrorCode::kInvalidData},
                    HeaderCase{"header_version", 2, 2, 2, ErrorCode::kInvalidError},
                    HeaderCase{"data_version", 4, 2, 2, ErrorCode::kVersionNotMatch},
                    HeaderCase{"compressor_type", 6, 2, 2, ErrorCode::kInvalidError},
                    HeaderCase{"header_length", 8, 2, 49, ErrorCode::kInvalidError},
                    HeaderCase{"header_checksum", 10, 2, 1, ErrorCode::kChecksumError},
                    HeaderCase{"padding", 12, 4, 1, ErrorCode::kInvalidError},
                    HeaderCase{"data_length", 16, 8, 9, ErrorCode::kInvalidError},
                    HeaderCase{"data_zlength", 24, 8, 1'000, ErrorCode::kInvalidArgument},
                    HeaderCase{"data_zlength", 24, 8, ~std::uint64_t{0},
                               ErrorCode::kInvalidArgument},
                    HeaderCase{"align_length", 40, 8, 1, ErrorCode::kInvalidError}),
    [](const auto& param_info) {
      return std::string(param_info.param.field) + "_" + std::to_string(param_info.index);
    });

TEST(MetadataFileTest, RefusesAWrongPayloadChecksum) {
  Bytes file = MetadataFile<RoundStartDesc>::Write(SampleRound()).value();
  file.back() ^= std::byte{1};
  const Error error = FirstFinding(file);
  EXPECT_EQ(error.code(), ErrorCode::kChecksumError);
  EXPECT_EQ(error.field(), "header.data_checksum");
}

TEST(MetadataFileTest, RefusesEveryTruncation) {
  const Bytes file = MetadataFile<RoundStartDesc>::Write(SampleRound()).value();
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(MetadataFile<RoundStartDesc>::Read(ByteView(file).first(size)).has_value())
        << size;
  }
}

TEST(MetadataFileTest, AcceptsBytesBehindThePayload) {
  Bytes file = MetadataFile<RoundStartDesc>::Write(SampleRound()).value();
  file.resize(file.size() + 100);
  EXPECT_TRUE(MetadataFile<RoundStartDesc>::Read(file).has_value());
  const Inspection inspection = MetadataFile<RoundStartDesc>::Inspect(file);
  EXPECT_NE(inspection.dissection.Find("extra"), nullptr);
}

TEST(MetadataFileTest, NamesTheRuleThatAnIntactFileBreaks) {
  RoundStartDesc desc = SampleRound();
  desc.piece_switch_interval = -5;
  const Bytes payload = EncodeRecord(desc).value();
  Bytes file = EncodeRecord(BackupCommonHeader::ForPayload(18, 1, 1, payload)).value();
  file.insert(file.end(), payload.begin(), payload.end());
  const Error error = FirstFinding(file);
  EXPECT_EQ(error.code(), ErrorCode::kErrUnexpected);
  EXPECT_EQ(error.field(), "payload.piece_switch_interval");
  EXPECT_EQ(error.offset(), file.size() - 10);
  EXPECT_EQ(error.message(), "is -5, must be greater than 0");
}

TEST(MetadataFileTest, RecognisesAKindByItsHeaderAndThePayloadWhereTheHeaderIsAmbiguous) {
  const auto names = [](const Bytes& file) {
    std::string text;
    for (const MetadataFileType* type : RecognizeMetadataFile(file))
      text += std::string(type->record) + ";";
    return text;
  };
  EXPECT_EQ(names(MetadataFile<RoundStartDesc>::Write(SampleRound()).value()), "RoundStartDesc;");
  PieceCheckpointDesc checkpoint;
  checkpoint.tenant_id = TenantId{1002};
  checkpoint.dest_id = DestId{1002};
  checkpoint.round_id = RoundId{1};
  checkpoint.piece_id = PieceId{1};
  EXPECT_EQ(names(MetadataFile<PieceCheckpointDesc>::Write(checkpoint).value()),
            "PieceCheckpointDesc;");
  BackupDataTabletToLsDesc tablets;
  tablets.backup_scn = Scn{1};
  EXPECT_NE(names(MetadataFile<BackupDataTabletToLsDesc>::Write(tablets).value())
                .find("BackupDataTabletToLSDesc"),
            std::string::npos);
  EXPECT_EQ(names(Bytes(100)), "BackupLSMetaInfo;");
  EXPECT_EQ(names(Bytes(47)), "");
}

TEST(CommonHeaderTest, HasItsFieldsWhereTheSpecificationPutsThem) {
  Dissection dissection;
  const Bytes bytes = EncodeRecord(BackupCommonHeader()).value();
  ASSERT_EQ(bytes.size(), BackupCommonHeader::kSize);
  ASSERT_TRUE(DecodeRecord<BackupCommonHeader>(bytes, &dissection).has_value());
  const std::pair<std::string_view, std::size_t> offsets[] = {
      {"data_type", 0},     {"header_version", 2},   {"data_version", 4}, {"compressor_type", 6},
      {"header_length", 8}, {"header_checksum", 10}, {"padding", 12},     {"data_length", 16},
      {"data_zlength", 24}, {"data_checksum", 32},   {"align_length", 40}};
  for (const auto& [field, offset] : offsets) {
    EXPECT_EQ(dissection.Find("record." + std::string(field))->begin, offset) << field;
  }
}

TEST(PieceCheckpointTest, IsAsLongAsItSays) {
  EXPECT_EQ(EncodeRecord(PieceCheckpointDesc()).value().size(), PieceCheckpointDesc::kSize);
}

}  // namespace
}  // namespace obbak::format
