#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/plan.h"

/// The memory that running takes: one arena for each run that goes on at the same time, shared by
/// all plans. Whoever runs leases a workspace and gives it back, so a worker that takes pictures
/// through five networks uses one arena, as large as the largest of them needs.
namespace fpcls {

/// A plan bound to an arena: every argument has its address. Nothing is allocated after this.
class BoundPlan {
 public:
  BoundPlan(const Plan& plan, char* arena);

  void* address(const Place& place) const;
  /// Runs one launch.
  void run(size_t launch, dnnl_stream_t stream);

 private:
  struct Call {
    std::vector<dnnl_exec_arg_t> arguments;
    std::vector<void*> addresses;
  };
  const Plan& plan_;
  char* arena_;
  std::vector<memory> memories_;
  std::vector<Call> calls_;
};

class Workspace {
 public:
  Workspace();
  /// The plan bound to this workspace's arena, which grows if need be.
  BoundPlan& bind(const Plan& plan);
  void forget(const Plan& plan);
  dnnl_stream_t stream() { return stream_.get(); }
  int64_t arena_bytes() const { return arena_bytes_; }

 private:
  dnnl::stream stream_;
  Buffer arena_;
  int64_t arena_bytes_ = 0;
  std::map<uint64_t, std::unique_ptr<BoundPlan>> bound_;  ///< by the plan's id
};

/// All workspaces of the process. Thread-safe.
class WorkspacePool {
 public:
  static WorkspacePool& instance();

  class Lease {
   public:
    explicit Lease(WorkspacePool& pool);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Workspace& operator*() { return *workspace_; }
    Workspace* operator->() { return workspace_.get(); }

   private:
    WorkspacePool& pool_;
    std::unique_ptr<Workspace> workspace_;
  };

  /// Drops what is known about a plan that is about to end. No run of it may be going on.
  void forget(const Plan& plan);
  /// Of the workspaces that are free now.
  int64_t arena_bytes() const;
  /// Workspaces that there are.
  int count() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> free_;
  int leased_ = 0;
};

}  // namespace fpcls
