/** What no conformance test of a whole disk can bring about: an engine whose ring does what the test says, and no more. */
package org.vnd.engine;
