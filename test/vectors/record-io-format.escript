#!/usr/bin/env escript
%% Writes test/vectors/io-format.json: what io_lib:format/2 makes of formats and arguments, those in the external term format.
%% Run with OTP 25: escript test/vectors/record-io-format.escript > test/vectors/io-format.json
main(_) ->
    Utf8 = unicode:characters_to_binary("å€"),
    Cases = [
        {"plain", []}, {"~~ and ~n", []}, {"~3n|~2~|", []}, {"~i~w", [1, 2]},
        {"~w ~w ~w", [ok, "abc", <<"abc">>]}, {"~w", [[1, 2.5, {a, 'B c', #{k => "v"}}, [x | y], <<1:3>>]]},
        {"~p ~p ~p", [ok, "abc", <<"abc">>]}, {"~p", [[1, 2.5, {a, 'B c', #{k => "v"}}, [x | y], <<1:3>>]]},
        {"~0p", [lists:seq(1, 60)]}, {"~0p", [lists:duplicate(30, {key, "some value"})]}, {"~tp ~tp", [Utf8, 'å€']},
        {"~p ~w", ['å€', 'å€']}, {"~p", [[]]}, {"~p", [[[], "", [0], [10]]]}, {"~w", [fun lists:map/2]},
        {"~s|~s|~s", ["abc", <<"def">>, ghi]}, {"~s", [["a", <<"b">>, [$c, ["d"]]]]}, {"~s", [[$a | <<"bc">>]]},
        {"~s", [<<"å"/utf8>>]}, {"~s", [[229]]}, {"~ts", [Utf8]}, {"~ts", [[16#20ac, "x"]]}, {"~ts", ['å€']}, {"~ts", [<<255>>]},
        {"|~10s|~-10s|~3s|", ["abc", "abc", "abcdef"]}, {"|~10.2s|~-10.2s|~.5s|~.2s|", ["abc", "abc", "abc", "abc"]},
        {"|~10.5s|~5.5s|", ["abc", "abc"]}, {"|~10..+s|~-6..-s|", ["abc", "ab"]}, {"|~*s|~*.*s|", [6, "ab", 8, 3, "abcdef"]},
        {"|~*.*.*s|", [8, 3, $_, "abcdef"]}, {"|~6ts|", [Utf8]},
        {"|~6w|~-6w|~2w|~6.2w|~.3w|", [abc, abc, abc, abc, ab]}, {"|~5..0w|", [42]},
        {"~B ~B ~b", [31, -31, 31]}, {"~.16B ~.16b ~.2B", [255, 255, 5]}, {"|~5B|~-5B|~5..0B|~2B|", [42, 42, 42, 12345]},
        {"~.16#|~.16+|~#", [255, -255, 7]}, {"~.16X|~.16x", [255, "0x", -255, "0x"]}, {"|~8.16.0B|", [48879]},
        {"~B", [123456789012345678901234567890]},
        {"~c~c", [$a, $b]}, {"|~3c|~5.2c|~-5.2c|~.3c|", [$x, $y, $z, $w]}, {"~tc", [16#20ac]}, {"~c", [16#161]},
        {"~f|~.2f|~10.3f|~-10.1f|", [1.5, 3.14159, 2.0, 7.25]}, {"~f ~.1f", [3.0, 1.0e10]}, {"~.3f", [-0.5]},
        {"~e|~.3e|~12.4e|", [1.0, 12345.678, 0.00123]},
        {"~g ~g ~g ~g ~g", [0.05, 0.5, 5.0, 500.0, 50000.0]}, {"~.3g", [12.3456]},
        {"~W|~P", [[1, 2], 10, "ab", 10]}, {"~ts: ~0tp~n", ["key", {ok, <<"v">>}]},
        {"Error in process ~p with exit value:~n~p~n", [some, {undef, [{m, f, [], []}]}]}],
    Bad = [{"~w", []}, {"x", [1]}, {"~z", [1]}, {"~", []}, {"~s", [{a}]}, {"~s", [[16#20ac]]}, {"~B", [a]}, {"~f", [a]},
        {"~.1B", [3]}],
    Good = [entry(F, A, [", \"text\": ", quoted(unicode:characters_to_list(io_lib:format(F, A)))]) || {F, A} <- Cases],
    Failing = [entry(F, A, "") || {F, A} <- Bad, is_refused(F, A)],
    length(Failing) =:= length(Bad) orelse error(not_bad),
    io:setopts([{encoding, unicode}]),
    io:put_chars(["{\n  \"good\": [\n", lists:join(",\n", Good), "\n  ],\n  \"bad\": [\n", lists:join(",\n", Failing), "\n  ]\n}\n"]).

is_refused(F, A) -> try io_lib:format(F, A) of _ -> false catch error:_ -> true end.

entry(Format, Args, More) ->
    ["    { \"format\": ", quoted(Format), ", \"args\": \"", base64:encode(term_to_binary(Args)), "\"", More, " }"].

quoted(Text) -> [$", [escape(C) || C <- Text], $"].
escape($\n) -> "\\n";
escape($") -> "\\\"";
escape($\\) -> "\\\\";
escape(C) -> C.
