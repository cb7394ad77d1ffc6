package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;

/** The last looks before a write goes to the device are assertions: a disk's JVM has them on, whatever its caller's has. */
class AssertionsTest {
    private static final Pattern SWITCH =
            Pattern.compile("(?<= )-(?:ea|da|esa|dsa|(?:en|dis)able(?:system)?assertions)\\S*");

    @Test
    void areOnInTheProcessOfADisk(@TempDir Path folder) throws Exception {
        Path image = folder.resolve("image");
        DirectFile.fill(image, 1 << 20, 1);
        try (Product product = new Product();
                AttachedDisk disk = product.attach(image, "--engine", "file")) {
            // What its JVM has understood, with the files of arguments in their places.
            Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
            String said = Command.output(jcmd, disk.pid(), "VM.command_line");
            List<String> switches = SWITCH.matcher(said.replace("jvm_args:", "jvm_args: "))
                    .results()
                    .map(found -> found.group())
                    .toList();
            assertEquals(List.of("-ea:org.vnd..."), switches, said);
        }
    }
}
