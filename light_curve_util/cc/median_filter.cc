#include "median_filter.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <sstream>

#include "median.h"

namespace light_curve_util {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

void check(const Bins& bins) {
  if (bins.count >= 2 && bins.width > 0 && bins.width < bins.x_max - bins.x_min && bins.x_max - bins.x_min < kInfinity) {
    return;
  }
  std::ostringstream message;
  message << bins.count << " bins of width " << bins.width << " over [" << bins.x_min << ", " << bins.x_max
          << "]: there must be at least 2, each narrower than the range";
  throw std::invalid_argument(message.str());
}

void check_not_sparse(const double* x, std::size_t n, const Bins& bins) {
  std::size_t count = 0;
  double lowest = kInfinity, highest = -kInfinity;
  for (std::size_t i = 0; i < n; ++i) {
    const bool inside = bins.x_min <= x[i] && x[i] <= bins.x_max;
    count += inside;
    lowest = std::min(lowest, inside ? x[i] : kInfinity);
    highest = std::max(highest, inside ? x[i] : -kInfinity);
  }
  const double half_range = (bins.x_max - bins.x_min) / 2;
  if (count >= kMinPoints && highest - lowest >= half_range) return;
  std::ostringstream message;
  message << count << " of " << n << " points lie in [" << bins.x_min << ", " << bins.x_max << "]";
  if (count < kMinPoints) {
    message << ", " << kMinPoints << " are needed";
  } else {
    message << " and span " << highest - lowest << ", " << half_range << " is needed";
  }
  throw SparseError(message.str());
}

// Evenly spaced edges, between sentinels, that count those at or below a number.
class Edges {
 public:
  Edges(double first, double spacing, int count) : edges_(count + 2), first_(first), per_spacing_(1 / spacing) {
    edges_.front() = -kInfinity;
    edges_.back() = kInfinity;
    double edge = first;
    for (int i = 1; i <= count; ++i, edge += spacing) edges_[i] = edge;
  }

  double operator[](int i) const { return edges_[i + 1]; }

  // The division lands within one edge of the answer; comparing with the edges themselves makes it exact.
  int num_at_or_below(double x) const {
    const double last = static_cast<double>(edges_.size() - 2);
    int num = static_cast<int>(std::clamp((x - first_) * per_spacing_ + 1, 0.0, last));
    while (edges_[num] > x) --num;
    while (edges_[num + 1] <= x) ++num;
    return num;
  }

 private:
  std::vector<double> edges_;
  double first_;
  double per_spacing_;
};

void interpolate_empty(std::vector<double>& values, const std::vector<bool>& filled) {
  const int count = static_cast<int>(values.size());
  int left = -1;
  for (int right = 0; right < count; ++right) {
    if (!filled[right]) continue;
    if (left < 0) std::fill_n(values.begin(), right, values[right]);
    const double slope = (values[right] - values[left < 0 ? right : left]) / (right - left);
    for (int i = left + 1; left >= 0 && i < right; ++i) values[i] = slope * (i - left) + values[left];
    left = right;
  }
  std::fill(values.begin() + left + 1, values.end(), values[left]);
}

}  // namespace

std::vector<double> median_view(const double* x, const double* y, std::size_t n, const Bins& bins) {
  check(bins);
  check_not_sparse(x, n, bins);

  const double spacing = (bins.x_max - bins.x_min - bins.width) / (bins.count - 1);
  const Edges lower(bins.x_min, spacing, bins.count);
  const Edges upper(bins.x_min + bins.width, spacing, bins.count);
  const auto cell_of = [&](double value) { return lower.num_at_or_below(value) + upper.num_at_or_below(value); };

  // Counting sort: start[c] becomes the place of the first y of cell c.
  std::vector<std::uint32_t> cells(n);
  std::vector<std::uint32_t> start(2 * bins.count + 2);
  for (std::size_t i = 0; i < n; ++i) {
    cells[i] = cell_of(x[i]);
    ++start[cells[i] + 1];
  }
  for (std::size_t c = 1; c < start.size(); ++c) start[c] += start[c - 1];
  std::vector<double> ordered(n);
  std::vector<std::uint32_t> next = start;
  for (std::size_t i = 0; i < n; ++i) ordered[next[cells[i]]++] = y[i];

  std::vector<double> medians(bins.count);
  std::vector<bool> filled(bins.count);
  std::vector<double> buffer(n);
  for (int i = 0; i < bins.count; ++i) {
    const auto first = ordered.begin() + start[cell_of(lower[i])];
    const auto last = ordered.begin() + start[cell_of(upper[i])];
    filled[i] = first != last;
    if (filled[i]) medians[i] = median_in_place(buffer.data(), &*std::copy(first, last, buffer.begin()));
  }
  interpolate_empty(medians, filled);
  return medians;
}

}  // namespace light_curve_util
