// What comes between the matrix products of a convolutional network: bias, ReLU and max-pooling, in single precision.
#ifndef LIGHT_CURVE_UTIL_CC_LAYERS_H_
#define LIGHT_CURVE_UTIL_CC_LAYERS_H_

#include <cstddef>

namespace light_curve_util {

// Series of positions with some channels each, the channels of a position side by side. Series i begins at
// data + i * stride.
struct Series {
  std::size_t count;
  std::size_t positions;
  std::size_t channels;
};

// output = max(0, input + bias) of each channel. input and output may be the same.
void bias_relu(const float* input, std::size_t input_stride, const Series& series, const float* bias, float* output,
               std::size_t output_stride);

// output = max(0, maximum of input over pool_size positions + bias), every pool_stride positions. Adding a bias and
// ReLU change no order, so that it does not matter that the pooling comes first.
// There are (positions - pool_size) / pool_stride + 1 positions in each series of the output, and pool_size is at most
// positions. input and output do not overlap.
void pool_bias_relu(const float* input, std::size_t input_stride, const Series& series, std::size_t pool_size,
                    std::size_t pool_stride, const float* bias, float* output, std::size_t output_stride);

}  // namespace light_curve_util

#endif  // LIGHT_CURVE_UTIL_CC_LAYERS_H_
