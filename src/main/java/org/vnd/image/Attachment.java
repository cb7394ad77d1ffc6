package org.vnd.image;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.vnd.image.AttachRequest.Engine;
import org.vnd.sys.FileCalls;
import org.vnd.sys.abi.FileFlags;

/** One attempt to attach an image: recovery, allocation, then the best engine that is sound and wanted. */
final class Attachment {
    private final AttachRequest request;
    private final BackingFile file;
    private final FilePlace place;
    private final AttachListener listener;

    Attachment(AttachRequest request, BackingFile file, FilePlace place, AttachListener listener) {
        this.request = request;
        this.file = file;
        this.place = place;
        this.listener = listener;
    }

    AttachedImage run() throws IOException {
        prepare();
        if (request.engine() == Engine.FILE) {
            return byFile("asked for");
        }
        try {
            return physical();
        } catch (NotPhysicalException e) {
            String reason = String.valueOf(e.getMessage());
            if (request.engine() == Engine.PHYSICAL) {
                throw new ImageException(request.path(), "not possible with --engine physical: " + reason, e);
            }
            return byFile(reason);
        }
    }

    /** What may change the file comes first, so that its facts are read afterwards. */
    private void prepare() throws IOException {
        int fd = Claim.open(file, FileCalls.O_RDONLY, request.readOnly());
        try {
            Recovery.takeOver(file, fd, listener);
        } finally {
            Claim.end(fd);
        }
        if (request.allocate()) {
            Allocation.fill(file, listener);
        }
    }

    private AttachedImage physical() throws IOException, NotPhysicalException {
        int fd = Claim.open(file, FileCalls.O_RDONLY, false);
        HostDevice device = null;
        try {
            FileFacts facts = FileFacts.read(fd, request.path());
            ImageGeometry geometry = ImageGeometry.of(request, facts.sizeBytes());
            refuseFrozen(facts);
            Mount mount = Mount.of(facts);
            Eligibility.check(facts, mount);
            device = HostDevice.open(facts.deviceMajor(), facts.deviceMinor());
            Eligibility.checkJournal(facts, device);
            Eligibility.checkDevice(facts, device);
            geometry.checkAlignment(request.path(), device.blockBytes());
            LayoutLock lock =
                    LayoutLock.acquire(file, fd, facts, device, request.unit(), !request.readOnly(), listener);
            return physical(lock, facts, mount, device, geometry);
        } catch (IOException | RuntimeException | Error e) {
            if (device != null) {
                device.close();
            }
            Claim.end(fd);
            throw e;
        }
    }

    private AttachedImage physical(
            LayoutLock lock, FileFacts facts, @Nullable Mount mount, HostDevice device, ImageGeometry geometry) {
        int extents = lock.map().count();
        String reason = (mount == null ? "" : mount.fileSystem()) + " on " + device.name() + ", " + extents
                + (extents == 1 ? " extent" : " extents");
        return new AttachedImage(
                Engine.PHYSICAL,
                reason,
                lock.diskFd(),
                lock.map(),
                false,
                lock,
                geometry.offsetBytes(),
                geometry.sizeBytes(),
                device.blockBytes(),
                request.readOnly(),
                !request.readOnly() && HolePunching.ofDevice(facts.deviceMajor(), facts.deviceMinor()),
                facts.sizeBytes(),
                place);
    }

    /** The disk would change what its owner has forbidden to change, and no file system could stop it. */
    private void refuseFrozen(FileFacts facts) throws ImageException {
        if (!request.readOnly() && facts.hasFlag(FileFlags.FS_IMMUTABLE_FL | FileFlags.FS_APPEND_FL)) {
            throw new ImageException(
                    request.path(), "immutable or append-only: chattr -ia it first, or attach it read-only with -r");
        }
    }

    private AttachedImage byFile(String reason) throws IOException {
        FileLock lock = FileLock.acquire(file, !request.readOnly(), listener);
        try {
            FileFacts facts = FileFacts.read(lock.fd(), request.path());
            ImageGeometry geometry = ImageGeometry.of(request, facts.sizeBytes());
            geometry.checkAlignment(request.path(), lock.blockBytes());
            if (!request.readOnly()) {
                geometry.checkEnd(request.path(), lock.blockBytes(), facts.sizeBytes());
            }
            String exception = DirectIo.exception(facts, System.getProperty("os.version"));
            return new AttachedImage(
                    Engine.FILE,
                    exception.isEmpty() ? reason : reason + "; " + exception,
                    lock.fd(),
                    null,
                    HoleMap.tells(lock.fd(), request.path(), facts),
                    lock,
                    geometry.offsetBytes(),
                    geometry.sizeBytes(),
                    lock.blockBytes(),
                    request.readOnly(),
                    !request.readOnly() && HolePunching.ofFile(lock.fd(), facts),
                    facts.sizeBytes(),
                    place);
        } catch (IOException | RuntimeException | Error e) {
            lock.letGo();
            throw e;
        }
    }
}
