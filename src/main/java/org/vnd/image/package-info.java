/**
 * The image as a file on a mounted file system: what it is, whether its blocks may be written behind the file system,
 * and how its layout is kept from changing meanwhile.
 *
 * <p>{@link org.vnd.image.AttachedImage#attach} is the way in. {@link org.vnd.image.LayoutLock} is the protocol of attach
 * and detach for the physical engine, {@link org.vnd.image.LockHolder} the program that holds that lock beside this process and
 * longer, {@link org.vnd.image.FileLock} what the file engine needs, with
 * {@link org.vnd.image.FileWatch} for what it can't keep others from,
 * {@link org.vnd.image.Recovery} puts a file back that a killed daemon left locked, and {@link org.vnd.image.ImageSearch}
 * finds it wherever it is by then. {@link org.vnd.image.NewImage} makes an image.
 */
package org.vnd.image;
