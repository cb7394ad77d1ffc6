/**
 * Everything known that another process can do to a file whose blocks are written behind its file system, done to a file
 * that isn't locked (so that it is known to work) and to a disk's image (where it must not).
 */
package org.vnd.adversary;
