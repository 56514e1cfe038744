#include "io/backup_dest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace obbak::io {
namespace {

constexpr std::array<std::string_view, 5> kPrefixes = {"file://", "oss://", "cos://", "s3://",
                                                       "azblob://"};

std::string_view Prefix(StorageType type) { return kPrefixes[static_cast<std::size_t>(type)]; }

constexpr unsigned Bit(StorageType type) { return 1U << static_cast<unsigned>(type); }
constexpr unsigned kWithTags =
    Bit(StorageType::kOss) | Bit(StorageType::kCos) | Bit(StorageType::kS3);
constexpr unsigned kAllObjectStores = kWithTags | Bit(StorageType::kAzblob);

enum Key : std::uint8_t {
  kHost,
  kAccessId,
  kAccessKey,
  kChecksumType,
  kAppid,
  kS3Region,
  kDeleteMode,
  kAddressingModel,
  kKeys
};

// The table of docs/spec/layout.md §4.1.
struct Parameter {
  std::string_view key;
  unsigned types;
  bool required;
  bool in_extension;
};
constexpr std::array<Parameter, kKeys> kParameters = {{
    {"host", kAllObjectStores, true, false},
    {"access_id", kAllObjectStores, true, false},
    {"access_key", kAllObjectStores, true, false},
    {"checksum_type", kAllObjectStores, false, false},
    {"appid", Bit(StorageType::kCos), true, true},
    {"s3_region", Bit(StorageType::kS3), false, true},
    {"delete_mode", kWithTags, false, true},
    {"addressing_model", Bit(StorageType::kS3), false, true},
}};

constexpr std::array<std::string_view, 3> kChecksumTypes = {"no_checksum", "md5", "crc32"};
constexpr std::array<std::string_view, 2> kDeleteModes = {"delete", "tagging"};
constexpr std::array<std::string_view, 2> kAddressingModels = {"virtual_hosted_style",
                                                               "path_style"};

bool IsAllowed(ChecksumType checksum, StorageType type) {
  switch (checksum) {
    case ChecksumType::kNoChecksum:
      return type != StorageType::kS3;
    case ChecksumType::kMd5:
      return true;
    case ChecksumType::kCrc32:
      return type == StorageType::kS3;
  }
  return false;
}

std::unexpected<Error> Invalid(std::string message) {
  return Fail(Error(ErrorCode::kInvalidBackupDest, std::move(message))
                  .WithAdvice("expected file:///absolute/path or "
                              "s3://bucket/path?host=..&access_id=..&access_key=.."));
}

// Of a-z, 0-9 and _: what may be quoted in a message, because no secret looks like that.
bool IsPlainWord(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || c == '_' || (c >= '0' && c <= '9');
  });
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }

// The first piece of `rest` up to `separator`, which is removed with it.
std::string_view NextPiece(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view piece = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return piece;
}

using Values = std::array<std::optional<std::string_view>, kKeys>;

// Position of `key` in kParameters if destinations of `type` have it.
std::optional<std::size_t> FindParameter(std::string_view key, StorageType type) {
  for (std::size_t i = 0; i < kParameters.size(); ++i) {
    if (kParameters[i].key == key && (kParameters[i].types & Bit(type)) != 0) return i;
  }
  return std::nullopt;
}

Status CheckRequired(const Values& values, StorageType type) {
  for (std::size_t i = 0; i < kParameters.size(); ++i) {
    const Parameter& parameter = kParameters[i];
    const bool needed = parameter.required && (parameter.types & Bit(type)) != 0;
    if (needed && values[i].value_or("").empty()) {
      return Invalid(fmt::format("{} needs '{}='", Prefix(type), parameter.key));
    }
  }
  return {};
}

// Sets `result` to the word's position in `words`; a missing word leaves it alone.
template <class Enum, std::size_t N>
bool SetByWord(const std::optional<std::string_view>& word,
               const std::array<std::string_view, N>& words, Enum& result) {
  if (!word) return true;
  const auto found = std::ranges::find(words, *word);
  if (found == words.end()) return false;
  result = static_cast<Enum>(found - words.begin());
  return true;
}

Status CheckChecksumType(std::string_view word, bool known, ChecksumType checksum,
                         StorageType type) {
  if (known && IsAllowed(checksum, type)) return {};
  return Fail(ErrorCode::kChecksumTypeNotSupported,
              fmt::format("checksum type {} is not supported for the input destination",
                          IsPlainWord(word) ? word : "(not a word)"));
}

}  // namespace

Result<BackupDest> BackupDest::Parse(std::string_view uri) {
  if (uri.size() >= kTextLimit) {
    return Invalid(fmt::format("{} bytes, the limit is {}", uri.size(), kTextLimit - 1));
  }
  if (std::ranges::any_of(uri, IsControl)) {
    return Invalid("control character in the destination");
  }
  if (uri.find("encrypt_key=") != std::string_view::npos) {
    return Fail(ErrorCode::kInvalidBackupDest,
                "backup destination contains encrypt_key, which is not a valid uri");
  }
  if (uri.starts_with("hdfs://")) {
    return Fail(ErrorCode::kNotSupported, "backup to hdfs is not supported");
  }
  const auto prefix =
      std::ranges::find_if(kPrefixes, [uri](std::string_view p) { return uri.starts_with(p); });
  if (prefix == kPrefixes.end()) return Invalid("the scheme is none of file, oss, cos, s3, azblob");

  BackupDest dest;
  dest.type_ = static_cast<StorageType>(prefix - kPrefixes.begin());
  const std::size_t path_size = std::min(uri.find('?'), uri.size());
  const bool has_items = path_size < uri.size();
  if (Status status = dest.SetRoot(uri.substr(0, path_size)); !status) {
    return Fail(std::move(status).error());
  }
  if (dest.type_ == StorageType::kFile) {
    if (has_items) return Invalid("a file:// destination has no '?'");
    return dest;
  }
  const std::string_view items = has_items ? uri.substr(path_size + 1) : std::string_view();
  if (Status status = dest.SetStorageInfo(items); !status) return Fail(std::move(status).error());
  // The persisted form names the checksum type even where the user did not.
  if (dest.ToPersistedStringWithSecrets().size() >= kTextLimit) {
    return Invalid(fmt::format("with checksum_type more than {} bytes", kTextLimit - 1));
  }
  return dest;
}

Status BackupDest::SetRoot(std::string_view path) {
  if (path.size() >= kPathLimit) {
    return Invalid(fmt::format("path of {} bytes, the limit is {}", path.size(), kPathLimit - 1));
  }
  const std::size_t prefix_size = Prefix(type_).size();
  const std::string_view location = path.substr(prefix_size);
  if (type_ == StorageType::kFile && !location.starts_with('/')) {
    return Invalid("the path of file:// is not absolute");
  }
  if (type_ != StorageType::kFile && (location.empty() || location.starts_with('/'))) {
    return Invalid("no bucket behind the scheme");
  }
  const std::size_t last = location.find_last_not_of('/');
  if (last == std::string_view::npos) return Invalid("the root directory cannot be a destination");
  root_ = path.substr(0, prefix_size + last + 1);
  return {};
}

Status BackupDest::SetStorageInfo(std::string_view items) {
  if (items.size() >= kStorageInfoLimit) {
    return Invalid(
        fmt::format("{} bytes behind '?', the limit is {}", items.size(), kStorageInfoLimit - 1));
  }
  Values values;
  for (std::size_t number = 1; !items.empty(); ++number) {
    const std::string_view item = NextPiece(items, '&');
    if (item.empty()) continue;
    const std::size_t equals = item.find('=');
    const std::string_view key = item.substr(0, equals);
    const auto index = equals == std::string_view::npos ? std::nullopt : FindParameter(key, type_);
    if (!index) {
      const bool nameable = equals != std::string_view::npos && IsPlainWord(key);
      ignored_keys_.push_back(nameable ? std::string(key) : fmt::format("item {}", number));
      continue;
    }
    if (values[*index]) return Invalid(fmt::format("'{}=' is given twice", key));
    values[*index] = item.substr(equals + 1);
    if (kParameters[*index].in_extension) {
      if (!extension_.empty()) extension_ += '&';
      extension_ += item;
    } else if (item.size() >= kItemLimit) {
      return Invalid(fmt::format("'{}=' and its value have {} bytes, the limit is {}", key,
                                 item.size(), kItemLimit - 1));
    }
  }
  if (extension_.size() >= kExtensionLimit) {
    return Invalid(fmt::format("optional items of {} bytes, the limit is {}", extension_.size(),
                               kExtensionLimit - 1));
  }
  if (Status status = CheckRequired(values, type_); !status) return status;

  host_ = *values[kHost];
  access_id_ = *values[kAccessId];
  access_key_ = Secret(std::string(*values[kAccessKey]));
  appid_ = values[kAppid].value_or("");
  s3_region_ = values[kS3Region].value_or("");
  if (!SetByWord(values[kDeleteMode], kDeleteModes, delete_mode_)) {
    return Fail(Error(ErrorCode::kInvalidArgument, "Incorrect arguments to delete_mode")
                    .WithAdvice("use delete or tagging"));
  }
  if (!SetByWord(values[kAddressingModel], kAddressingModels, addressing_model_)) {
    return Fail(Error(ErrorCode::kInvalidArgument, "Incorrect arguments to addressing_model")
                    .WithAdvice("use virtual_hosted_style or path_style"));
  }
  const bool known = SetByWord(values[kChecksumType], kChecksumTypes, checksum_type_);
  return CheckChecksumType(values[kChecksumType].value_or(""), known, checksum_type_, type_);
}

std::string_view BackupDest::directory() const {
  if (type_ != StorageType::kFile) return {};
  return std::string_view(root_).substr(Prefix(type_).size());
}

std::string_view BackupDest::bucket() const {
  if (type_ == StorageType::kFile) return {};
  std::string_view location = std::string_view(root_).substr(Prefix(type_).size());
  return NextPiece(location, '/');
}

std::string_view BackupDest::object_prefix() const {
  if (type_ == StorageType::kFile) return {};
  std::string_view location = std::string_view(root_).substr(Prefix(type_).size());
  NextPiece(location, '/');
  return location;
}

std::string BackupDest::PathString() const {
  return type_ == StorageType::kFile ? root_ : fmt::format("{}?host={}", root_, host_);
}

std::string BackupDest::ToMaskedString() const { return ToStringWithKey("***"); }

std::string BackupDest::ToPersistedStringWithSecrets() const {
  return ToStringWithKey(access_key_.Reveal());
}

std::string BackupDest::ToStringWithKey(std::string_view access_key) const {
  if (type_ == StorageType::kFile) return root_;
  return fmt::format("{}?host={}&access_id={}&access_key={}&checksum_type={}{}{}", root_, host_,
                     access_id_, access_key,
                     kChecksumTypes[static_cast<std::size_t>(checksum_type_)],
                     extension_.empty() ? "" : "&", extension_);
}

Result<std::vector<BackupDest>> ParseRestoreSource(std::string_view uris) {
  std::vector<BackupDest> dests;
  if (std::ranges::count(uris, ',') > 1) {
    return Fail(ErrorCode::kNotSupported,
                "restore from more than a data and an archive destination is not supported");
  }
  std::string_view rest = uris;
  do {
    Result<BackupDest> dest = BackupDest::Parse(NextPiece(rest, ','));
    if (!dest) return Fail(std::move(dest).error());
    dests.push_back(*std::move(dest));
  } while (!rest.empty());
  if (uris.ends_with(',')) return Invalid("nothing behind the comma");
  return dests;
}

}  // namespace obbak::io
