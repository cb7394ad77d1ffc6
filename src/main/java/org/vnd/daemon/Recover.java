package org.vnd.daemon;

import org.vnd.control.PrintableText;
import org.vnd.image.ImageException;
import org.vnd.image.Recovery;

/** Puts image files back that a crash has left locked: {@code vndconfig --recover}. One line a file. */
public final class Recover {
    private Recover() {}

    /** Recovers each of {@code files}; exit status 1 if one of them couldn't be. */
    public static void main(String[] files) {
        int status = 0;
        for (String file : files) {
            try {
                System.out.println(PrintableText.of(Recovery.recover(file)));
            } catch (ImageException e) {
                System.err.println("vndconfig: " + PrintableText.of(String.valueOf(e.getMessage())));
                status = 1;
            }
        }
        System.exit(status);
    }
}
