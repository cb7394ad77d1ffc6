package org.vnd.control;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The command line of a daemon: what the user wants, then what the keeper adds to it.
 *
 * @param options what to attach
 * @param unit the unit the keeper took
 * @param unitDirectory its folder
 * @param reportDescriptor number of the descriptor to write report lines to
 * @param listenDescriptor number of the descriptor of a listening socket, if one was given
 */
public record DaemonArguments(
        AttachOptions options,
        Unit unit,
        Path unitDirectory,
        int reportDescriptor,
        Optional<Integer> listenDescriptor) {
    /** Splits the arguments of {@code main}; throws IllegalArgumentException if they aren't of this form. */
    public static DaemonArguments parse(String[] arguments) {
        List<String> ofUser = new ArrayList<>();
        Optional<Unit> unit = Optional.empty();
        String directory = "";
        int report = -1;
        Optional<Integer> listen = Optional.empty();
        for (int i = 0; i < arguments.length; i++) {
            String option = arguments[i];
            String value = i + 1 < arguments.length ? arguments[i + 1] : "";
            i++;
            switch (option) {
                case "--unit":
                    unit = Unit.parse(value);
                    break;
                case "--unit-directory":
                    directory = value;
                    break;
                case "--report-fd":
                    report = Integer.parseInt(value);
                    break;
                case "--listen-fd":
                    listen = Optional.of(Integer.valueOf(value));
                    break;
                case "--file":
                    // A file may be called --unit.
                    ofUser.add(option);
                    ofUser.add(value);
                    break;
                default:
                    ofUser.add(option);
                    i--;
            }
        }
        if (unit.isEmpty() || !directory.startsWith("/") || report < 0) {
            throw new IllegalArgumentException("--unit, --unit-directory or --report-fd is missing: start vndconfig");
        }
        return new DaemonArguments(AttachOptions.parse(ofUser), unit.get(), Path.of(directory), report, listen);
    }

    /** The state folder this unit is in. */
    public StateDirectory state() {
        Path parent = unitDirectory.getParent();
        if (parent == null) {
            throw new IllegalArgumentException(unitDirectory + ": not a unit's folder");
        }
        return StateDirectory.at(parent);
    }
}
