#include "median_filter.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <sstream>
#include <string>

#include "median.h"

namespace light_curve_util {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

void check(const Bins& bins) {
  const bool is_bounded = bins.x_min >= -kLargest && bins.x_max <= kLargest;
  const bool is_narrower = bins.width > 0 && bins.width < bins.x_max - bins.x_min;
  if (bins.count >= 2 && bins.count <= kMaxBins && is_bounded && is_narrower) return;
  std::ostringstream message;
  message << bins.count << " bins of width " << bins.width << " over [" << bins.x_min << ", " << bins.x_max
          << "]: there must be at least 2 and at most " << kMaxBins << ", each narrower than the range";
  throw std::invalid_argument(message.str());
}

// Returns as soon as it has seen enough points, mostly among the first few.
void check_not_sparse(const double* x, std::size_t n, const Bins& bins) {
  const double half_range = (bins.x_max - bins.x_min) / 2;
  std::size_t count = 0;
  double lowest = kInfinity, highest = -kInfinity;
  for (std::size_t i = 0; i < n; ++i) {
    if (!(bins.x_min <= x[i] && x[i] <= bins.x_max)) continue;
    ++count;
    lowest = std::min(lowest, x[i]);
    highest = std::max(highest, x[i]);
    if (count >= kMinPoints && highest - lowest >= half_range) return;
  }
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

  // The division lands next to the answer; comparing with the edges themselves makes it exact. Where the spacing is so
  // small that rounding moves the edges, it may land far off: then they are searched.
  int num_at_or_below(double x) const {
    const double last = static_cast<double>(edges_.size() - 2);
    int num = static_cast<int>(std::min(last, std::max(0.0, (x - first_) * per_spacing_ + 1)));
    if (edges_[num] > x) {
      --num;
    } else if (edges_[num + 1] <= x) {
      ++num;
    }
    if (edges_[num] <= x && x < edges_[num + 1]) return num;
    return static_cast<int>(std::upper_bound(edges_.begin() + 1, edges_.end() - 1, x) - edges_.begin()) - 1;
  }

 private:
  std::vector<double> edges_;
  double first_;
  double per_spacing_;
};

void interpolate_empty(std::vector<double>& values, const std::vector<bool>& filled) {
  const int count = static_cast<int>(values.size());
  int left = -1;  // the last filled bin
  for (int right = 0; right < count; ++right) {
    if (!filled[right]) continue;
    const double slope = left < 0 ? 0 : (values[right] - values[left]) / (right - left);
    for (int i = left + 1; i < right; ++i) values[i] = left < 0 ? values[right] : slope * (i - left) + values[left];
    left = right;
  }
  if (left < 0) throw SparseError("no point lies in any of the " + std::to_string(count) + " bins");
  std::fill(values.begin() + left + 1, values.end(), values[left]);
}

struct Point {
  double x, y;
};

// Kept from call to call: the page faults of fresh memory would take longer than the work.
struct Scratch {
  std::vector<Point> inside;         // the points between the first and the last edge
  std::vector<std::uint32_t> cells;  // theirs
  std::vector<double> ordered;       // their y, in the order of the cells
  std::vector<double> bin;           // the y of one bin

  void make_room_for(std::size_t n) {
    if (n <= inside.size()) return;
    inside.resize(n);
    cells.resize(n);
    ordered.resize(n);
    bin.resize(n);
  }
};

// Copies the points with low <= x < high, and returns their number. Adds the comparison instead of branching on it: in
// unsorted x, a branch could not be predicted.
std::size_t copy_inside(const double* x, const double* y, std::size_t n, double low, double high, Point* inside) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < n; ++i) {
    inside[count] = {x[i], y[i]};
    count += (low <= x[i]) & (x[i] < high);
  }
  return count;
}

// One value for each bin: what `reduce` makes of its y, [begin, end), which it may reorder and overwrite.
template <typename Reduce>
std::vector<double> binned(const double* x, const double* y, std::size_t n, const Bins& bins, Reduce reduce) {
  check(bins);
  check_not_sparse(x, n, bins);

  const double spacing = (bins.x_max - bins.x_min - bins.width) / (bins.count - 1);
  const Edges lower(bins.x_min, spacing, bins.count);
  const Edges upper(bins.x_min + bins.width, spacing, bins.count);
  const auto cell_of = [&](double value) { return lower.num_at_or_below(value) + upper.num_at_or_below(value); };

  thread_local Scratch scratch;
  scratch.make_room_for(n);
  auto& [inside, cells, ordered, bin] = scratch;
  const std::size_t num_inside = copy_inside(x, y, n, lower[0], upper[bins.count - 1], inside.data());

  std::vector<std::uint32_t> start(2 * bins.count + 1);  // of each cell in `ordered`
  for (std::size_t j = 0; j < num_inside; ++j) {
    cells[j] = cell_of(inside[j].x);
    ++start[cells[j] + 1];
  }
  std::partial_sum(start.begin(), start.end(), start.begin());
  std::vector<std::uint32_t> next = start;
  for (std::size_t j = 0; j < num_inside; ++j) ordered[next[cells[j]]++] = inside[j].y;

  std::vector<double> values(bins.count);
  std::vector<bool> filled(bins.count);
  for (int i = 0; i < bins.count; ++i) {
    const double* const first = ordered.data() + start[cell_of(lower[i])];
    const double* const last = ordered.data() + start[cell_of(upper[i])];
    filled[i] = first != last;
    if (filled[i]) values[i] = reduce(bin.data(), std::copy(first, last, bin.data()));
  }
  interpolate_empty(values, filled);
  return values;
}

// Median distance from the median, of a bin whose values may be overwritten.
double median_deviation(double* begin, double* end) {
  const double median = median_in_place(begin, end);
  for (double* p = begin; p != end; ++p) *p = std::abs(*p - median);
  return median_in_place(begin, end);
}

}  // namespace

std::vector<double> median_view(const double* x, const double* y, std::size_t n, const Bins& bins) {
  return binned(x, y, n, bins, median_in_place);
}

std::vector<double> scatter_view(const double* x, const double* y, std::size_t n, const Bins& bins) {
  std::vector<double> scatter = binned(x, y, n, bins, median_deviation);
  for (double& value : scatter) value *= kMadToSigma;
  return scatter;
}

}  // namespace light_curve_util
