# Sourced by demo.sh and test.sh: installs, by name, what a bare Debian 12 machine lacks.

build_packages="g++ cmake ninja-build openmpi-bin libopenmpi-dev libhdf5-dev libdeflate-dev
    libeigen3-dev libboost-program-options-dev libfmt-dev nlohmann-json3-dev libssl-dev
    libfast-float-dev zlib1g-dev libzstd-dev"
test_packages="libgtest-dev libgmock-dev libboost-dev python3-h5py python3-scipy gnuplot-nox clang-format
    clang-tidy clang-14 libclang-rt-14-dev slurm-wlm munge iproute2 libsimgrid-dev"

# install_packages NAME...: does nothing when all are there.
install_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "These packages are missing, and there is neither root nor sudo to install them:" >&2
            echo "    apt-get install ${missing[*]}" >&2
            return 1
        fi
        as_root=(sudo)
    fi
    local log
    log=$(mktemp)
    if ! { "${as_root[@]}" apt-get update -qq &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

# Open MPI refuses to run as root, and on more ranks than cores, unless it is told to.
mpi_environment() {
    if [ "$(id -u)" -eq 0 ]; then
        export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    fi
    export OMPI_MCA_rmaps_base_oversubscribe=1
}
