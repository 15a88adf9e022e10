#pragma once

#include "paralogit/app/console.hpp"
#include "paralogit/train/trainer.hpp"

namespace paralogit::app {

/// Tells of a run while it goes on: its settings, progress, checkpoints and warnings.
class TrainPrinter : public train::TrainObserver {
  public:
    /// Both must outlive this.
    TrainPrinter(Console& console, const train::TrainOptions& options)
        : console_(console), options_(options) {}

    void on_loaded(const train::RunFacts& facts) override;
    void on_resumed(const train::CheckpointStore::Found& found, Index iteration) override;
    void on_iteration(const train::IterationFacts& facts) override;
    void on_checkpoint(Index iteration, const std::filesystem::path& path) override;
    void on_warning(const std::string& text) override { console_.warning(text); }

  private:
    Console& console_;
    const train::TrainOptions& options_;
};

}  // namespace paralogit::app
