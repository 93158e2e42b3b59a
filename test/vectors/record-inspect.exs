# Writes terms and what inspect/2 prints for them, as JSON on standard output:
#   elixir test/vectors/record-inspect.exs > test/vectors/inspect.json
# `hex` holds the bytes of term_to_binary, `text` the line that inspect printed with the options named in `opts`.
# Recorded on Elixir 1.14, which prints charlists with single quotes; the lists here are none, or printed :as_lists.

long = Enum.to_list(1000..1060)

plain = [
  0, -1, 255, 12345678901234567890, -5, 2 ** 70,
  0.0, -0.0, 1.0, -1.5, 0.1, 1.0e10, 1.0e15, 9007199254740992.0, 9007199254740994.0, 1.0e16, 1.0e21, 1.0e22, 1.0e-5, 1.2e-5,
  0.0001, 0.00012, 0.00010001, 0.001234567890123, 0.012, 123456789.125, 5.0e-324, 1.7976931348623157e308, 123456789012345680.0,
  :ok, nil, true, false, :"", :"a b", :"a-b", :a?, :a!, :A, :a@b, :_a, :a_1, :"1a", :"a\n", :"a\"b", :"a\0", :"a\d", :é, :日本, :"a\u{80}",
  Foo, Foo.Bar, Foo_Bar, :"Elixir", :"Elixir.foo", :"Elixir.Foo.bar", :"Elixir.Foo.", :"Elixir.Foo.1", :nil, :Foo,
  "", "abc", "é日本😀", "a\nb\t\r\v\b\f\e\a\d", "\"\\", "\#{x}", "# {", "\uFEFFbom", "\0", "\u0080", "\u00a0\u2028", "\uFFFD", <<255>>, <<1, 2, 3>>, "'",
  <<1::1>>, <<5::7>>, <<1, 2::size(3)>>, <<"abc", 1::size(3)>>,
  [], [1], [1, 2, 3], [1 | 2], [:a, "b" | :c], [[]], [[1], [2, [3]]], [nil, true], ["a", 1.0], [0], [200], [-1],
  {}, {1}, {:ok, "x"}, {{}, []}, {:a, {:b, {:c, {:d}}}},
  [a: 1], [a: 1, b: 2], ["a b": 1], [{:a, 1}, {:b, 2, 3}], [{:a, 1}, 2], [{Foo, 1}], [Foo: 1], [nil: 1, true: 2], ["": 1], [a?: 1, b!: 2, c@: 3, "d-e": 4],
  [+: 1, ..: 2, "::": 3], [a: [b: [c: 1]]],
  %{}, %{a: 1}, %{a: 1, b: %{c: 2}}, %{"a" => 1}, %{1 => 2}, %{:a => 1, "b" => 2}, %{nil: 1, true: 2}, %{nil => 1}, %{Foo => 1}, %{"a b": 1, "c\n": 2},
  %{1 => 1, 1.0 => 2, :a => 1, "a" => 1, {1} => 1, [1] => 1, [] => 1, %{} => 1, <<1::3>> => 0}, %{{1, 2} => %{[] => []}}, %{z: 1, a: 2, m: 3, B: 4},
  &Enum.map/2, &:lists.map/2, &:erlang.+/2, Function.capture(Foo, :"b ar", 1), Function.capture(:"Foo b", :a, 1), Function.capture(Foo, :A, 1),
  Function.capture(Foo, :+, 2), Function.capture(:foo, :do, 1), Function.capture(Foo, :a?, 0), Function.capture(Foo, :a@b, 0),
  %{__struct__: :foo, a: 1}, %{:__struct__ => Foo, "a" => 1}
]

operators =
  ~w(! @ . + - ++ -- * / ** && || and or in not when == != === !== =~ < > <= >= | <> .. ... ..// <<< >>> ~>> <<~ <~ ~> <~> <|> |> & ^) ++
    ~w(^^^ ~~~ &&& ||| +++ --- :: <- \\ => -> % %{} {} <<>> [] = : ; ? ~ $ # // end do fn)

limited = [
  {long, []}, {List.to_tuple(long), []}, {Map.new(long, &{&1, &1 - 1000 == 0}) |> Map.take([1000, 1001, 1002]), [limit: 2]}, {%{a: long}, []},
  {:binary.copy(<<255>>, 60), []}, {[a: 1, b: [1, 2, 3], c: %{x: 1, y: 2}], [limit: 3]}, {[a: 1, b: [1, 2, 3], c: %{x: 1, y: 2}], [limit: 2]},
  {{1, [2, [3, [4, [5]]]]}, [limit: 3]}, {[1, 2 | 3], [limit: 1]}, {[1, 2 | 3], [limit: 2]}, {%{1 => 2}, [limit: 0]}, {[1], [limit: 0]}, {[[], [], []], [limit: 2]},
  {{[], %{}, {}, "a", <<255>>}, [limit: 2]}, {["abcdef"], [printable_limit: 3]}, {"日本語語", [printable_limit: 3]}, {["abcdef", "abcdef"], [printable_limit: 8]},
  {"abc", [printable_limit: 3]}, {<<1, 2, 3, 4, 5::3>>, [limit: 2]}, {<<1, 2, 3, 4, 5::3>>, [limit: 4]}, {<<1, 2, 3, 4, 5::3>>, [limit: 5]}, {String.duplicate("a", 4097), []}
]

# A small generator of its own, so that every run writes the same terms.
defmodule Gen do
  def pick(list), do: Enum.at(list, :rand.uniform(length(list)) - 1)
  def term(0), do: scalar()

  def term(n) do
    case :rand.uniform(9) do
      1 -> List.to_tuple(terms(n))
      2 -> terms(n)
      3 -> Map.new(terms(n), &{&1, term(n - 1)})
      4 -> Map.new(terms(n), fn _ -> {atom(), term(n - 1)} end)
      5 -> Enum.map(terms(n), &{atom(), &1})
      6 -> [term(n - 1) | scalar()]
      _ -> scalar()
    end
  end

  def terms(n), do: Enum.map(1..:rand.uniform(4)//1, fn _ -> term(n - 1) end) |> tl()
  def atom, do: pick([:a, :b, :ok, nil, true, Foo.Bar, :"x y", :é, :+, :Up, :"", :q?])

  def scalar do
    case :rand.uniform(6) do
      1 -> atom()
      2 -> :rand.uniform(100_000) - 50_000
      3 -> (:rand.uniform() - 0.5) * :math.pow(10, :rand.uniform(44) - 22)
      4 -> pick(["", "abc", "é", "\n\"", "\#{", "日本"])
      5 -> <<(:rand.uniform(0xFFFF))::16>>
      6 -> <<(:rand.uniform(0xFFFF))::11>>
    end
  end
end

:rand.seed(:exsss, {1, 2, 3})
random = for _ <- 1..300, do: Gen.term(3)
all = [infinity: plain ++ Enum.map(operators, &String.to_atom/1) ++ Enum.map(operators, &[{String.to_atom(&1), 1}]) ++ random]

string = fn text -> "\"" <> for(<<c::utf8 <- text>>, into: "", do: if(c in 32..126 and c not in [?", ?\\], do: <<c>>, else: (for <<u::16 <- :unicode.characters_to_binary(<<c::utf8>>, :utf8, :utf16)>>, into: "", do: "\\u" <> String.pad_leading(Integer.to_string(u, 16), 4, "0")))) <> "\"" end

line = fn term, opts ->
  text = inspect(term, [charlists: :as_lists, width: :infinity] ++ opts)
  names = Enum.map_join(opts, ", ", fn {k, v} -> string.(to_string(k)) <> ": " <> if(v == :infinity, do: "null", else: to_string(v)) end)
  ~s({"hex": "#{Base.encode16(:erlang.term_to_binary(term, minor_version: 2), case: :lower)}", "opts": {#{names}}, "text": #{string.(text)}})
end

lines = for(t <- all[:infinity], do: line.(t, limit: :infinity, printable_limit: :infinity)) ++ for({t, opts} <- limited, do: line.(t, opts))
IO.puts("{\"elixir\": \"#{System.version()}\", \"otp\": \"#{System.otp_release()}\", \"entries\": [\n" <> Enum.join(lines, ",\n") <> "\n]}")
