package org.vnd.adversary;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.SeededRandom;

/** One thing that happens to a disk, or around it; the next one doesn't wait for its end. */
record Step(Kind kind, @Nullable Attack attack, int millis) {
    /** Which thing. */
    enum Kind {
        ATTACK,
        /** For so many milliseconds. */
        STOP_DAEMON,
        KILL_DAEMON,
        STOP_LOCK,
        KILL_LOCK,
        LOAD,
        NO_LOAD,
        /** Somebody maps a page of the image. */
        MAP,
        /** So many milliseconds. */
        PAUSE
    }

    private static final int MOST_STOPPED_MILLIS = 5000;
    private static final int MOST_PAUSED_MILLIS = 3000;
    private static final Set<Kind> OF_PROCESSES =
            EnumSet.of(Kind.STOP_DAEMON, Kind.KILL_DAEMON, Kind.STOP_LOCK, Kind.KILL_LOCK);

    /** Three to eight that {@code random} draws, with an attack at least. */
    static List<Step> draw(FileSystemKind kind, SeededRandom random) {
        List<Attack> attacks = new ArrayList<>(Stream.of(Attack.values())
                .filter(attack -> attack.obstacle(kind).isEmpty())
                .toList());
        List<Step> steps = new ArrayList<>();
        long length = random.between(3, 8);
        // Who doesn't write changes nobody's blocks.
        if (!random.oneIn(8)) {
            steps.add(new Step(Kind.LOAD, null, 0));
        }
        while (steps.size() < length) {
            Kind next = random.oneIn(3) ? Kind.ATTACK : random.oneOf(Kind.values());
            if (!next.equals(Kind.ATTACK)) {
                if (fits(next, steps)) {
                    steps.add(new Step(next, null, millis(next, random)));
                }
            } else if (!attacks.isEmpty()) {
                steps.add(attack(attacks, random));
            }
        }
        if (steps.stream().noneMatch(step -> step.kind == Kind.ATTACK)) {
            steps.set(steps.size() - 1, attack(attacks, random));
        }
        return Collections.unmodifiableList(steps);
    }

    /** Each once a disk; and the files that some need have one name. */
    private static Step attack(List<Attack> left, SeededRandom random) {
        Attack attack = left.remove(random.below(left.size()));
        if (attack.needsOther()) {
            left.removeIf(Attack::needsOther);
        }
        return new Step(Kind.ATTACK, attack, 0);
    }

    /** Nothing can be done to a dead daemon; to kill what keeps its lock after it is to have no lock, as is known. */
    private static boolean fits(Kind next, List<Step> before) {
        return !OF_PROCESSES.contains(next) || before.stream().noneMatch(step -> step.kind == Kind.KILL_DAEMON);
    }

    private static int millis(Kind kind, SeededRandom random) {
        return switch (kind) {
            case STOP_DAEMON, STOP_LOCK -> (int) random.length(MOST_STOPPED_MILLIS);
            case PAUSE -> (int) random.length(MOST_PAUSED_MILLIS);
            default -> 0;
        };
    }

    /** The attacks among {@code steps}, in their order. */
    static List<Attack> attacks(List<Step> steps) {
        List<Attack> attacks = new ArrayList<>();
        for (Step step : steps) {
            if (step.attack != null) {
                attacks.add(step.attack);
            }
        }
        return attacks;
    }

    boolean ofProcesses() {
        return OF_PROCESSES.contains(kind);
    }

    @Override
    public String toString() {
        return kind == Kind.ATTACK ? Objects.requireNonNull(attack).name() : kind + (millis == 0 ? "" : " " + millis);
    }
}
