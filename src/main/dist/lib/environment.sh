# What every program here starts with, whoever starts it and from where. Sourced by lib/jvm.sh, before anything else is run.
#
# Sets callers_path (the PATH that there was) and folder_gone (true or false, see below).

# A descriptor below 3 that is closed would be that of the next file opened, and what is said would go into it.
true >&2 || exec 2>/dev/null
# To another descriptor: dash takes one to itself for granted.
{ true 9<&0; } 2>/dev/null || exec </dev/null
# Not to write to: as before, that fails, and is told.
{ true 9>&1; } 2>/dev/null || exec 1</dev/null

# What a disk of root's runs is found where root put it, and neither a crontab's PATH nor a user's changes that.
callers_path=${PATH-}
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# JVMs read these, and say so at each start; ours are set up by lib/*.jvmargs. The last two change what the locale is.
unset JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS _JAVA_LAUNCHER_DEBUG CLASSPATH LANGUAGE LOCPATH

# From the locale a JVM takes how file names are encoded, and in one that isn't installed they are ASCII.
if [ -d /usr/lib/locale/C.utf8 ] || [ "$(LC_ALL=C.UTF-8 locale charmap 2>/dev/null)" = UTF-8 ]; then
    export LC_ALL=C.UTF-8
fi

# A JVM dies in a working folder that has been removed. Files named relative to it are refused by the command line.
folder_gone=false
if [ -z "$(pwd -P 2>/dev/null)" ]; then
    cd / || exit 1
    folder_gone=true
fi
