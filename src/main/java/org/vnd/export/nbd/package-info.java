/**
 * The disk as an NBD export on a socket: fixed newstyle handshake, simple and structured replies, base:allocation.
 *
 * <p>{@link org.vnd.export.nbd.Session} is one connection without its socket: bytes in, requests to the disk, replies out.
 * {@link org.vnd.export.nbd.Server} moves the bytes of all connections on the thread of one ring. A session holds slots
 * and memory of {@link org.vnd.export.nbd.CommandPool}, which is shared so that no client can take what the others need.
 */
package org.vnd.export.nbd;
