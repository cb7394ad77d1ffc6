package org.vnd.daemon;

import java.io.IOException;
import java.nio.file.Path;
import org.vnd.control.PrintableText;
import org.vnd.image.Recovery;

/**
 * Puts image files back that a crash has left locked: {@code vndconfig --recover}. One line a file. What is left of a disk
 * whose folder is given, behind {@link #FOLDER}, is removed before.
 */
public final class Recover {
    /** Before the folder of a unit whose daemon has ended; files are absolute paths. */
    static final String FOLDER = "--unit-directory";

    private Recover() {}

    /** Recovers each of {@code files}; exit status 1 if one of them couldn't be. */
    public static void main(String[] files) {
        int status = 0;
        for (int i = 0; i < files.length; i++) {
            String file = files[i];
            try {
                if (file.equals(FOLDER)) {
                    i++;
                    Leftover.remove(Path.of(files[i]));
                    continue;
                }
                System.out.println(PrintableText.of(Recovery.recover(file)));
            } catch (IOException e) {
                System.err.println("vndconfig: " + PrintableText.of(String.valueOf(e.getMessage())));
                status = 1;
            }
        }
        System.exit(status);
    }
}
