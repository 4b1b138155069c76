// Box least squares over a grid of periods (Kovacs, Zucker & Mazeh 2002, A&A 391, 369).
#ifndef LIGHT_CURVE_UTIL_CC_BOX_SEARCH_H_
#define LIGHT_CURVE_UTIL_CC_BOX_SEARCH_H_

#include <cstddef>
#include <vector>

namespace light_curve_util {

// The best box at one period. power is 0 where nothing dips.
struct Box {
  double power;     // points * depth^2
  double depth;     // mean flux outside the box less mean flux inside
  double points;    // in the box
  double mid_time;  // in [0, period), days, as the times
  double duration;  // days: a whole number of bins
};

// For each period, folds the light curve into whole bins of at most the shortest duration / oversample, and tries a box
// of each duration (rounded to whole bins) at every bin. Boxes wrap around the end of the phase. The box of the
// greatest power wins; of equal ones, the first duration, then the first bin.
//
// time: days, at least 0, split into ticks of 2^-20 d. flux: its mean must be 0. Sums are of single precision.
//
// Throws std::invalid_argument where a time, period or duration is out of bounds.
std::vector<Box> box_search(const double* time, const double* flux, std::size_t n, const double* periods,
                            std::size_t num_periods, const double* durations, std::size_t num_durations,
                            int oversample);

}  // namespace light_curve_util

#endif  // LIGHT_CURVE_UTIL_CC_BOX_SEARCH_H_
