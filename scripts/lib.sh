# Helpers shared by the bash scripts of this folder. Sourced, never run.

# The numbers of Sources/Diagnostics/ExitCode.swift that scripts use.
readonly EXIT_USAGE=2
readonly EXIT_INTERRUPTED=62
readonly EXIT_MACHINE_UNFIT=70

# What Permafrost needs from Debian, apart from Python's pip and venv. It builds and runs without libdnnl2, slower.
readonly DEBIAN_PACKAGES=(
    libzmq3-dev libopenblas-dev libdnnl2 libprotobuf-c-dev protobuf-c-compiler liblmdb-dev libsqlite3-dev
    pkg-config)

readonly MINIMUM_SWIFT=6.2
readonly MINIMUM_PYTHON=3.9

# Tests of live links and whole runs, with time-outs: one after another, for beside a hundred others a live link looks dead.
LIVE_TESTS='CoordinatorTests|ChaosTests|ClusterTests|ControlLinkTests'

say() { printf '%s\n' "$*"; }

# die CODE SENTENCE...
die() {
    local code=$1
    shift
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit "$code"
}

# need COMMAND REMEDY
need() { command -v "$1" >/dev/null 2>&1 || die "$EXIT_MACHINE_UNFIT" "$1 was not found. $2"; }

# heading TITLE: opens a stage and starts its clock.
heading() {
    stage_title=$1
    stage_start=$SECONDS
    printf '\n== %s\n' "$stage_title"
}

# Closes the stage with the seconds that it took.
stage_done() { printf '   %s: done in %d s\n' "$stage_title" "$((SECONDS - stage_start))"; }

# The folder that keeps downloads, as scripts/fetch finds it.
cache_folder() { printf '%s' "${PERMAFROST_CACHE:-${HOME:?HOME is not set; set PERMAFROST_CACHE}/.cache/permafrost}"; }

# at_least HAVE WANT: whether version HAVE is WANT or newer.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# Prints the comment block at the head of the calling script as its help.
show_help() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"; }

# virtual_environment NAME REQUIREMENTS WHAT: makes a Python environment once, in the cache folder, and prints its
# Python. Made anew when the file of requirements changes.
virtual_environment() {
    local folder requirements=$2 what=$3
    folder="$(cache_folder)/$1"
    need python3 "Run scripts/install first."
    if ! cmp -s "$requirements" "$folder/requirements.txt"; then
        mkdir -p "$(dirname "$folder")"
        rm -rf "$folder"
        python3 -m venv "$folder" >&2 || die "$EXIT_MACHINE_UNFIT" \
            "python3 could not make a virtual environment. Install python3-venv and run this again."
        say "Installing $what into $folder" >&2
        "$folder/bin/python" -m pip install --disable-pip-version-check -q -r "$requirements" >&2 ||
            die "$EXIT_MACHINE_UNFIT" "pip could not install $what." \
                "Check the network connection and the lines above, then run this again."
        # Copied last: an environment that was interrupted is made again.
        cp "$requirements" "$folder/requirements.txt"
    fi
    say "$folder/bin/python"
}

# test_units ARGUMENT...: swift test with as many tests at a time as there are processors. Begun all at once, those that
# wait for a thread would run out of their limits of time.
test_units() { SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=$(nproc) swift test --skip-build "$@"; }
