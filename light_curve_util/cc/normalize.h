// Scaling of a view to a dip of depth 1.
#ifndef LIGHT_CURVE_UTIL_CC_NORMALIZE_H_
#define LIGHT_CURVE_UTIL_CC_NORMALIZE_H_

#include <stdexcept>
#include <vector>

namespace light_curve_util {

// No value lies below the median, or too little to divide by.
struct FlatError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Median of a view, and how far its deepest bin lies below it.
struct Scale {
  double median;
  double depth;
};

// Throws FlatError when no bin lies below the median.
Scale scale_of(const std::vector<double>& view);

// Subtracts the median of a scale and divides by its depth. Throws FlatError when values overflow.
std::vector<double> scaled(std::vector<double> view, const Scale& scale);

// Subtracts the median and divides by |min|. Throws FlatError when the view has no dip, or one so shallow
// that other values overflow.
std::vector<double> normalize_view(std::vector<double> view);

}  // namespace light_curve_util

#endif  // LIGHT_CURVE_UTIL_CC_NORMALIZE_H_
