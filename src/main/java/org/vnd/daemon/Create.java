package org.vnd.daemon;

import java.io.IOException;
import org.vnd.control.CreateArguments;
import org.vnd.control.Reason;
import org.vnd.control.Reporter;
import org.vnd.image.NewImage;
import org.vnd.sys.DescriptorOutputStream;

/**
 * Makes an image file: {@code vndconfig create}. Reports on standard output, in the lines of a starting daemon, how far it
 * is and what came of it. Nobody needs to end it in order: a file that isn't finished has no name.
 */
public final class Create {
    private static final int STANDARD_OUTPUT = 1;

    private Create() {}

    /** Makes the image that {@link CreateArguments} describe; exit status 1 if it couldn't be. */
    public static void main(String[] words) {
        CreateArguments wanted = CreateArguments.parse(words);
        int status = 0;
        try (Reporter reporter = new Reporter(new DescriptorOutputStream(STANDARD_OUTPUT))) {
            try {
                reporter.ready(NewImage.create(
                        wanted.file(),
                        wanted.sizeBytes(),
                        wanted.contiguous(),
                        new AttachReport(reporter, () -> false)));
            } catch (IOException e) {
                status = 1;
                reporter.error(Reason.withFile(e));
            } catch (RuntimeException | Error e) {
                status = 1;
                reporter.error(wanted.file() + ": not made: a defect: " + e);
            }
        } catch (IOException unheard) {
            // Whoever asked for it has gone.
            status = 1;
        }
        System.exit(status);
    }
}
