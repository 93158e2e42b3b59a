// A C node made with erl_interface: calls the server `puppet` of another node, calls a function that it exposes, and is
// refused one that it does not. Arguments: its own name, the cookie, the other node's name. With "serve" in place of that
// name it waits for another node instead, and answers each call of its server `echo` with the request, until it is cut off.
#include <ei.h>
#include <ei_connect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void show(const char *what, ei_x_buff *result, int index) {
    char *text = NULL;
    ei_s_print_term(&text, result->buff, &index);
    printf("%s: %s\n", what, text);
    free(text);
}

static void fail(const char *what) {
    printf("%s: failed with %d\n", what, erl_errno);
    exit(1);
}

static void rpc(ei_cnode *node, int link, char *module, char *function) {
    ei_x_buff args, result;
    ei_x_new(&args);
    ei_x_new(&result);
    ei_x_encode_list_header(&args, 1);
    ei_x_encode_atom(&args, "sku");
    ei_x_encode_empty_list(&args);
    if (ei_rpc(node, link, module, function, args.buff, args.index, &result) < 0) fail("rpc");
    show(function, &result, 0);
    ei_x_free(&args);
    ei_x_free(&result);
}

// Answers {'$gen_call', {Pid, Tag}, Request} with {Tag, Request}.
static void answer(int link, ei_x_buff *call) {
    erlang_pid caller;
    ei_x_buff reply;
    int version, arity, tag, request, end, index = 0;
    ei_decode_version(call->buff, &index, &version);
    ei_decode_tuple_header(call->buff, &index, &arity);
    ei_skip_term(call->buff, &index);
    ei_decode_tuple_header(call->buff, &index, &arity);
    ei_decode_pid(call->buff, &index, &caller);
    tag = index;
    ei_skip_term(call->buff, &index);
    request = end = index;
    ei_skip_term(call->buff, &end);
    ei_x_new_with_version(&reply);
    ei_x_encode_tuple_header(&reply, 2);
    ei_x_append_buf(&reply, call->buff + tag, request - tag);
    ei_x_append_buf(&reply, call->buff + request, end - request);
    if (ei_send(link, &caller, reply.buff, reply.index) < 0) fail("send");
    ei_x_free(&reply);
}

static void serve(ei_cnode *node) {
    ErlConnect peer;
    erlang_msg message;
    ei_x_buff call;
    int port = 0, link, got, listener = ei_listen(node, &port, 5);
    if (listener < 0 || ei_publish(node, port) < 0) fail("listen");
    printf("listening\n");
    fflush(stdout);
    if ((link = ei_accept(node, listener, &peer)) < 0) fail("accept");
    printf("accepted: %s\n", peer.nodename);
    ei_x_new(&call);
    while ((got = ei_xreceive_msg(link, &message, &call)) != ERL_ERROR) {
        if (got == ERL_MSG && message.msgtype == ERL_REG_SEND && strcmp(message.toname, "echo") == 0) answer(link, &call);
        call.index = 0;
    }
    printf("cut off\n");
}

int main(int argc, char **argv) {
    ei_cnode node;
    ei_x_buff request, reply;
    erlang_msg message;
    erlang_ref tag;
    int version, arity, index = 0, link;
    char alive[MAXNODELEN + 1];

    ei_init();
    strcpy(alive, argv[1]);
    *strchr(alive, '@') = 0;
    struct in_addr address = {htonl(INADDR_LOOPBACK)};
    if (ei_connect_xinit(&node, "127.0.0.1", alive, argv[1], &address, argv[2], 1) < 0) fail("init");
    if (strcmp(argv[3], "serve") == 0) {
        serve(&node);
        return 0;
    }
    if ((link = ei_connect(&node, argv[3])) < 0) fail("connect");

    ei_make_ref(&node, &tag);
    ei_x_new_with_version(&request);
    ei_x_encode_tuple_header(&request, 3);
    ei_x_encode_atom(&request, "$gen_call");
    ei_x_encode_tuple_header(&request, 2);
    ei_x_encode_pid(&request, ei_self(&node));
    ei_x_encode_ref(&request, &tag);
    ei_x_encode_tuple_header(&request, 2);
    ei_x_encode_atom(&request, "echo");
    ei_x_encode_double(&request, 1.5);
    if (ei_reg_send(&node, link, "puppet", request.buff, request.index) < 0) fail("send");

    ei_x_new(&reply);
    int got;
    while ((got = ei_xreceive_msg_tmo(link, &message, &reply, 5000)) == ERL_TICK) {
    }
    if (got != ERL_MSG) fail("receive");
    ei_decode_version(reply.buff, &index, &version);
    ei_decode_tuple_header(reply.buff, &index, &arity);
    ei_skip_term(reply.buff, &index);
    show("reply", &reply, index);

    rpc(&node, link, "Elixir.Billing", "quote");
    rpc(&node, link, "os", "cmd");
    ei_close_connection(link);
    return 0;
}
