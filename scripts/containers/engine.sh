# Finds or starts a container engine, for the scripts that build and run images. Sourced after lib.sh, never run.

# The engine's client has these as plug-ins, which Debian 12 does not have: they come from the release after it.
readonly PLUGIN_RELEASE=trixie
readonly PLUGIN_PACKAGES=(docker-buildx docker-compose)

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi; }

# engine_packages PACKAGE...: installs what is not there.
engine_packages() {
    local package missing=()
    for package in "$@"; do
        dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            missing+=("$package")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    say "Installing ${missing[*]}"
    as_root apt-get -q update >/dev/null &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "${missing[@]}" \
            >/dev/null || die "$EXIT_MACHINE_UNFIT" "apt-get could not install ${missing[*]}." \
        "As root, run: apt-get install ${missing[*]}; then run this again."
}

# Takes the plug-ins out of their packages into the cache folder, where nothing else finds them.
engine_plugins() {
    docker compose version >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1 && return 0
    local folder apt options package
    folder="$(cache_folder)/docker"
    export DOCKER_CONFIG=$folder
    docker compose version >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1 && return 0
    say "Fetching ${PLUGIN_PACKAGES[*]} of Debian $PLUGIN_RELEASE into $folder"
    apt=$(mktemp -d)
    mkdir -p "$folder/cli-plugins" "$apt/lists/partial" "$apt/archives/partial"
    printf 'deb [signed-by=%s] http://deb.debian.org/debian %s main\n' \
        /usr/share/keyrings/debian-archive-keyring.gpg "$PLUGIN_RELEASE" >"$apt/sources.list"
    options=(-q -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt" -o APT::Sandbox::User=)
    (cd "$apt" && apt-get "${options[@]}" update && apt-get "${options[@]}" download "${PLUGIN_PACKAGES[@]}") \
        >/dev/null 2>"$apt/errors" || die "$EXIT_MACHINE_UNFIT" \
        "the plug-ins ${PLUGIN_PACKAGES[*]} could not be fetched: $(tail -n 1 "$apt/errors")" \
        "Install 'docker compose' and 'docker buildx' and run this again."
    for package in "$apt"/*.deb; do dpkg-deb -x "$package" "$apt/unpacked"; done
    cp "$apt"/unpacked/usr/libexec/docker/cli-plugins/* "$folder/cli-plugins/"
    # podman misses it.
    echo '{}' >"$folder/config.json"
    rm -rf "$apt"
}

# Starts dockerd if no engine answers; it goes on after the script.
engine_start() {
    command -v docker >/dev/null 2>&1 || engine_packages docker.io
    if ! docker info >/dev/null 2>&1; then
        engine_packages docker.io
        [ "$(id -u)" -eq 0 ] || die "$EXIT_MACHINE_UNFIT" \
            "no container engine answers. Start it ('sudo systemctl start docker') and run this again."
        say "Starting dockerd"
        nohup dockerd >"${TMPDIR:-/tmp}/dockerd.log" 2>&1 &
        local tries=0
        until docker info >/dev/null 2>&1; do
            tries=$((tries + 1))
            [ "$tries" -le 120 ] && kill -0 "$!" 2>/dev/null || die "$EXIT_MACHINE_UNFIT" \
                "dockerd did not start; its last lines: $(tail -n 3 "${TMPDIR:-/tmp}/dockerd.log")"
            sleep 0.5
        done
    fi
    engine_plugins
}
