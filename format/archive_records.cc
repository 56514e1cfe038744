#include "format/archive_records.h"

namespace obbak::format {
namespace {

void CheckRound(const auto& desc, Rules& rules) {
  rules.Require(desc.dest_id.value >= 0, "dest_id", "must not be negative");
  rules.Require(desc.round_id.value > 0, "round_id", "must be greater than 0");
}

void CheckPiece(const auto& desc, Rules& rules) {
  CheckRound(desc, rules);
  rules.Require(desc.piece_id.value > 0, "piece_id", "must be greater than 0");
}

void CheckPieceSwitching(const auto& desc, Rules& rules) {
  rules.Require(desc.base_piece_id.value > 0, "base_piece_id", "must be greater than 0");
  rules.Require(desc.piece_switch_interval > 0, "piece_switch_interval", "must be greater than 0");
}

void CheckScn(Scn scn, std::string_view field, Rules& rules) {
  rules.Require(scn.IsValid(), field, "must be a valid SCN (bits 62 and 63 clear)");
}

void CheckRange(const auto& desc, Rules& rules) {
  CheckScn(desc.start_scn, "start_scn", rules);
  CheckScn(desc.checkpoint_scn, "checkpoint_scn", rules);
  rules.Require(desc.start_scn <= desc.checkpoint_scn, "checkpoint_scn",
                "must not be below start_scn");
}

}  // namespace

void CheckRules(const RoundStartDesc& desc, Rules& rules) {
  CheckRound(desc, rules);
  CheckScn(desc.start_scn, "start_scn", rules);
  CheckPieceSwitching(desc, rules);
}

void CheckRules(const RoundEndDesc& desc, Rules& rules) {
  CheckRound(desc, rules);
  CheckRange(desc, rules);
  CheckPieceSwitching(desc, rules);
}

void CheckRules(const PieceStartDesc& desc, Rules& rules) {
  CheckPiece(desc, rules);
  CheckScn(desc.start_scn, "start_scn", rules);
}

void CheckRules(const PieceEndDesc& desc, Rules& rules) {
  CheckPiece(desc, rules);
  CheckScn(desc.end_scn, "end_scn", rules);
}

void CheckRules(const PieceInnerPlaceholderDesc& desc, Rules& rules) {
  CheckPiece(desc, rules);
  CheckRange(desc, rules);
}

void CheckRules(const TenantArchivePieceAttr& attr, Rules& rules) {
  rules.Require(IsUserTenant(attr.key.tenant_id), "key.tenant_id",
                "must be a user tenant (even, above 1000)");
  rules.Require(attr.key.dest_id.value > 0, "key.dest_id", "must be greater than 0");
  rules.Require(attr.key.round_id.value > 0, "key.round_id", "must be greater than 0");
  rules.Require(attr.key.piece_id.value > 0, "key.piece_id", "must be greater than 0");
  rules.Require(attr.compatible.value == ArchiveCompatible::kVersion1, "compatible", "must be 1");
  rules.Require(attr.incarnation >= 1, "incarnation", "must be at least 1");
  rules.Require(attr.dest_no >= 0, "dest_no", "must not be negative");
  rules.Require(attr.file_count >= 0, "file_count", "must not be negative");
  CheckScn(attr.start_scn, "start_scn", rules);
  CheckScn(attr.checkpoint_scn, "checkpoint_scn", rules);
  CheckScn(attr.max_scn, "max_scn", rules);
  CheckScn(attr.end_scn, "end_scn", rules);
  rules.Require(attr.input_bytes >= 0, "input_bytes", "must not be negative");
  rules.Require(attr.output_bytes >= 0, "output_bytes", "must not be negative");
  rules.Require(attr.status.value == ArchivePieceStatus::kActive ||
                    attr.status.value == ArchivePieceStatus::kFrozen,
                "status", "must be 1 (ACTIVE) or 2 (FROZEN)");
  rules.Require(IsNamed(attr.file_status), "file_status", "must be in 0..6");
  rules.Require(attr.cp_file_id >= 0, "cp_file_id", "must not be negative");
  rules.Require(attr.cp_file_offset >= 0, "cp_file_offset", "must not be negative");
  rules.Require(!attr.path.value.empty(), "path", "must not be empty");
}

void CheckRules(const SinglePieceDesc& desc, Rules& rules) { rules.Nested("piece", desc.piece); }

void CheckRules(const PieceCheckpointDesc& desc, Rules& rules) {
  rules.Require(desc.version == 1, "version", "must be 1");
  rules.Require(desc.length == static_cast<std::int64_t>(PieceCheckpointDesc::kSize), "length",
                "must be 152");
  rules.Require(desc.tenant_id.value != 0, "tenant_id", "must not be 0");
  CheckPiece(desc, rules);
  rules.Require(desc.compatible == static_cast<std::int64_t>(ArchiveCompatible::kVersion1),
                "compatible", "must be 1");
}

void CheckRules(const TenantArchivePieceInfosDesc& desc, Rules& rules) {
  rules.Require(desc.tenant_id.value != 0, "tenant_id", "must not be 0");
  rules.Require(desc.dest_id.value > 0, "dest_id", "must be greater than 0");
  rules.Require(desc.round_id.value > 0, "round_id", "must be greater than 0");
  rules.Require(desc.piece_id.value > 0, "piece_id", "must be greater than 0");
  rules.Require(desc.dest_no >= 0, "dest_no", "must not be negative");
  CheckScn(desc.start_scn, "start_scn", rules);
  CheckScn(desc.end_scn, "end_scn", rules);
}

void CheckRules(const SingleLsInfoDesc& desc, Rules& rules) {
  CheckPiece(desc, rules);
  rules.Require(desc.ls_id != kInvalidLsId, "ls_id", "must not be -1");
}

void CheckRules(const PieceInfoDesc& desc, Rules& rules) { CheckPiece(desc, rules); }

}  // namespace obbak::format
