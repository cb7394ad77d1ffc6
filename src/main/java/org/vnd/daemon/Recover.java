package org.vnd.daemon;

import java.io.IOException;
import org.vnd.control.PrintableText;
import org.vnd.control.Reason;
import org.vnd.control.RecoveryArguments;
import org.vnd.image.Recovery;

/**
 * Puts image files back that a crash has left locked: {@code vndconfig --recover}. Of files it says one line each; of a unit,
 * {@link UnitRecovery}, it reports to whoever started its keeper.
 */
public final class Recover {
    private Recover() {}

    /** Recovers a unit, or each of the files that are given by absolute paths; exit status 1 if one couldn't be. */
    public static void main(String[] words) {
        boolean ofUnit = words.length > 0 && words[0].equals(RecoveryArguments.UNIT_RECOVERY);
        System.exit(ofUnit ? UnitRecovery.run(RecoveryArguments.parse(words)) : recover(words));
    }

    private static int recover(String[] files) {
        int status = 0;
        for (String file : files) {
            try {
                System.out.println(PrintableText.of(Recovery.recover(file)));
            } catch (IOException e) {
                status = complain(Reason.withFile(e));
            } catch (RuntimeException | Error e) {
                status = complain(file + ": a defect in the recovery: " + e);
            }
        }
        return status;
    }

    private static int complain(String line) {
        System.err.println("vndconfig: " + PrintableText.of(line));
        return 1;
    }
}
