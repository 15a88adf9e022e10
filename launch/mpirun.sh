#!/usr/bin/env bash
# Starts the ranks by mpirun, on this host or on several: bound to cores of one NUMA domain, with as
# many threads as there are cores for each, over one network interface, and so that a cut link is
# noticed within seconds. Prints the command and becomes it.
#
#   launch/mpirun.sh [options] -- train DATA... --out DIR [options of paralogit]
#
#   --hosts FILE      the hosts, one on a line ("node7", "node7 slots=64"); they share the file system
#                     and let you in by ssh. Without it those of the SLURM job, else this one
#   --ranks N         in all; without it one for each NUMA domain of each host
#   --threads N       of each rank; without it the cores of a host, divided among its ranks
#   --interface NAME  over which hosts talk (ib0, eth0, or 10.1.0.0/16); without it all but the local ones
#   --bind WHERE      core (each rank has cores of its own; the standard), numa (it may wander within
#                     its domain) or none (where ranks share the machine with others)
#   --cores N, --domains N   cores and NUMA domains of a host; without them those of this one
#   --program FILE    without it build/release/paralogit of this source, else the one in PATH
#   --dry-run         print the command only
#
# Words for mpirun itself stand in MPIRUN_OPTIONS; the environment variables of Open MPI
# (OMPI_MCA_plm_rsh_agent, ...) work as ever. SIGUSR1 to it asks for a checkpoint and exit code 75.
set -euo pipefail

refuse() {
    echo "mpirun.sh: $*" >&2
    exit 2
}

hosts='' ranks='' threads='' interface='' bind=core cores='' domains='' program='' is_dry=no
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    case $1 in
        --dry-run) is_dry=yes; shift; continue ;;
        --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 0 ;;
        --hosts | --ranks | --threads | --interface | --bind | --cores | --domains | --program) ;;
        *) refuse "'$1' is not an option; the command of paralogit stands behind --, as in: $0 -- train data.h5 --out run" ;;
    esac
    [ $# -gt 1 ] || refuse "$1 needs a value"
    declare "${1#--}=$2"
    shift 2
done
[ $# -gt 1 ] || refuse "what is to run? $0 -- train data.h5 --out run"
shift

for name in ranks threads cores domains; do
    [[ ${!name} =~ ^([1-9][0-9]{0,8})?$ ]] ||
        refuse "--$name ${!name}: expected a number of 1 or more, and of 9 digits at most"
done
[[ $bind =~ ^(core|numa|none)$ ]] || refuse "--bind $bind: expected core, numa or none"

if [ -z "$program" ]; then
    program=$(dirname "$(dirname "$(readlink -f "$0")")")/build/release/paralogit
    [ -x "$program" ] || program=$(command -v paralogit) ||
        refuse "there is no program; build it, or give --program FILE"
fi
command -v "$program" >/dev/null || refuse "--program $program: there is no such program"

# Cores, not the threads that some of them show twice.
if [ -z "$cores" ]; then
    cores=$(lscpu -p=CORE,SOCKET | grep -v '^#' | sort -u | wc -l)
    # A job, or a container, may have less than the host.
    allowed=${SLURM_CPUS_ON_NODE:-$(nproc)}
    [ "$allowed" -ge "$cores" ] || cores=$allowed
fi
domains=${domains:-$(lscpu -p=NODE | grep -v '^#' | sort -u | wc -l)}
[ "$domains" -le "$cores" ] || domains=1

# Inside a SLURM job mpirun knows the hosts by itself.
count=${SLURM_JOB_NUM_NODES:-1}
if [ -n "$hosts" ]; then
    [ -r "$hosts" ] || refuse "--hosts $hosts: cannot be read"
    # mpirun reads it again, which a pipe does not let it.
    [ -f "$hosts" ] || refuse "--hosts $hosts: expected a file with a host on each line, and it is none"
    lines=$(sed 's/#.*//' "$hosts")
    [[ $lines != *$'\r'* ]] ||
        refuse "--hosts $hosts: lines end as on Windows, which mpirun does not read; sed -i 's/\r//' ${hosts@Q}"
    count=$(awk 'NF { print $1 }' <<<"$lines" | sort -u | wc -l)
    [ "$count" -gt 0 ] || refuse "--hosts $hosts: no host stands in it"
fi
ranks=${ranks:-$((count * domains))}
[ $((ranks % count)) -eq 0 ] ||
    refuse "--ranks $ranks cannot be spread evenly over $count hosts; give a multiple of $count"
per_host=$((ranks / count))
per_domain=$((per_host / domains))
threads=${threads:-$((cores / per_host > 0 ? cores / per_host : 1))}

command=(mpirun -n "$ranks")
[ "$(id -u)" -ne 0 ] || command+=(--allow-run-as-root)
[ -z "$hosts" ] || command+=(--hostfile "$hosts")
if [ $((per_host * threads)) -gt "$cores" ]; then
    # Ranks that wait must then let others run, or an Allreduce takes a thousand times as long.
    echo "mpirun.sh: $per_host ranks x $threads threads on a host are more than its $cores cores" >&2
    command+=(--map-by "ppr:$per_host:node" --oversubscribe --bind-to none --mca mpi_yield_when_idle 1)
elif [ "$bind" = none ]; then
    command+=(--map-by "ppr:$per_host:node" --bind-to none)
elif [ $((per_host % domains)) -eq 0 ] && [ $((per_domain * threads)) -le $((cores / domains)) ]; then
    # As many ranks in each domain, so that the rows of a rank are in the memory next to its cores.
    place=ppr:$per_domain:numa
    [ "$bind" = numa ] && command+=(--map-by "$place" --bind-to numa) ||
        command+=(--map-by "$place:pe=$threads" --bind-to core)
else
    [ "$bind" = core ] ||
        refuse "--bind numa: $per_host ranks x $threads threads do not fit evenly into $domains domains of $((cores / domains)) cores; give another --ranks or --threads, or --bind core"
    command+=(--map-by "ppr:$per_host:node:pe=$threads" --bind-to core)
fi
command+=(-x "OMP_NUM_THREADS=$threads")
if [ -n "$interface" ]; then
    command+=(--mca btl_tcp_if_include "$interface" --mca oob_tcp_if_include "$interface")
elif [ "$count" -gt 1 ]; then
    # Bridges of containers and virtual machines have the same address on every host, and lead nowhere.
    local_ones=127.0.0.0/8,docker0,virbr0
    command+=(--mca btl_tcp_if_exclude "$local_ones" --mca oob_tcp_if_exclude "$local_ones")
fi
if [ "$count" -gt 1 ]; then
    # By itself mpirun notices a cut link after hours.
    command+=(--mca oob_tcp_keepalive_time 10 --mca oob_tcp_keepalive_intvl 5
              --mca oob_tcp_keepalive_probes 3)
fi
# shellcheck disable=SC2206 # several words
command+=(${MPIRUN_OPTIONS:-} "$program" "$@")

printf '%q ' "${command[@]}" >&2
echo >&2
[ $is_dry = yes ] || exec "${command[@]}"
