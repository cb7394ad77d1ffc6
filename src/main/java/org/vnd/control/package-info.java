/**
 * What the command line, the keeper and the daemon of a disk say to each other, and where they leave it. JDK only.
 *
 * <p>The state folder ({@link org.vnd.control.StateDirectory}) holds one folder and one lock a unit. The keeper, a small
 * C program, takes the lock and starts the daemon with {@link org.vnd.control.DaemonArguments}; the daemon tells the
 * waiting command line how far it is in {@link org.vnd.control.ReportLine report lines}, leaves a {@link
 * org.vnd.control.UnitRecord} for the listing, and answers {@link org.vnd.control.ControlRequest requests} on a socket.
 */
package org.vnd.control;
