// Folding of times at a period.
#ifndef LIGHT_CURVE_UTIL_CC_PHASE_FOLD_H_
#define LIGHT_CURVE_UTIL_CC_PHASE_FOLD_H_

#include <vector>

namespace light_curve_util {

// mod(time + (period / 2 - t0), period) - period / 2 in that order, with the sign of Python's mod: an event at t0 has
// phase 0, and phases lie in [-period / 2, period / 2).
//
// Throws std::invalid_argument unless the period is 1e-30 to 1e30, and t0 at most that far from 0.
void phase_fold(const double* time, std::size_t n, double period, double t0, double* phase);

struct LightCurve {
  std::vector<double> time;
  std::vector<double> flux;
};

// Sorts by time. Points of equal time keep their order.
LightCurve sorted(const LightCurve& light_curve);

}  // namespace light_curve_util

#endif  // LIGHT_CURVE_UTIL_CC_PHASE_FOLD_H_
