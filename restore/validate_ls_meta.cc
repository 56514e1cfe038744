#include "restore/validate_ls_meta.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

#include "format/log_headers.h"
#include "format/lsn.h"

namespace obbak::restore {
namespace {

using format::PathKind;
using format::Scn;

class LsMetaRules {
 public:
  LsMetaRules(const SetView& view, Reporter found) : view_(view), found_(std::move(found)) {}

  void Check() {
    const format::BackupDataLsAttrDesc& attrs = *view_.ls_attrs();
    format::BackupPath attr_path = view_.Path(PathKind::kLsAttrInfo);
    attr_path.turn = view_.desc().meta_turn_id;
    const std::string attr_name = NameOf(attr_path);
    const std::string meta_name = view_.Name(PathKind::kLsMetaInfos);
    std::set<format::LsId> in_attrs;
    for (const format::LsAttr& attr : attrs.ls_attr_array) {
      if (!in_attrs.insert(attr.id).second)
        found_.About(attr.id).Broken(9, attr_name, "id", "is there twice");
    }
    std::set<format::LsId> in_metas;
    for (const format::LsMetaPackage& package : *view_.facts().ls_metas) {
      const format::LsId ls = package.ls_meta.ls_id;
      const Reporter found = found_.About(ls);
      if (!in_metas.insert(ls).second) found.Broken(9, meta_name, "ls_id", "is there twice");
      if (ls != format::kSysLsId && ls.value <= 1000)
        found.Broken(9, meta_name, "ls_id", "is no id of a user log stream");
      CheckLogStream(package, attrs.backup_scn, meta_name, found);
    }
    if (in_attrs != in_metas)
      found_.Broken(9, meta_name, "ls_id", "the log streams are not those of ls_attr_info");
    if (!in_metas.contains(format::kSysLsId))
      found_.Broken(9, meta_name, "ls_id", "log stream 1 is not there");
  }

 private:
  void CheckLogStream(const format::LsMetaPackage& package, Scn backup_scn, const std::string& name,
                      const Reporter& found) {
    const format::LsMeta& meta = package.ls_meta;
    CheckSource(package, name, found);
    // Rule 11.
    if (meta.tenant_id != view_.desc().tenant_id)
      found.Broken(11, name, "ls_meta.tenant_id", "is not that of the set");
    if (package.dup_ls_meta.ls_id != meta.ls_id)
      found.Broken(11, name, "dup_ls_meta.ls_id", "is not that of ls_meta");
    if (meta.restore_status != 0 || meta.migration_status != 0 ||
        meta.ls_persistent_state.value != format::LsPersistentState::kNormal) {
      found.Broken(11, name, "ls_meta.restore_status, migration_status, ls_persistent_state",
                   "are not those of a log stream that a backup may take");
    }
    CheckLogPosition(package, name, found);
    CheckCheckpoint(package, backup_scn, name, found);
    CheckIdServices(meta, name, found);
  }

  // Rule 10.
  void CheckSource(const format::LsMetaPackage& package, const std::string& name,
                   const Reporter& found) {
    const auto* newest = view_.NewestMeta(package.ls_meta.ls_id);
    if (newest == nullptr || !newest->second.ls_meta) {
      format::BackupPath path = view_.Path(PathKind::kLsMetaInfo);
      path.ls = package.ls_meta.ls_id;
      path.turn =
          newest == nullptr ? view_.FinalTurn(format::DataType::kSys, path.ls) : newest->first.turn;
      path.retry = newest == nullptr ? 0 : newest->first.retry;
      if (!view_.Has(path)) found.Missing(10, NameOf(path), format::Facts(path.kind).meaning);
      return;
    }
    if (*newest->second.ls_meta != package)
      found.Broken(10, name, "", "is not what the log stream's ls_meta_info says");
    if (newest->second.ls_meta->ls_meta.ls_id != newest->first.ls)
      found.Broken(11, name, "ls_meta.ls_id", "is not that of the directory");
  }

  // Rule 12.
  static void CheckLogPosition(const format::LsMetaPackage& package, const std::string& name,
                               const Reporter& found) {
    const format::PalfBaseInfo& palf = package.palf_meta;
    const format::LogInfo& prev = palf.prev_log_info;
    if (format::OffsetInBlock(package.ls_meta.clog_base_lsn) != 0)
      found.Broken(12, name, "ls_meta.clog_base_lsn", "is not the start of a log block");
    if (palf.curr_lsn != package.ls_meta.clog_base_lsn)
      found.Broken(12, name, "palf_meta.curr_lsn", "is not clog_base_lsn");
    const bool is_first =
        prev.log_id == 0 && prev.lsn == format::Lsn{0} && prev.accum_checksum == -1;
    if ((palf.curr_lsn == format::Lsn{0}) != is_first) {
      found.Broken(12, name, "palf_meta.prev_log_info",
                   is_first ? "says that no log precedes" : "names a log before the first one");
      return;
    }
    if (is_first) return;
    constexpr std::uint64_t kLongest =
        format::kMaxGroupEntrySize + format::kMinBlockRest + format::LogGroupEntryHeader::kSize;
    if (prev.log_id < 1 || prev.lsn >= palf.curr_lsn || palf.curr_lsn - prev.lsn > kLongest ||
        format::BlockIdOf(prev.lsn) + 1 != format::BlockIdOf(palf.curr_lsn)) {
      found.Broken(12, name, "palf_meta.prev_log_info",
                   fmt::format("log {} at {} is not the last group before {}", prev.log_id,
                               prev.lsn.value, palf.curr_lsn.value));
    }
  }

  // Rules 13 and 14.
  void CheckCheckpoint(const format::LsMetaPackage& package, Scn backup_scn,
                       const std::string& name, const Reporter& found) {
    const Scn checkpoint = package.ls_meta.clog_checkpoint_scn;
    const format::LogInfo& prev = package.palf_meta.prev_log_info;
    const auto order = [&](int rule, std::string_view what, Scn lower, Scn upper) {
      if (lower <= upper) return;
      found.Broken(rule, name, "ls_meta.clog_checkpoint_scn",
                   fmt::format("{}: {} is above {}", what, lower.value, upper.value));
    };
    order(13, "must not be above consistent_scn", checkpoint, view_.desc().consistent_scn);
    order(13, "must not be below the log before", prev.scn, checkpoint);
    if (const format::LsAttr* attr = view_.AttrOf(package.ls_meta.ls_id)) {
      order(13, "must not be below create_scn", attr->create_scn, checkpoint);
      if (package.palf_meta.curr_lsn == format::Lsn{0} && prev.scn != attr->create_scn) {
        const std::string message = "of a log's begin must be the create SCN";
        if (prev.scn == format::kMinScn) {
          found.Odd(13, name, "palf_meta.prev_log_info.scn", message);
        } else {
          found.Broken(13, name, "palf_meta.prev_log_info.scn", message);
        }
      }
    }
    if (package.ls_meta.ls_id == format::kSysLsId) {
      order(14, "of log stream 1 must not be above backup_scn of ls_attr_info", checkpoint,
            backup_scn);
    } else {
      order(14, "must not be below backup_scn of ls_attr_info", backup_scn, checkpoint);
    }
  }

  // Rule 16.
  void CheckIdServices(const format::LsMeta& meta, const std::string& name,
                       const Reporter& found) const {
    const auto& ids = meta.all_id_meta.value.items;
    const auto is_unused = [](const format::IdMeta& id) {
      return id.limited_id == 1 && !id.latest_log_ts.IsValid();
    };
    if (meta.ls_id != format::kSysLsId) {
      if (!std::ranges::all_of(ids, is_unused))
        found.Broken(16, name, "ls_meta.all_id_meta", "only log stream 1 gives out ids");
      return;
    }
    const format::IdMeta& gts = ids[0];
    if (gts.latest_log_ts.IsValid() &&
        static_cast<std::uint64_t>(gts.limited_id) < meta.clog_checkpoint_scn.value) {
      found.Odd(16, name, "ls_meta.all_id_meta[0].limited_id",
                "timestamps above it have been given out");
    }
    for (const format::IdMeta& id : ids) {
      if (id.latest_log_ts.IsValid() && id.latest_log_ts > view_.desc().min_restore_scn)
        found.Broken(16, name, "ls_meta.all_id_meta", "a log above min_restore_scn");
    }
    if (!is_unused(ids[2]))
      found.Odd(16, name, "ls_meta.all_id_meta[2]", "user tenants get DAS ids from elsewhere");
  }

  const SetView& view_;
  Reporter found_;
};

}  // namespace

void CheckLsMetas(const SetView& view, const Reporter& found) {
  if (view.ls_attrs() != nullptr && view.facts().ls_metas) LsMetaRules(view, found).Check();
}

}  // namespace obbak::restore
