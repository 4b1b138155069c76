// The only file that sees Python. It checks rank and length, hands plain pointers to the rest, and lets other threads
// run meanwhile.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>

#include "box_search.h"
#include "event_measures.h"
#include "find_secondary.h"
#include "layers.h"
#include "median_filter.h"
#include "normalize.h"
#include "phase_fold.h"
#include "view_generator.h"

namespace py = pybind11;
using namespace light_curve_util;

namespace {

using Array = py::array_t<double, py::array::c_style>;

std::size_t length(const Array& array) {
  if (array.ndim() != 1) {
    throw std::invalid_argument("arrays must have 1 dimension, not " + std::to_string(array.ndim()));
  }
  // Points are counted in 32 bits.
  if (array.shape(0) > std::numeric_limits<std::int32_t>::max()) {
    throw std::invalid_argument("arrays must have fewer than 2^31 values, not " + std::to_string(array.shape(0)));
  }
  return static_cast<std::size_t>(array.shape(0));
}

std::size_t common_length(const Array& a, const Array& b) {
  if (length(a) != length(b)) {
    throw std::invalid_argument("arrays differ in length: " + std::to_string(length(a)) + " and " +
                                std::to_string(length(b)));
  }
  return length(a);
}

using Floats = py::array_t<float, 0>;

// Series in the rows of a matrix, whose rows may lie apart but are each in one piece.
struct Rows {
  float* data;
  std::size_t stride;
};

Rows rows(const Floats& matrix, std::size_t count, std::size_t least) {
  if (matrix.ndim() != 2 || static_cast<std::size_t>(matrix.shape(0)) != count ||
      static_cast<std::size_t>(matrix.shape(1)) < least) {
    throw std::invalid_argument("a matrix of " + std::to_string(count) + " rows of " + std::to_string(least) +
                                " values or more needed");
  }
  constexpr py::ssize_t kItem = sizeof(float);
  const bool is_one_piece = count == 0 || matrix.shape(1) < 2 || matrix.strides(1) == kItem;
  const bool is_apart = count < 2 || (matrix.strides(0) >= matrix.shape(1) * kItem && matrix.strides(0) % kItem == 0);
  if (!is_one_piece || !is_apart) {
    throw std::invalid_argument("the values of a row must lie side by side, and no two rows overlap");
  }
  return {const_cast<float*>(matrix.data()), count < 2 ? 0 : static_cast<std::size_t>(matrix.strides(0) / kItem)};
}

// What bias_relu and pool_bias_relu have in common: the series of the input, and that the output can be written.
Series series(const Floats& input, py::ssize_t positions, const Floats& bias, const Floats& output) {
  if (positions < 0 || input.ndim() != 2 || bias.ndim() != 1 ||
      (bias.shape(0) > 1 && bias.strides(0) != sizeof(float))) {
    throw std::invalid_argument("a matrix, a number of positions and a vector of biases needed");
  }
  if (!output.writeable()) throw std::invalid_argument("the output cannot be written");
  return {static_cast<std::size_t>(input.shape(0)), static_cast<std::size_t>(positions),
          static_cast<std::size_t>(bias.shape(0))};
}

template <typename Work>
auto without_gil(Work work) {
  py::gil_scoped_release release;
  return work();
}

Array to_array(const std::vector<double>& values) { return Array(values.size(), values.data()); }

std::vector<double> folded(const Array& time, double period, double t0) {
  const std::size_t n = length(time);
  const double* data = time.data();
  return without_gil([&] {
    std::vector<double> phase(n);
    phase_fold(data, n, period, t0, phase.data());
    return phase;
  });
}

// A method of ViewGenerator that makes one view, as Python calls it.
template <std::vector<double> (ViewGenerator::*make_view)(int) const>
Array view(const ViewGenerator& generator, int num_bins) {
  return to_array(without_gil([&] { return (generator.*make_view)(num_bins); }));
}

void translate(std::exception_ptr thrown) {
  const auto raise = [](const char* name, const std::exception& error) {
    py::object type = py::module_::import("light_curve_util.errors").attr(name);
    PyErr_SetString(type.ptr(), error.what());
  };
  try {
    std::rethrow_exception(thrown);
  } catch (const SparseError& error) {
    raise("SparseLightCurveError", error);
  } catch (const FlatError& error) {
    raise("FlatViewError", error);
  }
}

}  // namespace

PYBIND11_MODULE(_core, module) {
  py::register_exception_translator(translate);
  const auto array = [](const char* name) { return py::arg(name).noconvert(); };

  module.def(
      "phase_fold", [](const Array& time, double period, double t0) { return to_array(folded(time, period, t0)); },
      array("time"), py::arg("period"), py::arg("t0"));

  module.def(
      "fold_and_sort",
      [](const Array& time, const Array& flux, double period, double t0) {
        const std::size_t n = common_length(time, flux);
        const double* data = flux.data();
        LightCurve light_curve{folded(time, period, t0), {}};
        light_curve = without_gil([&] {
          light_curve.flux.assign(data, data + n);
          return sorted(light_curve);
        });
        return py::make_tuple(to_array(light_curve.time), to_array(light_curve.flux));
      },
      array("time"), array("flux"), py::arg("period"), py::arg("t0"));

  module.def(
      "median_view",
      [](const Array& x, const Array& y, int num_bins, double bin_width, double x_min, double x_max) {
        const std::size_t n = common_length(x, y);
        const double *xs = x.data(), *ys = y.data();
        return to_array(without_gil([&] { return median_view(xs, ys, n, {num_bins, bin_width, x_min, x_max}); }));
      },
      array("x"), array("y"), py::arg("num_bins"), py::arg("bin_width"), py::arg("x_min"), py::arg("x_max"));

  module.def(
      "normalize_view",
      [](const Array& values) {
        const std::size_t n = length(values);
        const double* data = values.data();
        return to_array(without_gil([&] { return normalize_view({data, data + n}); }));
      },
      array("view"));

  module.def(
      "find_secondary",
      [](const Array& time, const Array& flux, double t0, double period, double duration_days) {
        const std::size_t n = common_length(time, flux);
        const double* data = flux.data();
        const std::vector<double> phase = folded(time, period, t0);
        return without_gil([&] { return find_secondary(phase.data(), data, n, period, duration_days).t2; });
      },
      array("time"), array("flux"), py::arg("t0"), py::arg("period"), py::arg("duration_days"));

  module.def(
      "measure_event",
      [](const Array& time, const Array& flux, double t0, double period, double duration_days) {
        const std::size_t n = common_length(time, flux);
        const double *times = time.data(), *fluxes = flux.data();
        const EventMeasures found =
            without_gil([&] { return measure_event(times, fluxes, n, t0, period, duration_days); });
        return py::make_tuple(found.depth, found.odd_even_difference, found.odd_even_significance,
                              found.secondary_depth, found.secondary_phase, found.secondary_significance,
                              found.v_shape);
      },
      array("time"), array("flux"), py::arg("t0"), py::arg("period"), py::arg("duration_days"));

  module.def(
      "box_search",
      [](const Array& time, const Array& flux, const Array& periods, const Array& durations, int oversample) {
        const std::size_t n = common_length(time, flux), num_periods = length(periods),
                          num_durations = length(durations);
        const double *times = time.data(), *fluxes = flux.data(), *ps = periods.data(), *ds = durations.data();
        const std::vector<Box> boxes =
            without_gil([&] { return box_search(times, fluxes, n, ps, num_periods, ds, num_durations, oversample); });
        Array columns({py::ssize_t{5}, static_cast<py::ssize_t>(boxes.size())});
        auto column = columns.mutable_unchecked<2>();
        for (std::size_t i = 0; i < boxes.size(); ++i) {
          const Box& box = boxes[i];
          const double values[] = {box.power, box.depth, box.points, box.mid_time, box.duration};
          for (int row = 0; row < 5; ++row) column(row, i) = values[row];
        }
        return columns;
      },
      array("time"), array("flux"), array("periods"), array("durations"), py::arg("oversample"));

  module.def(
      "bias_relu",
      [](const Floats& input, py::ssize_t positions, const Floats& bias, const Floats& output) {
        const Series all = series(input, positions, bias, output);
        const std::size_t least = all.positions * all.channels;
        const Rows from = rows(input, all.count, least), to = rows(output, all.count, least);
        const float* biases = bias.data();
        without_gil([&] { bias_relu(from.data, from.stride, all, biases, to.data, to.stride); });
      },
      array("input"), py::arg("positions"), array("bias"), array("output"));

  module.def(
      "pool_bias_relu",
      [](const Floats& input, py::ssize_t positions, const Floats& bias, py::ssize_t pool_size, py::ssize_t pool_stride,
         const Floats& output) {
        const Series all = series(input, positions, bias, output);
        if (pool_size < 1 || pool_stride < 1 || pool_size > positions) {
          throw std::invalid_argument("a pooling of 1 position to all, and a stride of 1 or more, needed");
        }
        const std::size_t pooled = (positions - pool_size) / pool_stride + 1;
        const Rows from = rows(input, all.count, all.positions * all.channels);
        const Rows to = rows(output, all.count, pooled * all.channels);
        const float* biases = bias.data();
        without_gil([&] {
          pool_bias_relu(from.data, from.stride, all, pool_size, pool_stride, biases, to.data, to.stride);
        });
      },
      array("input"), py::arg("positions"), array("bias"), py::arg("pool_size"), py::arg("pool_stride"),
      array("output"));

  py::class_<ViewGenerator>(module, "ViewGenerator")
      .def(py::init([](const Array& time, const Array& flux, double t0, double period, double duration_days) {
             const std::size_t n = common_length(time, flux);
             const double *times = time.data(), *fluxes = flux.data();
             return without_gil(
                 [&] { return std::make_unique<ViewGenerator>(times, fluxes, n, t0, period, duration_days); });
           }),
           array("time"), array("flux"), py::arg("t0"), py::arg("period"), py::arg("duration_days"),
           py::keep_alive<1, 2>(), py::keep_alive<1, 3>())
      .def("global_view", &view<&ViewGenerator::global_view>, py::arg("num_bins"))
      .def("local_view", &view<&ViewGenerator::local_view>, py::arg("num_bins"))
      .def("twice_global_view", &view<&ViewGenerator::twice_global_view>, py::arg("num_bins"))
      .def("secondary_view", &view<&ViewGenerator::secondary_view>, py::arg("num_bins"))
      .def("odd_view", &view<&ViewGenerator::odd_view>, py::arg("num_bins"))
      .def("even_view", &view<&ViewGenerator::even_view>, py::arg("num_bins"))
      .def("half_global_view", &view<&ViewGenerator::half_global_view>, py::arg("num_bins"))
      .def("global_scatter_view", &view<&ViewGenerator::global_scatter_view>, py::arg("num_bins"))
      .def("local_scatter_view", &view<&ViewGenerator::local_scatter_view>, py::arg("num_bins"));
}
