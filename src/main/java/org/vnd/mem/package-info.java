/**
 * Memory off the heap: page-aligned, locked, bounds-checked. Every access goes through a direct ByteBuffer of the exact
 * size, so a wrong index is an exception and never a wild write.
 */
package org.vnd.mem;
