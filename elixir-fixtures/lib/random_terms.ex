defmodule Fixtures.RandomTerms do
  @moduledoc "Random terms of every kind, the same for the same seed on the same release."

  @atoms [
    nil,
    true,
    false,
    :ok,
    :error,
    :undefined,
    :"",
    :"with space",
    :größe,
    :日本,
    Enum,
    Fixtures.RandomTerms
  ]
  @nodes [:"a@127.0.0.1", :"b@127.0.0.1", :c@localhost]

  @doc """
  A list of `count` terms. `identifiers: false` leaves out pids, references, ports and functions, `closures: false`
  only those functions that have an environment.
  """
  def list(count, seed, opts \\ []) do
    :rand.seed(:exsss, {seed, seed, seed})

    leaves =
      cond do
        not Keyword.get(opts, :identifiers, true) -> 9
        not Keyword.get(opts, :closures, true) -> 13
        true -> 14
      end

    for _ <- 1..count, do: term(uniform(4), leaves)
  end

  @doc """
  Whether a map in the term has a key that releases order differently.

  A key that holds a map: since OTP 26 its atoms are ordered by their numbers in this VM, so that
  `%{%{z: 1, b: 1} => 1}` may come before or after `%{%{a: 1, c: 1} => 1}`. A key that holds a float zero: it has no
  sign in keys until OTP 26, and since OTP 27 one where it is the key itself but none where it is deeper inside.
  """
  def odd_key?(term) when is_map(term) do
    Enum.any?(term, fn {key, value} -> odd?(key) or odd_key?(value) end)
  end

  def odd_key?(term) when is_tuple(term), do: term |> Tuple.to_list() |> odd_key?()
  def odd_key?([head | tail]), do: odd_key?(head) or odd_key?(tail)
  def odd_key?(_term), do: false

  defp odd?(term) when is_tuple(term), do: term |> Tuple.to_list() |> odd?()
  defp odd?([head | tail]), do: odd?(head) or odd?(tail)
  defp odd?(term), do: is_map(term) or (is_float(term) and term == 0)

  @doc "A pid of another node, which need not exist."
  def pid(node),
    do: foreign(node, fn atom -> [88, atom, <<uniform(10_000)::32, uniform(3)::32, uniform(9)::32>>] end)

  @doc "A reference of another node."
  def reference(node) do
    words = for _ <- 1..3, do: <<uniform(200_000)::32>>
    foreign(node, fn atom -> [90, <<3::16>>, atom, <<uniform(9)::32>>, words] end)
  end

  defp term(depth, leaves) do
    if depth > 0 and uniform(3) == 1, do: branch(uniform(5), depth - 1, leaves), else: leaf(uniform(leaves))
  end

  defp branch(1, depth, leaves), do: some(depth, leaves)
  defp branch(2, depth, leaves), do: List.to_tuple(some(depth, leaves))
  defp branch(3, depth, leaves), do: [term(depth, leaves) | :rand.uniform()]
  defp branch(4, depth, leaves), do: Map.new(some(depth, leaves), &{atom(), &1})
  defp branch(5, depth, leaves), do: Map.new(some(depth, leaves), &{&1, term(depth, leaves)})

  defp some(depth, leaves), do: for(_ <- 1..uniform(5), do: term(depth, leaves))

  defp leaf(1), do: uniform(600) - 300
  defp leaf(2), do: sign() * :rand.uniform(power_of_two(uniform(70)))
  defp leaf(3), do: sign() * :rand.uniform(power_of_two(2_100))
  defp leaf(4), do: sign() * :rand.uniform() * :math.pow(10, uniform(40) - 20)
  defp leaf(5), do: Enum.at([0.0, -0.0, 1.0, -1.0, 1.5, 9_007_199_254_740_993.0, 5.0e-324], uniform(7) - 1)
  defp leaf(6), do: atom()
  defp leaf(7), do: text()
  defp leaf(8), do: bytes()
  defp leaf(9), do: <<bytes()::binary, 5::size(3)>>
  defp leaf(10), do: pid(Enum.random(@nodes))
  defp leaf(11), do: reference(Enum.random(@nodes))

  defp leaf(12),
    do: foreign(Enum.random(@nodes), fn atom -> [89, atom, <<uniform(9_999)::32, uniform(9)::32>>] end)

  defp leaf(13), do: Enum.at([&Enum.map/2, &:lists.sort/1, &Fixtures.RandomTerms.list/3], uniform(3) - 1)

  defp leaf(14) do
    {number, text} = {leaf(3), text()}
    Enum.at([fn -> text end, fn other -> {number, text, other} end], uniform(2) - 1)
  end

  defp atom, do: Enum.random(@atoms)

  # Letters, accents, signs of three bytes and astral ones.
  defp text,
    do: for(_ <- 1..uniform(8), into: "", do: <<Enum.random([?a, ?Z, ?0, 0xE9, 0x20AC, 0x1F680])::utf8>>)

  defp bytes, do: for(_ <- 1..uniform(20), into: <<>>, do: <<uniform(256) - 1>>)

  defp sign, do: if(uniform(2) == 1, do: -1, else: 1)

  defp uniform(n), do: :rand.uniform(n)

  defp power_of_two(bits), do: :erlang.bsl(1, bits)

  # An identifier of another node cannot be made by a call, so its encoding is decoded.
  defp foreign(node, encoding) do
    <<131, atom::binary>> = :erlang.term_to_binary(node)
    :erlang.binary_to_term(IO.iodata_to_binary([131, encoding.(atom)]))
  end
end
