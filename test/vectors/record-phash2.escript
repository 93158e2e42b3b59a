#!/usr/bin/env escript
%% Writes test/vectors/phash2.json: terms in the external term format, and what erlang:phash2(Term, 1 bsl 32) says of them.
%% `wide` marks those that OTP 23 cannot decode. Run with OTP 25:
%%   escript test/vectors/record-phash2.escript > test/vectors/phash2.json
-mode(compile).

main(_) ->
    rand:seed(exsss, {1, 2, 3}),
    Lines = [line(Name, Term, Wide) || {Kind, Wide, Terms} <- cases(), {Name, Term} <- named(Kind, Terms)],
    io:format("{\"otp\": \"~s\",~n\"terms\": [~n~s~n]}~n", [erlang:system_info(otp_release), lists:join(",\n", Lines)]).

line(Name, Term, Wide) ->
    io_lib:format("{\"name\": \"~s\", \"hash\": ~w, \"hex\": \"~s\"~s}",
                  [Name, erlang:phash2(Term, 1 bsl 32), hex(Term), [", \"wide\": true" || Wide]]).

named(Kind, Terms) -> [{io_lib:format("~s ~w", [Kind, I]), T} || {I, T} <- lists:zip(lists:seq(1, length(Terms)), Terms)].

hex(Term) -> [io_lib:format("~2.16.0b", [B]) || <<B>> <= term_to_binary(Term, [{minor_version, 2}])].

cases() ->
    [{"integer", false, integers()},
     {"float", false, [0.0, -0.0, 1.0, -1.0, 1.5, 19.99, 5.0e-324, 1.7976931348623157e308, 9007199254740993.0]},
     {"atom", false, [ok, nil, true, false, undefined, '', 'with space', 'Elixir.Shop.Orders', 'größe', 'ÿ', 'Ā', '日本', '\x{1F600}x',
                      list_to_atom(lists:duplicate(255, $a)), list_to_atom(lists:duplicate(255, 16#e9))]},
     {"atom inside", false, [{A, [A]} || A <- [ok, nil, 'größe', '日本', '']]},
     {"tuple", false, [{}, {{}}, {{}, {}}, {1}, {a, b, c}, list_to_tuple(lists:seq(1, 300)), {[], {[]}, #{}}]},
     {"list", false, [[], [[]], [[[]], []], [a], [a, b], [1, 256, 2, 3], [256 | lists:seq(0, 9)], [1.0, 2, 3], [1, 2, 3, a, 4, 5, 6, 7, 8], [0, 0, 0, 0], [-1, 1]]},
     {"bytes in a list", false, [lists:seq(250 - N, 250) || N <- lists:seq(0, 13)] ++ [lists:duplicate(301, 97), [[1, 2, 3], [4, 5], 6]]},
     {"improper list", false, [[1 | 2], [a | b], [1, 2, 3, 4 | 5], [1, 2, 3, 4, 5 | <<"x">>], [[1 | 2] | {3}], [a | #{}]]},
     {"map", false, maps_()},
     {"binary", false, [binary:part(<<"abcdefghijklmnopqrstuvwxyz\xff\x80\x00abcdefghijk">>, 0, N) || N <- lists:seq(0, 38)]},
     {"unaligned binary", false, [unaligned(N * 8) || N <- lists:seq(1, 14)]},
     {"bit string", false, [<<1:1>>, <<0:1>>, <<127:7>>, <<5:3>>, <<1, 5:3>>] ++ [unaligned(N) || N <- lists:seq(9, 120), N rem 8 =/= 0]},
     {"text", false, [unicode:characters_to_binary(T) || T <- ["größe", "日本", [16#1F600], lists:duplicate(70, $e), lists:duplicate(64, 16#20AC), lists:duplicate(65, $ü)]]},
     {"pid", false, [pid(I, S, C) || I <- [0, 1, 32767], S <- [0, 7], C <- [0, 1, 3]]},
     {"wide pid", true, [pid(I, S, 16#6611a003) || I <- [32768, 16#fffffff, 16#ffffffff], S <- [0, 16#ffffffff]]},
     {"reference", false, [ref(W) || W <- [[1], [262143], [1, 2], [1, 2, 3], [0, 0, 0], [7, 16#ffffffff, 16#ffffffff]]]},
     {"wide reference", true, [ref(W) || W <- [[1, 2, 3, 4], [16#ffffffff, 2, 3, 4, 5]]]},
     {"port", false, [port32(N) || N <- [0, 1, 32768, 16#fffffff]]},
     {"wide port", true, [port64(N) || N <- [1 bsl 28, 1 bsl 31, 1 bsl 32, (1 bsl 40) + 1, (1 bsl 64) - 1]]},
     {"external fun", false, [fun lists:map/2, fun erlang:phash2/1, fun 'größe':'日本'/255, fun a:b/0]},
     {"closure", false, [closure(N) || N <- [none, 1, {a, [1.0]}]]},
     {"nested", false, [nested(4) || _ <- lists:seq(1, 80)]}].

integers() ->
    Powers = [(1 bsl Bits) + D || Bits <- [7, 8, 27, 28, 31, 32, 53, 58, 59, 60, 63, 64, 65, 128, 192], D <- [-1, 0, 1]],
    [0, 1, 9, 255, 256] ++ lists:flatmap(fun(N) -> [N, -N] end, Powers) ++ [(1 bsl 2100) - 1, -(1 bsl 2048)].

maps_() ->
    [#{}, #{a => 1}, #{a => 1, b => 2}, #{1 => a, 1.0 => b}, #{[] => [], {} => {}}, #{#{} => #{}}, #{#{a => 1} => #{#{b => 2} => 3}},
     #{<<"k">> => "v", "v" => <<"k">>}, #{'__struct__' => 'Elixir.Shop.Order', id => 7}, {#{a => 1}, #{a => 1}, b}, [#{a => #{}} | #{}]]
    ++ [maps:from_list([{I, I * I} || I <- lists:seq(1, N)]) || N <- [31, 32, 33, 100, 300]]
    ++ [maps:from_list([{{I, integer_to_list(I)}, #{I => [I]}} || I <- lists:seq(1, 40)])].

unaligned(Bits) ->
    <<_:3, Rest:Bits/bitstring, _/bitstring>> = list_to_binary([<<(I * 37 rem 256)>> || I <- lists:seq(1, 20)]),
    Rest.

closure(none) -> fun(X) -> X end;
closure(Held) -> fun(X) -> {Held, X} end.

node_atom() -> <<119, 6, "a@host">>.
pid(Id, Serial, Creation) -> binary_to_term(<<131, 88, (node_atom())/binary, Id:32, Serial:32, Creation:32>>).
ref(Words) -> binary_to_term(<<131, 90, (length(Words)):16, (node_atom())/binary, 1:32, (<<<<W:32>> || W <- Words>>)/binary>>).
port32(Id) -> binary_to_term(<<131, 89, (node_atom())/binary, Id:32, 1:32>>).
port64(Id) -> binary_to_term(<<131, 120, (node_atom())/binary, Id:64, 1:32>>).

nested(0) -> pick([1, -5, 1 bsl 40, 2.5, [], {}, #{}, ok, nil, 'größe', <<"text">>, <<5:3>>, "chars", pid(1, 0, 1), ref([1, 2, 3])]);
nested(Depth) ->
    Parts = [nested(Depth - 1) || _ <- lists:seq(1, rand:uniform(3))],
    case rand:uniform(5) of
        1 -> Parts;
        2 -> list_to_tuple(Parts);
        3 -> maps:from_list([{P, nested(Depth - 1)} || P <- Parts]);
        4 -> Parts ++ nested(0);
        5 -> nested(0)
    end.

pick(List) -> lists:nth(rand:uniform(length(List)), List).
