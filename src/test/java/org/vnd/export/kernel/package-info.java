/** Block devices of the host: what can be tried on any kernel here, and the rest in the guest. */
package org.vnd.export.kernel;
