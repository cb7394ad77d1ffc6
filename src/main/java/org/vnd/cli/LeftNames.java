package org.vnd.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.vnd.control.Reason;
import org.vnd.control.StateDirectory;
import org.vnd.control.Unit;
import org.vnd.control.UnitLock;
import org.vnd.node.NameList;
import org.vnd.node.StaleNodes;

/**
 * Names of block devices that their disks have left behind, because daemon, keeper and vnd-loop were all killed, or were of
 * an earlier version. What they lead to is another's sooner or later, so every command of the user whose disks they are
 * removes them.
 */
final class LeftNames {
    private LeftNames() {}

    /** Removes those of all units of {@code state} that nobody has; what can't be removed is said. */
    static void remove(StateDirectory state) {
        for (Unit unit : state.units()) {
            if (NameList.isThere(state.folder(unit))) {
                remove(state, unit);
            }
        }
        if (NameList.isOfSystem(state.path())) {
            for (Unit unit : namedInSystem()) {
                remove(state, unit);
            }
        }
        removeNodes();
    }

    private static void removeNodes() {
        try {
            if (user().equals(0)) {
                StaleNodes.remove();
            }
        } catch (IOException left) {
            Messages.warn("a device node that leads elsewhere can't be removed: " + Reason.withFile(left));
        }
    }

    private static Object user() throws IOException {
        return Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    }

    private static List<Unit> namedInSystem() {
        List<Unit> units = new ArrayList<>();
        String[] names = NameList.SYSTEM_LINKS.toFile().list();
        if (names != null) {
            for (String name : names) {
                int partition = name.indexOf('p');
                Optional<Unit> unit = Unit.parse(partition < 0 ? name : name.substring(0, partition));
                if (unit.isPresent() && !units.contains(unit.get())) {
                    units.add(unit.get());
                }
            }
        }
        return units;
    }

    private static void remove(StateDirectory state, Unit unit) {
        Path lockFile = state.lockFile(unit);
        try {
            requireOurs(state.folder(unit));
            if (UnitLock.isHeld(lockFile)) {
                NameList.removeLost(state.folder(unit));
                return;
            }
            Optional<UnitLock> lock = UnitLock.holdOff(lockFile);
            if (lock.isPresent()) {
                try {
                    NameList.removeAll(state.folder(unit));
                } finally {
                    lock.get().close();
                }
            }
        } catch (NoSuchFileException noState) {
            removeWithoutState(state.folder(unit));
        } catch (IOException left) {
            said(state.folder(unit), left);
        }
    }

    /** What others could write isn't what our disks have noted. */
    private static void requireOurs(Path folder) throws IOException {
        int mode;
        try {
            mode = (Integer) Files.getAttribute(folder, "unix:mode", LinkOption.NOFOLLOW_LINKS);
        } catch (NoSuchFileException none) {
            return;
        }
        if ((mode & 0xF000) != 0x4000
                || (mode & 022) != 0
                || !user().equals(Files.getAttribute(folder, "unix:uid", LinkOption.NOFOLLOW_LINKS))) {
            throw new IOException(folder + ": isn't a folder of ours alone; remove it");
        }
    }

    private static void removeWithoutState(Path folder) {
        try {
            NameList.removeAll(folder);
        } catch (IOException left) {
            said(folder, left);
        }
    }

    private static void said(Path folder, IOException left) {
        Messages.warn(folder.getFileName() + ": a name that it has left can't be removed: " + Reason.withFile(left));
    }
}
