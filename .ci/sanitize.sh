#!/bin/sh
# Builds the C++ extension with AddressSanitizer and UndefinedBehaviorSanitizer in build/sanitize, and runs its tests.
# $1 is the directory of the virtual environment.
set -eu
bin=$(cd "$1/bin" && pwd)
cd "$(dirname "$0")/.."
build=build/sanitize
compiler=${CXX:-c++}
# The -O3 of setup.py comes later on the command line, so the tested build is optimized like the installed one.
flags="-fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all -fno-omit-frame-pointer -g1"
libraries=
if "$compiler" --version | grep -q clang; then # by default, clang links its runtime into programs, not into libraries
  flags="$flags -shared-libasan"
  libraries="-Wl,-rpath,$("$compiler" -print-runtime-dir)"
fi

mkdir -p "$build/lib"
echo 'int main() { return 0; }' >"$build/try.cc"
# shellcheck disable=SC2086 # flags are words
if ! { "$compiler" $flags $libraries "$build/try.cc" -o "$build/try" && "$build/try"; } >"$build/try.log" 2>&1; then
  cat "$build/try.log" >&2
  echo "sanitize: $compiler has no AddressSanitizer and UndefinedBehaviorSanitizer that work here (see above):" >&2
  echo "sanitize: install g++, or clang++ with compiler-rt (Debian: apt install g++), or name a compiler in CXX" >&2
  exit 1
fi

tar -cf - --exclude='*.so' light_curve_util third_party | tar -xf - -C "$build/lib"
flags="$flags -D_GLIBCXX_ASSERTIONS"
CC=$compiler CXX=$compiler CFLAGS=$flags LDFLAGS="$flags $libraries" "$bin/python" -W ignore setup.py --quiet build_ext \
  --build-temp="$build/objects" --build-lib="$build/lib"

# pytest must import this build, not the package in the checkout (pythonpath in pyproject.toml).
# Python itself was built without sanitizers, so their runtime and the C++ library must be preloaded.
preload=$(ldd "$build"/lib/light_curve_util/_core*.so | awk '/asan|libstdc\+\+|libc\+\+/ { printf "%s ", $3 }')
LD_PRELOAD=$preload ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 PYTHONPATH=$build/lib \
  "$bin/pytest" -o pythonpath="$build/lib" --capture=sys -p no:cacheprovider tests/light_curve_util/test_odd_input.py \
  tests/light_curve_util/test_cc_equals_reference.py tests/light_curve_util/test_layers.py \
  tests/light_curve_util/test_views.py
