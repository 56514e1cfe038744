// Where a backup goes: the URI that a user gives and the texts made from it. docs/spec/layout.md
// §4.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace obbak::io {

enum class StorageType : std::uint8_t { kFile, kOss, kCos, kS3, kAzblob };

// How an object store checks what it was sent.
enum class ChecksumType : std::uint8_t { kNoChecksum, kMd5, kCrc32 };

// What deleting an object means: kTagging leaves it and sets its tag `delete_mode=tagging`.
enum class DeleteMode : std::uint8_t { kDelete, kTagging };

// Where S3 expects the bucket: in the host name or at the start of the path.
enum class AddressingModel : std::uint8_t { kVirtualHostedStyle, kPathStyle };

// A text that must not reach a log, a message or a file by accident: it has no conversion and no
// output operator, Reveal() must be written out.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  const std::string& Reveal() const { return text_; }

 private:
  std::string text_;
};

// A valid destination: file://, oss://, cos://, s3:// or azblob:// with everything its scheme
// requires.
//
// Two are equal when they are persisted as the same text. Whether they are the same *place* is a
// question for PathString.
class BackupDest {
 public:
  // Sizes in bytes; a text must be shorter than its limit.
  static constexpr std::size_t kPathLimit = 1024;
  static constexpr std::size_t kTextLimit = 2048;
  static constexpr std::size_t kStorageInfoLimit = 1536;
  // "key=value" of host, access_id and access_key.
  static constexpr std::size_t kItemLimit = 256;
  // The items that go to the end of the persisted form, with their '&'.
  static constexpr std::size_t kExtensionLimit = 512;

  // Fails with kInvalidBackupDest, for a checksum type that the scheme does not have with
  // kChecksumTypeNotSupported, for another wrong value with kInvalidArgument, and for hdfs with
  // kNotSupported. No message quotes the input, because a mistyped URI has its secrets anywhere;
  // only a checksum type that is a word of a-z, 0-9 and _ is named.
  // Trailing '/' are removed from the path; nothing else is normalised.
  //
  // Beyond 4.3.0.1, which takes them and misbehaves later: a root of '/' or without a bucket, a
  // repeated key and control characters are refused.
  static Result<BackupDest> Parse(std::string_view uri);

  StorageType type() const { return type_; }
  // Scheme and path, without '/' at the end: "s3://bucket/dir".
  const std::string& root() const { return root_; }
  // The absolute directory of file://; empty for object storage.
  std::string_view directory() const;
  // The bucket of object storage; empty for file://.
  std::string_view bucket() const;
  // What follows the bucket and its '/', as given; empty for file:// and for the bucket itself.
  std::string_view object_prefix() const;

  // The end point as given, with or without http(s)://. This and the following are empty for
  // file://.
  const std::string& host() const { return host_; }
  const std::string& access_id() const { return access_id_; }
  const Secret& access_key() const { return access_key_; }
  // COS only.
  const std::string& appid() const { return appid_; }
  // S3 only, optional.
  const std::string& s3_region() const { return s3_region_; }
  ChecksumType checksum_type() const { return checksum_type_; }
  DeleteMode delete_mode() const { return delete_mode_; }
  AddressingModel addressing_model() const { return addressing_model_; }

  // What 4.3.0.1 ignores silently and a command should warn of: keys that nobody knows, that only
  // later versions know or that another scheme has, in the order of the URI. An item that does not
  // begin with a word of a-z, 0-9, _ and '=' may be a piece of a secret; it is listed by position:
  // "item 4".
  const std::vector<std::string>& ignored_keys() const { return ignored_keys_; }

  // The text that files and views hold: the root, and for object storage "?host=..." behind it.
  // Without credentials.
  std::string PathString() const;
  // The whole destination for logs and messages: like the persisted form, but with
  // `access_key=***`.
  std::string ToMaskedString() const;
  // The whole destination in its persisted form, with the real access key. Parse gives back an
  // equal destination.
  std::string ToPersistedStringWithSecrets() const;

  friend bool operator==(const BackupDest& a, const BackupDest& b) {
    return a.ToPersistedStringWithSecrets() == b.ToPersistedStringWithSecrets();
  }

 private:
  BackupDest() = default;
  Status SetRoot(std::string_view path);
  Status SetStorageInfo(std::string_view items);
  std::string ToStringWithKey(std::string_view access_key) const;

  StorageType type_ = StorageType::kFile;
  ChecksumType checksum_type_ = ChecksumType::kMd5;
  DeleteMode delete_mode_ = DeleteMode::kDelete;
  AddressingModel addressing_model_ = AddressingModel::kVirtualHostedStyle;
  std::string root_;
  std::string host_;
  std::string access_id_;
  Secret access_key_;
  std::string appid_;
  std::string s3_region_;
  // The items of the persisted form that keep their input order.
  std::string extension_;
  std::vector<std::string> ignored_keys_;
};

// The source of a restore, "<uri>[,<uri>]": a data and an archive destination in any order (only
// their format.obbak says which is which), or a data destination alone. A URI cannot contain a
// comma here. Errors as BackupDest::Parse, and kNotSupported for more than two.
Result<std::vector<BackupDest>> ParseRestoreSource(std::string_view uris);

}  // namespace obbak::io
