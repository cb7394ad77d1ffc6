/** Tests of {@link org.vnd.cli}, alone and with a keeper and a stand-in for the daemon. */
package org.vnd.cli;
