/**
 * The life of one disk: attach, serve, watch the layout lock, detach. {@link org.vnd.daemon.Main} is the process the
 * keeper starts; {@link org.vnd.daemon.DiskAttach} puts the parts of a disk together; {@link org.vnd.daemon.Disk} is its life,
 * with an explicit state; {@link org.vnd.daemon.QueueThread} is where requests are done.
 *
 * <p>The threads of the process, what each owns, and what it may wait for; beside those of a pool ({@code vnd-io} where there is
 * no io_uring, {@code vnd-map} while a map is read), the reader of vnd-lock's words, and short searches of /proc:
 *
 * <table>
 * <caption>Threads</caption>
 * <tr><th>thread</th><th>owns</th><th>waits for</th></tr>
 * <tr><td>main: {@link org.vnd.daemon.Disk#run}</td>
 *     <td>the disk's state; making its devices and taking them away; letting go of the image; the record</td>
 *     <td>anything: the kernel, users of the device, the state folder. Others never wait for it, but for those who want the
 *     disk to end, who are told what it is at</td></tr>
 * <tr><td>vnd-queue: {@link org.vnd.daemon.QueueThread}</td>
 *     <td>ring, engine, NBD server, exports: every request</td>
 *     <td>its ring, and nothing else</td></tr>
 * <tr><td>vnd-watcher: {@link org.vnd.daemon.Watcher}</td>
 *     <td>the look at the layout lock, holding and opening the gate, mending and taking the lock again</td>
 *     <td>the image's file system; requests on their way to the disk. Requests wait for it</td></tr>
 * <tr><td>vnd-devices: {@link org.vnd.daemon.Watcher}</td>
 *     <td>the look at the block device, once a second; the gate's failure, if that has to be</td>
 *     <td>requests of that device</td></tr>
 * <tr><td>vnd-fails: {@link org.vnd.daemon.Watcher}</td>
 *     <td>the failing of the device of a disk that has failed, whatever main is at, again and again until it has</td>
 *     <td>the kernel</td></tr>
 * <tr><td>vnd-changes: {@link org.vnd.image.AttachedImage}'s lock</td>
 *     <td>nothing: it hears that others have changed the image, and fails the disk or shuts the gate at once</td>
 *     <td>nobody</td></tr>
 * <tr><td>vnd-lets-in: {@link org.vnd.image.AttachedImage}'s lock</td>
 *     <td>nothing: it lets go of the guard of a disk that has failed, whose vnd-lock is dead</td>
 *     <td>those who tell vnd-lock something</td></tr>
 * <tr><td>vnd-partitions: {@link org.vnd.daemon.NodeWatch}</td>
 *     <td>names of partitions, after somebody has written to the device</td>
 *     <td>requests of that device</td></tr>
 * <tr><td>vnd-partx: {@link org.vnd.export.Partitions}</td>
 *     <td>nothing: it has partx look for partitions on /dev/nbdN, and tell the kernel</td>
 *     <td>partx, ten seconds</td></tr>
 * <tr><td>vnd-control: {@link org.vnd.control.ControlServer}</td>
 *     <td>connections of vndconfig, one request after the other</td>
 *     <td>main, for a detach</td></tr>
 * <tr><td>vnd-asker: {@link org.vnd.daemon.Asker}</td>
 *     <td>the wait for the one who asked for the disk</td>
 *     <td>him</td></tr>
 * <tr><td>vnd-end: {@link org.vnd.daemon.Main}</td>
 *     <td>nothing: it comes with a signal, and tells main</td>
 *     <td>main</td></tr>
 * </table>
 */
package org.vnd.daemon;
