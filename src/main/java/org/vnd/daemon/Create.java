package org.vnd.daemon;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import org.vnd.control.CreateArguments;
import org.vnd.control.EndHook;
import org.vnd.control.Reason;
import org.vnd.control.Reporter;
import org.vnd.image.NewImage;
import org.vnd.sys.DescriptorOutputStream;

/**
 * Makes an image file: {@code vndconfig create}. Reports on standard output, in the lines of a starting daemon, how far it
 * is and what came of it. A file that isn't finished has no name; the exit status says whether there is one, also after a signal.
 */
public final class Create {
    private static final int STANDARD_OUTPUT = 1;

    private final CreateArguments wanted;
    private final CompletableFuture<Integer> status = new CompletableFuture<>();
    private volatile boolean ending;

    private Create(CreateArguments wanted) {
        this.wanted = wanted;
    }

    /** Makes the image that {@link CreateArguments} describe; exit status 1 if it couldn't be. */
    public static void main(String[] words) {
        Create create = new Create(CreateArguments.parse(words));
        EndHook.add(new Thread(create::endInOrder, "vnd-end"));
        int status = 1;
        try {
            status = create.make();
        } finally {
            create.status.complete(status);
        }
        System.exit(status);
    }

    private int make() {
        try (Reporter reporter = new Reporter(new DescriptorOutputStream(STANDARD_OUTPUT))) {
            String made;
            try {
                made = NewImage.create(
                        wanted.file(),
                        wanted.sizeBytes(),
                        wanted.contiguous(),
                        new AttachReport(reporter, () -> ending));
            } catch (IOException e) {
                reporter.error(Reason.withFile(e));
                return 1;
            } catch (RuntimeException | Error e) {
                reporter.error(wanted.file() + ": not made: a defect: " + e);
                return 1;
            }
            reporter.ready(made);
            return 0;
        } catch (IOException unheard) {
            // Whoever asked for it has gone.
            return 1;
        }
    }

    /** A signal stops what is unfinished; what is finished has the exit status that says so. */
    private void endInOrder() {
        ending = true;
        Runtime.getRuntime().halt(status.join());
    }
}
