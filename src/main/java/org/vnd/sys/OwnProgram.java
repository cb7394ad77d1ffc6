package org.vnd.sys;

import java.nio.file.Path;

/** Where the small programs of native/ are: beside us, as the launcher says, and not found by a PATH. */
public final class OwnProgram {
    private OwnProgram() {}

    /** Where all of them are. */
    public static Path folder() {
        return Path.of(System.getProperty("vnd.home", "/"), "libexec");
    }

    /** The program {@code name}. */
    public static String path(String name) {
        return folder().resolve(name).toString();
    }
}
