package org.vnd.daemon;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.vnd.control.AttachOptions;
import org.vnd.control.DaemonArguments;
import org.vnd.export.KernelDevice;
import org.vnd.export.kernel.LoopDevice;
import org.vnd.extent.ExtentMap;
import org.vnd.image.AttachRequest.Engine;
import org.vnd.image.AttachedImage;

/**
 * The block device of this host through which a disk is reached beside its NBD socket, if there is one, and its names.
 *
 * @param announcement what was taken and why nothing better, a line for the user; empty if he chose himself
 */
record HostDevices(@Nullable KernelDevice device, @Nullable DeviceLinks links, String announcement) {
    /**
     * Makes the block device that {@code arguments} ask for, or the best there is.
     *
     * @throws IOException the one that was asked for can't be had
     */
    static HostDevices make(DaemonArguments arguments, AttachedImage image) throws IOException {
        String export = arguments.options().export();
        if (export.equals(AttachOptions.NBD)) {
            return new HostDevices(null, null, "");
        }
        boolean auto = export.equals(AttachOptions.AUTO);
        if (auto && arguments.listenDescriptor().isPresent()) {
            // Whoever brings a socket wants the disk there.
            return new HostDevices(null, null, "");
        }
        String unit = arguments.unit().name();
        KernelDevice device;
        try {
            device = loop(image, arguments);
        } catch (IOException e) {
            String why = "no loop device: " + e.getMessage();
            if (!auto) {
                throw new IOException(arguments.options().file() + ": " + why, e);
            }
            return new HostDevices(null, null, unit + ": NBD socket only: " + why);
        }
        String name = Path.of(device.node()).getFileName().toString();
        DeviceLinks links = new DeviceLinks(arguments.state(), arguments.unit(), name);
        try {
            links.refresh();
        } catch (IOException | RuntimeException e) {
            device.remove();
            throw e;
        }
        return new HostDevices(device, links, auto ? unit + ": " + links.path() + " by " + device.export() : "");
    }

    /** The kernel's loop driver, where the whole disk is one run of the device below. */
    private static KernelDevice loop(AttachedImage image, DaemonArguments arguments) throws IOException {
        ExtentMap map = image.map();
        if (image.engine() != Engine.PHYSICAL || map == null) {
            throw new IOException("it needs the physical engine");
        }
        int first = map.find(image.offsetBytes(), 0);
        if (map.endBytes(first) < image.offsetBytes() + image.sizeBytes()) {
            throw new IOException("it needs an image in one extent, this has " + map.count());
        }
        long offsetBytes = map.physicalBytes(first) + image.offsetBytes() - map.startBytes(first);
        String file = arguments.options().file();
        return LoopDevice.attach(
                image.fd(), offsetBytes, image.sizeBytes(), image.blockBytes(), image.readOnly(), file);
    }

    /** Looks whether partitions have come or gone. */
    void refresh() {
        if (device != null && links != null) {
            try {
                device.lookForPartitions();
                links.refresh();
            } catch (IOException e) {
                Log.line("names of partitions: " + e);
            }
        }
    }

    /** Takes device and names away. */
    void remove() throws IOException {
        if (device != null) {
            device.remove();
        }
        if (links != null) {
            links.remove();
        }
    }
}
