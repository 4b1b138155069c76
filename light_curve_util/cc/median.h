// The median of a small buffer.
#ifndef LIGHT_CURVE_UTIL_CC_MEDIAN_H_
#define LIGHT_CURVE_UTIL_CC_MEDIAN_H_

#include <algorithm>

namespace light_curve_util {

// Moves the values that are `low` to the front and returns where they end. The comparison is added instead of branched
// on: noise cannot be predicted, and a mispredicted branch costs more than moving a value.
template <typename Low>
double* move_to_front(double* begin, double* end, Low low) {
  double* boundary = begin;
  for (double* p = begin; p != end; ++p) {
    const double value = *p;
    *p = *boundary;
    *boundary = value;
    boundary += low(value);
  }
  return boundary;
}

// Quickselect: what std::nth_element does, a few times faster on noise.
inline void select(double* begin, double* nth, double* end) {
  while (true) {
    const double first = *begin, middle = begin[(end - begin) / 2], last = end[-1];
    const double pivot = std::max(std::min(first, middle), std::min(std::max(first, middle), last));
    double* boundary = move_to_front(begin, end, [pivot](double value) { return value < pivot; });
    if (boundary == begin) {  // nothing is less than the pivot: set its equals aside
      boundary = move_to_front(begin, end, [pivot](double value) { return value == pivot; });
      if (nth < boundary || boundary == begin) return;  // nothing equals a pivot that is NaN
    }
    (nth < boundary ? end : begin) = boundary;
  }
}

// Median of the non-empty range [begin, end), whose order is lost. An even count has the mean of the middle two.
inline double median_in_place(double* begin, double* end) {
  double* const middle = begin + (end - begin) / 2;
  select(begin, middle, end);
  if ((end - begin) % 2 == 1) return *middle;
  double below = *begin;
  for (const double* p = begin; p != middle; ++p) below = std::max(below, *p);
  return (below + *middle) / 2;
}

}  // namespace light_curve_util

#endif  // LIGHT_CURVE_UTIL_CC_MEDIAN_H_
