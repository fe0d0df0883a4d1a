# Makes the images that docker/Dockerfile builds on where no image registry can be reached. Sourced after engine.sh.

readonly SWIFT_IMAGE=swift:6.3-bookworm
readonly RUNTIME_IMAGE=debian:bookworm-slim
readonly LOCAL_SWIFT_IMAGE=permafrost-base/$SWIFT_IMAGE
readonly LOCAL_RUNTIME_IMAGE=permafrost-base/$RUNTIME_IMAGE
readonly SYSTEM_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# What swift.org names as the toolchain's needs on Debian 12.
readonly TOOLCHAIN_PACKAGES=binutils,ca-certificates,git,libc6-dev,libcurl4,libedit2,libgcc-12-dev,libncurses6,libpython3.11,libsqlite3-0,libstdc++-12-dev,libxml2-dev,libz3-dev,pkg-config,tzdata,unzip,zlib1g-dev

has_image() { docker image inspect "$1" >/dev/null 2>&1; }

# debian_system FILE PACKAGES: a small Debian 12 as a tar file, without manuals and translations.
debian_system() {
    local path
    # A machine that fails meanwhile makes it anew.
    local exclusions=(--dpkgopt=force-unsafe-io)
    for path in man doc info locale; do exclusions+=("--dpkgopt=path-exclude=/usr/share/$path/*"); done
    # usr-is-merged in place of usrmerge, which would bring all of Perl.
    mmdebstrap --quiet --variant=minbase --include="usr-is-merged${2:+,$2}" \
        --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr "${exclusions[@]}" \
        --dpkgopt='path-include=/usr/share/doc/*/copyright' bookworm "$1" || die "$EXIT_MACHINE_UNFIT" \
        "mmdebstrap could not make a Debian system. Check the lines above and the network connection."
}

make_runtime_image() {
    local folder
    folder=$(mktemp -d)
    debian_system "$folder/runtime.tar" ""
    docker import -c "ENV PATH=$SYSTEM_PATH" -c 'CMD ["bash"]' "$folder/runtime.tar" "$LOCAL_RUNTIME_IMAGE" >/dev/null
    rm -rf "$folder"
}

# This machine's toolchain on a small Debian, and the folders out of which its git reads packages, if it does.
make_swift_image() {
    local folder toolchain parts=() mirror
    toolchain=$(dirname "$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")")
    folder=$(mktemp -d)
    debian_system "$folder/swift.tar" "$TOOLCHAIN_PACKAGES"
    mkdir -p "$folder/extra/etc"
    git config --get-regexp '^url\..*\.insteadof$' | while read -r key value; do
        git config --file "$folder/extra/etc/gitconfig" --add "$key" "$value"
    done
    git config --file "$folder/extra/etc/gitconfig" --add safe.directory '*'
    tar --append -f "$folder/swift.tar" --owner=0 --group=0 -C "$folder/extra" ./etc/gitconfig
    while read -r mirror; do
        if [[ $mirror == /* && -d $mirror ]]; then parts+=(".${mirror%/}"); fi
    done < <(git config --get-regexp '^url\..*\.insteadof$' | sed 's/^url\.\(.*\)\.insteadof .*/\1/' | sort -u)
    # Without debuggers, language servers and what is for other systems: no build needs them.
    tar --append -f "$folder/swift.tar" --exclude='*/lldb*' --exclude='*/liblldb*' --exclude='*/sourcekit-lsp' \
        --exclude='*/libsourcekitd*' --exclude='*/lib/swift/embedded' --exclude='*/clangd' --exclude='*/docc' --exclude='*/swift-format' \
        -C / ".$toolchain/usr" "${parts[@]}"
    docker import -c "ENV PATH=$toolchain/usr/bin:$SYSTEM_PATH" \
        "$folder/swift.tar" "$LOCAL_SWIFT_IMAGE" >/dev/null
    rm -rf "$folder"
}

# base_image OFFICIAL LOCAL MAKER: sets `base` to the first one that is here, or can be pulled, or is made.
base_image() {
    base=$1
    if has_image "$1"; then return; fi
    base=$2
    if has_image "$2"; then return; fi
    if timeout 600 docker pull --quiet "$1" >/dev/null 2>&1; then
        base=$1
        return
    fi
    say "$1 cannot be pulled; making $2"
    engine_packages mmdebstrap
    "$3"
}
