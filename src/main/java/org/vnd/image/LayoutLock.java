package org.vnd.image;

import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.vnd.extent.ExtentMap;
import org.vnd.extent.MapReader;
import org.vnd.proc.Findings;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.FileFlags;

/**
 * Pins an image's blocks: from {@link #acquire} to {@link #release} no block of it moves, is freed or is shared, and the
 * host's page cache has nothing of it that the disk's writes could contradict.
 *
 * <p>Two things hold it together, because neither is enough. FS_IMMUTABLE_FL forbids opens for writing, truncation,
 * renaming and the like, but not what a descriptor or mapping does that was open before. The lease proves, once, that
 * there was none; afterwards it makes everybody wait who tries to become one, should root take the flag away.
 *
 * <p>A killed process leaves the flag and the record, and lease and claim to {@link LockHolder} until nothing can write any
 * more; then {@link Recovery} puts the file back.
 */
public final class LayoutLock implements ImageLock {
    private final BackingFile file;
    private final int fd;
    private final FileFacts facts;
    private final FrozenFile seen;
    private final HostDevice device;
    private final boolean writable;
    private final OwnershipRecord record;

    /** The user has set the flag himself, and it stays; then there is nothing to write down and to put back. */
    private final boolean frozenBefore;

    /** Whether even a reader could share its blocks, so that nobody may open it. */
    private final boolean shareable;

    private final LockKeeping keeping;
    private @Nullable ExtentMap map;
    private int disk = -1;
    private boolean leased;
    /** False while somebody may have it open who could do harm: the next look has to prove the opposite. */
    private boolean alone = true;

    private boolean recorded;
    private boolean frozenHere;
    /** Whether blocks of the map may be another file's: they stay so, whatever becomes of this one. */
    private boolean lost;

    private LayoutLock(BackingFile file, int fd, FileFacts facts, HostDevice device, String unit, boolean writable) {
        this.file = file;
        this.fd = fd;
        this.facts = facts;
        this.device = device;
        this.writable = writable;
        this.record = OwnershipRecord.ofThisProcess(unit, file.identity(), facts.flags());
        this.seen = new FrozenFile(fd, file.path(), facts.sizeBytes());
        this.frozenBefore = facts.hasFlag(FileFlags.FS_IMMUTABLE_FL);
        this.shareable = Reflink.possible(fd, facts);
        this.keeping = new LockKeeping(fd, file.path(), shareable);
    }

    /**
     * Locks the claimed file {@code fd}. The lock then owns {@code file}, {@code fd} and {@code device}, and closes them.
     *
     * @throws NotPhysicalException it can't be had here; everything is as before, and the descriptors still the caller's
     * @throws ImageException somebody has the file open; the same
     * @throws StillLockedException it can't be had, nor be taken back what was done for it
     * @throws IOException what the listener threw; the same
     */
    static LayoutLock acquire(
            BackingFile file,
            int fd,
            FileFacts facts,
            HostDevice device,
            String unit,
            boolean writable,
            AttachListener listener)
            throws IOException, NotPhysicalException {
        LayoutLock lock = new LayoutLock(file, fd, facts, device, unit, writable);
        try {
            lock.acquire(listener);
            return lock;
        } catch (IOException | RuntimeException | Error e) {
            if (!lock.undo(e)) {
                throw new StillLockedException(String.valueOf(e.getMessage()), e);
            }
            throw e;
        }
    }

    private void acquire(AttachListener listener) throws IOException {
        keeping.start();
        if (shareable) {
            listener.step(LockStep.GUARD);
            keeping.refuseAll();
        }
        listener.step(LockStep.LEASE);
        Lease.takeAlone(file, fd);
        leased = true;
        // Who had it open until then may have written to it.
        keeping.forget();
        if (!frozenBefore) {
            listener.step(LockStep.RECORD);
            writeRecord();
            recorded = true;
            listener.step(LockStep.FREEZE);
            freeze();
            frozenHere = true;
            listener.step(LockStep.SYNC_LOCK);
            Libc.check(FileCalls.fsync(fd), "fsync", file.path());
        }
        listener.step(LockStep.MAP);
        map = PhysicalMap.read(fd, file.path(), facts, device, MapReader.threads());
        refuseLoop(map);
        listener.step(LockStep.EMPTY_CACHE);
        emptyCache();
        listener.step(LockStep.COMPARE);
        SampleComparison.check(fd, file.path(), device, map);
        listener.step(LockStep.RECHECK);
        recheck();
        listener.step(LockStep.OPEN_DEVICE);
        disk = device.openForDisk(writable);
        listener.step(LockStep.LOWER_LEASE);
        Lease.lower(fd, file.path());
        keeping.serve();
        if (!verify()) {
            throw new ImageException(file.path(), "in use: " + Holders.describe(file, fd));
        }
    }

    /** A loop device that has its blocks writes to them whatever is locked: one that outlived its daemon and the record of it. */
    private void refuseLoop(ExtentMap blocks) throws IOException {
        String loop;
        try {
            loop = LoopsOverBlocks.find(facts, blocks);
        } catch (IOException e) {
            throw new ImageException(
                    file.path(), "whether a loop device has its blocks can't be told: " + e.getMessage(), e);
        }
        if (!loop.isEmpty()) {
            throw new ImageException(
                    file.path(), "in use: " + loop + " is a disk of its blocks already: unmount or close it first");
        }
    }

    /** Takes back what {@link #acquire} did, the last first. False if the file stays locked; why is added to {@code cause}. */
    private boolean undo(Throwable cause) {
        if (disk >= 0) {
            FileCalls.close(disk);
        }
        if (map != null) {
            map.close();
        }
        boolean undone = true;
        try {
            // Where nothing was written there is nothing to take back, nor mostly the permission for it.
            if (frozenHere) {
                record.putFlagsBack(fd, file.path());
            }
            if (recorded) {
                removeRecord();
            }
        } catch (IOException e) {
            cause.addSuppressed(e);
            undone = false;
        }
        if (leased) {
            Lease.giveUp(fd);
        }
        keeping.close();
        return undone;
    }

    private void writeRecord() throws NotPhysicalException {
        try {
            record.write(fd, file.path());
        } catch (SysException e) {
            throw new NotPhysicalException("its owner can't be written down in it: " + Errno.message(e.errno()), e);
        }
    }

    private void freeze() throws NotPhysicalException {
        try {
            FileFacts.writeFlags(fd, FileFacts.readFlags(fd) | FileFlags.FS_IMMUTABLE_FL, file.path());
        } catch (SysException e) {
            throw new NotPhysicalException("it can't be made immutable: " + Errno.message(e.errno()), e);
        }
    }

    private void removeRecord() throws IOException {
        OwnershipRecord.remove(fd, file.path());
        Libc.check(FileCalls.fsync(fd), "fsync", file.path());
    }

    private void emptyCache() throws IOException {
        long left = PageCache.empty(fd, file.path(), facts.sizeBytes());
        if (left > 0) {
            throw new ImageException(
                    file.path(), left + " pages of it stay in the page cache: " + Holders.describe(file, fd));
        }
    }

    /** The lease may be on its way down for a reader, who waits; but nobody may wait to write. */
    private void recheck() throws IOException {
        int lease = Lease.current(fd);
        if (lease != FileCalls.F_WRLCK && lease != FileCalls.F_RDLCK) {
            throw new ImageException(file.path(), "in use: " + Holders.describe(file, fd));
        }
        if (!seen.frozen()) {
            throw new ImageException(file.path(), "somebody took its immutable flag away while it was being attached");
        }
        FileFacts now = FileFacts.read(fd, file.path());
        Eligibility.checkFlags(now);
        if (now.sizeBytes() != facts.sizeBytes()) {
            throw new NotPhysicalException("its size changed while it was being attached");
        }
        MapConfirmation.check(fd, file.path(), map(), ExtentRules.of(facts, device));
    }

    @Override
    public boolean othersWait() {
        return Lease.current(fd) != FileCalls.F_RDLCK || keeping.changed();
    }

    @Override
    public boolean verify() {
        return Lease.current(fd) == FileCalls.F_RDLCK && seen.frozen() && seen.sized() && keeping.answers();
    }

    /**
     * {@inheritDoc}
     *
     * <p>The flag, and the guard. As long as nobody waits for the lease, nobody has had the file open for writing, so the
     * cache can't have what the file system would still write. Pages that a reader keeps there are dealt with at the end.
     */
    @Override
    public Optional<String> mend() {
        try {
            closeAgain();
            keeping.compare();
            return othersWait() ? Optional.of("others wait to write to it, or have done so") : servedAgain();
        } catch (IOException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    private void closeAgain() throws IOException {
        alone &= keeping.there();
        if (!alone && !othersWait()) {
            proveAlone();
        }
        if (!seen.frozen()) {
            keeping.closing();
            if (!frozenBefore) {
                writeRecord();
            }
            freeze();
            Libc.check(FileCalls.fsync(fd), "fsync", file.path());
        }
    }

    /** While nobody was refused, somebody may have come who could share its blocks at any time; elsewhere readers do no harm. */
    private void proveAlone() throws IOException {
        if (Lease.take(fd, shareable ? FileCalls.F_WRLCK : FileCalls.F_RDLCK) != 0) {
            // By whom is explained when there is time for that.
            throw new ImageException(file.path(), "in use");
        }
        if (shareable) {
            Lease.lower(fd, file.path());
        }
        alone = true;
    }

    private Optional<String> servedAgain() throws IOException {
        Optional<String> difference = mapDifference();
        lost |= difference.isPresent();
        if (!lost) {
            keeping.serve();
        }
        return difference;
    }

    /** The steps of {@link #acquire} that can have been undone by others, with the map of then as the measure. */
    @Override
    public Optional<String> relock() {
        try {
            if (servedByKernel()) {
                return Optional.of(LockKeeping.CANT_WAIT);
            }
            quiet();
            closeAgain();
            if (keeping.forget() || othersWait()) {
                keeping.letOthersIn();
                alone = false;
                proveAlone();
                // What they have written: nothing of it is written later, over what the disk writes. A page that a
                // reader keeps is old at worst, and dealt with at the end.
                Libc.check(FileCalls.fsync(fd), "fsync", file.path());
                PageCache.empty(fd, file.path(), facts.sizeBytes());
            }
            return servedAgain();
        } catch (IOException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    /** Why the map isn't any more what it was, or nothing. */
    private Optional<String> mapDifference() throws IOException {
        return PhysicalMap.difference(fd, file.path(), facts, device, map());
    }

    /** A page that somebody keeps: it would stay, and be older than what the disk wrote. */
    @Override
    public Optional<String> obstacle() {
        try {
            emptyCache();
            return Optional.empty();
        } catch (ImageException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        } catch (IOException e) {
            // That is no reader who will go: whoever releases it is told what to do.
            return Optional.empty();
        }
    }

    /**
     * {@inheritDoc}
     *
     * <p>The order matters. While a page older than the disk's last write is in the cache, the flag stays: a small write
     * by the file would put all of that page back on disk. And the record goes last, so that a process killed anywhere
     * here is one that {@link Recovery} cleans up after.
     */
    @Override
    public Optional<String> release(AttachListener listener) throws IOException {
        quiet();
        if (!verify() && relock().isPresent()) {
            listener.note(file.path() + ": the lock was taken away, and can't be had back");
        }
        // It serves no more, though it may just have been locked anew.
        quiet();
        if (writable) {
            listener.step(LockStep.FLUSH);
            Libc.check(FileCalls.fdatasync(disk), "flush", device.name());
        }
        listener.step(LockStep.COMPARE_MAP);
        Optional<String> complaint = mapDifference().or(() -> notices().stream().findFirst());
        listener.step(LockStep.DROP_STALE_PAGES);
        if (verify()) {
            emptyCache();
        } else {
            // Others write to it already: holding on to what is left of the lock would save nothing.
            long left = PageCache.empty(fd, file.path(), facts.sizeBytes());
            if (left > 0 && complaint.isEmpty()) {
                complaint = Optional.of(left + " pages of it in the page cache may be older than what the disk wrote,"
                        + " and others could write to it");
            }
        }
        if (!frozenBefore) {
            listener.step(LockStep.THAW);
            record.putFlagsBack(fd, file.path());
            if (writable) {
                listener.step(LockStep.TOUCH);
                Libc.check(FileCalls.touch(fd), "set the time of", file.path());
            }
            listener.step(LockStep.REMOVE_RECORD);
            OwnershipRecord.remove(fd, file.path());
            listener.step(LockStep.SYNC_UNLOCK);
            Libc.check(FileCalls.fsync(fd), "fsync", file.path());
        }
        listener.step(LockStep.GIVE_UP_LEASE);
        Lease.giveUp(fd);
        keeping.close();
        FileCalls.close(disk);
        Claim.end(fd);
        map().close();
        device.close();
        file.close();
        return complaint.isEmpty()
                ? complaint
                : Optional.of(file.path() + ": while it was attached, " + complaint.get());
    }

    @Override
    public boolean lost() {
        return lost;
    }

    @Override
    public List<String> notices() {
        String removal = seen.removal();
        return removal.isEmpty() ? List.of() : List.of(removal);
    }

    @Override
    public boolean unheld() {
        return keeping.gone() && seen.frozen() && seen.sized();
    }

    @Override
    public long breakNanos() {
        return Lease.breakNanos();
    }

    /** The process that holds it with this one. */
    long holderPid() throws IOException {
        return keeping.pid();
    }

    /** On which lease and claim are. */
    int fd() {
        return fd;
    }

    @Override
    public int[] descriptors() {
        return new int[] {fd, keeping.writersMark()};
    }

    @Override
    public String users() {
        Findings found = Holders.find(file, fd);
        return found.names().isEmpty() ? "" : Holders.describe(found);
    }

    @Override
    public void whenDisturbed(Disturbance told) {
        keeping.whenDisturbed(told);
    }

    @Override
    public void kernelWillServe() throws IOException {
        keeping.kernelWillServe();
    }

    @Override
    public void kernelServes(KernelServed device) throws IOException {
        keeping.kernelServes(device);
    }

    @Override
    public void kernelServesNone() {
        keeping.kernelServesNone();
    }

    @Override
    public boolean servedByKernel() {
        return keeping.servedByKernel();
    }

    @Override
    public void fence() {
        keeping.fence();
    }

    @Override
    public void failed() {
        keeping.failed();
    }

    @Override
    public void tend() {
        alone &= keeping.tend();
    }

    @Override
    public void held() {
        keeping.held();
    }

    @Override
    public void quiet() {
        keeping.quiet();
    }

    @Override
    public List<String> unprotected() {
        return keeping.missing();
    }

    /** The device under the file system, O_DIRECT, for the disk's I/O. */
    int diskFd() {
        return disk;
    }

    ExtentMap map() {
        return Objects.requireNonNull(map);
    }
}
