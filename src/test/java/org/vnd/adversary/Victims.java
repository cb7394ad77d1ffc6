package org.vnd.adversary;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.vnd.lab.Extents.Extent;
import org.vnd.lab.ScratchFileSystem;

/** All who got what was free on a file system, one after the other; for several threads. */
final class Victims {
    private final ScratchFileSystem files;
    private final List<Extent> images;
    private final List<Victim> victims = new ArrayList<>();
    private final List<String> failures = new ArrayList<>();

    /** On a file system with images that lie at {@code images}. */
    Victims(ScratchFileSystem files, List<Extent> images) {
        this.files = files;
        this.images = images;
    }

    synchronized void takeAll() throws IOException {
        int number = victims.size() + 1;
        victims.add(Victim.takeAll(files.path("victim" + number), number, images));
    }

    synchronized void failed(String why) {
        failures.add(why);
    }

    /** What was changed, and what couldn't be done. */
    synchronized List<String> damage() throws IOException {
        List<String> found = new ArrayList<>(failures);
        for (Victim victim : victims) {
            victim.damage().ifPresent(damage -> found.add("a victim was changed: " + damage));
        }
        return found;
    }
}
