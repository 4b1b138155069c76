#include "layers.h"

namespace light_curve_util {
namespace {

// Plain comparisons, which compilers turn into vectors of maxima.
inline float greater(float a, float b) { return a > b ? a : b; }

void pool_position(const float* first, std::size_t channels, std::size_t pool_size, float* __restrict output) {
  for (std::size_t c = 0; c < channels; ++c) output[c] = first[c];
  for (std::size_t i = 1; i < pool_size; ++i) {
    const float* position = first + i * channels;
    for (std::size_t c = 0; c < channels; ++c) output[c] = greater(position[c], output[c]);
  }
}

}  // namespace

void bias_relu(const float* input, std::size_t input_stride, const Series& series, const float* bias, float* output,
               std::size_t output_stride) {
  for (std::size_t i = 0; i < series.count; ++i) {
    const float* from = input + i * input_stride;
    float* to = output + i * output_stride;
    for (std::size_t position = 0; position < series.positions; ++position) {
      for (std::size_t c = 0; c < series.channels; ++c) to[c] = greater(from[c] + bias[c], 0.0f);
      from += series.channels;
      to += series.channels;
    }
  }
}

void pool_bias_relu(const float* input, std::size_t input_stride, const Series& series, std::size_t pool_size,
                    std::size_t pool_stride, const float* bias, float* output, std::size_t output_stride) {
  const std::size_t pooled = (series.positions - pool_size) / pool_stride + 1;
  for (std::size_t i = 0; i < series.count; ++i) {
    const float* from = input + i * input_stride;
    float* to = output + i * output_stride;
    for (std::size_t position = 0; position < pooled; ++position) {
      pool_position(from, series.channels, pool_size, to);
      for (std::size_t c = 0; c < series.channels; ++c) to[c] = greater(to[c] + bias[c], 0.0f);
      from += pool_stride * series.channels;
      to += series.channels;
    }
  }
}

}  // namespace light_curve_util
