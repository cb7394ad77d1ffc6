package org.vnd.sys;

import java.nio.file.Path;

/** Where the small programs of native/ are: beside us, as the launcher says, and not found by a PATH. */
public final class OwnProgram {
    private OwnProgram() {}

    /** The program {@code name}. */
    public static String path(String name) {
        return Path.of(System.getProperty("vnd.home", "/"), "libexec", name).toString();
    }
}
