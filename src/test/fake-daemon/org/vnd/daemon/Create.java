package org.vnd.daemon;

import java.nio.file.Files;
import java.nio.file.Path;

/** Stands in for the maker of images: writes down its arguments, and can't make, or ends at, those that are called so. */
public final class Create {
    private Create() {}

    public static void main(String[] words) throws Exception {
        System.out.println("progress 1 2 writing zeros");
        if (words[0].endsWith(".error")) {
            System.out.println("error " + words[0] + ": is not to be had");
            System.exit(1);
        }
        if (words[0].endsWith(".crash")) {
            System.exit(7);
        }
        Files.writeString(Path.of(words[0]), String.join(" ", words));
        System.out.println("ready 1 KiB in 1 extent");
    }
}
