/**
 * What ublk's driver and its server tell each other, include/uapi/linux/ublk_cmd.h of Linux 6.12, as offsets into memory in
 * native byte order. The constants are our own: the headers of Debian 12 are older than what is spoken here.
 */
@NullMarked
package org.vnd.export.ublk.wire;

import org.jspecify.annotations.NullMarked;
