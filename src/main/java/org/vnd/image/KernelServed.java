package org.vnd.image;

import java.util.List;

/**
 * A block device of the disk whose requests the kernel serves by itself: nobody but who has it fail keeps it from writing.
 *
 * @param node such as {@code /dev/loop3}
 * @param number such as {@code 7:3}
 * @param mark what tells it from another that has its name and number later, as in native/marks.h
 * @param failCommand the program that has it fail, with its arguments; status 0 if it did
 */
public record KernelServed(String node, String number, String mark, List<String> failCommand) {
    /** For {@link LockHolder}: what native/lock.c reads. */
    String message() {
        return "device " + node + "\t" + number + "\t" + mark + "\n" + String.join("\n", failCommand);
    }
}
