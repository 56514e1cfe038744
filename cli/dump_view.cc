#include "cli/dump_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace obbak::cli {
namespace {

using format::Dissection;
using format::Field;
using format::FieldKind;

// A line of ob_admin: its label, and the field it shows when that has another name.
struct Label {
  std::string_view label;
  std::string_view field = label;
};

// A block of ob_admin. For an array: one block per element, numbered.
struct Block {
  std::string_view title;
  std::string_view node;
  std::span<const Label> labels;
};

struct RecordDump {
  std::string_view record;
  std::vector<Block> blocks;
};

constexpr Label kHeader[] = {{"data_type"},       {"header_version"}, {"data_version"},
                             {"compressor_type"}, {"header_length"},  {"header_checksum"},
                             {"data_length"},     {"data_zlength"},   {"data_checksum"},
                             {"align_length"}};
constexpr Label kFormat[] = {{"cluster_name"}, {"cluster_id"}, {"tenant_name"},
                             {"tenant_id"},    {"path"},       {"incarnation"},
                             {"dest_id"},      {"dest_type"},  {"ts"}};
constexpr Label kCheck[] = {{"cluster_name"}, {"cluster_id"},  {"tenant_name"}, {"tenant_id"},
                            {"path"},         {"incarnation"}, {"ts"}};
constexpr Label kSetInfo[] = {{"tenant_id"},
                              {"backup_set_id"},
                              {"dest_id"},
                              {"incarnation"},
                              {"backup_type"},
                              {"backup_date", "date"},
                              {"prev_full_backup_set_id"},
                              {"prev_inc_backup_set_id"},
                              {"input_bytes", "stats.input_bytes"},
                              {"output_bytes", "stats.output_bytes"},
                              {"tablet_count", "stats.tablet_count"},
                              {"finish tablet count", "stats.finish_tablet_count"},
                              {"macro block count", "stats.macro_block_count"},
                              {"finish macro block count", "stats.finish_macro_block_count"},
                              {"extra_meta_bytes", "stats.extra_bytes"},
                              {"finish file count", "stats.finish_file_count"},
                              {"start_time"},
                              {"end_time"},
                              {"status"},
                              {"result"},
                              {"encryption_mode"},
                              {"passwd"},
                              {"file_status"},
                              {"backup_path"},
                              {"start_replay_scn"},
                              {"min_restore_scn"},
                              {"tenant_compatible"},
                              {"cluster_version"},
                              {"backup_compatible"},
                              {"meta_turn_id"},
                              {"data_turn_id"}};
constexpr Label kLocality[] = {{"tenant_id"},  {"tenant_name"},  {"backup_set_id"},
                               {"cluster_id"}, {"cluster_name"}, {"compat_mode"},
                               {"locality"},   {"primary_zone"}, {"sys_time_zone"}};
constexpr Label kLsAttr[] = {
    {"ls_id", "id"}, {"ls_group_id"}, {"flag"}, {"status"}, {"operation_type"}};
constexpr Label kTabletToLs[] = {{"ls_id"}, {"tablet_id", "tablet_id_list"}};
constexpr Label kRoundStart[] = {
    {"dest_id"}, {"round_id"}, {"start_scn"}, {"base_piece_id"}, {"piece_switch_interval"}};
constexpr Label kRoundEnd[] = {{"dest_id"},        {"round_id"},      {"start_scn"},
                               {"checkpoint_scn"}, {"base_piece_id"}, {"piece_switch_interval"}};
constexpr Label kPieceStart[] = {{"dest_id"}, {"round_id"}, {"piece_id"}, {"start_scn"}};
constexpr Label kPieceEnd[] = {{"dest_id"}, {"round_id"}, {"piece_id"}, {"end_scn"}};
constexpr Label kPieceInner[] = {
    {"dest_id"}, {"round_id"}, {"piece_id"}, {"start_scn"}, {"checkpoint_scn"}};
constexpr Label kSingleLs[] = {{"dest_id"}, {"round_id"},       {"piece_id"},
                               {"ls_id"},   {"checkpoint_scn"}, {"max_lsn"}};
constexpr Label kArchiveFile[] = {{"file id", "file_id"}, {"bytes", "size_bytes"}};

// Every block that is not the common header. A record without an entry is printed whole under its
// own name.
const std::vector<RecordDump>& Dumps() {
  static const std::vector<RecordDump> dumps = {
      {"BackupFormatDesc", {{"backup format info", "payload", kFormat}}},
      {"BackupCheckDesc", {{"backup check info", "payload", kCheck}}},
      {"ExternBackupSetPlaceholderDesc", {}},
      {"ExternBackupSetInfoDesc", {{"backup set info", "payload.backup_set_file", kSetInfo}}},
      {"TenantBackupSetInfosDesc", {{"tenant backup set infos", "payload", {}}}},
      {"ExternTenantLocalityInfoDesc", {{"locality info", "payload", kLocality}}},
      {"ExternTenantDiagnoseInfoDesc",
       {{"locality info", "payload.tenant_locality_info", kLocality},
        {"backup set info", "payload.backup_set_file", kSetInfo}}},
      {"BackupDataLSAttrDesc", {{"ls_attr info", "payload.ls_attr_array", kLsAttr}}},
      {"BackupDataTabletToLSDesc", {{"tablet_to_ls info", "payload.tablet_to_ls", kTabletToLs}}},
      {"BackupDeletedTabletToLSDesc",
       {{"tablet_to_ls info", "payload.deleted_tablet_to_ls", kTabletToLs}}},
      {"BackupLSMetaInfo", {{"ls meta info", "payload.ls_meta_package", {}}}},
      {"BackupLSMetaInfosDesc", {{"ls meta infos", "payload.ls_meta_packages", {}}}},
      {"RoundStartDesc", {{"archive round start info", "payload", kRoundStart}}},
      {"RoundEndDesc", {{"archive round end info", "payload", kRoundEnd}}},
      {"PieceStartDesc", {{"archive piece start info", "payload", kPieceStart}}},
      {"PieceEndDesc", {{"archive piece end info", "payload", kPieceEnd}}},
      {"PieceInnerPlaceholderDesc",
       {{"archive piece inner placeholder info", "payload", kPieceInner}}},
      {"SinglePieceDesc", {{"archive single piece info", "payload.piece", {}}}},
      {"PieceCheckpointDesc", {{"archive piece checkpoint info", "payload", {}}}},
      {"TenantArchivePieceInfosDesc", {{"archive piece infos", "payload", {}}}},
      {"SingleLSInfoDesc",
       {{"archive single ls info", "payload", kSingleLs},
        {"archive file", "payload.filelist", kArchiveFile}}},
      {"PieceInfoDesc", {{"archive piece list info", "payload", {}}}},
      {"BackupPartialTableListDesc", {{"table list", "payload", {}}}},
      {"BackupTableListMetaInfoDesc", {{"table list meta info", "payload", {}}}},
      {"ExternParamInfoDesc", {{"parameters", "payload", {}}}},
      {"StorageObjectMeta", {{"storage object meta", "payload", {}}}},
  };
  return dumps;
}

constexpr std::size_t kNameWidth = 30;
constexpr int kValueWidth = 30;

std::string WithMeaning(const Field& field) {
  if (field.damaged) return "(damaged)";
  std::string text = ValueText(field);
  if (!field.text.empty()) text += fmt::format(" ({})", field.text);
  return text;
}

class Printer {
 public:
  explicit Printer(const Dissection& dissection)
      : fields_(dissection.fields()), dissection_(dissection) {}

  void PrintBlock(const Block& block) {
    const Field* node = dissection_.Find(block.node);
    if (node == nullptr) return;
    const std::size_t index = IndexOf(node);
    if (node->kind == FieldKind::kValue) {
      Title(block.title);
      Line(node->name, Inline(index));
    } else if (node->kind == FieldKind::kArray) {
      std::size_t number = 1;
      for (const std::size_t element : Children(index)) {
        Title(fmt::format("{}[{}]", block.title, number++));
        PrintFields(element, block.labels);
      }
    } else {
      Title(block.title);
      PrintFields(index, block.labels);
    }
  }

  // Every top-level node: the common header under ob_admin's title, what is the block's own under
  // `title`, parts of it under their names.
  void PrintNodes(std::string_view title) {
    for (const Field& node : fields_) {
      if (node.depth > 0 || node.kind == FieldKind::kFraming) continue;
      if (dissection_.Find(node.name + ".data_type") != nullptr && node.name == "header") {
        PrintBlock({"Backup Common Header", "header", kHeader});
      } else if (IsWhole(node.name)) {
        PrintBlock({title, node.name, {}});
      } else {
        PrintBlock({node.name, node.name, {}});
      }
    }
  }

  // Fields of the top-level record that no block has shown, such as the SCN beside a list.
  void PrintRest(std::string_view node) {
    const Field* payload = dissection_.Find(node);
    if (payload == nullptr) return;
    FlushLines();
    PrintUnshown(IndexOf(payload), "");
    if (lines_.empty()) return;
    const auto lines = std::exchange(lines_, {});
    Title("other fields");
    lines_ = lines;
  }

  std::string Finish() && {
    FlushLines();
    out_ += std::string(80, '-') + "\n";
    return std::move(out_);
  }

 private:
  std::size_t IndexOf(const Field* field) const {
    return static_cast<std::size_t>(field - fields_.data());
  }

  std::vector<std::size_t> Children(std::size_t index) const {
    std::vector<std::size_t> children;
    for (std::size_t i = index + 1; i < fields_.size() && fields_[i].depth > fields_[index].depth;
         ++i) {
      if (fields_[i].depth == fields_[index].depth + 1 && fields_[i].kind != FieldKind::kFraming) {
        children.push_back(i);
      }
    }
    return children;
  }

  // Names of nodes that say no more than that they are the block.
  static bool IsWhole(std::string_view name) {
    constexpr std::string_view kWhole[] = {"header", "payload", "record", "trailer", "entries"};
    return std::ranges::find(kWhole, name) != std::end(kWhole);
  }

  void Title(std::string_view title) {
    FlushLines();
    const std::string rule(30, '-');
    out_ += rule + "{" + std::string(title) + "}" + rule + "\n";
  }

  void Line(std::string name, std::string value) {
    lines_.emplace_back(std::move(name), std::move(value));
  }

  // The lines of a block, names aligned: ob_admin's width, more where a name of ours is longer.
  void FlushLines() {
    std::size_t width = kNameWidth;
    for (const auto& [name, value] : lines_) width = std::max(width, name.size());
    for (const auto& [name, value] : lines_) {
      out_ += fmt::format("|{:>{}}|{:<{}}\n", name, width, value, kValueWidth);
    }
    lines_.clear();
  }

  // The labelled fields of the node in their order, then the others.
  void PrintFields(std::size_t index, std::span<const Label> labels) {
    for (const Label& label : labels) {
      const std::size_t found = FindBelow(index, label.field);
      if (found == index) continue;
      Line(std::string(label.label), Inline(found));
      shown_.insert(found);
    }
    PrintUnshown(index, "");
    shown_.insert(index);
  }

  void PrintUnshown(std::size_t index, const std::string& prefix) {
    for (const std::size_t child : Children(index)) {
      if (shown_.contains(child)) continue;
      const Field& field = fields_[child];
      const std::string name = prefix + field.name;
      if (field.kind == FieldKind::kRecord) {
        PrintUnshown(child, name + ".");
      } else if (field.kind == FieldKind::kArray && HoldsRecords(child)) {
        PrintNumbered(child, name);
      } else {
        Line(name, Inline(child));
      }
      shown_.insert(child);
    }
  }

  bool HoldsRecords(std::size_t array) const {
    const std::vector<std::size_t> items = Children(array);
    return !items.empty() && fields_[items.front()].kind == FieldKind::kRecord;
  }

  // One line per element, as ob_admin prints lists of structures.
  void PrintNumbered(std::size_t array, std::string_view name) {
    std::size_t number = 1;
    for (const std::size_t item : Children(array)) {
      if (!shown_.contains(item)) Line(fmt::format("{}[{}]", name, number), Inline(item));
      ++number;
    }
  }

  // "{name:value, ...}", "[a,b]" or the value itself.
  std::string Inline(std::size_t index) const {
    const Field& field = fields_[index];
    if (field.kind == FieldKind::kValue) return WithMeaning(field);
    std::string text;
    for (const std::size_t child : Children(index)) {
      if (!text.empty()) text += field.kind == FieldKind::kRecord ? ", " : ",";
      if (field.kind == FieldKind::kRecord) text += fields_[child].name + ":";
      text += Inline(child);
    }
    return field.kind == FieldKind::kRecord ? "{" + text + "}" : "[" + text + "]";
  }

  // The node at a dotted path below `index`, `index` itself if there is none.
  std::size_t FindBelow(std::size_t index, std::string_view path) const {
    std::size_t at = index;
    while (!path.empty()) {
      const std::size_t dot = std::min(path.find('.'), path.size());
      const std::vector<std::size_t> children = Children(at);
      const auto child = std::ranges::find_if(
          children, [&](std::size_t i) { return fields_[i].name == path.substr(0, dot); });
      if (child == children.end()) return index;
      at = *child;
      path.remove_prefix(std::min(dot + 1, path.size()));
    }
    return at;
  }

  const std::vector<Field>& fields_;
  const Dissection& dissection_;
  std::set<std::size_t> shown_;
  std::vector<std::pair<std::string, std::string>> lines_;
  std::string out_;
};

}  // namespace

std::string DumpText(std::string_view record, const Dissection& dissection) {
  Printer printer(dissection);
  const auto dump = std::ranges::find(Dumps(), record, &RecordDump::record);
  if (dump == Dumps().end()) {
    printer.PrintNodes(record);
  } else {
    printer.PrintBlock({"Backup Common Header", "header", kHeader});
    for (const Block& block : dump->blocks) printer.PrintBlock(block);
    printer.PrintRest("payload");
  }
  return std::move(printer).Finish();
}

std::string DumpHeadersText(const Dissection& dissection) {
  Printer printer(dissection);
  printer.PrintBlock({"Common Header", "common_header", {}});
  printer.PrintBlock({"SSTable Macro Block Header", "macro_header", {}});
  for (std::size_t i = 0;; ++i) {
    const std::string micro_block = fmt::format("micro_blocks[{}]", i);
    if (dissection.Find(micro_block) == nullptr) break;
    printer.PrintBlock({"Micro Header", micro_block + ".header", {}});
  }
  return std::move(printer).Finish();
}

std::string DumpBlockText(std::string_view title, const Dissection& dissection) {
  Printer printer(dissection);
  printer.PrintNodes(title);
  return std::move(printer).Finish();
}

}  // namespace obbak::cli
