#!/usr/bin/env bash
# Submits a chain of jobs that train one model, for sites where a job may not be queued again: each
# job goes on where the one before was stopped, and when one comes to the end, or to an error that the
# next would meet too, the rest are removed. To end a chain, cancel all its jobs: after one that was
# cancelled the next begins.
#
#   launch/chain.sh COUNT [options of sbatch] launch/train.sbatch DATA... --out DIR [options]
set -euo pipefail

help() { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; }
if [ "${1:-}" = --help ]; then
    help
    exit 0
fi
if [ $# -lt 3 ] || ! [[ $1 =~ ^[1-9][0-9]*$ ]]; then
    help >&2
    exit 2
fi
count=$1
shift
# The jobs are told of one another by their environment. One that is not takes itself for the first,
# and with --overwrite removes what the one before has trained.
require_all() {
    local rest=${1#NONE}
    if [ -n "$1" ] && [[ ,$1, != *,ALL,* ]]; then
        echo "chain.sh: $2 keeps from the jobs what they need to know of the chain; write" \
            "ALL${rest:+,$rest}" >&2
        exit 2
    fi
}
require_all "${SBATCH_EXPORT:-}" "SBATCH_EXPORT=${SBATCH_EXPORT:-}"
for ((i = 1; i <= $#; ++i)); do
    case ${!i} in
    --export=*) require_all "${!i#*=}" "${!i}" ;;
    --export)
        next=$((i + 1))
        require_all "${!next:-}" "--export ${!next:-}"
        ;;
    esac
done
# The script itself must not queue its job again.
export MAX_RESTARTS=0
# What the jobs know one another by: it stands in the mark of --overwrite.
NAME_OF_CHAIN=chain-$HOSTNAME-$(date +%s)-$$
export NAME_OF_CHAIN
# Where a job of another chain submits this one.
unset IS_LATER_OF_CHAIN
after=()
jobs=()
for ((i = 1; i <= count; ++i)); do
    # A job that was stopped in good order ends with a code other than 0; one that has trained the
    # model ends with 0, and those that waited for its failure are then not needed.
    job=$(sbatch --parsable --no-requeue --kill-on-invalid-dep=yes "${after[@]}" "$@")
    job=${job%%;*}
    after=(--dependency="afternotok:$job")
    jobs+=("$job")
    # --overwrite is for the first job, and for those after one that ended before it could remove.
    export IS_LATER_OF_CHAIN=yes
    echo "job $i of $count: $job"
done
echo "to end all of them: scancel ${jobs[*]}"
