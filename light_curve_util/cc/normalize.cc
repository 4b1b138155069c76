#include "normalize.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "median.h"

namespace light_curve_util {

Scale scale_of(const std::vector<double>& view) {
  if (view.empty()) throw std::invalid_argument("a view must have at least one bin");
  std::vector<double> scratch = view;
  const double median = median_in_place(scratch.data(), scratch.data() + scratch.size());
  const double depth = median - *std::min_element(view.begin(), view.end());
  if (depth == 0) {
    throw FlatError("none of the " + std::to_string(view.size()) + " bins lies below their median, " +
                    std::to_string(median) + ": there is no dip to normalize by");
  }
  return {median, depth};
}

std::vector<double> scaled(std::vector<double> view, const Scale& scale) {
  for (double& value : view) {
    value = (value - scale.median) / scale.depth;
    if (!std::isfinite(value)) throw FlatError("the dip is too shallow beside the other values to normalize by");
  }
  return view;
}

std::vector<double> normalize_view(std::vector<double> view) {
  const Scale scale = scale_of(view);
  return scaled(std::move(view), scale);
}

}  // namespace light_curve_util
