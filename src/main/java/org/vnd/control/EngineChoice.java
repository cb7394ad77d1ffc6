package org.vnd.control;

import java.util.Optional;

/** Which engine a disk shall have. */
public enum EngineChoice {
    /** The physical one where it is sound, else the file engine. */
    AUTO("auto"),
    /** The block device under the image's file system, or no disk at all. */
    PHYSICAL("physical"),
    /** The image file, also where the physical engine would be sound. */
    FILE("file");

    private final String word;

    EngineChoice(String word) {
        this.word = word;
    }

    /** As the command line has it: {@code auto}, {@code physical}, {@code file}. */
    public String word() {
        return word;
    }

    /** The choice whose {@link #word} this is. */
    public static Optional<EngineChoice> parse(String word) {
        for (EngineChoice choice : values()) {
            if (choice.word.equals(word)) {
                return Optional.of(choice);
            }
        }
        return Optional.empty();
    }
}
