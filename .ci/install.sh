#!/bin/sh
# Installs packages (pip's arguments $2...) into the virtual environment $1, and says what it does and how long it takes.
# On a terminal a last line tells the seconds and pip's own words; in the logs of a CI there is a line a step.
set -eu
venv=$1
shift
python=$venv/bin/python
begin=$(date +%s)
log=$(mktemp)
pid=
trap 'rm -f "$log"' EXIT
trap 'kill $pid 2>/dev/null; rm -f "$log"; exit 130' INT TERM

seconds() {
  echo $(($(date +%s) - begin))
}

# Runs a command; shows its last line while it runs, on a terminal, and all of its lines where it fails.
follow() {
  "$@" >"$log" 2>&1 &
  pid=$!
  if [ -t 1 ] && [ -z "${CI:-}" ]; then
    while kill -0 $pid 2>/dev/null; do
      last=$(tail -n 1 "$log" | tr -d '\r' | cut -c 1-60)
      printf '\r\033[Ksetup: %s s: %s' "$(seconds)" "$last"
      sleep 1
    done
    printf '\r\033[K'
  fi
  if ! wait $pid; then
    cat "$log" >&2
    return 1
  fi
}

echo "setup: 1 of 2: packages and the C++ core (2 to 10 minutes, most of it the download of TensorFlow)"
follow "$python" -m pip install --disable-pip-version-check --no-compile --progress-bar off "$@"
echo "setup: 2 of 2: Python files are compiled (half a minute)"
# By all cores, where pip takes one. Packages ship tests, which nothing imports, and templates that do not compile.
follow "$python" -m compileall -q -j 0 -x '/tests/test_' "$venv/lib" || true
echo "setup: done in $(seconds) s"
