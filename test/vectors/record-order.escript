#!/usr/bin/env escript
%% Writes 1500 terms in the order that lists:sort/1 gives them, as JSON on standard output:
%%   escript test/vectors/record-order.escript > test/vectors/order.json
%% `sorted` holds the bytes of term_to_binary in hex; `same` the indexes of terms that are == to the one before.
-mode(compile).

main(_) ->
    rand:seed(exsss, {1, 2, 3}),
    Terms = lists:sort([term(3) || _ <- lists:seq(1, 1500)]),
    Same = [I || {I, A, B} <- lists:zip3(lists:seq(1, length(Terms) - 1), lists:droplast(Terms), tl(Terms)), A == B],
    io:format("{\"otp\": \"~s\",~n\"same\": ~w,~n\"sorted\": [~n", [erlang:system_info(otp_release), Same]),
    io:format("~s~n]}~n", [lists:join(",\n", [[$", hex(T), $"] || T <- Terms])]).

hex(Term) -> [io_lib:format("~2.16.0b", [B]) || <<B>> <= term_to_binary(Term, [{minor_version, 2}])].

pick(List) -> lists:nth(rand:uniform(length(List)), List).

term(0) -> scalar(rand:uniform(12));
term(Depth) ->
    case rand:uniform(14) of
        1 -> list_to_tuple(terms(Depth));
        2 -> terms(Depth);
        3 -> case terms(Depth) of [] -> []; L -> L ++ scalar(rand:uniform(12)) end;
        4 -> maps:from_list([{term(Depth - 1), term(Depth - 1)} || _ <- terms(Depth)]);
        5 -> maps:from_list([{number(), small()} || _ <- terms(Depth)]);
        6 -> maps:from_list([{{number()}, number()} || _ <- terms(Depth)]);
        7 -> maps:from_list([{I + pick([0, 0, 0, 1]), small()} || I <- lists:seq(1, 40)]);
        8 -> [small() || _ <- terms(Depth)];
        _ -> scalar(rand:uniform(12))
    end.

terms(Depth) -> [term(Depth - 1) || _ <- lists:seq(1, rand:uniform(4) - 1)].

small() -> pick([0, 1, 1.0, a]).

number() -> pick([0, 1, 1.0, 2, 2.0, -1, -1.0, 1.5, 9007199254740993, 9007199254740992.0, 9007199254740992,
                  (1 bsl 70), 1180591620717411303424.0, (1 bsl 70) + 1, -(1 bsl 70), 1.0e300, -1.0e300, 5.0e-324]).

scalar(1) -> number();
scalar(2) -> rand:uniform(1000) - 500;
scalar(3) -> (rand:uniform() - 0.5) * math:pow(10, rand:uniform(40) - 20);
scalar(4) -> binary_to_atom(text(), utf8);
scalar(5) -> text();
scalar(6) -> bits();
scalar(7) -> pid();
scalar(8) -> ref();
scalar(9) -> port();
scalar(10) -> fun_();
scalar(11) -> pick([true, false, nil, undefined, '', a, 'A']);
scalar(12) -> pick([[], {}, #{}, <<>>, 1, 1.0]).

text() ->
    unicode:characters_to_binary([pick([0, $a, $b, $A, 16#7f, 16#80, 16#e9, 16#ff, 16#7ff, 16#800, 16#d7ff, 16#e000, 16#fffd, 16#ffff, 16#10000,
                                        16#1f600, 16#10ffff]) || _ <- lists:seq(1, rand:uniform(4) - 1)]).

bits() ->
    Size = rand:uniform(20) - 1,
    <<(rand:uniform(1 bsl 20) - 1):Size>>.

node_name() -> pick([<<"a@host">>, <<"b@host">>, <<"\x{e9}@host"/utf8>>]).
node_atom() -> N = node_name(), <<119, (byte_size(N)), N/binary>>.
word() -> pick([0, 1, 2, 16#7fffffff, 16#ffffffff]).

pid() -> binary_to_term(<<131, 88, (node_atom())/binary, (word()):32, (pick([0, 1, 8000])):32, (pick([1, 2])):32>>).
port() -> binary_to_term(<<131, 120, (node_atom())/binary, (pick([0, 1, 1 bsl 31, 1 bsl 40])):64, (pick([1, 2])):32>>).
ref() ->
    Words = [word() || _ <- lists:seq(1, rand:uniform(5))],
    binary_to_term(<<131, 90, (length(Words)):16, (node_atom())/binary, (pick([1, 2])):32, (<<<<W:32>> || W <- Words>>)/binary>>).

fun_() ->
    X = small(),
    pick([fun lists:map/2, fun lists:map/3, fun maps:map/2, fun a:z/0, fun() -> X end, fun(Y) -> {X, Y} end, fun() -> ok end]).
