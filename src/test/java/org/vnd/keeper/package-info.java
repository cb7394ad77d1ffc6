/** Tests of native/keeper.c, compiled and run, with shell scripts as daemons. */
package org.vnd.keeper;
