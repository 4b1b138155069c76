// Medians in evenly spaced, overlapping bins.
#ifndef LIGHT_CURVE_UTIL_CC_MEDIAN_FILTER_H_
#define LIGHT_CURVE_UTIL_CC_MEDIAN_FILTER_H_

#include <cstddef>
#include <stdexcept>
#include <vector>

namespace light_curve_util {

// Too few points, or points over too short a range.
struct SparseError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

constexpr std::size_t kMinPoints = 5;
constexpr int kMaxBins = 100'000;
constexpr double kLargest = 1e100;  // beyond it, sums and squares could overflow

struct Bins {
  int count;
  double width;
  double x_min;
  double x_max;
};

// Medians of y in bins of x; x may be in any order. Bin i is [x_min + i s, x_min + i s + width) with spacing
// s = (x_max - x_min - width) / (count - 1) and edges by repeated addition, which decides ties. Empty bins are
// interpolated between the nearest filled ones; the ends repeat the nearest.
//
// The edges of all bins together cut the axis into cells. A counting sort puts y in the order of the cells in linear
// time; bin i then is one contiguous piece of it, from the cell that begins at its lower edge to the one that ends at
// its upper edge.
//
// Throws SparseError when fewer than kMinPoints points lie in [x_min, x_max], or they span less than half of it, and
// std::invalid_argument unless there are 2 to kMaxBins bins, narrower than the range, within kLargest of 0.
std::vector<double> median_view(const double* x, const double* y, std::size_t n, const Bins& bins);

// Standard deviation of Gaussian noise over its median absolute deviation, as light_curve_util/constants.py has it.
constexpr double kMadToSigma = 1.4826;

// Robust standard deviation (kMadToSigma times the median absolute deviation) of y in the same bins; empty bins and
// errors are as in median_view.
std::vector<double> scatter_view(const double* x, const double* y, std::size_t n, const Bins& bins);

}  // namespace light_curve_util

#endif  // LIGHT_CURVE_UTIL_CC_MEDIAN_FILTER_H_
