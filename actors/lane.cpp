#include "actors/lane.hpp"

#include <caf/send.hpp>

#include "actors/load_run.hpp"

namespace plimsoll::actors {

Lane spawn_lane(caf::actor_system& system) {
  Lane lane;
  lane.writer = system.spawn(writer, lane);
  lane.placer = system.spawn(placer, lane);
  lane.quantizer = system.spawn(quantizer, lane);
  lane.converter = system.spawn(converter, lane);
  lane.dequantizer = system.spawn(dequantizer, lane);
  lane.reader = system.spawn(reader, lane);
  return lane;
}

void stop_lane(const Lane& lane) {
  for (const caf::actor& stage :
       {lane.reader, lane.dequantizer, lane.converter, lane.quantizer, lane.placer, lane.writer}) {
    caf::anon_send(stage, Stop{});
  }
}

const caf::actor& stage_after(const Lane& lane, trace::EventKind done, const plan::Route& route) {
  using trace::EventKind;
  if (done < EventKind::decode && route.decode) return lane.dequantizer;
  if (done < EventKind::convert && (route.rearrange || route.convert)) return lane.converter;
  if (done < EventKind::quantize && (route.quantize || route.measure)) return lane.quantizer;
  return lane.placer;
}

}  // namespace plimsoll::actors
