#include "box_search.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <sstream>
#include <stdexcept>

// Compiled for several instruction sets, of which the machine's own is chosen when the library is loaded. None of them
// fuses a multiplication with an addition: the results are the same.
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define CLONED __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONED
#endif

namespace light_curve_util {
namespace {

constexpr double kTicksPerDay = 1 << 20;
constexpr double kLongestDays = 1 << 20;  // of a light curve and of a period
constexpr int kMaxBins = 1 << 20;

struct Sums {
  float points;
  float flux;
};

// Adds up the points of each bin. The phase is a fraction of 2^64, which wraps around by itself.
void fold(const std::vector<std::uint64_t>& ticks, const float* flux, double period, int num_bins, Sums* bins) {
  const auto step = static_cast<std::uint64_t>(std::ldexp(1 / (period * kTicksPerDay), 64));
  std::fill(bins, bins + num_bins, Sums{0, 0});
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    const std::uint64_t phase = ticks[i] * step;
    Sums& bin = bins[((phase >> 32) * num_bins) >> 32];
    bin.points += 1;
    bin.flux += flux[i];
  }
}

// The greatest power of a box of `width` bins at the starts 0 to num_starts - 1; `power` gets each.
//
// Numbers of at least 0 are in the order of their bits: a maximum of integers, unlike one of floats, may be taken in any
// order, so that the compiler takes several at a time.
CLONED float scan(const float* __restrict points, const float* __restrict flux, std::size_t width,
                  std::size_t num_starts, float n, float* __restrict power) {
  std::int32_t best = 0;
  for (std::size_t i = 0; i < num_starts; ++i) {
    const float inside = points[i + width] - points[i];
    const float dip = flux[i] - flux[i + width];
    const float k = inside > 1 ? inside : 1;
    const float outside = n - inside > 1 ? n - inside : 1;
    const float sum = dip > 0 ? dip : 0;
    power[i] = (sum * sum) / (k * outside * outside);
    std::int32_t bits;
    std::memcpy(&bits, &power[i], sizeof bits);
    best = bits > best ? bits : best;
  }
  float greatest;
  std::memcpy(&greatest, &best, sizeof greatest);
  return greatest;
}

void check(bool holds, const char* what, double value, double low, double high) {
  if (!holds) {
    std::ostringstream message;
    message << what << " = " << value << " d: it must be from " << low << " to " << high;
    throw std::invalid_argument(message.str());
  }
}

class Search {
 public:
  Search(const double* time, const double* flux, std::size_t n, const double* durations, std::size_t num_durations,
         int oversample)
      : ticks_(n), flux_(flux, flux + n), durations_(durations, durations + num_durations), oversample_(oversample) {
    for (std::size_t i = 0; i < n; ++i) {
      check(time[i] >= 0 && time[i] <= kLongestDays, "time", time[i], 0, kLongestDays);
      ticks_[i] = static_cast<std::uint64_t>(time[i] * kTicksPerDay);
    }
    shortest_ = *std::min_element(durations_.begin(), durations_.end());
    longest_ = *std::max_element(durations_.begin(), durations_.end());
  }

  Box best(double period) {
    const double shortest_period = shortest_ / oversample_;
    check(period >= shortest_period && period <= kLongestDays, "period", period, shortest_period, kLongestDays);
    const double wanted = std::ceil(period / shortest_period);
    check(wanted <= kMaxBins, "shortest duration", shortest_, period * oversample_ / kMaxBins, period);
    const int num_bins = std::max(2, static_cast<int>(wanted));
    const double bin_days = period / num_bins;
    const auto width_of = [&](double duration) {
      return std::clamp(static_cast<int>(std::lround(duration / bin_days)), 1, num_bins - 1);
    };

    const float n = static_cast<float>(ticks_.size());
    add_up(period, num_bins, num_bins + width_of(longest_));
    Box box{};
    float best_power = 0;
    for (const double duration : durations_) {
      const int width = width_of(duration);
      const float power = scan(points_.data(), sums_.data(), width, num_bins, n, power_.data());
      if (power > best_power) {
        best_power = power;
        const auto start = std::find(power_.begin(), power_.begin() + num_bins, power) - power_.begin();
        const double k = points_[start + width] - points_[start];
        const double dip = static_cast<double>(sums_[start]) - sums_[start + width];
        const double depth = dip * n / (k * (n - k));
        box = {k * depth * depth, depth, k, std::fmod((start + width / 2.0) * bin_days, period), width * bin_days};
      }
    }
    return box;
  }

 private:
  // Running sums over `length` bins: those of the period, and again from the first, so that boxes wrap around.
  void add_up(double period, int num_bins, std::size_t length) {
    if (sums_.size() <= length) {
      bins_.resize(length);
      points_.resize(length + 1);
      sums_.resize(length + 1);
      power_.resize(length);
    }
    fold(ticks_, flux_.data(), period, num_bins, bins_.data());
    for (std::size_t i = num_bins; i < length; ++i) bins_[i] = bins_[i - num_bins];
    float points = 0, sum = 0;
    for (std::size_t i = 0; i < length; ++i) {
      points_[i] = points;
      sums_[i] = sum;
      points += bins_[i].points;
      sum += bins_[i].flux;
    }
    points_[length] = points;
    sums_[length] = sum;
  }

  std::vector<std::uint64_t> ticks_;
  std::vector<float> flux_;
  std::vector<double> durations_;
  int oversample_;
  double shortest_, longest_;
  std::vector<Sums> bins_;
  std::vector<float> points_, sums_, power_;
};

}  // namespace

std::vector<Box> box_search(const double* time, const double* flux, std::size_t n, const double* periods,
                            std::size_t num_periods, const double* durations, std::size_t num_durations,
                            int oversample) {
  if (n == 0 || n >= (1 << 24)) throw std::invalid_argument("box_search takes 1 to 2^24 points");
  if (num_durations == 0) throw std::invalid_argument("box_search needs a duration");
  if (oversample < 1 || oversample > 1000) throw std::invalid_argument("oversample must be from 1 to 1000");
  for (std::size_t i = 0; i < num_durations; ++i) {
    check(durations[i] > 0 && durations[i] <= kLongestDays, "duration", durations[i], 0, kLongestDays);
  }
  Search search(time, flux, n, durations, num_durations, oversample);
  std::vector<Box> boxes(num_periods);
  for (std::size_t i = 0; i < num_periods; ++i) boxes[i] = search.best(periods[i]);
  return boxes;
}

}  // namespace light_curve_util
