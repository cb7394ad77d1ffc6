/**
 * Where a file's bytes lie: extents, read with FIEMAP in bounded batches, and the map made of them, which is off heap,
 * locked, and answers without a system call.
 */
package org.vnd.extent;
