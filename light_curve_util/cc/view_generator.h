// The views of a TCE that the network sees.
#ifndef LIGHT_CURVE_UTIL_CC_VIEW_GENERATOR_H_
#define LIGHT_CURVE_UTIL_CC_VIEW_GENERATOR_H_

#include <cstddef>
#include <vector>

#include "median_filter.h"

namespace light_curve_util {

// Folds a light curve once and makes any number of normalized views of it. The arrays are borrowed: they must outlive
// the generator. Views throw SparseError or FlatError.
class ViewGenerator {
 public:
  ViewGenerator(const double* time, const double* flux, std::size_t n, double t0, double period, double duration_days);

  std::vector<double> global_view(int num_bins) const;
  std::vector<double> local_view(int num_bins) const;
  std::vector<double> twice_global_view(int num_bins) const;
  std::vector<double> secondary_view(int num_bins) const;

  // Local views of every other event, on the scale of the local view of all: how much their depths differ stays to be
  // seen. Even is the event at t0. Where one of the two has too few points, it is the local view of all.
  std::vector<double> odd_view(int num_bins) const;
  std::vector<double> even_view(int num_bins) const;

  // Folded at half the period, on the scale of the global view: a dip as deep as there means that the period is twice
  // the true one.
  std::vector<double> half_global_view(int num_bins) const;

  // Robust standard deviation in each bin of the global and of the local view, in units of the view's depth.
  std::vector<double> global_scatter_view(int num_bins) const;
  std::vector<double> local_scatter_view(int num_bins) const;

 private:
  std::vector<double> fold(double period, double t0) const;
  Bins global_bins(int num_bins) const;
  Bins local_bins(int num_bins) const;
  std::vector<double> every_other(int num_bins, double t0) const;

  const double* time_;
  const double* flux_;
  std::size_t n_;
  double t0_, period_, duration_days_;
  std::vector<double> phase_;
};

}  // namespace light_curve_util

#endif  // LIGHT_CURVE_UTIL_CC_VIEW_GENERATOR_H_
