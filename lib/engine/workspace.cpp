#include "engine/workspace.h"

#include "base/error.h"

namespace fpcls {

BoundPlan::BoundPlan(const Plan& plan, char* arena) : plan_(plan), arena_(arena) {
  size_t count = 0;
  for (const Launch& launch : plan.launches) count += launch.arguments.size();
  memories_.reserve(count);  // calls_ points into it
  for (const Launch& launch : plan.launches) {
    Call& call = calls_.emplace_back();
    for (const Launch::Argument& argument : launch.arguments) {
      void* where = address(argument.place);
      if (launch.own) {
        call.addresses.push_back(where);
        continue;
      }
      memories_.emplace_back(argument.place.desc, cpu_engine(), where);
      call.arguments.push_back({argument.index, memories_.back().get()});
    }
  }
}

void* BoundPlan::address(const Place& place) const {
  if (place.slot < 0) return place.fixed;
  return arena_ + plan_.offsets[static_cast<size_t>(place.slot)];
}

void BoundPlan::run(size_t launch, dnnl_stream_t stream) {
  const Launch& what = plan_.launches[launch];
  const Call& call = calls_[launch];
  if (what.own) return what.own(call.addresses.data());
  const dnnl_status_t status = dnnl_primitive_execute(
      what.primitive.get(), stream, static_cast<int>(call.arguments.size()), call.arguments.data());
  if (status != dnnl_success) fail("oneDNN's {} failed with status {}", what.kernel, int{status});
}

Workspace::Workspace() : stream_(cpu_engine()) {}

BoundPlan& Workspace::bind(const Plan& plan) {
  if (plan.arena_bytes > arena_bytes_) {
    bound_.clear();
    arena_.reset();
    arena_ = allocate(plan.arena_bytes);
    arena_bytes_ = plan.arena_bytes;
  }
  std::unique_ptr<BoundPlan>& bound = bound_[plan.id];
  if (!bound) bound = std::make_unique<BoundPlan>(plan, static_cast<char*>(arena_.get()));
  return *bound;
}

void Workspace::forget(const Plan& plan) { bound_.erase(plan.id); }

WorkspacePool& WorkspacePool::instance() {
  static WorkspacePool pool;
  return pool;
}

WorkspacePool::Lease::Lease(WorkspacePool& pool) : pool_(pool) {
  const std::lock_guard lock(pool.mutex_);
  if (pool.free_.empty()) {
    workspace_ = std::make_unique<Workspace>();
  } else {
    workspace_ = std::move(pool.free_.back());
    pool.free_.pop_back();
  }
  ++pool.leased_;
}

WorkspacePool::Lease::~Lease() {
  const std::lock_guard lock(pool_.mutex_);
  pool_.free_.push_back(std::move(workspace_));
  --pool_.leased_;
}

void WorkspacePool::forget(const Plan& plan) {
  const std::lock_guard lock(mutex_);
  for (const auto& workspace : free_) workspace->forget(plan);
}

int64_t WorkspacePool::arena_bytes() const {
  const std::lock_guard lock(mutex_);
  int64_t bytes = 0;
  for (const auto& workspace : free_) bytes += workspace->arena_bytes();
  return bytes;
}

int WorkspacePool::count() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(free_.size()) + leased_;
}

}  // namespace fpcls
