#!/usr/bin/env bash
exec "$(dirname "${BASH_SOURCE[0]}")/astronet/ensemble_train.sh" "$@"
