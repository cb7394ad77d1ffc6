/** Tests of {@link org.vnd.control}. */
package org.vnd.control;
