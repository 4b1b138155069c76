// What vetters measure of an event: odd against even depths, the secondary eclipse, and how much it looks like a V.
#ifndef LIGHT_CURVE_UTIL_CC_EVENT_MEASURES_H_
#define LIGHT_CURVE_UTIL_CC_EVENT_MEASURES_H_

#include <cstddef>

namespace light_curve_util {

// NaN where the light curve does not tell.
struct EventMeasures {
  double depth;                   // mean of the level about the event less the mean in it, in units of flux
  double odd_even_difference;     // depth of odd events less that of even ones, over the depth; even is the one at t0
  double odd_even_significance;   // absolute difference over its error
  double secondary_depth;         // at the most likely secondary eclipse, over the depth
  double secondary_phase;         // of the period, 0 to 1
  double secondary_significance;  // depth of the secondary over its error
  double v_shape;                 // ingress over duration of the trapezoid that fits best: 0 a box, 0.5 a V
};

// The level about the event is taken from one duration to three durations from its middle, at most half a period; errors are those of means of points with the scatter there.
//
// Throws std::invalid_argument unless the duration is positive and at most the period.
EventMeasures measure_event(const double* time, const double* flux, std::size_t n, double t0, double period,
                            double duration_days);

}  // namespace light_curve_util

#endif  // LIGHT_CURVE_UTIL_CC_EVENT_MEASURES_H_
