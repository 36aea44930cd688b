#include "cli/load_text.hpp"

#include <array>
#include <cstdio>
#include <string_view>
#include <vector>

#include "cli/readable_size.hpp"
#include "cli/report_table.hpp"
#include "errors/printable.hpp"

namespace plimsoll::cli {
namespace {

std::string fixed(double number, int decimals) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, number);
  return text.data();
}

std::string exact(std::uint64_t bytes) {
  return readable_size(bytes) + " (" + std::to_string(bytes) + ")";
}

void append_names(std::string& out, std::string_view label, const std::vector<std::string>& names) {
  constexpr std::size_t shown = 4;
  if (names.empty()) return;
  out.append(label).append(std::to_string(names.size()));
  out.append(names.size() == 1 ? " tensor" : " tensors");
  for (std::size_t i = 0; i < names.size() && i < shown; ++i) {
    out.append(i == 0 ? ": " : ", ").append(printable(names[i], 200));
  }
  out.append(names.size() > shown ? ", ...\n" : "\n");
}

}  // namespace

std::string load_line_text(const Plan& plan) {
  std::string out;
  for (const PlannedDevice& device : plan.devices) {
    out += "load line   " + device.name + "  " + exact(device.load_line_bytes) + ": final " +
           readable_size(device.final_bytes) + ", " + std::to_string(device.slots) + " slots x " +
           readable_size(device.slot_bytes) + ", " + std::to_string(device.units) + " units\n";
  }
  return out;
}

std::string report_text(const Report& report) {
  std::string out;
  append_names(out, "left alone  ", report.kept);
  out += unchecked_text(report.unchecked);
  const std::string differences = report_table(report);
  if (!differences.empty()) out.append("\n").append(differences).append("\n");
  out += "read        " + readable_size(report.bytes_read);
  if (report.bytes_written > 0) out += ", written " + readable_size(report.bytes_written);
  out += " in " + fixed(report.seconds, 3) + " s";
  if (report.seconds > 0) {
    const double rate = static_cast<double>(report.bytes_read) / report.seconds;
    out += ", " + readable_size(static_cast<std::uint64_t>(rate)) + "/s";
  }
  out += "\n";
  for (const DeviceReport& device : report.devices) {
    const PlannedDevice& planned = device.planned;
    out += "peak        " + planned.name + "  " + exact(device.peak_bytes) + " of load line " +
           exact(planned.load_line_bytes) + "; at most " +
           std::to_string(device.peak_full_precision_tensors) + " of " +
           std::to_string(planned.slots) + " slots\n";
  }
  return out;
}

}  // namespace plimsoll::cli
