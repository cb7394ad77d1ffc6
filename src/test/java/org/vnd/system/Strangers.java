package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.LoopDevice;
import org.vnd.lab.NativeProgram;
import org.vnd.lab.ScratchFileSystem;

/** Processes that are hard on whoever looks at all processes, and helpers to have more of them. */
final class Strangers {
    private static final int SIZE = 1 << 20;

    private Strangers() {}

    /** Somebody who has both open, the second may be missing. */
    static Command.Running holder(Object... paths) throws Exception {
        return awaited(
                new Command("sh", "-c", "exec 3<\"$1\" 4<\"${2:-$1}\"; echo held; exec sleep 1000", "sh").with(paths),
                "held");
    }

    /** Somebody who has {@code mapped} so often that what /proc says of it, 18 MB, is more than a disk has room for. */
    static Command.Running mapper(Path mapped) throws Exception {
        return awaited(new Command(NativeProgram.build("mappings"), mapped, 65_000), "mapped");
    }

    /** Somebody who has a page of {@code mapped}. */
    static Command.Running reader(Path mapped) throws Exception {
        String script =
                "import mmap,sys,time; f=open(sys.argv[1],'rb'); m=mmap.mmap(f.fileno(),4096,prot=mmap.PROT_READ); m[0]; "
                        + "print('mapped',flush=True); time.sleep(1000)";
        return awaited(new Command("python3", "-c", script, mapped), "mapped");
    }

    private static Command.Running awaited(Command command, String word) throws InterruptedException {
        Command.Running running = command.start();
        while (!running.output().contains(word)) {
            assertTrue(running.alive(), running::errors);
            Thread.sleep(5);
        }
        return running;
    }

    /**
     * A file system by FUSE whose server answers nobody who asks about its files: stat(2) of one never returns. Somebody has one
     * open, and there is a loop device over it.
     */
    static final class DeadServer implements AutoCloseable {
        private final Product product = new Product();
        private final String daemon;
        private final LoopDevice loop;
        private final Command.Running user;

        DeadServer(ScratchFileSystem files) throws Exception {
            Path served = files.path("served");
            DirectFile.fill(served, SIZE, 1);
            AttachedDisk disk = product.attach(served, "--export", "fuse");
            daemon = Long.toString(disk.pid());
            Path file = product.state().resolve(disk.unit()).resolve(disk.unit() + ".fuse/disk");
            assertTrue(Files.exists(file), file.toString());
            loop = LoopDevice.attach(file, true);
            user = holder(file, file.getParent());
            Command.output("kill", "-STOP", daemon);
        }

        @Override
        public void close() {
            Command.output("kill", "-CONT", daemon);
            user.close();
            loop.close();
            product.close();
        }
    }
}
