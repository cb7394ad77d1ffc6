package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.ListedFlags;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;

/** A state folder that can't be used: each command says so in one line that names the file, and changes nothing. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mount", "lsattr", "getfattr", "setpriv", "unshare"})
class StateFolderTest {
    private static final List<String> AS_NOBODY =
            List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups");

    private ScratchFileSystem files;
    private Product product;
    private Path image;
    private Path state;

    @BeforeEach
    void makeImage() throws Exception {
        files = ScratchFileSystem.of(FileSystemKind.EXT4).buffered().create();
        product = new Product();
        image = files.path("image");
        DirectFile.fill(image, 1 << 20, 1);
        state = product.state().resolve("state");
    }

    @AfterEach
    void nothingIsLeft() {
        try {
            assertFalse(ListedFlags.isImmutable(image));
            assertEquals("", Command.output("getfattr", "-m", "-", image));
            assertEquals(List.of(), product.processes());
        } finally {
            Command.output("rm", "-rf", state);
            product.close();
            files.close();
        }
    }

    private Command command(Object... arguments) {
        return product.command(arguments).environment("VND_STATE", state.toString());
    }

    private List<Command> commands() {
        return List.of(command("-c", image), command("-l"), command("-u", "vnd0"), command("--recover"));
    }

    /** One line on standard error, which begins with {@code start}, and nothing on standard output. */
    private static String refused(Command command, String start) {
        Command.Result result = command.run().exited(1);
        assertTrue(result.errors().startsWith("vndconfig: " + start), () -> "not " + start + ": " + result);
        assertEquals(1, result.errors().lines().count(), result::toString);
        assertFalse(result.errors().contains("Exception"), result::toString);
        assertEquals("", result.output());
        return result.errors();
    }

    @Test
    void oneThatOthersCanWriteTo() throws Exception {
        Files.createDirectory(state);
        Files.setPosixFilePermissions(state, PosixFilePermissions.fromString("rwxrwxr-x"));
        for (Command command : commands()) {
            refused(command, state + ": the state folder can be written to by others; set VND_STATE to one of yours");
        }
    }

    @Test
    void aFileInstead() throws Exception {
        Files.createFile(state);
        for (Command command : commands()) {
            refused(command, state + ": the state folder isn't a folder; set VND_STATE to one of yours");
        }
        assertEquals(0, Files.size(state));
    }

    @Test
    void belowAFile() throws Exception {
        Path file = Files.createFile(product.state().resolve("file"));
        state = file.resolve("state");
        for (Command command : commands()) {
            refused(command, state + ": the state folder can't be");
        }
        Files.delete(file);
    }

    @Test
    void ofAnotherUser() {
        Command.output("install", "-d", "-o", "1234", state);
        for (Command command : commands()) {
            refused(command, state + ": the state folder belongs to someone else; set VND_STATE to one of yours");
        }
    }

    /** What can't be seen isn't what isn't there. */
    @Test
    void inAFolderThatIsClosed() throws Exception {
        Files.setPosixFilePermissions(product.state(), PosixFilePermissions.fromString("rwx------"));
        for (List<Object> words : List.<List<Object>>of(List.of("-l"), List.of("-u", "vnd0"), List.of("--recover"))) {
            Command command = new Command(AS_NOBODY.toArray())
                    .with(product.program())
                    .with(words.toArray())
                    .environment("VND_STATE", state.toString());
            refused(
                    command,
                    state + ": the state folder can't be looked at (Permission denied); set VND_STATE to one of yours");
        }
    }

    /** Root of a user namespace has no /run; what the user outside has is his. */
    @Test
    void ofRootInAUserNamespace() throws Exception {
        Path mine = files.path("mine");
        DirectFile.fill(mine, 1 << 20, 1);
        Command.output("chown", "65534:65534", mine);
        String script =
                "unset XDG_RUNTIME_DIR VND_STATE; unit=$(\"$1\" -c \"$2\") && readlink -e \"/tmp/vnd-65534/$unit\""
                        + " && \"$1\" -u \"$unit\"";
        Command.Result result = new Command(AS_NOBODY.toArray())
                .with("unshare", "--user", "--map-root-user", "sh", "-c", script, "sh", product.program(), mine)
                .environment("VND_EXPORT", "nbd")
                .limitSeconds(180)
                .run()
                .succeeded();
        assertTrue(result.output().startsWith("/tmp/vnd-65534/vnd"), result::toString);
    }

    /** With one more file each time, until there is room for all: lock, folder, log, record, sockets. */
    @Test
    void onAFullFileSystem() throws Exception {
        Path mounted = Files.createDirectory(product.state().resolve("full"));
        List<String> said = new ArrayList<>();
        for (int inodes = 2; ; inodes++) {
            Command.output("mount", "-t", "tmpfs", "-o", "mode=755,nr_inodes=" + inodes, "none", mounted);
            try {
                state = Files.createDirectory(mounted.resolve("state"));
                Command.Result result = command("-c", image).run();
                if (result.exitCode() == 0) {
                    command("-u", "vnd0").run().succeeded();
                    break;
                }
                assertTrue(refused(command("-c", image), "").contains(state + "/vnd0"), result::toString);
                said.add(result.errors());
                assertTrue(result.errors().contains(": No space left on device"), result::toString);
                assertEquals("[]", List.of(state.toFile().list()).toString());
                refusedNothing();
            } finally {
                unmount(mounted);
            }
        }
        // Not control.sock: where the record can be written anew there is room for one file more.
        for (String name : List.of("vnd0.lock", "vnd0:", "vnd0/log", "vnd0/unit.json", "vnd0/nbd.sock")) {
            assertTrue(said.stream().anyMatch(line -> line.contains("/state/" + name)), name + " in " + said);
        }
        // No inode is short here, but every byte.
        Command.output("mount", "-t", "tmpfs", "-o", "mode=755,size=4k", "none", mounted);
        try {
            state = Files.createDirectory(mounted.resolve("state"));
            Files.write(mounted.resolve("fill"), new byte[4096]);
            refused(command("-c", image), state + "/vnd0/unit.json: No space left on device");
        } finally {
            unmount(mounted);
            Files.delete(mounted);
        }
    }

    private void refusedNothing() {
        assertFalse(ListedFlags.isImmutable(image));
    }

    /** A ring's end lets go of its files in its own time. */
    private static void unmount(Path folder) throws InterruptedException {
        for (int attempt = 0; new Command("umount", folder).run().exitCode() != 0; attempt++) {
            assertTrue(attempt < 100, folder + " stays in use");
            Thread.sleep(50);
        }
    }

    @Test
    void onAReadOnlyFileSystem() throws Exception {
        Path mounted = Files.createDirectory(product.state().resolve("ro"));
        Command.output("mount", "-t", "tmpfs", "-o", "mode=755", "none", mounted);
        try {
            state = Files.createDirectory(mounted.resolve("state"));
            command("-c", image).run().succeeded();
            AttachedDisk disk = AttachedDisk.parse(
                            product, command("-l", "--json").run().output())
                    .get(0);
            ProcessHandle keeper = disk.keeper();
            disk.killDaemon();
            keeper.onExit().join();
            Command.output("mount", "-o", "remount,ro", mounted);
            for (Command command : List.of(command("-c", image), command("--recover"), command("--recover", image))) {
                refused(command, state + "/vnd0.lock: can't be locked: Read-only file system");
            }
            Command.output("mount", "-o", "remount,rw", mounted);
            command("--recover").run().succeeded();
        } finally {
            Command.output("umount", mounted);
            Files.delete(mounted);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "no JSON", "{\"unit\":7}", "\u0000", "huge", "folder"})
    void withARecordThatIsNone(String content) throws Exception {
        command("-c", "vnd1", image).run().succeeded();
        Path record = Files.createDirectory(
                        state.resolve("vnd0"),
                        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")))
                .resolve("unit.json");
        if (content.equals("folder")) {
            Files.createDirectory(record);
        } else {
            Files.writeString(record, content.equals("huge") ? " ".repeat(2 << 20) : content);
        }
        String hint = " (vndconfig -u -F vnd0 gives the disk up)\n";
        Command.Result list = command("-l", "-m", "0").run().exited(1);
        assertTrue(
                list.errors().startsWith("vndconfig: " + record + ": ")
                        && list.errors().endsWith(hint),
                list::toString);
        assertTrue(list.output().startsWith("vnd1: " + files.root()), list::toString);
        assertTrue(refused(command("-u", "vnd0"), record + ": ").endsWith(hint));
        assertTrue(refused(command("--recover"), record + ": ").endsWith(hint));
        assertTrue(Files.exists(record), "nothing is lost");
        command("-u", "vnd1").run().succeeded();

        Command.Result attach = command("-c", image).run().succeeded();
        assertEquals("vnd0\n", attach.output());
        assertTrue(attach.errors().contains(" can't be recovered (" + record + ": "), attach::toString);
        assertEquals(1, attach.errors().lines().count(), attach::toString);
        command("-u", "vnd0").run().succeeded();
        assertEquals("[]", List.of(state.toFile().list()).toString());
    }

    /** The file that names the device of a killed daemon. */
    @ParameterizedTest
    @ValueSource(
            strings = {"", "ublk", "ublk\nx\n0\n", "ublk\n1\n99999999999\n", "none\n1\n2\n", "\u0000", "huge", "\u00ff"
            })
    void withASpoiledDevice(String content) throws Exception {
        Path other = files.path("other");
        DirectFile.fill(other, 1 << 20, 2);
        for (List<Object> words : List.of(List.<Object>of("-c", "vnd0", other), List.<Object>of("--recover"))) {
            command("-c", "vnd0", image).run().succeeded();
            AttachedDisk disk = AttachedDisk.parse(
                            product, command("-l", "--json").run().output())
                    .get(0);
            ProcessHandle keeper = disk.keeper();
            disk.killDaemon();
            keeper.onExit().join();
            String text = content.equals("huge") ? "ublk\n1\n" + "1".repeat(1 << 20) : content;
            Path spoiled = state.resolve("vnd0/device");
            Files.write(spoiled, text.getBytes(StandardCharsets.ISO_8859_1));
            Command.Result result = command(words.toArray()).run().succeeded();
            assertFalse(result.errors().contains("defect") || result.errors().contains("recover"), result::toString);
            assertFalse(Files.exists(spoiled), "removed");
            assertFalse(ListedFlags.isImmutable(image), "unlocked");
            if (words.size() > 1) {
                assertTrue(Files.readString(state.resolve("vnd0/log")).contains(spoiled + ": names no device"));
                command("-u", "vnd0").run().succeeded();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"missing", "stale"})
    void withoutItsControlSocket(String how) throws Exception {
        command("-c", image).run().succeeded();
        AttachedDisk disk = AttachedDisk.parse(
                        product, command("-l", "--json").run().output())
                .get(0);
        Path socket = state.resolve("vnd0/control.sock");
        Files.delete(socket);
        if (how.equals("stale")) {
            Files.createFile(socket);
        }
        String said = refused(command("-u", "vnd0"), "vnd0: its daemon can't be asked: " + socket + ": ");
        assertTrue(said.endsWith("; kill " + disk.pid() + " detaches the disk too\n"), said);
        ProcessHandle keeper = disk.keeper();
        Command.output("kill", disk.pid());
        keeper.onExit().join();
        assertEquals("[]", List.of(state.toFile().list()).toString());
    }
}
