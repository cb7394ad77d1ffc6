package org.vnd.export.nbd;

import java.util.function.Consumer;

/** How a disk is exported. */
public final class Options {
    /** Connections in the transmission phase at once. */
    public static final int DEFAULT_CONNECTION_LIMIT = 16;

    /** How long a client may take for its handshake. */
    public static final int DEFAULT_HANDSHAKE_LIMIT_SECONDS = 30;

    /** The export's name, the unit's; the empty name means it too. */
    public final String name;

    /** What {@code nbdinfo} and the like show beside the name: the image, for example. */
    public final String description;

    /** One line for people on what went wrong with a client. At most one call a second. */
    public final Consumer<String> log;

    /** The smallest request that clients are told to make, a power of two up to 64 KiB; smaller ones are done as well. */
    public int minimumBlockBytes = 1;

    /** Connections in the transmission phase at once, 1 to 256. */
    public int connectionLimit = DEFAULT_CONNECTION_LIMIT;

    /** Connections beside those, which {@link Server#adopt} is given at once: the kernel's. 0 to 256. */
    public int adoptionLimit;

    /** How long a client may take for its handshake, in seconds. */
    public int handshakeLimitSeconds = DEFAULT_HANDSHAKE_LIMIT_SECONDS;

    /** The defaults for the unit {@code name}. */
    public Options(String name, String description, Consumer<String> log) {
        this.name = name;
        this.description = description;
        this.log = log;
    }
}
