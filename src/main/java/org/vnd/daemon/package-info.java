/**
 * The life of one disk: attach, serve, watch the layout lock, detach. {@link org.vnd.daemon.Main} is the process the
 * keeper starts; {@link org.vnd.daemon.Disk} puts the parts together; {@link org.vnd.daemon.QueueThread} is where
 * requests are done.
 */
package org.vnd.daemon;
