#!/bin/sh
# Installs packages (pip's arguments $2...) into the virtual environment $1, and prints its steps and their time.
# On a terminal, the last line shows the seconds and pip's current line; in the logs of a CI, there is one line a step.
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

# Runs a command. On a terminal, shows its last line while it runs. If it fails, shows all its lines.
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
echo "setup: 2 of 2: compiling Python files (half a minute)"
# This uses all cores; pip would use one. Packages also contain tests and templates that do not compile.
follow "$python" -m compileall -q -j 0 -x '/tests/test_' "$venv/lib" || true
echo "setup: done in $(seconds) s"
