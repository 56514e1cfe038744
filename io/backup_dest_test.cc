#include "io/backup_dest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace obbak::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::string_view kSecret = "S+cR/eT0KeY9QzZ==";

// "KEY" stands for the secret.
std::string Uri(std::string_view pattern) {
  std::string uri(pattern);
  if (const auto at = uri.find("KEY"); at != uri.npos) uri.replace(at, 3, kSecret);
  return uri;
}

BackupDest MustParse(std::string_view uri) {
  Result<BackupDest> dest = BackupDest::Parse(uri);
  if (!dest) throw std::runtime_error(dest.error().ToString());
  return *dest;
}

std::string RandomText(std::mt19937_64& random, std::size_t max_size, std::string_view alphabet) {
  std::string text(1 + random() % max_size, ' ');
  for (char& c : text) c = alphabet[random() % alphabet.size()];
  return text;
}

constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789";
constexpr std::string_view kValueCharacters = "abcxyzABCXYZ0189+/=:.,-_?%~* ";

std::string RandomUri(std::mt19937_64& random) {
  const auto flip = [&random] { return random() % 2 == 0; };
  const auto value = [&random] { return RandomText(random, 200, kValueCharacters); };
  const std::string dirs = "/" + RandomText(random, 300, "abc/.-_& ") + "x";
  if (random() % 5 == 0) return "file://" + dirs + (flip() ? "/" : "");
  static constexpr std::string_view kSchemes[] = {"oss", "cos", "s3", "azblob"};
  const std::string_view scheme = kSchemes[random() % 4];
  std::vector<std::string> items = {"host=" + value(), "access_id=" + value(),
                                    "access_key=" + std::string(kSecret)};
  if (scheme == "cos") items.push_back("appid=" + RandomText(random, 10, "0123456789"));
  if (scheme == "s3" && flip()) items.push_back("s3_region=" + value());
  if (scheme == "s3" && flip()) items.push_back("addressing_model=path_style");
  if (flip()) items.push_back(flip() ? "delete_mode=tagging" : "delete_mode=delete");
  if (flip()) {
    items.push_back(flip()
                        ? "checksum_type=md5"
                        : (scheme == "s3" ? "checksum_type=crc32" : "checksum_type=no_checksum"));
  }
  if (flip()) items.push_back("max_iops=100");
  std::shuffle(items.begin(), items.end(), random);
  std::string uri = std::string(scheme) + "://" + RandomText(random, 20, kLetters) + dirs;
  char separator = '?';
  for (const std::string& item : items) {
    uri += separator + item;
    separator = '&';
  }
  return uri;
}

TEST(BackupDestTest, KnowsThePartsOfAFileDestination) {
  const BackupDest dest = MustParse("file:///data/backup//");
  EXPECT_EQ(dest.type(), StorageType::kFile);
  EXPECT_EQ(dest.root(), "file:///data/backup");
  EXPECT_EQ(dest.directory(), "/data/backup");
  EXPECT_EQ(dest.bucket(), "");
  EXPECT_EQ(dest.object_prefix(), "");
  EXPECT_EQ(dest.host(), "");
  EXPECT_EQ(dest.PathString(), "file:///data/backup");
  EXPECT_EQ(dest.ToMaskedString(), "file:///data/backup");
  EXPECT_EQ(dest.ToPersistedStringWithSecrets(), "file:///data/backup");
}

TEST(BackupDestTest, KnowsThePartsOfAnObjectStorageDestination) {
  const BackupDest dest =
      MustParse(Uri("s3://bucket/a//b/?delete_mode=tagging&access_key=KEY&checksum_type=crc32&"
                    "access_id=me&&host=http://h:9000&s3_region=eu-1&addressing_model=path_style"));
  EXPECT_EQ(dest.type(), StorageType::kS3);
  EXPECT_EQ(dest.root(), "s3://bucket/a//b");
  EXPECT_EQ(dest.directory(), "");
  EXPECT_EQ(dest.bucket(), "bucket");
  EXPECT_EQ(dest.object_prefix(), "a//b");
  EXPECT_EQ(dest.host(), "http://h:9000");
  EXPECT_EQ(dest.access_id(), "me");
  EXPECT_EQ(dest.access_key().Reveal(), kSecret);
  EXPECT_EQ(dest.s3_region(), "eu-1");
  EXPECT_EQ(dest.delete_mode(), DeleteMode::kTagging);
  EXPECT_EQ(dest.checksum_type(), ChecksumType::kCrc32);
  EXPECT_EQ(dest.addressing_model(), AddressingModel::kPathStyle);
  EXPECT_EQ(dest.PathString(), "s3://bucket/a//b?host=http://h:9000");
  EXPECT_EQ(dest.ToMaskedString(),
            "s3://bucket/a//b?host=http://h:9000&access_id=me&access_key=***&checksum_type=crc32"
            "&delete_mode=tagging&s3_region=eu-1&addressing_model=path_style");
  EXPECT_EQ(dest.ToPersistedStringWithSecrets(),
            Uri("s3://bucket/a//b?host=http://h:9000&access_id=me&access_key=KEY"
                "&checksum_type=crc32&delete_mode=tagging&s3_region=eu-1"
                "&addressing_model=path_style"));
}

TEST(BackupDestTest, FillsInTheDefaults) {
  for (std::string_view pattern :
       {"oss://b?host=h&access_id=i&access_key=KEY", "s3://b/?host=h&access_id=i&access_key=KEY",
        "cos://b?host=h&access_id=i&access_key=KEY&appid=7",
        "azblob://b?host=h&access_id=i&access_key=KEY"}) {
    const BackupDest dest = MustParse(Uri(pattern));
    EXPECT_EQ(dest.bucket(), "b");
    EXPECT_EQ(dest.object_prefix(), "");
    EXPECT_EQ(dest.checksum_type(), ChecksumType::kMd5);
    EXPECT_EQ(dest.delete_mode(), DeleteMode::kDelete);
    EXPECT_EQ(dest.addressing_model(), AddressingModel::kVirtualHostedStyle);
    EXPECT_EQ(dest.s3_region(), "");
    EXPECT_EQ(dest.appid(), dest.type() == StorageType::kCos ? "7" : "");
    EXPECT_THAT(dest.ignored_keys(), IsEmpty());
  }
}

TEST(BackupDestTest, ListsWhatItIgnoresAndDoesNotPersistIt) {
  const BackupDest dest =
      MustParse(Uri("oss://b/x?host=h&acess_key=Oops&access_id=i&access_key=KEY&R/est&Pa+rt=x&"
                    "s3_region=r&appid=1&max_iops=5&Host=H"));
  EXPECT_THAT(dest.ignored_keys(), ElementsAre("acess_key", "item 5", "item 6", "s3_region",
                                               "appid", "max_iops", "item 10"));
  EXPECT_EQ(dest, MustParse(Uri("oss://b/x?host=h&access_id=i&access_key=KEY")));
}

TEST(BackupDestTest, TellsDestinationsApart) {
  const BackupDest dest = MustParse("s3://b/x?host=h&access_id=i&access_key=k");
  EXPECT_EQ(dest, MustParse("s3://b/x/?access_key=k&access_id=i&host=h&checksum_type=md5"));
  for (std::string_view other :
       {"s3://b/y?host=h&access_id=i&access_key=k", "s3://b/x?host=g&access_id=i&access_key=k",
        "s3://b/x?host=h&access_id=j&access_key=k", "s3://b/x?host=h&access_id=i&access_key=l",
        "s3://b/x?host=h&access_id=i&access_key=k&checksum_type=crc32",
        "s3://b/x?host=h&access_id=i&access_key=k&s3_region=r"}) {
    EXPECT_FALSE(dest == MustParse(other)) << other;
  }
}

TEST(BackupDestTest, RefusesWhatIsNoDestination) {
  const struct {
    std::string_view uri;
    ErrorCode code;
    std::string_view message;
  } cases[] = {
      {"", ErrorCode::kInvalidBackupDest, "scheme"},
      {"/data", ErrorCode::kInvalidBackupDest, "scheme"},
      {"FILE:///data", ErrorCode::kInvalidBackupDest, "scheme"},
      {"hdfs://host/data", ErrorCode::kNotSupported, "hdfs"},
      {"file://data", ErrorCode::kInvalidBackupDest, "not absolute"},
      {"file://", ErrorCode::kInvalidBackupDest, "not absolute"},
      {"file:////", ErrorCode::kInvalidBackupDest, "root directory"},
      {"file:///data?", ErrorCode::kInvalidBackupDest, "no '?'"},
      {"file:///data?host=h", ErrorCode::kInvalidBackupDest, "no '?'"},
      {"file:///da\nta", ErrorCode::kInvalidBackupDest, "control character"},
      {"file:///a/encrypt_key=x", ErrorCode::kInvalidBackupDest,
       "backup destination contains encrypt_key, which is not a valid uri"},
      {"s3://b?host=h&access_id=i&encrypt_key=00", ErrorCode::kInvalidBackupDest,
       "backup destination contains encrypt_key, which is not a valid uri"},
      {"s3://?host=h&access_id=i&access_key=k", ErrorCode::kInvalidBackupDest, "no bucket"},
      {"s3:///d?host=h&access_id=i&access_key=k", ErrorCode::kInvalidBackupDest, "no bucket"},
      {"s3://b", ErrorCode::kInvalidBackupDest, "needs 'host='"},
      {"oss://b?access_id=i&access_key=k", ErrorCode::kInvalidBackupDest, "needs 'host='"},
      {"cos://b?host=h&access_key=k&appid=1", ErrorCode::kInvalidBackupDest, "needs 'access_id='"},
      {"s3://b?host=h&access_id=i&access_key=", ErrorCode::kInvalidBackupDest,
       "needs 'access_key='"},
      {"cos://b?host=h&access_id=i&access_key=k", ErrorCode::kInvalidBackupDest, "needs 'appid='"},
      {"s3://b?host=h&host=h&access_id=i&access_key=k", ErrorCode::kInvalidBackupDest, "twice"},
      {"s3://b?host=h&access_id=i&access_key=k&delete_mode=keep", ErrorCode::kInvalidArgument,
       "Incorrect arguments to delete_mode"},
      {"s3://b?host=h&access_id=i&access_key=k&addressing_model=x", ErrorCode::kInvalidArgument,
       "Incorrect arguments to addressing_model"},
      {"s3://b?host=h&access_id=i&access_key=k&checksum_type=no_checksum",
       ErrorCode::kChecksumTypeNotSupported,
       "checksum type no_checksum is not supported for the input destination"},
      {"oss://b?host=h&access_id=i&access_key=k&checksum_type=crc32",
       ErrorCode::kChecksumTypeNotSupported,
       "checksum type crc32 is not supported for the input destination"},
      {"cos://b?host=h&access_id=i&access_key=k&appid=1&checksum_type=sha1",
       ErrorCode::kChecksumTypeNotSupported, "checksum type sha1 is not supported"},
      {"s3://b?host=h&access_id=i&access_key=k&checksum_type=",
       ErrorCode::kChecksumTypeNotSupported, "checksum type"},
  };
  for (const auto& c : cases) {
    const Result<BackupDest> dest = BackupDest::Parse(c.uri);
    ASSERT_FALSE(dest.has_value()) << c.uri;
    EXPECT_EQ(dest.error().code(), c.code) << c.uri << ": " << dest.error().ToString();
    EXPECT_THAT(dest.error().message(), HasSubstr(c.message)) << c.uri;
  }
}

TEST(BackupDestTest, NamesOnlyAChecksumTypeThatIsAPlainWord) {
  const auto dest =
      BackupDest::Parse(Uri("s3://b?host=h&access_id=i&access_key=k&checksum_type=md5,KEY"));
  ASSERT_FALSE(dest.has_value());
  EXPECT_EQ(dest.error().code(), ErrorCode::kChecksumTypeNotSupported);
  EXPECT_THAT(dest.error().ToString(), Not(HasSubstr(kSecret)));
}

TEST(BackupDestTest, KeepsEveryLimit) {
  const auto parses = [](std::string_view uri) { return BackupDest::Parse(uri).has_value(); };
  const auto fill = [](std::size_t size, std::string_view start) {
    return std::string(start) + std::string(size - start.size(), 'x');
  };
  EXPECT_TRUE(parses(fill(1023, "file:///")));
  EXPECT_FALSE(parses(fill(1024, "file:///")));
  const std::string rest = "&access_id=i&access_key=k";
  EXPECT_TRUE(parses(fill(1023, "s3://b/") + "?host=h" + rest));
  EXPECT_FALSE(parses(fill(1024, "s3://b/") + "?host=h" + rest));
  EXPECT_TRUE(parses("s3://b?" + fill(255, "host=") + rest));
  EXPECT_FALSE(parses("s3://b?" + fill(256, "host=") + rest));
  EXPECT_TRUE(parses("s3://b?host=h&access_id=i&" + fill(255, "access_key=")));
  EXPECT_FALSE(parses("s3://b?host=h&access_id=i&" + fill(256, "access_key=")));
  EXPECT_TRUE(parses("s3://b?host=h" + rest + "&" + fill(511, "s3_region=")));
  EXPECT_FALSE(parses("s3://b?host=h" + rest + "&" + fill(512, "s3_region=")));
  const std::string start = "host=h" + rest + "&unknown=";
  EXPECT_TRUE(parses("s3://b?" + fill(1535, start)));
  EXPECT_FALSE(parses("s3://b?" + fill(1536, start)));
  EXPECT_TRUE(parses(fill(2047, fill(1000, "s3://b/") + "?" + start)));
  EXPECT_FALSE(parses(fill(2048, fill(1000, "s3://b/") + "?" + start)));
}

TEST(BackupDestTest, RefusesWhatWouldBeTooLongOncePersisted) {
  const std::string items =
      "?host=" + std::string(250, 'h') + "&access_id=" + std::string(245, 'i') +
      "&access_key=" + std::string(244, 'k') + "&s3_region=" + std::string(501, 'r');
  const std::string added = "&checksum_type=md5";
  for (std::size_t path_size = 700; path_size < 900; ++path_size) {
    const std::string uri = "s3://" + std::string(path_size - 5, 'b') + items;
    const Result<BackupDest> dest = BackupDest::Parse(uri);
    ASSERT_EQ(dest.has_value(), uri.size() + added.size() < BackupDest::kTextLimit) << uri.size();
    if (!dest) continue;
    ASSERT_EQ(*dest, MustParse(dest->ToPersistedStringWithSecrets()));
  }
}

TEST(BackupDestTest, ThePersistedFormParsesBackToAnEqualDestination) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 5000; ++round) {
    const std::string uri = RandomUri(random);
    const Result<BackupDest> dest = BackupDest::Parse(uri);
    ASSERT_TRUE(dest.has_value()) << uri << ": " << dest.error().ToString();
    const BackupDest again = MustParse(dest->ToPersistedStringWithSecrets());
    ASSERT_EQ(again, *dest) << uri;
    ASSERT_EQ(again.ToPersistedStringWithSecrets(), dest->ToPersistedStringWithSecrets());
    ASSERT_EQ(again.type(), dest->type());
    ASSERT_EQ(again.access_key().Reveal(), dest->access_key().Reveal());
    ASSERT_EQ(again.delete_mode(), dest->delete_mode());
    ASSERT_EQ(again.addressing_model(), dest->addressing_model());
    ASSERT_THAT(again.ignored_keys(), IsEmpty());
    ASSERT_THAT(dest->ToMaskedString(), Not(HasSubstr(kSecret)));
    ASSERT_THAT(dest->PathString(), Not(HasSubstr(kSecret)));
  }
}

TEST(BackupDestTest, AMistypedUriNeverShowsItsSecret) {
  std::mt19937_64 random(2);
  constexpr std::string_view kInserted = "?&=/:xX0 \n";
  for (int round = 0; round < 100; ++round) {
    const std::string uri = RandomUri(random);
    const std::size_t secret_at = uri.find(kSecret);
    if (secret_at == uri.npos) continue;
    const auto check = [&](const std::string& mistyped) {
      const Result<BackupDest> dest = BackupDest::Parse(mistyped);
      std::string shown =
          dest ? dest->ToMaskedString() + dest->PathString() : dest.error().ToString();
      if (dest) {
        for (const std::string& key : dest->ignored_keys()) shown += key;
        ASSERT_EQ(*dest, MustParse(dest->ToPersistedStringWithSecrets())) << mistyped;
      }
      ASSERT_THAT(shown, Not(HasSubstr(kSecret))) << mistyped;
    };
    for (std::size_t at = 0; at <= uri.size(); ++at) {
      // Inside the secret it would be another secret.
      const bool inside = at > secret_at && at < secret_at + kSecret.size();
      if (inside) continue;
      std::string mistyped = uri;
      if (at != secret_at && at < uri.size()) check(mistyped.erase(at, 1));
      mistyped = uri;
      check(mistyped.insert(at, 1, kInserted[random() % kInserted.size()]));
    }
  }
}

TEST(RestoreSourceTest, HoldsOneOrTwoDestinationsInTheirOrder) {
  const auto one = ParseRestoreSource("file:///data");
  ASSERT_TRUE(one.has_value());
  EXPECT_THAT(*one, ElementsAre(MustParse("file:///data")));
  const auto two =
      ParseRestoreSource(Uri("s3://b/d?host=h&access_id=i&access_key=KEY,file:///log"));
  ASSERT_TRUE(two.has_value());
  EXPECT_THAT(*two, ElementsAre(MustParse(Uri("s3://b/d?host=h&access_id=i&access_key=KEY")),
                                MustParse("file:///log")));
}

TEST(RestoreSourceTest, RefusesEmptyPartsAndMoreThanTwo) {
  for (std::string_view text : {"", ",", "file:///a,", ",file:///a", "file:///a,x"}) {
    const auto source = ParseRestoreSource(text);
    ASSERT_FALSE(source.has_value()) << text;
    EXPECT_EQ(source.error().code(), ErrorCode::kInvalidBackupDest) << text;
  }
  EXPECT_EQ(ParseRestoreSource("file:///a,file:///b,file:///c").error().code(),
            ErrorCode::kNotSupported);
}

}  // namespace
}  // namespace obbak::io
