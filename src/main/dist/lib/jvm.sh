# Finds the JVM. Sourced by bin/vndconfig, libexec/vndd and libexec/train, which have set $home, the distribution's folder.
#
# Sets java (the program), JAVA_HOME (exported, so that a disk's daemon runs on the JVM of the command that started it),
# version (as the JVM calls itself) and access (the flags which let jffi call libc without a warning).

. "$home/lib/environment.sh"

fail() {
    echo "vndconfig: $1" >&2
    exit 1
}

case $home in
*:*) fail "$home: a colon in the path would split the class path: install it elsewhere" ;;
esac

# Sets java, version and feature, its first number, by the JVM in $JAVA_HOME.
look_at_java() {
    java=$JAVA_HOME/bin/java
    # This file says in no time what `java -version` would take a JVM's start to say.
    version=
    if [ -r "$JAVA_HOME/release" ]; then
        while IFS='="' read -r key empty value rest; do
            if [ "$key" = JAVA_RUNTIME_VERSION ]; then
                version=$value
                break
            fi
        done <"$JAVA_HOME/release"
    fi
    if [ -z "$version" ]; then
        version=$("$java" -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java\.runtime\.version = //p')
    fi
    feature=${version%%[!0-9]*}
}

new_enough() {
    look_at_java
    [ "${feature:-0}" -ge 17 ]
}

# Sets java and JAVA_HOME by the PATH $1, if a java is there.
find_java() {
    java=$([ -n "$1" ] && PATH=$1 && command -v java) && java=$(readlink -f "$java") && JAVA_HOME=${java%/bin/java}
}

# The caller's PATH is for a machine that has no JVM in the usual places. Root runs none from there but root's.
find_callers_java() {
    find_java "$callers_path" && { [ -O "$java" ] || [ "$(id -u)" != 0 ]; }
}

case ${JAVA_HOME-} in
'' | /*) ;;
*) fail "JAVA_HOME=$JAVA_HOME: not a path from the root" ;;
esac
if [ -n "${JAVA_HOME-}" ]; then
    [ -x "$JAVA_HOME/bin/java" ] || fail "$JAVA_HOME/bin/java: not a program: set JAVA_HOME to a Java 17 or newer"
    new_enough || fail "$java: version ${version:-unknown}: Java 17 or newer is needed: set JAVA_HOME"
elif ! { find_java "$PATH" && new_enough; } && ! { find_callers_java && new_enough; }; then
    fail "java: none found that is Java 17 or newer: install one, or set JAVA_HOME"
fi
export JAVA_HOME
access=--enable-native-access=ALL-UNNAMED
[ "$feature" -lt 23 ] || access="$access --sun-misc-unsafe-memory-access=allow"

# Sets archive, the file of $1's (cli's or daemon's) classes for this JVM, and share, the flag to use it: empty where there
# is none. While libexec/train makes it, the flag that writes down the classes instead.
find_archive() {
    archive=$home/lib/$1-$version.jsa
    share=
    if [ -n "${VND_CLASS_LISTS-}" ]; then
        share=-XX:DumpLoadedClassList=$VND_CLASS_LISTS/$1-$$.classlist
    elif [ -s "$archive" ]; then
        share=-XX:SharedArchiveFile=$archive
    fi
}
