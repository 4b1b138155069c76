#include "event_measures.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "find_secondary.h"
#include "median_filter.h"
#include "phase_fold.h"

namespace light_curve_util {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kLevelDurations = 3;     // how far from the middle of the event its level is taken
constexpr std::size_t kMinInEvent = 2;    // points
constexpr int kNumIngresses = 11;         // 0 to half the duration
constexpr int kNumWidths = 7;             // 0.7 to 1.3 durations

// Sums in the order of the points, as the reference adds them.
class Mean {
 public:
  void add(double value) {
    sum_ += value;
    ++count_;
  }
  double value() const { return sum_ / static_cast<double>(count_); }
  std::size_t count() const { return count_; }

 private:
  double sum_ = 0;
  std::size_t count_ = 0;
};

struct Depth {
  double value = kNaN;
  double error = kNaN;
  double level = kNaN;
};

// Mean of the points outside less the mean inside. `inside` and `outside` take the index of a point.
template <typename Inside, typename Outside>
Depth depth_of(const double* flux, std::size_t n, Inside inside, Outside outside) {
  Mean in, out;
  for (std::size_t i = 0; i < n; ++i) {
    if (inside(i)) in.add(flux[i]);
    if (outside(i)) out.add(flux[i]);
  }
  if (in.count() < kMinInEvent || out.count() < kMinPoints) return {};
  const double level = out.value();
  Mean squares;
  for (std::size_t i = 0; i < n; ++i) {
    if (outside(i)) squares.add((flux[i] - level) * (flux[i] - level));
  }
  const double per_point = 1.0 / static_cast<double>(in.count()) + 1.0 / static_cast<double>(out.count());
  return {level - in.value(), std::sqrt(squares.value() * per_point), level};
}

Depth primary_depth(const std::vector<double>& phase, const double* flux, double period, double duration_days) {
  const double reach = std::min(period / 2, kLevelDurations * duration_days);
  return depth_of(
      flux, phase.size(), [&](std::size_t i) { return std::abs(phase[i]) <= duration_days / 2; },
      [&](std::size_t i) { return std::abs(phase[i]) > duration_days && std::abs(phase[i]) <= reach; });
}

std::vector<double> folded(const double* time, std::size_t n, double period, double t0) {
  std::vector<double> phase(n);
  phase_fold(time, n, period, t0, phase.data());
  return phase;
}

// Ingress over duration of the trapezoid, of any depth and 0.7 to 1.3 durations, that leaves the least of the dip.
double fit_v_shape(const std::vector<double>& phase, const double* flux, double level, double duration_days) {
  std::vector<double> distance, dip;
  for (std::size_t i = 0; i < phase.size(); ++i) {
    if (std::abs(phase[i]) > duration_days) continue;
    distance.push_back(std::abs(phase[i]));
    dip.push_back(level - flux[i]);
  }
  double best = kNaN, best_gain = 0;
  for (int width_step = 0; width_step < kNumWidths; ++width_step) {
    const double width = (0.7 + 0.1 * width_step) * duration_days;
    for (int step = 0; step < kNumIngresses; ++step) {
      const double ingress = 0.5 * step / (kNumIngresses - 1);
      double product = 0, square = 0;
      for (std::size_t i = 0; i < distance.size(); ++i) {
        const double inside = width / 2 - distance[i];
        const double shape = step == 0 ? (inside >= 0 ? 1.0 : 0.0) : std::clamp(inside / (ingress * width), 0.0, 1.0);
        product += shape * dip[i];
        square += shape * shape;
      }
      if (!(product > 0 && square > 0)) continue;
      const double gain = product * product / square;
      if (gain > best_gain) {
        best_gain = gain;
        best = ingress;
      }
    }
  }
  return best;
}

}  // namespace

EventMeasures measure_event(const double* time, const double* flux, std::size_t n, double t0, double period,
                            double duration_days) {
  if (!(duration_days > 0 && duration_days <= period)) {
    throw std::invalid_argument("the duration must be positive, and no longer than the period");
  }
  const std::vector<double> phase = folded(time, n, period, t0);
  const Depth all = primary_depth(phase, flux, period, duration_days);
  EventMeasures found{all.value, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN};
  if (!(all.value > 0)) return found;

  const Depth even = primary_depth(folded(time, n, 2 * period, t0), flux, period, duration_days);
  const Depth odd = primary_depth(folded(time, n, 2 * period, t0 + period), flux, period, duration_days);
  const double error = std::sqrt(even.error * even.error + odd.error * odd.error);
  found.odd_even_difference = (odd.value - even.value) / all.value;
  if (error > 0) found.odd_even_significance = std::abs(odd.value - even.value) / error;
  found.v_shape = fit_v_shape(phase, flux, all.level, duration_days);

  try {
    const auto [t2, points] = find_secondary(phase.data(), flux, n, period, duration_days);
    const std::vector<double>& x = points.time;
    const double middle = t2;
    const Depth secondary = depth_of(
        points.flux.data(), x.size(), [&](std::size_t i) { return std::abs(x[i] - middle) <= duration_days / 2; },
        [&](std::size_t i) { return std::abs(x[i] - middle) > duration_days; });
    found.secondary_phase = t2 / period;
    found.secondary_depth = secondary.value / all.value;
    if (secondary.error > 0) found.secondary_significance = secondary.value / secondary.error;
  } catch (const SparseError&) {
    // Nothing is left away from the event: of a secondary, nothing is known.
  }
  return found;
}

}  // namespace light_curve_util
