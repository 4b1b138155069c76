#include "view_generator.h"

#include <algorithm>

#include "find_secondary.h"
#include "median_filter.h"
#include "normalize.h"
#include "phase_fold.h"

namespace light_curve_util {
namespace {

constexpr double kGlobalBinWidth = 1.2;        // of both global views: in periods / number of bins
constexpr double kLocalBinWidth = 0.16;        // of the others: in durations
constexpr double kLocalDurations = 2;          // to either side
constexpr double kSecondaryDurations = 4;      // to either side
constexpr double kNarrowSecondaryWidths = 40;  // bin widths across a range that is shorter than one bin

}  // namespace

ViewGenerator::ViewGenerator(const double* time, const double* flux, std::size_t n, double t0, double period,
                             double duration_days)
    : time_(time), flux_(flux), n_(n), t0_(t0), period_(period), duration_days_(duration_days), phase_(fold(period, t0)) {}

std::vector<double> ViewGenerator::fold(double period, double t0) const {
  std::vector<double> phase(n_);
  phase_fold(time_, n_, period, t0, phase.data());
  return phase;
}

Bins ViewGenerator::global_bins(int num_bins) const {
  return {num_bins, kGlobalBinWidth * period_ / num_bins, -period_ / 2, period_ / 2};
}

Bins ViewGenerator::local_bins(int num_bins) const {
  const double reach = std::min(period_ / 2, kLocalDurations * duration_days_);
  return {num_bins, kLocalBinWidth * duration_days_, -reach, reach};
}

std::vector<double> ViewGenerator::global_view(int num_bins) const {
  return normalize_view(median_view(phase_.data(), flux_, n_, global_bins(num_bins)));
}

std::vector<double> ViewGenerator::half_global_view(int num_bins) const {
  const Scale scale = scale_of(median_view(phase_.data(), flux_, n_, global_bins(num_bins)));
  const Bins bins{num_bins, kGlobalBinWidth * (period_ / 2) / num_bins, -period_ / 4, period_ / 4};
  return scaled(median_view(fold(period_ / 2, t0_).data(), flux_, n_, bins), scale);
}

std::vector<double> ViewGenerator::global_scatter_view(int num_bins) const {
  const Bins bins = global_bins(num_bins);
  const Scale scale = scale_of(median_view(phase_.data(), flux_, n_, bins));
  return scaled(scatter_view(phase_.data(), flux_, n_, bins), {0, scale.depth});
}

std::vector<double> ViewGenerator::local_scatter_view(int num_bins) const {
  const Bins bins = local_bins(num_bins);
  const Scale scale = scale_of(median_view(phase_.data(), flux_, n_, bins));
  return scaled(scatter_view(phase_.data(), flux_, n_, bins), {0, scale.depth});
}

std::vector<double> ViewGenerator::twice_global_view(int num_bins) const {
  const Bins bins{num_bins, kGlobalBinWidth * period_ / num_bins, -period_, period_};
  return normalize_view(median_view(fold(2 * period_, t0_).data(), flux_, n_, bins));
}

std::vector<double> ViewGenerator::local_view(int num_bins) const {
  return normalize_view(median_view(phase_.data(), flux_, n_, local_bins(num_bins)));
}

std::vector<double> ViewGenerator::odd_view(int num_bins) const { return every_other(num_bins, t0_ + period_); }

std::vector<double> ViewGenerator::even_view(int num_bins) const { return every_other(num_bins, t0_); }

std::vector<double> ViewGenerator::every_other(int num_bins, double t0) const {
  const Bins bins = local_bins(num_bins);
  const std::vector<double> all = median_view(phase_.data(), flux_, n_, bins);
  const Scale scale = scale_of(all);
  try {
    return scaled(median_view(fold(2 * period_, t0).data(), flux_, n_, bins), scale);
  } catch (const SparseError&) {
    return scaled(all, scale);
  }
}

std::vector<double> ViewGenerator::secondary_view(int num_bins) const {
  const auto [t2, points] = find_secondary(phase_.data(), flux_, n_, period_, duration_days_);
  const double reach = std::min(period_ / 2, kSecondaryDurations * duration_days_);
  const double x_min = std::max(t2 - reach, points.time.front());
  const double x_max = std::min(t2 + reach, points.time.back());
  if (!(x_min < x_max)) throw SparseError("the points away from the primary are all at one phase");
  double width = kLocalBinWidth * duration_days_;
  if (width >= x_max - x_min) width = (x_max - x_min) / kNarrowSecondaryWidths;
  const Bins bins{num_bins, width, x_min, x_max};
  return normalize_view(median_view(points.time.data(), points.flux.data(), points.time.size(), bins));
}

}  // namespace light_curve_util
