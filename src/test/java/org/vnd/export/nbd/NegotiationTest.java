package org.vnd.export.nbd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.export.nbd.ServerBytes.OptionAnswer;
import org.vnd.export.nbd.wire.OptionReplyType;
import org.vnd.export.nbd.wire.OptionType;

/** Every option and what clients get wrong about it, as HAZARDS and proto.md have it. */
class NegotiationTest {
    private static final int ACK = OptionReplyType.ACK;

    private SessionLab lab;

    @BeforeEach
    void open() throws Exception {
        lab = new SessionLab();
    }

    @AfterEach
    void close() {
        lab.close();
    }

    private static ClientBytes bytes() {
        return new ClientBytes();
    }

    /** A client past the greeting and its flags, which nothing has been said to. */
    private SessionLab.Client negotiating() throws Exception {
        SessionLab.Client client = lab.connect().send(bytes().flags(3));
        client.takeOutput().greeting();
        return client;
    }

    private static void assertOnly(int option, int type, List<OptionAnswer> answers) {
        assertEquals(1, answers.size(), answers::toString);
        assertEquals(option, answers.get(0).option());
        assertEquals(
                Integer.toHexString(type), Integer.toHexString(answers.get(0).type()));
    }

    /** It is still there, and understands the next option. */
    private static void assertGoesOn(SessionLab.Client client) {
        client.send(bytes().option(OptionType.LIST));
        List<OptionAnswer> answers = client.takeOutput().options();
        assertEquals(2, answers.size());
        assertEquals(OptionReplyType.SERVER, answers.get(0).type());
    }

    private static void assertDropped(SessionLab.Client client) {
        assertFalse(client.session.negotiating());
        assertFalse(client.session.hasPlace());
        assertFalse(client.session.wantsBytes());
        assertFalse(client.session.dropReason().isEmpty());
    }

    @Test
    void greetsFirst() throws Exception {
        ServerBytes output = lab.connect().output().greeting();
        assertEquals(0, output.remaining());
    }

    @ParameterizedTest
    @ValueSource(longs = {4, 1L << 31, 0xffffffffL, 0x100})
    void unknownClientFlagsEndIt(long flags) throws Exception {
        assertDropped(lab.connect().send(bytes().flags(flags)));
    }

    @Test
    void aClientWithoutFixedNewstyleMayUseOptions() throws Exception {
        SessionLab.Client client = lab.connect().send(bytes().flags(0));
        client.takeOutput();
        assertGoesOn(client);
    }

    @Test
    void listNamesTheUnitAndDescribesIt() throws Exception {
        SessionLab.Client client = negotiating().send(bytes().option(OptionType.LIST));
        List<OptionAnswer> answers = client.takeOutput().options();
        assertEquals(2, answers.size());
        ByteBuffer server = answers.get(0).buffer();
        assertEquals(4, server.getInt());
        assertEquals("\0\0\0\4vnd7an image", answers.get(0).text());
        assertEquals(ACK, answers.get(1).type());
        assertEquals(0, answers.get(1).data().length);
    }

    @ParameterizedTest
    @ValueSource(ints = {OptionType.LIST, OptionType.STARTTLS, OptionType.STRUCTURED_REPLY})
    void dataWhereNoneBelongsIsInvalid(int option) throws Exception {
        SessionLab.Client client = negotiating().send(bytes().option(option, bytes().raw((byte) 1)));
        assertOnly(option, OptionReplyType.INVALID, client.takeOutput().options());
        assertGoesOn(client);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 4, 5, 11, 12, 1000, 0xffffffffL})
    void whatIsNotHereIsUnsupported(long option) throws Exception {
        SessionLab.Client client = negotiating().send(bytes().option(option));
        assertOnly(
                (int) option, OptionReplyType.UNSUPPORTED, client.takeOutput().options());
        assertGoesOn(client);
    }

    @Test
    void dataOfUnknownOptionsIsSkippedHoweverLong() throws Exception {
        SessionLab.Client client = negotiating();
        client.send(bytes().optionHeader(4711, 3_000_000));
        for (int sent = 0; sent < 3_000_000; sent += 100_000) {
            assertEquals(0, client.output().remaining());
            client.send(new byte[100_000]);
        }
        assertOnly(4711, OptionReplyType.UNSUPPORTED, client.takeOutput().options());
        assertGoesOn(client);
    }

    @Test
    void fourGibibytesOfOptionNeedNoMemory() throws Exception {
        SessionLab.Client client = negotiating();
        client.send(bytes().optionHeader(OptionType.GO, 0xffffffffL).raw(new byte[200_000]));
        assertEquals(0, client.unreadInput(), "taken and forgotten");
        assertTrue(client.session.wantsBytes());
        assertEquals(0, client.output().remaining());
    }

    @Test
    void abortIsAcknowledgedAndEndsIt() throws Exception {
        SessionLab.Client client = negotiating().send(bytes().option(OptionType.ABORT));
        assertOnly(OptionType.ABORT, ACK, client.takeOutput().options());
        assertFalse(client.session.wantsBytes());
        assertEquals("", client.session.dropReason());
    }

    @Test
    void dataOfAbortIsIgnored() throws Exception {
        SessionLab.Client client = negotiating().send(bytes().option(OptionType.ABORT, bytes().text("because")));
        assertOnly(OptionType.ABORT, ACK, client.takeOutput().options());
    }

    @Test
    void anOptionWithoutMagicEndsIt() throws Exception {
        assertDropped(negotiating().send(bytes().u64(0x123456789L).u32(3).u32(0)));
    }

    @Test
    void infoTellsWhatIsAskedAndStays() throws Exception {
        SessionLab.Client client = negotiating().send(bytes().info(OptionType.INFO, "vnd7", 3, 1, 2, 0, 77, 3, 3));
        List<OptionAnswer> answers = client.takeOutput().options();
        assertEquals(5, answers.size(), answers::toString);
        ByteBuffer export = answers.get(0).buffer();
        assertEquals(0, export.getShort());
        assertEquals(SessionLab.DISK_BYTES, export.getLong());
        assertEquals(0x0d6d, export.getShort());
        assertArrayEquals("\0\1vnd7".getBytes("UTF-8"), answers.get(1).data());
        assertArrayEquals("\0\2an image".getBytes("UTF-8"), answers.get(2).data());
        ByteBuffer blockSize = answers.get(3).buffer();
        assertEquals(3, blockSize.getShort());
        assertEquals(1, blockSize.getInt());
        assertEquals(4096, blockSize.getInt());
        assertEquals(32 << 20, blockSize.getInt());
        assertEquals(ACK, answers.get(4).type());
        assertTrue(client.session.negotiating());
        assertGoesOn(client);
    }

    @Test
    void goWithoutQuestionsTellsSizeAndFlagsOnly() throws Exception {
        SessionLab.Client client = negotiating().send(bytes().info(OptionType.GO, ""));
        List<OptionAnswer> answers = client.takeOutput().options();
        assertEquals(2, answers.size());
        assertFalse(client.session.negotiating());
        assertTrue(client.session.hasPlace());
        assertEquals(0, client.output().remaining(), "no padding after GO");
    }

    @Test
    void flagsFollowTheDisk() throws Exception {
        lab.device.trims = false;
        assertEquals(0x0d4d, lab.export.transmissionFlags(false));
        assertEquals(0x0d4d | 0x80, lab.export.transmissionFlags(true));
        lab.device.readOnly = true;
        assertEquals(0x050f, lab.export.transmissionFlags(false));
    }

    @Test
    void anotherNameIsUnknown() throws Exception {
        for (String name : new String[] {"vnd8", "vnd", "vnd77", "x".repeat(4096), "vnd7\0", "\0"}) {
            SessionLab.Client client = negotiating().send(bytes().info(OptionType.GO, name, 3));
            assertOnly(
                    OptionType.GO, OptionReplyType.UNKNOWN, client.takeOutput().options());
            assertGoesOn(client);
        }
    }

    @Test
    void lengthsOfGoThatDoNotFitAreInvalid() throws Exception {
        ClientBytes[] malformed = {
            bytes(),
            bytes().u32(0),
            bytes().u32(0).raw((byte) 0),
            bytes().u32(1).u16(0),
            bytes().u32(0xffffffffL).text("vnd7").u16(0),
            bytes().u32(0x80000000L).text("vnd7").u16(0),
            bytes().u32(4).text("vnd7").u16(1),
            bytes().u32(4).text("vnd7").u16(0).raw((byte) 0),
            bytes().u32(4).text("vnd7").u16(0xffff).u16(3),
            bytes().u32(5).text("vnd7").u16(0),
            bytes().u32(4097).text("x".repeat(4097)).u16(0),
        };
        for (ClientBytes data : malformed) {
            for (int option : new int[] {OptionType.GO, OptionType.INFO}) {
                SessionLab.Client client = negotiating().send(bytes().option(option, data));
                assertOnly(option, OptionReplyType.INVALID, client.takeOutput().options());
                assertGoesOn(client);
            }
        }
    }

    @Test
    void anOptionTooLongToBeMeantIsTooBig() throws Exception {
        for (int option : new int[] {OptionType.GO, OptionType.SET_META_CONTEXT, OptionType.LIST_META_CONTEXT}) {
            SessionLab.Client client =
                    negotiating().send(bytes().option(option, bytes().raw(new byte[Negotiation.DATA_LIMIT_BYTES + 1])));
            assertOnly(option, OptionReplyType.TOO_BIG, client.takeOutput().options());
            assertGoesOn(client);
        }
    }

    @Test
    void exportNameIsPaddedUnlessTheClientSaysNot() throws Exception {
        SessionLab.Client client = lab.connect().send(bytes().flags(1));
        client.takeOutput();
        client.send(bytes().option(OptionType.EXPORT_NAME));
        ServerBytes output = client.takeOutput();
        assertEquals(SessionLab.DISK_BYTES, output.u64());
        assertEquals(0x0d6d, output.u16());
        assertArrayEquals(new byte[124], output.take(124));
        assertEquals(0, output.remaining());
        assertTrue(client.session.hasPlace());

        client = negotiating().send(bytes().option(OptionType.EXPORT_NAME, bytes().text("vnd7")));
        assertEquals(10, client.takeOutput().remaining());
    }

    @Test
    void exportNameCannotBeRefusedSoTheServerHangsUp() throws Exception {
        assertDropped(negotiating().send(bytes().option(OptionType.EXPORT_NAME, bytes().text("vnd8"))));
        assertDropped(negotiating().send(bytes().optionHeader(OptionType.EXPORT_NAME, 0xffffffffL)));
    }

    @Test
    void contextsNeedStructuredReplies() throws Exception {
        for (int option : new int[] {OptionType.SET_META_CONTEXT, OptionType.LIST_META_CONTEXT}) {
            SessionLab.Client client = negotiating().send(bytes().metaContext(option, "", "base:allocation"));
            assertOnly(option, OptionReplyType.INVALID, client.takeOutput().options());
            assertGoesOn(client);
        }
    }

    private SessionLab.Client structured() throws Exception {
        SessionLab.Client client = negotiating().send(bytes().option(OptionType.STRUCTURED_REPLY));
        assertOnly(OptionType.STRUCTURED_REPLY, ACK, client.takeOutput().options());
        return client;
    }

    @Test
    void listsItsContext() throws Exception {
        SessionLab.Client client = structured();
        String[][] queries = {{}, {"base:"}, {"base:allocation"}, {"qemu:", "base:allocation", "base:"}};
        for (String[] query : queries) {
            client.send(bytes().metaContext(OptionType.LIST_META_CONTEXT, "vnd7", query));
            List<OptionAnswer> answers = client.takeOutput().options();
            assertEquals(2, answers.size());
            assertEquals(OptionReplyType.META_CONTEXT, answers.get(0).type());
            assertEquals("\0\0\0\0base:allocation", answers.get(0).text());
        }
        for (String query : new String[] {"qemu:dirty-bitmap:a", "base:other", "no colon", "", "base:allocation2"}) {
            client.send(bytes().metaContext(OptionType.LIST_META_CONTEXT, "vnd7", query));
            assertOnly(OptionType.LIST_META_CONTEXT, ACK, client.takeOutput().options());
        }
    }

    @Test
    void selectsItsContextByFullNameOnly() throws Exception {
        SessionLab.Client client = structured();
        client.send(bytes().metaContext(OptionType.SET_META_CONTEXT, "", "base:allocation", "base:allocation"));
        List<OptionAnswer> answers = client.takeOutput().options();
        assertEquals(2, answers.size(), "once, however often it is asked for");
        assertEquals("\0\0\0\1base:allocation", answers.get(0).text());
        for (String[] query : new String[][] {{}, {"base:"}, {"qemu:"}}) {
            client.send(bytes().metaContext(OptionType.SET_META_CONTEXT, "", query));
            assertOnly(OptionType.SET_META_CONTEXT, ACK, client.takeOutput().options());
        }
    }

    /** Whether BLOCK_STATUS is answered, which is what a selected context is for. */
    private boolean statusWorks(SessionLab.Client client) {
        client.send(bytes().info(OptionType.GO, ""));
        client.takeOutput().options();
        client.send(bytes().request(0, 7, 1, 0, 4096));
        return client.takeOutput().answers(java.util.Map.of()).get(1L).error() == 0;
    }

    @Test
    void aFailingSelectionForgetsTheOneBefore() throws Exception {
        SessionLab.Client client = structured();
        ClientBytes select = bytes().metaContext(OptionType.SET_META_CONTEXT, "", "base:allocation");
        client.send(select);
        assertTrue(statusWorks(client));

        ClientBytes[] failing = {
            bytes().metaContext(OptionType.SET_META_CONTEXT, "other", "base:allocation"),
            bytes().metaContext(OptionType.SET_META_CONTEXT, ""),
            bytes().option(OptionType.SET_META_CONTEXT, bytes().u32(99)),
            bytes().option(OptionType.SET_META_CONTEXT, bytes().raw(new byte[Negotiation.DATA_LIMIT_BYTES + 1])),
        };
        for (ClientBytes failure : failing) {
            client = structured().send(select).send(failure);
            client.takeOutput();
            assertFalse(statusWorks(client));
            client.send(bytes().request(0, 2, 2, 0, 0));
        }
    }

    @Test
    void malformedContextQueriesAreInvalid() throws Exception {
        ClientBytes[] malformed = {
            bytes(),
            bytes().u32(0),
            bytes().u32(5).text("vnd7"),
            bytes().string("vnd7").u32(1),
            bytes().string("vnd7").u32(1).u32(100).text("base:allocation"),
            bytes().string("vnd7").u32(0xffffffffL).string("base:allocation"),
            bytes().string("vnd7").u32(1).u32(0xffffffffL).text("base:allocation"),
            bytes().string("vnd7").u32(0).text("more"),
            bytes().string("vnd7").u32(1).string("base:allocation").raw((byte) 0),
            bytes().string("vnd7").u32(1).string("x".repeat(5000)),
            bytes().u32(0xffffffffL).u32(0),
        };
        SessionLab.Client client = structured();
        for (ClientBytes data : malformed) {
            for (int option : new int[] {OptionType.SET_META_CONTEXT, OptionType.LIST_META_CONTEXT}) {
                client.send(bytes().option(option, data));
                assertOnly(option, OptionReplyType.INVALID, client.takeOutput().options());
            }
        }
        client.send(bytes().metaContext(OptionType.SET_META_CONTEXT, "vnd9", "base:allocation"));
        assertOnly(
                OptionType.SET_META_CONTEXT,
                OptionReplyType.UNKNOWN,
                client.takeOutput().options());
    }

    @Test
    void theSeventeenthIsToldSoAndMayTryAgain() throws Exception {
        for (int n = 0; n < lab.pool.places(); n++) {
            assertTrue(lab.connect().send(bytes().simpleHandshake()).session.hasPlace());
        }
        SessionLab.Client late = negotiating().send(bytes().info(OptionType.GO, ""));
        List<OptionAnswer> answers = late.takeOutput().options();
        assertOnly(OptionType.GO, OptionReplyType.POLICY, answers);
        assertTrue(answers.get(0).text().contains("in use"), answers.get(0).text());
        assertEquals(1, late.refusals);
        assertGoesOn(late);
        assertDropped(negotiating().send(bytes().option(OptionType.EXPORT_NAME)));
    }

    @Test
    void hangingUpInTheHandshakeIsNoFault() throws Exception {
        SessionLab.Client client = negotiating().send(bytes().optionHeader(OptionType.GO, 100));
        client.hangUp();
        assertFalse(client.session.wantsBytes());
        assertEquals("", client.session.dropReason());
    }

    @Test
    void aClientThatReadsNoAnswersIsReadNoFurther() throws Exception {
        SessionLab.Client client = negotiating();
        client.reads = false;
        ClientBytes many = bytes();
        for (int n = 0; n < 100_000; n++) {
            many.option(OptionType.LIST);
        }
        client.send(many);
        assertTrue(client.unreadInput() > many.size() - Staging.SIZE_BYTES - 1000);
        client.reads = true;
        lab.pump();
        assertEquals(0, client.unreadInput());
        ServerBytes output = client.takeOutput();
        for (int n = 0; n < 100_000; n++) {
            assertEquals(2, output.options().size());
        }
        assertEquals(0, output.remaining());
    }

    @Test
    void longNamesAndDescriptionsFitOrAreRefused() throws Exception {
        Export export = new Export(new Options("n".repeat(256), "é".repeat(5000), line -> {}), lab.device);
        assertEquals(Export.DESCRIPTION_LIMIT_BYTES, export.description().length);
        assertEquals('é', new String(export.description(), "UTF-8").charAt(511));
        ByteBuffer out = ByteBuffer.allocate(Negotiation.REPLY_LIMIT_BYTES);
        new OptionReplies(export).info(out, OptionType.GO, 0xf, true);
        org.junit.jupiter.api.Assertions.assertThrows(
                IllegalArgumentException.class,
                () -> new Export(new Options("n".repeat(257), "", line -> {}), lab.device));
    }
}
