import com.ericsson.otp.erlang.OtpErlangAtom;
import com.ericsson.otp.erlang.OtpErlangExit;
import com.ericsson.otp.erlang.OtpErlangObject;
import com.ericsson.otp.erlang.OtpErlangPid;
import com.ericsson.otp.erlang.OtpErlangString;
import com.ericsson.otp.erlang.OtpErlangTuple;
import com.ericsson.otp.erlang.OtpMbox;
import com.ericsson.otp.erlang.OtpNode;

/**
 * A node of jinterface that meets another one: pings it, calls its server `puppet`, gets two pids from its process
 * `guide`, links to both, sees the end of the first, and ends itself so that the second sees that.
 *
 * Arguments: its own name, the cookie, the other node's name. Prints one line `what: result` for each step. With "serve" in
 * place of the other name it waits for another node instead, and answers each call of its server `echo` with the request and
 * its own pid, until a process that has linked itself to that pid ends.
 */
public class JavaNode {
    public static void main(String[] args) throws Exception {
        String other = args[2];
        OtpNode node = new OtpNode(args[0], args[1]);
        OtpMbox mbox = node.createMbox("box");

        if (other.equals("serve")) {
            serve(node.createMbox("echo"));
            node.close();
            System.exit(0);
        }
        show("ping", node.ping(other, 5_000));

        OtpErlangObject tag = node.createRef();
        OtpErlangObject request = tuple(new OtpErlangAtom("echo"), new OtpErlangString("grüße"));
        mbox.send("puppet", other, tuple(new OtpErlangAtom("$gen_call"), tuple(mbox.self(), tag), request));
        OtpErlangTuple reply = (OtpErlangTuple) mbox.receive(5_000);
        show("reply", reply.elementAt(0).equals(tag) + " " + reply.elementAt(1));

        mbox.send("guide", other, mbox.self());
        OtpErlangTuple pids = (OtpErlangTuple) mbox.receive(5_000);
        OtpErlangPid first = (OtpErlangPid) pids.elementAt(0);
        OtpErlangPid second = (OtpErlangPid) pids.elementAt(1);
        mbox.link(first);
        mbox.send(first, new OtpErlangAtom("die"));
        try {
            show("exit", mbox.receive(5_000));
        } catch (OtpErlangExit exit) {
            show("exit", exit.pid().equals(first) + " " + exit.reason());
        }

        mbox.link(second);
        mbox.unlink(second);
        mbox.link(second);
        mbox.send(second, new OtpErlangAtom("linked"));
        show("told", mbox.receive(5_000));
        mbox.exit(new OtpErlangAtom("done"));
        // What was sent last is not lost with the connection only once the other side has answered.
        show("ping", node.ping(other, 5_000));
        node.close();
        System.exit(0);
    }

    private static void serve(OtpMbox echo) throws Exception {
        show("serving", "echo");
        while (true) {
            try {
                OtpErlangTuple call = (OtpErlangTuple) echo.receive();
                OtpErlangTuple from = (OtpErlangTuple) call.elementAt(1);
                echo.send((OtpErlangPid) from.elementAt(0), tuple(from.elementAt(1), tuple(call.elementAt(2), echo.self())));
            } catch (OtpErlangExit exit) {
                show("exit", exit.reason());
                return;
            }
        }
    }

    private static OtpErlangTuple tuple(OtpErlangObject... elements) {
        return new OtpErlangTuple(elements);
    }

    private static void show(String what, Object result) {
        System.out.println(what + ": " + result);
    }
}
