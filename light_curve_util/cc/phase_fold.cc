#include "phase_fold.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <sstream>
#include <stdexcept>

namespace light_curve_util {

void phase_fold(const double* time, std::size_t n, double period, double t0, double* phase) {
  // Within these limits, which no period comes near, the split of the period below is exact.
  constexpr double kLongest = 1e30;
  if (!(period >= 1 / kLongest && period <= kLongest && std::abs(t0) <= kLongest)) {
    std::ostringstream message;
    message << "period = " << period << " d and t0 = " << t0 << " d: the period must be 1e-30 to 1e30, t0 at most 1e30";
    throw std::invalid_argument(message.str());
  }
  const double shift = period / 2 - t0;

  // std::fmod without its cost, bit for bit: neither half of the period, times a quotient of at most 24 bits, is
  // rounded, nor are the differences. Without branches, this loop vectorizes.
  constexpr double kMaxQuotient = 1 << 24;
  const double high = static_cast<float>(period);
  const double low = period - high;
  const double inverse = 1 / period;
  for (std::size_t i = 0; i < n; ++i) {
    const double dividend = time[i] + shift;
    // In this order, min and max turn a NaN into a number too.
    const int quotient = static_cast<int>(std::min(kMaxQuotient, std::max(-kMaxQuotient, dividend * inverse)));
    phase[i] = (dividend - quotient * high) - quotient * low;
  }
  for (std::size_t i = 0; i < n; ++i) {
    const double dividend = time[i] + shift;
    double remainder = phase[i];
    const bool quotient_was_right = std::abs(remainder) < period && remainder * dividend >= 0;
    if (!quotient_was_right) remainder = std::fmod(dividend, period);
    remainder += remainder < 0 ? period : 0;
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
