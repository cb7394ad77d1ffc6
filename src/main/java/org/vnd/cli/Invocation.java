package org.vnd.cli;

import java.util.ArrayList;
import java.util.List;
import org.vnd.control.EngineChoice;

/** What a command line asks for. {@link CommandLine} fills it. */
final class Invocation {
    /** What to do; the last option that says so wins. */
    enum Action {
        ATTACH,
        DETACH,
        LIST,
        RECOVER,
        CREATE,
        HELP,
        VERSION
    }

    static final String DEFAULT_DISKTAB = "/etc/disktab";
    /** NetBSD lists at least four units. */
    static final int DEFAULT_MINIMUM = 4;

    Action action = Action.ATTACH;
    /** Whether {@code -c} was given, rather than being the default. */
    boolean attachAsked;

    boolean force;
    boolean readOnly;
    boolean fileEngine;
    boolean compressed;
    boolean verbose;
    String disktab = DEFAULT_DISKTAB;
    /** Empty if {@code -t} wasn't given; hasDiskType tells it from {@code -t ''}. */
    String diskType = "";

    boolean hasDiskType;
    int minimumListed = DEFAULT_MINIMUM;

    EngineChoice engine = EngineChoice.AUTO;
    /** Empty if it wasn't given. */
    String export = "";

    boolean allocate;
    long offsetBytes;
    long sizeLimitBytes;
    /** 0 if it wasn't given. */
    long sectorSizeBytes;

    /** 0 if it wasn't given. */
    long timeoutSeconds;

    boolean foreground;
    boolean json;
    /** Of CREATE, whose operands are the file and its size. */
    boolean contiguous;

    /** Units and files, in the order given. */
    final List<String> operands = new ArrayList<>();
}
