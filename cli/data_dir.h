// The data directory: tenants side by side, each used by one process at a time.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cli/file_descriptor.h"

namespace obbak::cli {

// Which tenant a command is about.
struct TenantChoice {
  std::string data_dir = "obbak-data";
  std::string tenant;  // empty: the only one there is
};

// A tenant's files are in data_dir/NAME, its lock is the file data_dir/NAME.lock.
std::string TenantDir(const std::string& data_dir, const std::string& tenant);

// Names of the tenants, in order; none when there is no such directory.
Result<std::vector<std::string>> TenantNames(const std::string& data_dir);

// The name of the tenant that is meant. kEntryNotExist: there is no such one, or none at all;
// kInvalidArgument: there are several.
Result<std::string> ChooseTenant(const TenantChoice& choice);

// Letters, digits and _, at most 63 of them, the first no digit: what OceanBase takes as a
// tenant's name without quotes.
Status CheckTenantName(std::string_view name);

// Who has a tenant.
struct TenantOwner {
  pid_t process = 0;    // 0: it has not said so yet
  std::string purpose;  // "backup"; empty for what nobody has to know
};

// Keeps other processes off a tenant; ends with the process at the latest.
class TenantLock {
 public:
  // Does not wait: kOpNotAllow names the process that has it. Others see the `purpose`.
  static Result<TenantLock> Take(const std::string& data_dir, const std::string& tenant,
                                 std::string_view purpose = {});
  // nullopt: nobody has it.
  static Result<std::optional<TenantOwner>> OwnerOf(const std::string& data_dir,
                                                    const std::string& tenant);

  TenantLock(TenantLock&&) = default;
  TenantLock& operator=(TenantLock&&) = default;
  ~TenantLock();

 private:
  explicit TenantLock(FileDescriptor file) : file_(std::move(file)) {}

  FileDescriptor file_;
};

// The lock of a tenant that does not have to be there yet, after a look at its name; makes the data
// directory.
Result<TenantLock> LockNewTenant(const TenantChoice& choice, std::string_view purpose = {});

}  // namespace obbak::cli
