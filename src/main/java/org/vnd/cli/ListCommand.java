package org.vnd.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.vnd.control.Export;
import org.vnd.control.ImagePlace;
import org.vnd.control.JsonWriter;
import org.vnd.control.PendingDetach;
import org.vnd.control.PrintableText;
import org.vnd.control.Reason;
import org.vnd.control.StateDirectory;
import org.vnd.control.Unit;
import org.vnd.control.UnitRecord;
import org.vnd.control.UnitStatus;
import org.vnd.control.UnitStatus.Kind;
import org.vnd.node.NameList;

/** {@code -l}: lists disks by their locks and records; no daemon is asked, so none can hold it up. */
final class ListCommand {
    private final Invocation invocation;
    private final StringBuilder text = new StringBuilder(256);
    private final JsonWriter json = new JsonWriter();
    private int exitStatus;

    ListCommand(Invocation invocation) {
        this.invocation = invocation;
    }

    int run() throws ProgramException, IOException {
        StateDirectory state = StateDirectory.ofThisUser();
        LeftNames.remove(state);
        json.beginObject().name("devices").beginArray();
        if (invocation.operands.isEmpty()) {
            listAll(state);
        } else {
            for (String operand : invocation.operands) {
                Optional<Unit> unit = DeviceName.parse(operand);
                if (unit.isPresent()) {
                    list(state, unit.get(), status(state, unit.get()));
                } else {
                    warnInOrder("open: " + operand + ": " + ErrorText.NO_SUCH_FILE);
                }
            }
        }
        json.endArray().endObject();
        flush();
        if (invocation.json) {
            Messages.out(json + "\n");
        }
        return exitStatus;
    }

    /** Every unit up to the last one in use, and at least as many as NetBSD shows. */
    private void listAll(StateDirectory state) throws ProgramException {
        List<Unit> units = new ArrayList<>();
        List<Optional<UnitStatus>> statuses = new ArrayList<>();
        for (Unit unit : state.units()) {
            Optional<UnitStatus> status = status(state, unit);
            if (status.isEmpty() || status.get().kind() != Kind.FREE) {
                units.add(unit);
                statuses.add(status);
            }
        }
        int number = 0;
        for (int i = 0; i < units.size(); i++) {
            for (; number < units.get(i).number(); number++) {
                listUnused(number);
            }
            list(state, units.get(i), statuses.get(i));
            number++;
        }
        for (; number < invocation.minimumListed; number++) {
            listUnused(number);
            if (text.length() > 1 << 16) {
                flush();
            }
        }
    }

    /** None if it can't be told, which was then said. */
    private Optional<UnitStatus> status(StateDirectory state, Unit unit) throws ProgramException {
        try {
            UnitStatus status = UnitStatus.of(state, unit);
            if (status.problem().isEmpty()) {
                return Optional.of(status);
            }
            boolean crashed = status.kind() == Kind.UNREADABLE;
            warnInOrder(status.problem() + (crashed ? RecoverCommand.howToGiveUp(unit) : ""));
        } catch (IOException unreadable) {
            warnInOrder(Reason.withFile(unreadable));
        }
        return Optional.empty();
    }

    private void list(StateDirectory state, Unit unit, Optional<UnitStatus> status) throws ProgramException {
        if (status.isEmpty()) {
            return;
        }
        Optional<UnitRecord> known = status.get().record();
        switch (status.get().kind()) {
            case FREE:
                listUnused(unit.number());
                break;
            case CHANGING:
                text.append(unit.name());
                if (known.isPresent() && known.get().state() == UnitRecord.State.ATTACHING) {
                    listInJson(known.get(), "attaching");
                    text.append(": attaching ")
                            .append(PrintableText.of(known.get().file()));
                } else if (known.isPresent() && known.get().state() == UnitRecord.State.RECOVERING) {
                    listInJson(known.get().crashed(), "recovering");
                    text.append(": recovering ")
                            .append(PrintableText.of(known.get().file()));
                } else {
                    text.append(": attaching or detaching");
                }
                text.append('\n');
                break;
            case ATTACHED:
                listAttached(unit, known.get(), lost(state, unit, known.get()), pending(state, unit));
                break;
            case CRASHED:
                listCrashed(state, unit, known.get());
                break;
            case UNREADABLE:
                break;
        }
    }

    /** For whom a detach waits. The folder of a unit that ends meanwhile is gone, and so is that. */
    private static String pending(StateDirectory state, Unit unit) {
        try {
            return PendingDetach.read(state.folder(unit));
        } catch (IOException ended) {
            return "";
        }
    }

    private void listUnused(int number) {
        if (invocation.minimumListed != 0 && !invocation.json) {
            text.append("vnd").append(number).append(": not in use\n");
        }
    }

    /** The ways to the disk whose names lead elsewhere, or nowhere: the record says what there was. */
    private List<Export> lost(StateDirectory state, Unit unit, UnitRecord disk) throws ProgramException {
        List<Export> lost = new ArrayList<>();
        if (!invocation.verbose && !invocation.json) {
            return lost;
        }
        for (Export export : disk.exports()) {
            try {
                if (export.isBlockDevice() && !NameList.leads(state.folder(unit), export.uri())) {
                    lost.add(export);
                }
            } catch (IOException unreadable) {
                warnInOrder(unit.name() + ": its names can't be read: " + Reason.withFile(unreadable));
                lost.add(export);
            }
        }
        return lost;
    }

    private void listAttached(Unit unit, UnitRecord disk, List<Export> lost, String pending) {
        json.beginObject();
        disk.writeListed(json, disk.failure().isEmpty() ? "attached" : "failed", lost);
        if (!pending.isEmpty()) {
            json.name("pending").value(pending);
        }
        json.endObject();
        ImagePlace place = disk.place();
        text.append(unit.name()).append(": ");
        if (!disk.failure().isEmpty()) {
            text.append("failed, ");
        }
        if (!pending.isEmpty()) {
            text.append("detaching, ");
        }
        if (place.device().isEmpty()) {
            text.append("dev ").append(place.deviceMajor()).append(',').append(place.deviceMinor());
        } else if (place.mountPoint().isEmpty()) {
            String device = PrintableText.of(place.device());
            text.append(device.startsWith("/dev/") ? device.substring("/dev/".length()) : device);
        } else {
            text.append(PrintableText.of(place.mountPoint()));
            text.append(" (").append(PrintableText.of(place.device())).append(')');
        }
        text.append(" inode ").append(Long.toUnsignedString(place.inode())).append('\n');
        if (invocation.verbose) {
            if (!pending.isEmpty()) {
                detail("detaching", "when that ends: " + pending);
            }
            listDetails(disk, lost);
        }
    }

    private void listInJson(UnitRecord disk, String state) {
        json.beginObject();
        disk.writeListed(json, state);
        json.endObject();
    }

    private void listDetails(UnitRecord disk, List<Export> lost) {
        if (!disk.failure().isEmpty()) {
            detail("failed", disk.failure());
        }
        for (String notice : disk.notices()) {
            detail("noticed", notice);
        }
        detail("file", disk.file());
        detail("size", Long.toString(disk.sizeBytes()));
        detail("access", disk.readOnly() ? "read-only" : "read-write");
        detail("engine", disk.engineReason().isEmpty() ? disk.engine() : disk.engine() + ": " + disk.engineReason());
        detail("io", disk.io());
        detail("extents", Long.toString(disk.extents()));
        for (Export export : disk.exports()) {
            String uri = export.uri().isEmpty() ? "inherited" : export.uri();
            detail(export.type(), lost.contains(export) ? "gone" : uri);
        }
        detail("pid", disk.pid() + condition(disk.pid()));
        for (String protection : disk.unprotected()) {
            detail("without", protection);
        }
    }

    /** Of a daemon that serves nothing now, why: its keeper, or whoever has stopped it, knows more. */
    private static String condition(long pid) {
        Optional<ProcessStat> stat = ProcessStat.read(ProcessStat.folder(pid));
        if (stat.isEmpty() || stat.get().state() == 'Z') {
            return " (dead)";
        }
        return StallNotice.isStopped(pid) ? " (stopped)" : "";
    }

    private void detail(String name, String value) {
        text.append('\t').append(PrintableText.of(name)).append(": ");
        text.append(PrintableText.of(value)).append('\n');
    }

    /** In JSON the same disk, with nobody there and no way to reach it; what is still served waits for its users. */
    private void listCrashed(StateDirectory state, Unit unit, UnitRecord disk) {
        String served = served(state, unit);
        json.beginObject();
        disk.crashed().writeListed(json, "crashed");
        if (!served.isEmpty()) {
            json.name("pending").value(served);
        }
        json.endObject();
        text.append(unit.name()).append(": crashed, ").append(PrintableText.of(disk.file()));
        if (served.isEmpty()) {
            text.append(" (vndconfig --recover)\n");
        } else {
            text.append(", but ").append(PrintableText.of(served));
            text.append(" (unmount or close it, then vndconfig --recover)\n");
        }
    }

    /** Which device is a crashed disk to this moment, whose daemon, and perhaps whoever kept its lock, is gone. */
    private static String served(StateDirectory state, Unit unit) {
        try {
            Optional<String> device = NameList.served(state.folder(unit));
            return device.isPresent() ? device.get() + " still is that disk" : "";
        } catch (IOException unreadable) {
            // One that was recovered meanwhile has no list, which is no failure.
            return "perhaps a device still is that disk, which can't be told: " + Reason.withFile(unreadable);
        }
    }

    private void warnInOrder(String line) throws ProgramException {
        flush();
        Messages.warn(line);
        exitStatus = 1;
    }

    private void flush() throws ProgramException {
        if (!invocation.json && text.length() > 0) {
            Messages.out(text.toString());
        }
        text.setLength(0);
    }
}
