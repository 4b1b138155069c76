#include "find_secondary.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

#include "median_filter.h"

namespace light_curve_util {
namespace {

LightCurve away_from_primary(const double* phase, const double* flux, std::size_t n, double period,
                             double duration_days) {
  const double half_widths = period < 1 || duration_days > period / 2 ? 1 : 2;
  LightCurve kept;
  for (std::size_t i = 0; i < n; ++i) {
    const double distance = std::abs(phase[i]);
    if (!(distance > half_widths * duration_days / 2 && distance > 0.1 * period)) continue;
    kept.time.push_back(phase[i] < 0 ? phase[i] + period : phase[i]);
    kept.flux.push_back(flux[i]);
  }
  if (kept.time.size() < kMinPoints) {
    throw SparseError(std::to_string(kept.time.size()) + " of " + std::to_string(n) +
                      " points lie away from the primary, " + std::to_string(kMinPoints) + " are needed");
  }
  return sorted(kept);
}

// A window that only moves forward over sorted times: [begin, end) are the points in [low, high].
struct Window {
  std::size_t begin = 0, end = 0;

  void move_to(double low, double high, const std::vector<double>& time) {
    while (begin < time.size() && time[begin] < low) ++begin;
    while (end < time.size() && time[end] <= high) ++end;
  }
  std::size_t size() const { return end - begin; }
};

}  // namespace

Secondary find_secondary(const double* phase, const double* flux, std::size_t n, double period, double duration_days) {
  if (!(duration_days > 0 && duration_days <= period)) {
    throw std::invalid_argument("the duration must be positive, and no longer than the period");
  }
  Secondary result{period / 2, away_from_primary(phase, flux, n, period, duration_days)};
  const std::vector<double>& x = result.out_of_event.time;
  std::vector<double> dip = result.out_of_event.flux;
  const double count = static_cast<double>(dip.size());
  const double mean = std::accumulate(dip.begin(), dip.end(), 0.0) / count;
  for (double& value : dip) value -= mean;

  const double start = x.front() + duration_days;
  const double step = 0.1 * duration_days;
  const double rounded_step = (start + step) - start;  // as numpy.arange steps: t2 places edges, so its last bit counts
  // A step that rounding makes nothing of leads nowhere else.
  const double num_steps = rounded_step > 0 ? std::ceil((x.back() - duration_days - start) / step) : 1;
  double best_score = 0;
  Window box, surroundings;
  for (double i = 0; i < num_steps; ++i) {
    const double t = start + i * rounded_step;
    surroundings.move_to(t - duration_days, t + duration_days, x);
    if (surroundings.size() < kMinPoints) {
      // On to where enough points come near, so that a mistyped, tiny duration takes no longer than a true one.
      const std::size_t last_needed = surroundings.begin + kMinPoints - 1;
      if (last_needed >= x.size()) break;
      i = std::max(i, std::floor((x[last_needed] - duration_days - start) / rounded_step) - 2);
      continue;
    }
    box.move_to(t - duration_days / 2, t + duration_days / 2, x);
    const double r = (box.size() + 1) / count;
    if (r >= 1) continue;  // a box must leave something to compare with
    const double s = std::accumulate(dip.begin() + box.begin, dip.begin() + box.end, 0.0) / count;
    const double score = -s * std::abs(s) / (r * (1 - r));
    if (score > best_score) {
      best_score = score;
      result.t2 = t;
    }
  }
  return result;
}

}  // namespace light_curve_util
