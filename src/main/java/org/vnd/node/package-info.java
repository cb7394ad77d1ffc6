/**
 * The names of block devices: what leads to a disk in /dev and in a unit's folder, what was made there by this program, and
 * whether it still leads where it did. The kernel gives numbers and names away anew as soon as they are free, so a name is
 * told, used or removed only after a look at what it leads to now.
 *
 * <p>Names that were made are written down before they are, in the unit's folder: {@link org.vnd.node.NameList}. Whoever
 * outlives whom removes them: the daemon; vnd-loop, which reads the end of the daemon on its standard input; the keeper;
 * and the next {@code vndconfig}. The programs in C do that by {@code native/names.h}.
 */
package org.vnd.node;
