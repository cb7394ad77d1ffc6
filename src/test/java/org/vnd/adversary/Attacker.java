package org.vnd.adversary;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.vnd.lab.Command;

/** Who does an {@link Attack}: prepared when made, and begun when told. Closing ends him, and lets go of all that he holds. */
final class Attacker implements AutoCloseable {
    private static final long LIMIT_SECONDS = 150;

    final Attack attack;
    private final Path image;
    private final @Nullable Adversary adversary;
    private Command.@Nullable Running running;
    private @Nullable Boolean worked;

    Attacker(Attack attack, Path image) throws IOException {
        this.attack = attack;
        this.image = image;
        adversary = attack.operation == null ? null : Adversary.striker(attack, image);
    }

    void start() throws IOException {
        if (adversary == null) {
            running = new Command("sh", "-c", Objects.requireNonNull(attack.script), "sh", image).start();
        } else if (adversary.prepared()) {
            adversary.beginToAct();
        }
    }

    /** Whether {@link #await} would wait. */
    boolean acting() {
        return adversary == null ? Objects.requireNonNull(running).alive() : adversary.acting();
    }

    /** Whether it has worked, when it has ended. */
    synchronized boolean await() {
        if (worked == null) {
            worked = adversary == null
                    ? Objects.requireNonNull(running).await(LIMIT_SECONDS).exitCode() == 0
                    : adversary.prepared() && adversary.outcome().equals("worked");
        }
        return worked;
    }

    /** Does it and waits for it; whether it has worked. */
    boolean attack() throws IOException {
        start();
        return await();
    }

    @Override
    public void close() throws IOException {
        if (running != null) {
            running.close();
        }
        if (adversary != null) {
            adversary.close();
        }
    }
}
