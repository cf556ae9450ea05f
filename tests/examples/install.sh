#!/bin/sh
# Installs what the examples and their tests need: packages of npm, and Datastar.
set -eu
cd "$(dirname "$0")"

npm --prefix ../../examples/servers ci --no-audit --no-fund
npm ci --no-audit --no-fund

wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
python3 -m pip download --quiet --disable-pip-version-check --no-deps --python-version 3.13 --only-binary :all: --require-hashes -r datastar.txt --dest "$wheels"
python3 -m zipfile -e "$wheels"/starhtml-*.whl "$wheels/starhtml"
mkdir -p node_modules/.datastar
cp "$wheels/starhtml/starhtml/static/js/datastar-core.js" node_modules/.datastar/datastar.js
