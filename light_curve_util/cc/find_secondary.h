// The most likely secondary eclipse of a folded light curve.
#ifndef LIGHT_CURVE_UTIL_CC_FIND_SECONDARY_H_
#define LIGHT_CURVE_UTIL_CC_FIND_SECONDARY_H_

#include <cstddef>

#include "phase_fold.h"

namespace light_curve_util {

struct Secondary {
  double t2;                // phase, days after the primary; half a period when nothing dips
  LightCurve out_of_event;  // the points searched: phase in (0, period), ascending
};

// Box search (Kovacs et al. 2002, A&A 391, 369) over phase, with the primary's duration D: points away from the primary
// are moved to (0, period), and a box of width D steps over them by 0.1 D. A box with k of n points and mean-subtracted
// flux sum n s has the score -s|s| / (r (1 - r)), r = (k + 1) / n, so that only dips score; the best positive score
// wins.
//
// Throws SparseError when fewer than kMinPoints points are away from the primary, std::invalid_argument unless the
// duration is positive and at most the period.
Secondary find_secondary(const double* phase, const double* flux, std::size_t n, double period, double duration_days);

}  // namespace light_curve_util

#endif  // LIGHT_CURVE_UTIL_CC_FIND_SECONDARY_H_
