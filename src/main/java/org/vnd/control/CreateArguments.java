package org.vnd.control;

import java.util.List;

/**
 * The arguments of the process that makes an image file.
 *
 * @param file absolute path, which nothing has yet
 * @param sizeBytes of the image
 * @param contiguous whether it must be in one piece
 */
public record CreateArguments(String file, long sizeBytes, boolean contiguous) {
    /** The words {@link #parse} makes an equal record of. */
    public List<String> toArguments() {
        return List.of(file, Long.toString(sizeBytes), Boolean.toString(contiguous));
    }

    /** The record {@link #toArguments} wrote; throws IllegalArgumentException for anything else. */
    public static CreateArguments parse(String... words) {
        if (words.length != 3 || !words[0].startsWith("/")) {
            throw new IllegalArgumentException(
                    "a file, its size, and whether it is contiguous, not " + PrintableText.of(String.join(" ", words)));
        }
        return new CreateArguments(words[0], Long.parseLong(words[1]), Boolean.parseBoolean(words[2]));
    }
}
