// The median of a small buffer.
#ifndef LIGHT_CURVE_UTIL_CC_MEDIAN_H_
#define LIGHT_CURVE_UTIL_CC_MEDIAN_H_

#include <algorithm>

namespace light_curve_util {

// Median of the non-empty range [begin, end), whose order is lost. An even count has the mean of the middle two.
inline double median_in_place(double* begin, double* end) {
  double* const middle = begin + (end - begin) / 2;
  std::nth_element(begin, middle, end);
  if ((end - begin) % 2 == 1) return *middle;
  return (*std::max_element(begin, middle) + *middle) / 2;
}

}  // namespace light_curve_util

#endif  // LIGHT_CURVE_UTIL_CC_MEDIAN_H_
