#!/usr/bin/env bash
# Installs the libraries of the clients and compiles what must be compiled, below target/foreign. Needs python3 with pip,
# Go, a JDK with Maven, Node.js and npm. What is there already and has not changed stays.
set -euo pipefail
cd "$(dirname "$0")"
target=$(cd ../../.. && pwd)/target/foreign

# Succeeds if one of these files is newer than what was made of them before.
changed() {
    local made=$1 file
    shift
    for file in "$@"; do
        [ "$made" -nt "$file" ] || return 0
    done
    return 1
}

# The two folders of Python: the module `sseclient` is another in each.
python() {
    local made="$target/$1"
    changed "$made" "$2" || return 0
    rm -rf "$made"
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps --target "$made" -r "$2"
    touch "$made"
}

java() {
    local made="$target/java"
    changed "$made/done" java/*.java java/pom.xml || return 0
    rm -rf "$made"
    mvn --quiet --batch-mode --file java/pom.xml dependency:copy-dependencies -DoutputDirectory="$made/lib"
    javac -cp "$made/lib/*" -d "$made" java/*.java
    touch "$made/done"
}

python python python/requirements.txt
python python-sseclient python/requirements-sseclient.txt
(cd go && go build -mod=readonly -o "$target/go/" ./...)
java
