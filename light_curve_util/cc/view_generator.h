// The views of a TCE that the network sees.
#ifndef LIGHT_CURVE_UTIL_CC_VIEW_GENERATOR_H_
#define LIGHT_CURVE_UTIL_CC_VIEW_GENERATOR_H_

#include <cstddef>
#include <vector>

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

 private:
  std::vector<double> fold(double period) const;

  const double* time_;
  const double* flux_;
  std::size_t n_;
  double t0_, period_, duration_days_;
  std::vector<double> phase_;
};

}  // namespace light_curve_util

#endif  // LIGHT_CURVE_UTIL_CC_VIEW_GENERATOR_H_
