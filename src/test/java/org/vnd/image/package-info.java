/** The protocol of attach and detach on real file systems, killed at every step, against everybody who is in the way. */
package org.vnd.image;
