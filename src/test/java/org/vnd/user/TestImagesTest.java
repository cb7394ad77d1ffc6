package org.vnd.user;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.vnd.lab.Command;
import org.vnd.lab.Requires;

/** The images of test-images are what their recipes make, and what a disk of them shows. */
@Requires(
        loop = true,
        tools = {"qemu-system-x86_64", "qemu-img", "mkfs.ext4", "debugfs", "e2fsck", "lsattr", "getfattr", "flock"})
class TestImagesTest extends DiskTest {
    private static final Path FOLDER = Path.of("test-images").toAbsolutePath();

    /** The version whose choices ext4.sh relies on. */
    private static final String E2FSPROGS = "1.47.";

    /** SHA256SUMS: from name to sum. */
    private static Map<String, String> sums() throws IOException {
        Map<String, String> sums = new TreeMap<>();
        for (String line : Files.readAllLines(FOLDER.resolve("SHA256SUMS"))) {
            sums.put(line.substring(66), line.substring(0, 64));
        }
        return sums;
    }

    static Stream<String> names() throws IOException {
        return sums().keySet().stream();
    }

    private static String sum(Path file) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
    }

    /** A copy on the scratch file system. */
    private static Path unpacked(String name) throws IOException {
        Path copy = files.path(name);
        Path packed = FOLDER.resolve(name + ".gz");
        if (!Files.exists(packed)) {
            return Files.copy(FOLDER.resolve(name), copy, StandardCopyOption.REPLACE_EXISTING);
        }
        try (InputStream content = new GZIPInputStream(Files.newInputStream(packed))) {
            Files.copy(content, copy, StandardCopyOption.REPLACE_EXISTING);
        }
        return copy;
    }

    @Test
    void everyImageHasItsSum() throws Exception {
        TreeSet<String> found = new TreeSet<>();
        try (Stream<Path> all = Files.list(FOLDER)) {
            all.map(file -> file.getFileName().toString())
                    .filter(name -> name.contains(".img"))
                    .map(name -> name.replaceAll("\\.gz$", ""))
                    .forEach(found::add);
        }
        assertEquals(found, sums().keySet());
    }

    @ParameterizedTest
    @MethodSource("names")
    void theRecipeMakesIt(String name) throws Exception {
        assertEquals(sums().get(name), sum(unpacked(name)), "the image itself");
        if (name.startsWith("ext4")) {
            String version = new Command("mkfs.ext4", "-V").run().errors();
            Assumptions.assumeTrue(version.contains(" " + E2FSPROGS), () -> "another e2fsprogs: " + version);
        }
        Path made = files.path("made");
        new Command(FOLDER.resolve(name.replace(".img", ".sh")), made).run().succeeded();
        assertEquals(sums().get(name), sum(made));
    }

    @ParameterizedTest
    @MethodSource("names")
    void aDiskShowsIt(String name) throws Exception {
        Path image = unpacked(name);
        Path copy = Files.copy(image, files.path("copy"), StandardCopyOption.REPLACE_EXISTING);
        root.says("-c", "-r", "vnd0", image);
        assertEquals("physical", root.field("vnd0", "engine"));
        String same = root.other("qemu-img", "compare", "-f", "raw", "-F", "raw", copy, root.uri("vnd0"))
                .run()
                .succeeded()
                .output();
        assertEquals("Images are identical.\n", same);
        root.says("-u", "vnd0");
        assertEquals(sums().get(name), sum(image));
    }

    @Test
    void aMachineBootsFromTheDisk() throws Exception {
        root.says("-c", "vnd0", unpacked("boot.img"));
        Command machine = root.other("qemu-system-x86_64", "-display", "none", "-serial", "stdio", "-nic", "none");
        Command.Result result = machine.with("-drive", "format=raw,file=" + root.uri("vnd0"))
                .run()
                .succeeded();
        assertTrue(result.output().contains("Hello from a disk that is a file."), result.toString());
        root.says("-u", "vnd0");
    }
}
