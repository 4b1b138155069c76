#include "phase_fold.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

namespace light_curve_util {
namespace {

// std::fmod for a positive divisor, bit for bit. The remainder of an exact quotient has no rounding error, so a fused
// multiply-add gives it exactly; a quotient that rounding made one too large or too small shows in a remainder outside
// its range, and goes the long way.
double remainder_of(double dividend, double divisor, double inverse) {
  const double quotient = std::trunc(dividend * inverse);
  const double remainder = std::fma(-quotient, divisor, dividend);
  const bool exact = std::abs(remainder) < divisor && remainder * dividend >= 0;
  return exact ? remainder : std::fmod(dividend, divisor);
}

}  // namespace

void phase_fold(const double* time, std::size_t n, double period, double t0, double* phase) {
  if (!(period > 0 && std::isfinite(period) && std::isfinite(t0))) {
    throw std::invalid_argument("period = " + std::to_string(period) + " d and t0 = " + std::to_string(t0) +
                                " must be finite, and the period positive");
  }
  const double shift = period / 2 - t0;
  for (std::size_t i = 0; i < n; ++i) {
    double remainder = remainder_of(time[i] + shift, period, 1 / period);
    if (remainder < 0) remainder += period;
    phase[i] = remainder - period / 2;
  }
}

LightCurve sorted(const LightCurve& light_curve) {
  const auto& time = light_curve.time;
  std::vector<std::size_t> order(time.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return time[a] < time[b]; });
  LightCurve result;
  for (const std::size_t i : order) {
    result.time.push_back(time[i]);
    result.flux.push_back(light_curve.flux[i]);
  }
  return result;
}

}  // namespace light_curve_util
