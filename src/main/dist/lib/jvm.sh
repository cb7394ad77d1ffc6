# Finds the JVM. Sourced by bin/vndconfig, libexec/vndd and libexec/train, which have set $home, the distribution's folder.
#
# Sets java (the program), JAVA_HOME (exported, so that a disk's daemon runs on the JVM of the command that started it),
# version (as the JVM calls itself) and access (the flags which let jffi call libc without a warning).

fail() {
    echo "vndconfig: $1" >&2
    exit 1
}

case $home in
*:*) fail "$home: a colon in the path would split the class path: install it elsewhere" ;;
esac

if [ -z "${JAVA_HOME-}" ]; then
    java=$(command -v java) || fail "java: not found in PATH: install Java 17 or newer, or set JAVA_HOME"
    java=$(readlink -f "$java")
    JAVA_HOME=${java%/bin/java}
fi
java=$JAVA_HOME/bin/java
[ -x "$java" ] || fail "$java: not a program: set JAVA_HOME to a Java 17 or newer"
export JAVA_HOME

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
[ "${feature:-0}" -ge 17 ] || fail "$java: version ${version:-unknown}: Java 17 or newer is needed: set JAVA_HOME"
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
