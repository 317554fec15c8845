#!/usr/bin/env bash
# Cancels the SLURM jobs that a workflow which was killed has left in a folder (here, unless
# another is given), and waits until they are gone. Run it before you start the workflow again.
set -euo pipefail
folder=$(cd "${1:-.}" && pwd -P)
left() { squeue --me --noheader --format "%A %Z" | awk -v folder="$folder" '$2 == folder {print $1}'; }
left | xargs --no-run-if-empty scancel
while [ -n "$(left)" ]; do sleep 1; done
