// A C node made with erl_interface as the measured node. bench/contract.md says what each message means. One thread; terms are
// passed on as bytes, without being decoded. Arguments: its own name, the cookie. Runs until it is killed.
#include <ei.h>
#include <ei_connect.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MOST_CALLERS 64

static ei_cnode node;
static int link_fd;
static erlang_pid sink, caller;
static unsigned long counted;

/** The calls that are on their way from here, each with the request that it repeats. */
static struct {
    erlang_ref tag;
    ei_x_buff request;
    long left;
} calls[MOST_CALLERS];
static long calling, called;
static char server[MAXATOMLEN_UTF8];
static erlang_pid report_to;

static void fail(const char *what) {
    fprintf(stderr, "%s: failed with %d\n", what, erl_errno);
    exit(1);
}

/** The end of the term at `index`. */
static int after(const char *buffer, int index) {
    if (ei_skip_term(buffer, &index) < 0) fail("skip");
    return index;
}

static void tuple(ei_x_buff *x, int arity) {
    x->index = 0;
    ei_x_encode_version(x);
    ei_x_encode_tuple_header(x, arity);
}

static void send_to(erlang_pid *to, ei_x_buff *x) {
    if (ei_send(link_fd, to, x->buff, x->index) < 0) fail("send");
}

/** Reads `{'$gen_call', {From, Tag}, Request}`: where the tag and the request begin. 0 when it is something else. */
static int gen_call(const char *buffer, erlang_pid *from, int *tag, int *request) {
    int index = 0, version, arity;
    char atom[MAXATOMLEN_UTF8];
    ei_decode_version(buffer, &index, &version);
    if (ei_decode_tuple_header(buffer, &index, &arity) < 0 || arity != 3) return 0;
    if (ei_decode_atom(buffer, &index, atom) < 0 || strcmp(atom, "$gen_call") != 0) return 0;
    ei_decode_tuple_header(buffer, &index, &arity);
    ei_decode_pid(buffer, &index, from);
    *tag = index;
    *request = after(buffer, index);
    return 1;
}

static void reply(erlang_pid *to, const char *buffer, int tag, int tag_end, ei_x_buff *value) {
    static ei_x_buff answer;
    if (answer.buff == NULL) ei_x_new(&answer);
    tuple(&answer, 2);
    ei_x_append_buf(&answer, buffer + tag, tag_end - tag);
    ei_x_append(&answer, value);
    send_to(to, &answer);
}

static void echo(ei_x_buff *message) {
    static ei_x_buff answer;
    erlang_pid from;
    int tag, request;
    if (!gen_call(message->buff, &from, &tag, &request)) return;
    if (answer.buff == NULL) ei_x_new(&answer);
    tuple(&answer, 2);
    ei_x_append_buf(&answer, message->buff + tag, after(message->buff, request) - tag);
    send_to(&from, &answer);
}

static void count(ei_x_buff *message) {
    erlang_pid from;
    int tag, request;
    ei_x_buff value;
    if (!gen_call(message->buff, &from, &tag, &request)) {
        counted++;
        return;
    }
    ei_x_new(&value);
    ei_x_encode_tuple_header(&value, 2);
    ei_x_encode_ulong(&value, counted);
    ei_x_encode_pid(&value, &sink);
    counted = 0;
    reply(&from, message->buff, tag, request, &value);
    ei_x_free(&value);
}

/** `{flood, To, Payload, Count, Lend}`, from the second element on. */
static void flood(const char *buffer, int index) {
    erlang_pid to;
    ei_x_buff x;
    int payload, end;
    long left;
    ei_decode_pid(buffer, &index, &to);
    payload = index;
    end = index = after(buffer, index);
    ei_decode_long(buffer, &index, &left);
    ei_x_new(&x);
    for (; left > 0; left--) {
        x.index = 0;
        ei_x_encode_version(&x);
        ei_x_append_buf(&x, buffer + payload, end - payload);
        send_to(&to, &x);
    }
    ei_x_free(&x);
}

static void call(int i) {
    if (ei_reg_send(&node, link_fd, server, calls[i].request.buff, calls[i].request.index) < 0) fail("call");
}

/** `{calls, {Name, Node}, Request, Callers, Each, ReportTo}`, from the second element on. */
static void start_calls(const char *buffer, int index) {
    char other[MAXATOMLEN_UTF8];
    int arity, request, end, i;
    long each;
    ei_decode_tuple_header(buffer, &index, &arity);
    ei_decode_atom(buffer, &index, server);
    ei_decode_atom(buffer, &index, other);
    request = index;
    end = index = after(buffer, index);
    ei_decode_long(buffer, &index, &calling);
    ei_decode_long(buffer, &index, &each);
    ei_decode_pid(buffer, &index, &report_to);
    called = 0;
    for (i = 0; i < calling; i++) {
        ei_make_ref(&node, &calls[i].tag);
        calls[i].left = each;
        if (calls[i].request.buff == NULL) ei_x_new(&calls[i].request);
        tuple(&calls[i].request, 3);
        ei_x_encode_atom(&calls[i].request, "$gen_call");
        ei_x_encode_tuple_header(&calls[i].request, 2);
        ei_x_encode_pid(&calls[i].request, &caller);
        ei_x_encode_ref(&calls[i].request, &calls[i].tag);
        ei_x_append_buf(&calls[i].request, buffer + request, end - request);
    }
    for (i = 0; i < calling; i++) call(i);
}

/** `{Tag, Reply}`: the next call of the same caller. */
static void answered(const char *buffer) {
    erlang_ref tag;
    ei_x_buff x;
    int index = 0, version, arity, i;
    ei_decode_version(buffer, &index, &version);
    ei_decode_tuple_header(buffer, &index, &arity);
    ei_decode_ref(buffer, &index, &tag);
    for (i = 0; i < calling && memcmp(tag.n, calls[i].tag.n, sizeof tag.n) != 0; i++) {
    }
    if (i == calling) fail("reply");
    called++;
    if (--calls[i].left > 0) {
        call(i);
        return;
    }
    if (--calling > 0) {
        // The last one takes the place of the one that is done.
        ei_x_buff done = calls[i].request;
        calls[i] = calls[calling];
        calls[calling].request = done;
        return;
    }
    ei_x_new(&x);
    tuple(&x, 2);
    ei_x_encode_atom(&x, "called");
    ei_x_encode_long(&x, called);
    send_to(&report_to, &x);
    ei_x_free(&x);
}

static void command(ei_x_buff *message) {
    int index = 0, version, arity;
    char what[MAXATOMLEN_UTF8];
    ei_decode_version(message->buff, &index, &version);
    ei_decode_tuple_header(message->buff, &index, &arity);
    ei_decode_atom(message->buff, &index, what);
    if (strcmp(what, "flood") == 0) flood(message->buff, index);
    if (strcmp(what, "calls") == 0) start_calls(message->buff, index);
}

static void serve(void) {
    erlang_msg message;
    ei_x_buff x;
    int got;
    ei_x_new(&x);
    for (;;) {
        x.index = 0;
        got = ei_xreceive_msg(link_fd, &message, &x);
        if (got == ERL_ERROR) break;
        if (got != ERL_MSG) continue;
        if (message.msgtype == ERL_REG_SEND) {
            if (strcmp(message.toname, "echo") == 0) echo(&x);
            if (strcmp(message.toname, "sink") == 0) count(&x);
            if (strcmp(message.toname, "bench") == 0) command(&x);
        } else if (message.msgtype == ERL_SEND) {
            if (message.to.num == sink.num) count(&x);
            if (message.to.num == caller.num) answered(x.buff);
        }
    }
    ei_x_free(&x);
    ei_close_connection(link_fd);
}

int main(int argc, char **argv) {
    char alive[MAXNODELEN + 1];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    if (argc != 3) return 1;
    ei_init();
    strcpy(alive, argv[1]);
    *strchr(alive, '@') = 0;
    if (ei_connect_xinit(&node, "127.0.0.1", alive, argv[1], &address.sin_addr, argv[2], 1) < 0) fail("init");
    if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 5) < 0) fail("listen");
    getsockname(listener, (struct sockaddr *)&address, &length);
    if (ei_publish(&node, ntohs(address.sin_port)) < 0) fail("publish");
    ei_make_pid(&node, &sink);
    ei_make_pid(&node, &caller);
    for (;;) {
        ErlConnect peer;
        if ((link_fd = ei_accept(&node, listener, &peer)) >= 0) serve();
    }
}
