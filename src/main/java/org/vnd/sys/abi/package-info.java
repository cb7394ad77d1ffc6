/**
 * Kernel structs as offsets into memory, each constant with the header it comes from. A test compares every one with the
 * C compiler's sizeof and offsetof, by {@code native/abi_probe.c}.
 */
package org.vnd.sys.abi;
