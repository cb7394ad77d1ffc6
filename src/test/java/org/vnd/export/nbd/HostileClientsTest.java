package org.vnd.export.nbd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.export.nbd.ServerLab.Client;
import org.vnd.export.nbd.ServerLab.RingKind;
import org.vnd.export.nbd.wire.OptionType;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** Clients that mean no good. After each the server lives, serves others, and has everything back. */
@ExtendWith(Seeded.class)
class HostileClientsTest {
    private static final int DISK_BYTES = 64 << 20;

    /** One that is connected all the time must be served all the time. */
    private static void assertServed(Client neighbour, SeededRandom random) throws IOException {
        byte[] data = new byte[100_000];
        random.fill(data);
        assertEquals(0, neighbour.write(0, 3333, data));
        assertArrayEquals(data, neighbour.read(3333, data.length));
    }

    private static void assertNothingLeft(ServerLab lab, int connections) {
        while (lab.on(() -> lab.server().clients() > connections || lab.server().requestsInFlight() > 0)) {
            Thread.onSpinWait();
        }
    }

    /** The server may have hung up before everything was sent. */
    private static void sendIfTaken(Client client, byte[] bytes) {
        try {
            client.send(bytes);
        } catch (IOException e) {
            // Broken pipe: it has.
        }
    }

    @ParameterizedTest
    @EnumSource
    void randomBytes(RingKind kind, SeededRandom random) throws Exception {
        try (ServerLab lab = new ServerLab(kind, DISK_BYTES);
                Client neighbour = lab.connect().handshake()) {
            for (int n = 0; n < 300; n++) {
                byte[] noise = new byte[(int) random.length(100_000)];
                random.fill(noise);
                try (Client client = lab.connect()) {
                    if (random.oneIn(2)) {
                        client.send(new ClientBytes().flags(3));
                    } else if (random.oneIn(2)) {
                        client.handshake();
                    }
                    sendIfTaken(client, noise);
                }
                assertServed(neighbour, random);
            }
            assertNothingLeft(lab, 1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void halfRequests(RingKind kind, SeededRandom random) throws Exception {
        try (ServerLab lab = new ServerLab(kind, DISK_BYTES);
                Client neighbour = lab.connect().handshake()) {
            List<Client> clients = new ArrayList<>();
            for (int n = 0; n < 200; n++) {
                int length = (int) random.length(3 << 20);
                byte[] request =
                        new ClientBytes().write(0, 1, 0, new byte[length]).toByteArray();
                Client client = lab.connect().handshake();
                client.send(java.util.Arrays.copyOf(request, 1 + random.below(request.length - 1)));
                clients.add(client);
                if (clients.size() == 15) {
                    assertServed(neighbour, random);
                    for (Client each : clients) {
                        each.close();
                    }
                    clients.clear();
                    assertNothingLeft(lab, 1);
                }
            }
            for (Client each : clients) {
                each.close();
            }
            assertNothingLeft(lab, 1);
            assertServed(neighbour, random);
        }
    }

    @ParameterizedTest
    @EnumSource
    void fourGibibyteLengths(RingKind kind, SeededRandom random) throws Exception {
        try (ServerLab lab = new ServerLab(kind, DISK_BYTES);
                Client neighbour = lab.connect().handshake()) {
            try (Client client = lab.connect().handshake()) {
                for (int type : new int[] {0, 4, 5, 6, 7}) {
                    assertEquals(type == 6 ? 28 : 22, client.ask(0, type, 0, 0xffffffffL));
                }
                client.send(new ClientBytes().request(0, 1, 9, 0, 0xffffffffL));
                byte[] some = new byte[8 << 20];
                client.send(some).send(some).send(some);
                assertServed(neighbour, random);
            }
            try (Client client = lab.connect()) {
                client.send(new ClientBytes().flags(3).optionHeader(OptionType.GO, 0xffffffffL));
                client.send(new byte[8 << 20]);
                assertServed(neighbour, random);
            }
            assertNothingLeft(lab, 1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void tenThousandConnects(RingKind kind, SeededRandom random) throws Exception {
        try (ServerLab lab = new ServerLab(kind, DISK_BYTES);
                Client neighbour = lab.connect().handshake()) {
            List<Client> kept = new ArrayList<>();
            for (int n = 0; n < 10_000; n++) {
                Client client = lab.connect();
                if (n % 10 == 0) {
                    kept.add(client);
                } else {
                    client.close();
                }
                if (n % 1000 == 0) {
                    assertServed(neighbour, random);
                }
            }
            // A thousand silent ones are connected, and a new one gets in.
            try (Client late = lab.connect().handshake()) {
                assertServed(late, random);
            }
            for (Client client : kept) {
                client.close();
            }
            assertNothingLeft(lab, 1);
            assertServed(neighbour, random);
            assertTrue(lab.log().size() < 50, "the log is not for the client to fill: " + lab.log());
        }
    }

    @ParameterizedTest
    @EnumSource
    void clientsThatNeverRead(RingKind kind, SeededRandom random) throws Exception {
        try (ServerLab lab = new ServerLab(kind, DISK_BYTES);
                Client neighbour = lab.connect().handshake()) {
            List<Client> hogs = new ArrayList<>();
            for (int n = 0; n < 14; n++) {
                Client hog = lab.connect().handshake();
                hog.channel().configureBlocking(false);
                ClientBytes requests = new ClientBytes();
                int length = random.oneOf(512, 4096, 1 << 20, 32 << 20);
                for (int cookie = 0; cookie < 5000; cookie++) {
                    requests.request(0, 0, cookie, 0, length);
                }
                ByteBuffer buffer = requests.buffer();
                while (hog.channel().write(buffer) > 0) {
                    assertServed(neighbour, random);
                }
                hogs.add(hog);
            }
            byte[] large = new byte[30 << 20];
            random.fill(large);
            assertEquals(0, neighbour.write(0, 77, large));
            assertArrayEquals(large, neighbour.read(77, large.length));
            try (Client late = lab.connect().handshake()) {
                assertServed(late, random);
            }
            for (Client hog : hogs) {
                hog.close();
            }
            assertNothingLeft(lab, 1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aClientThatNeverReadsCannotHoldUpTheEnd(RingKind kind) throws Exception {
        try (ServerLab lab = new ServerLab(kind, DISK_BYTES);
                Client hog = lab.connect().handshake()) {
            ClientBytes requests = new ClientBytes();
            for (int cookie = 0; cookie < 50; cookie++) {
                requests.request(0, 0, cookie, 0, 1 << 20);
            }
            hog.send(requests);
            while (lab.on(lab.server()::requestsInFlight) == 0) {
                Thread.onSpinWait();
            }
            lab.stop();
        }
    }
}
