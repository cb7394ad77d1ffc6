/**
 * What goes over an NBD connection: the constants and structs of the NBD protocol, doc/proto.md of the repository
 * NetworkBlockDevice/nbd, which the words "proto.md" mean here. Everything is big-endian.
 *
 * <p>A struct is a flyweight: it is laid over bytes and reads or writes them in place, each field's offset named once.
 */
package org.vnd.export.nbd.wire;
