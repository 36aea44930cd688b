#include "api/load_report.hpp"

#include <algorithm>
#include <utility>

namespace plimsoll {

Report report_on(const Plan& planned, actors::LoadRun& run, std::uint64_t buffer_bytes) {
  Report report;
  for (std::size_t i = 0; i < planned.devices.size(); ++i) {
    const actors::DeviceReach& reach = run.reach()[i];
    DeviceReport device;
    device.planned = planned.devices[i];
    device.peak_bytes = run.parts().final_memory[i].bytes() + reach.peak_transient_bytes +
                        (i == 0 ? buffer_bytes : 0);
    device.peak_full_precision_tensors = reach.peak_units;
    report.peak_bytes += device.peak_bytes;
    report.peak_full_precision_tensors =
        std::max(report.peak_full_precision_tensors, reach.peak_units);
    report.devices.push_back(std::move(device));
  }
  report.load_line_bytes = planned.load_line_bytes;
  report.final_bytes = planned.final_bytes;
  report.slot_bytes = planned.slot_bytes;
  report.slots = planned.slots;
  report.units = planned.units;
  report.bytes_read = run.progress().bytes_read;
  return report;
}

}  // namespace plimsoll
