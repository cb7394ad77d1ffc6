package org.vnd.daemon;

import java.nio.file.Files;
import java.nio.file.Path;

/** Stands in for the maker of images: writes down its arguments, and can't make, ends at, or says nothing of, those that are called so. */
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
        if (words[0].endsWith(".mute")) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> Runtime.getRuntime().halt(0)));
        }
        Files.writeString(Path.of(words[0]), String.join(" ", words));
        if (words[0].endsWith(".mute")) {
            Thread.sleep(600_000);
        }
        System.out.println("ready 1 KiB in 1 extent");
    }
}
