#include "cli/json_output.hpp"

namespace plimsoll::cli {
namespace {

Json planned_device(const PlannedDevice& device) {
  return {{"name", device.name},
          {"load_line_bytes", device.load_line_bytes},
          {"final_bytes", device.final_bytes},
          {"slot_bytes", device.slot_bytes},
          {"slots", device.slots},
          {"units", device.units}};
}

Json device_json(const DeviceReport& device) {
  const PlannedDevice& planned = device.planned;
  return {{"name", planned.name},
          {"load_line_bytes", planned.load_line_bytes},
          {"peak_bytes", device.peak_bytes},
          {"final_bytes", planned.final_bytes},
          {"slot_bytes", planned.slot_bytes},
          {"slots", planned.slots},
          {"peak_full_precision_tensors", device.peak_full_precision_tensors},
          {"units", planned.units}};
}

/// Member by member: a list in braces makes an array of each pair first, which counts where a plan
/// has tens of thousands of tensors.
Json tensor_json(const PlannedTensor& tensor) {
  Json::object_t members;
  members.reserve(10);
  members["name"] = tensor.name;
  members["dtype"] = name_of(tensor.dtype);
  members["shape"] = tensor.shape;
  members["format"] = tensor.format;
  members["device"] = tensor.device;
  members["bytes"] = tensor.bytes;
  members["merge"] = tensor.merge;
  members["parts"] = tensor.parts;
  members["slots"] = tensor.slots;
  members["bytes_read"] = tensor.bytes_read;
  return members;
}

/// The names in which model and checkpoint differ: of a plan or of a report.
template <class Findings>
Json differences_json(const Findings& found) {
  Json mismatches = Json::array();
  for (const Mismatch& mismatch : found.mismatches) {
    mismatches.push_back(
        {{"name", mismatch.name}, {"found", mismatch.found}, {"wanted", mismatch.wanted}});
  }
  return {{"missing", found.missing},
          {"unexpected", found.unexpected},
          {"mismatched", found.mismatched},
          {"mismatches", std::move(mismatches)},
          {"unchecked", found.unchecked}};
}

std::string json_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// All that `plan` prints but the tensors.
Json plan_json(const Plan& plan) {
  Json devices = Json::array();
  for (const PlannedDevice& device : plan.devices) devices.push_back(planned_device(device));
  return {{"load_line_bytes", plan.load_line_bytes},
          {"smallest_load_line_bytes", plan.smallest_load_line_bytes},
          {"final_bytes", plan.final_bytes},
          {"slot_bytes", plan.slot_bytes},
          {"slots", plan.slots},
          {"unit_bytes", plan.unit_bytes},
          {"units", plan.units},
          {"output_bytes", plan.output_bytes},
          {"bytes_to_read", plan.bytes_to_read},
          {"devices", std::move(devices)},
          {"formats", plan.formats},
          {"merges", plan.merges},
          {"report", differences_json(plan)}};
}

}  // namespace

std::string json_line(const Json& json) {
  return json_text(json) + "\n";
}

Json report_json(const Report& report) {
  Json devices = Json::array();
  for (const DeviceReport& device : report.devices) devices.push_back(device_json(device));
  Json names = differences_json(report);
  names["kept"] = report.kept;
  return {{"load_line_bytes", report.load_line_bytes},
          {"peak_bytes", report.peak_bytes},
          {"final_bytes", report.final_bytes},
          {"slot_bytes", report.slot_bytes},
          {"slots", report.slots},
          {"peak_full_precision_tensors", report.peak_full_precision_tensors},
          {"units", report.units},
          {"bytes_read", report.bytes_read},
          {"bytes_written", report.bytes_written},
          {"seconds", report.seconds},
          {"report", std::move(names)},
          {"devices", std::move(devices)}};
}

/// Tensor by tensor: a document of tens of thousands takes longer to build and to free than to
/// print.
std::string plan_json_line(const Plan& plan) {
  std::string line = json_text(plan_json(plan));
  line.pop_back();  // the brace at the end
  line += ",\"tensors\":[";
  for (const PlannedTensor& tensor : plan.tensors) {
    if (line.back() != '[') line += ',';
    line += json_text(tensor_json(tensor));
  }
  return line + "]}\n";
}

}  // namespace plimsoll::cli
