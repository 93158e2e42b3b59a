import com.ericsson.otp.erlang.OtpErlangAtom;
import com.ericsson.otp.erlang.OtpErlangExit;
import com.ericsson.otp.erlang.OtpErlangLong;
import com.ericsson.otp.erlang.OtpErlangObject;
import com.ericsson.otp.erlang.OtpErlangPid;
import com.ericsson.otp.erlang.OtpErlangTuple;
import com.ericsson.otp.erlang.OtpMbox;
import com.ericsson.otp.erlang.OtpNode;

/**
 * A node of jinterface as the measured node; a thread for each process. bench/contract.md says what each message means.
 *
 * Arguments: its own name, the cookie. Runs until it is killed.
 */
public class Jinterface {
    private static final OtpErlangAtom GEN_CALL = new OtpErlangAtom("$gen_call");
    private static OtpNode node;

    public static void main(String[] args) throws Exception {
        node = new OtpNode(args[0], args[1]);
        start("echo", new Echo());
        start("sink", new Sink());
        start("bench", new Bench());
    }

    private interface Server {
        void handle(OtpMbox mbox, OtpErlangObject message) throws Exception;
    }

    private static void start(String name, Server server) {
        OtpMbox mbox = node.createMbox(name);
        run(() -> {
            for (;;) {
                try {
                    server.handle(mbox, mbox.receive());
                } catch (OtpErlangExit exit) {
                    // The measuring node disconnects on purpose.
                }
            }
        });
    }

    private interface Work {
        void run() throws Exception;
    }

    private static void run(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (Exception error) {
                error.printStackTrace();
                System.exit(1);
            }
        });
        thread.start();
    }

    private static class Echo implements Server {
        public void handle(OtpMbox mbox, OtpErlangObject message) {
            reply(mbox, (OtpErlangTuple) message, ((OtpErlangTuple) message).elementAt(2));
        }
    }

    private static class Sink implements Server {
        private long count = 0;

        public void handle(OtpMbox mbox, OtpErlangObject message) {
            if (!isCall(message)) {
                count++;
                return;
            }
            reply(mbox, (OtpErlangTuple) message, tuple(new OtpErlangLong(count), mbox.self()));
            count = 0;
        }
    }

    private static class Bench implements Server {
        public void handle(OtpMbox mbox, OtpErlangObject message) throws Exception {
            OtpErlangTuple command = (OtpErlangTuple) message;
            switch (name(command, 0)) {
                case "flood" -> flood(mbox, command);
                case "calls" -> calls(mbox, command);
                default -> throw new IllegalArgumentException(command.toString());
            }
        }

        private void flood(OtpMbox mbox, OtpErlangTuple command) {
            OtpErlangPid to = (OtpErlangPid) command.elementAt(1);
            OtpErlangObject payload = command.elementAt(2);
            long count = number(command.elementAt(3));
            for (long i = 0; i < count; i++) mbox.send(to, payload);
        }

        private void calls(OtpMbox mbox, OtpErlangTuple command) throws Exception {
            OtpErlangTuple to = (OtpErlangTuple) command.elementAt(1);
            OtpErlangObject request = command.elementAt(2);
            long callers = number(command.elementAt(3));
            long each = number(command.elementAt(4));
            Thread[] threads = new Thread[(int) callers];
            for (int i = 0; i < callers; i++) {
                threads[i] = new Thread(() -> call(name(to, 0), name(to, 1), request, each));
                threads[i].start();
            }
            for (Thread thread : threads) thread.join();
            mbox.send((OtpErlangPid) command.elementAt(5), tuple(new OtpErlangAtom("called"), new OtpErlangLong(callers * each)));
        }

        private void call(String name, String other, OtpErlangObject request, long each) {
            OtpMbox caller = node.createMbox();
            try {
                for (long i = 0; i < each; i++) {
                    OtpErlangObject tag = node.createRef();
                    caller.send(name, other, tuple(GEN_CALL, tuple(caller.self(), tag), request));
                    OtpErlangTuple answer = (OtpErlangTuple) caller.receive();
                    if (!answer.elementAt(0).equals(tag) || !answer.elementAt(1).equals(request)) System.exit(1);
                }
            } catch (Exception error) {
                error.printStackTrace();
                System.exit(1);
            }
            node.closeMbox(caller);
        }
    }

    private static boolean isCall(OtpErlangObject message) {
        return message instanceof OtpErlangTuple tuple && tuple.arity() == 3 && tuple.elementAt(0).equals(GEN_CALL);
    }

    private static void reply(OtpMbox mbox, OtpErlangTuple call, OtpErlangObject value) {
        OtpErlangTuple from = (OtpErlangTuple) call.elementAt(1);
        mbox.send((OtpErlangPid) from.elementAt(0), tuple(from.elementAt(1), value));
    }

    private static String name(OtpErlangTuple tuple, int i) {
        return ((OtpErlangAtom) tuple.elementAt(i)).atomValue();
    }

    private static long number(OtpErlangObject integer) {
        return ((OtpErlangLong) integer).longValue();
    }

    private static OtpErlangTuple tuple(OtpErlangObject... elements) {
        return new OtpErlangTuple(elements);
    }
}
