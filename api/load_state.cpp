#include "api/load_state.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <system_error>
#include <utility>

#include "api/checkpoint_output.hpp"
#include "api/load_report.hpp"
#include "api/load_trace.hpp"
#include "api/model_state.hpp"
#include "api/plan_summary.hpp"
#include "codecs/ggml/encode.hpp"
#include "plan/align.hpp"
#include "plan/plan.hpp"

namespace plimsoll {
namespace {

/// Before the first unit comes: some quantizers make tables first.
void prepare_encoders(const plan::Plan& plan) {
  for (const plan::OutputTensor& output : plan.outputs) {
    if (output.format.kind != codecs::FormatKind::ggml) continue;
    codecs::ggml::prepare_encoder(output.format.type);
  }
}

constexpr unsigned default_io_threads = 4;
constexpr std::uintptr_t destination_alignment = 64;

io::SourceKind source_kind(const config::Settings& settings, const plan::Plan& plan) {
  if (!plan.direct_allowed) return io::SourceKind::pread;
  switch (settings.io.source) {
    case config::ReadMethod::pread:
      return io::SourceKind::pread;
    case config::ReadMethod::direct:
      return io::SourceKind::direct;
    case config::ReadMethod::automatic:
      break;
  }
  return io::SourceKind::automatic;
}

/// The caller's code: what it throws must not pass, and what it gives must fit.
Expected<std::byte*> ask_destination(const std::function<std::byte*(const Placement&)>& destination,
                                     const Placement& placement) {
  const std::string tensor(placement.tensor);
  std::byte* memory = nullptr;
  try {
    memory = destination(placement);
  } catch (const std::exception& failure) {
    return fail(ErrorCode::consumer_failed, failure.what(), "", tensor);
  } catch (...) {
    return fail(ErrorCode::consumer_failed, "the caller's destination threw", "", tensor);
  }
  if (memory == nullptr && placement.bytes > 0) {
    return fail(ErrorCode::invalid_argument, "the caller gave no memory for it", "", tensor);
  }
  if (reinterpret_cast<std::uintptr_t>(memory) % destination_alignment != 0) {
    return fail(ErrorCode::invalid_argument, "the caller's memory for it is not aligned to 64", "",
                tensor);
  }
  return memory;
}

Error was_cancelled() {
  return {ErrorCode::cancelled, "the load was cancelled"};
}

}  // namespace

plan::Sink LoadRequest::sink() const {
  if (!out.empty()) return plan::Sink::checkpoint;
  if (options.consumer) return plan::Sink::consumer;
  return options.destination ? plan::Sink::caller : plan::Sink::memory;
}

Load::State::State(EngineCore& core, LoadRequest request)
    : core_(core), request_(std::move(request)), begun_ns_(core.clock().now_ns()) {}

Load::State::~State() = default;

void Load::State::begin() {
  const Expected<void> prepared = try_prepare();
  if (prepared) {
    const std::lock_guard lock(mutex_);
    if (!cancelled_) {
      loader_ = core_.crew().begin(run_);
      return;
    }
  }
  let_go();
  end(prepared ? was_cancelled() : prepared.error());
}

/// Sizes of real checkpoints fit memory many times over; those of hostile ones need not.
Expected<void> Load::State::try_prepare() {
  try {
    return prepare();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::out_of_memory, "no memory for the plan", request_.path);
  } catch (const std::system_error& failure) {
    return fail(ErrorCode::out_of_memory,
                std::string("the load could not start its threads: ") + failure.what());
  } catch (const std::exception& failure) {
    return fail(ErrorCode::internal, failure.what(), request_.path);
  }
}

Expected<void> Load::State::prepare() {
  {
    const std::lock_guard lock(mutex_);
    if (cancelled_) return fail(was_cancelled());
  }
  if (auto place = check_trace_place(request_.settings.trace.file); !place) return place;
  auto draft = draw(request_.path, request_.settings, request_.sink(), request_.out,
                    request_.options.expected);
  if (!draft) return fail(draft.error());
  draft_ = std::move(*draft);
  if (auto harmless = check_trace_harms_nothing(request_.settings.trace.file,
                                                draft_.catalogue.directory, request_.out);
      !harmless) {
    return harmless;
  }
  {
    const std::lock_guard lock(mutex_);
    plan_ = summarize(draft_);
  }
  changed_.notify_all();

  prepare_encoders(*draft_.plan);
  actors::LoadParts parts;
  parts.id = core_.next_load_id();
  parts.plan = draft_.plan;
  recorder_ =
      std::make_unique<trace::Recorder>(core_.clock(), !request_.settings.trace.file.empty());
  parts.recorder = recorder_.get();
  for (std::uint16_t i = 0; i < draft_.plan->devices.size(); ++i) {
    parts.devices.push_back(core_.devices()[i].get());
    parts.engine_devices.push_back(i);
  }
  if (auto taken = take_memory(parts); !taken) return taken;
  const unsigned threads = request_.settings.io.threads;
  auto source =
      io::open_byte_source(draft_.catalogue.files, source_kind(request_.settings, *draft_.plan),
                           threads > 0 ? threads : default_io_threads);
  if (!source) return fail(source.error());
  source_ = std::move(*source);
  parts.source = source_.get();
  // Never touched: it only makes the device count the buffers that the source has already.
  auto counted = parts.devices[0]->allocate(source_->buffer_bytes());
  if (!counted) return fail(counted.error());
  source_memory_ = std::move(*counted);
  if (auto opened = open_sink(parts); !opened) return opened;
  log_warnings(draft_);
  count_work();
  parts.progress = [this](std::uint32_t) { show_progress(); };
  // The handle waits for the end, so this load is alive when it comes; the run must not keep it so.
  parts.ended = [weak = weak_from_this()](Expected<void> result) {
    const std::shared_ptr<State> self = weak.lock();
    self->core_.chores().add([self, result = std::move(result)] { self->settle(result); });
  };
  const std::lock_guard lock(mutex_);
  run_ = std::make_shared<actors::LoadRun>(std::move(parts));
  return {};
}

Expected<void> Load::State::take_memory(actors::LoadParts& parts) const {
  const plan::Plan& plan = *draft_.plan;
  const auto take = [](gpu::Device& device, std::uint64_t bytes,
                       std::vector<gpu::Memory>& into) -> Expected<void> {
    auto memory = device.allocate(bytes);
    if (!memory) return fail(memory.error());
    into.push_back(std::move(*memory));
    return {};
  };
  for (std::size_t i = 0; i < plan.devices.size(); ++i) {
    const plan::DeviceLine& line = plan.devices[i];
    gpu::Device& device = *parts.devices[i];
    const std::uint64_t final_bytes =
        plan.sink == plan::Sink::memory ? plan::align_up(line.final_bytes, plan::page_size) : 0;
    if (auto taken = take(device, final_bytes, parts.final_memory); !taken) return taken;
    if (auto taken = take(device, line.slots * line.slot_bytes, parts.slots); !taken) return taken;
    if (auto taken = take(device, line.outputs * line.output_bytes, parts.outputs); !taken) {
      return taken;
    }
    if (auto taken = take(device, line.state_bytes, parts.states); !taken) return taken;
  }
  return {};
}

Expected<void> Load::State::ask_destinations(actors::LoadParts& parts) const {
  const plan::Plan& plan = *draft_.plan;
  for (const plan::OutputTensor& output : plan.outputs) {
    for (std::uint32_t i = 0; i < output.component_count; ++i) {
      const plan::Component& component = plan.components[output.first_component + i];
      const Placement placement{output.name,     role_name(component.role),
                                component.dtype, component.shape,
                                component.bytes, plan.devices[output.device].name};
      auto memory = ask_destination(request_.options.destination, placement);
      if (!memory) return fail(memory.error());
      parts.destinations.push_back(*memory);
    }
  }
  return {};
}

Expected<void> Load::State::open_sink(actors::LoadParts& parts) {
  switch (draft_.plan->sink) {
    case plan::Sink::memory:
      return {};
    case plan::Sink::caller:
      return ask_destinations(parts);
    case plan::Sink::consumer:
      consumer_ = std::make_unique<ConsumerThread>(draft_.plan, request_.options.consumer);
      parts.consumer = consumer_.get();
      return {};
    case plan::Sink::checkpoint:
      break;
  }
  auto writer = open_output(draft_, request_.settings, request_.out);
  if (!writer) return fail(writer.error());
  files_ = std::make_unique<actors::FileSink>(std::move(*writer), draft_.plan);
  parts.checkpoint = files_.get();
  return {};
}

/// What an interrupted run left whole counts as done and is not read again.
void Load::State::count_work() {
  const plan::Plan& plan = *draft_.plan;
  for (const plan::Unit& unit : plan.units) {
    const std::uint32_t component = plan.outputs[unit.output].first_component;
    if (files_ != nullptr && files_->is_finished(plan.components[component].shard)) {
      ++units_before_;
    } else {
      bytes_to_read_ += plan::bytes_read_by(plan, unit);
    }
  }
}

/// The actors are done with everything that prepare() made.
void Load::State::settle(Expected<void> result) noexcept {
  Expected<void> kept;
  try {
    kept = keep_result(result.has_value());
  } catch (const std::bad_alloc&) {
    kept = fail(ErrorCode::out_of_memory, "no memory for the result", request_.path);
  } catch (const std::exception& failure) {
    kept = fail(ErrorCode::internal, failure.what(), request_.path);
  }
  let_go();
  if (!result) {
    end(result.error());
  } else {
    end(kept ? std::nullopt : std::optional<Error>(kept.error()));
  }
}

/// Before the end is told, everything is back where it came from: memory, files, threads, and what
/// the caller's functions hold.
void Load::State::let_go() noexcept {
  if (run_ != nullptr) run_->release_memory();
  source_memory_ = gpu::Memory();
  close_ends();
  recorder_.reset();
  request_.options = LoadOptions();
}

/// Waits for the threads at both ends: after that nobody records.
void Load::State::close_ends() noexcept {
  consumer_.reset();
  files_.reset();
  source_.reset();
}

Expected<void> Load::State::keep_result(bool well) {
  Report report = report_on(*plan_, *run_, source_->buffer_bytes());
  report.bytes_written = files_ ? files_->bytes_written() : 0;
  report.seconds = seconds();
  report.kept = draft_.left_out;
  report.missing = plan_->missing;
  report.unexpected = plan_->unexpected;
  report.mismatched = plan_->mismatched;
  report.mismatches = plan_->mismatches;
  report.unchecked = plan_->unchecked;
  Model model = well ? make_model() : Model();
  close_ends();
  const auto traced =
      write_load_trace(request_.settings.trace.file, *draft_.plan, *recorder_, well);
  if (well && request_.options.on_progress) request_.options.on_progress(progress());
  const std::lock_guard lock(mutex_);
  report_ = std::move(report);
  if (traced) model_ = std::move(model);
  return traced;
}

Model Load::State::make_model() {
  switch (draft_.plan->sink) {
    case plan::Sink::memory:
      return ModelBuilder::over_memory(draft_.plan, core_.devices(), run_->take_final_memory());
    case plan::Sink::caller:
      return ModelBuilder::over_destinations(draft_.plan, run_->parts().destinations);
    default:
      return Model();
  }
}

void Load::State::show_progress() {
  if (!request_.options.on_progress) return;
  const double now = seconds();
  if (now - last_shown_ < request_.options.progress_interval) return;
  last_shown_ = now;
  request_.options.on_progress(progress());
}

double Load::State::seconds() const noexcept {
  return static_cast<double>(core_.clock().now_ns() - begun_ns_) * 1e-9;
}

Progress Load::State::progress() const noexcept {
  Progress progress;
  const std::lock_guard lock(mutex_);
  progress.seconds = ended_ ? seconds_ : seconds();
  if (!plan_ || !run_) return progress;
  progress.units = plan_->units;
  progress.bytes_to_read = bytes_to_read_;
  progress.units_done = units_before_ + run_->progress().units_done;
  progress.bytes_read = run_->progress().bytes_read;
  return progress;
}

void Load::State::end(std::optional<Error> error) {
  {
    const std::lock_guard lock(mutex_);
    error_ = std::move(error);
    loader_ = nullptr;
    seconds_ = seconds();
    ended_ = true;
  }
  changed_.notify_all();
}

void Load::State::cancel() noexcept {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  if (loader_ != nullptr) {
    actors::cancel(*run_, loader_, was_cancelled());
  }
}

void Load::State::wait() const noexcept {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return ended_; });
}

bool Load::State::wait_for(std::chrono::nanoseconds timeout) const noexcept {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [&] { return ended_; });
}

const Plan& Load::State::plan() const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return plan_.has_value() || ended_; });
  if (!plan_) throw *error_;
  return *plan_;
}

void Load::State::throw_if_failed() const {
  wait();
  if (error_) throw *error_;
}

const Report& Load::State::report() const {
  throw_if_failed();
  return report_;
}

Model Load::State::model() const {
  throw_if_failed();
  return model_;
}

void Load::State::forget_model() noexcept {
  model_ = Model();
}

}  // namespace plimsoll
