defmodule Interop.Json do
  @moduledoc """
  JSON for assertions in TypeScript (OTP has an encoder of its own only since 27).

  Atoms are their names, tuples are arrays, keys of maps are text. What JSON cannot say (pids, references, functions,
  integers beyond 2^53, binaries that are no text, improper lists, structs) is what `inspect/1` gives.
  """

  @safe_integer 9_007_199_254_740_991

  @doc "The term as iodata."
  def encode(nil), do: "null"
  def encode(term) when is_boolean(term), do: Atom.to_string(term)
  def encode(term) when is_atom(term), do: string(Atom.to_string(term))
  def encode(term) when is_integer(term) and abs(term) <= @safe_integer, do: Integer.to_string(term)
  def encode(term) when is_float(term), do: Float.to_string(term)
  def encode(term) when is_tuple(term), do: array(Tuple.to_list(term))
  def encode(%{__struct__: _} = term), do: string(inspect(term))

  def encode(term) when is_map(term) do
    pairs = for {key, value} <- term, do: [string(key_text(key)), ?:, encode(value)]
    [?{, Enum.intersperse(pairs, ?,), ?}]
  end

  def encode(term) when is_list(term) do
    if proper?(term), do: array(term), else: string(inspect(term))
  end

  def encode(term) when is_binary(term) do
    string(if String.valid?(term), do: term, else: inspect(term))
  end

  def encode(term), do: string(inspect(term))

  defp array(items), do: [?[, Enum.intersperse(Enum.map(items, &encode/1), ?,), ?]]

  defp key_text(key) when is_atom(key), do: Atom.to_string(key)
  defp key_text(key), do: if(is_binary(key) and String.valid?(key), do: key, else: inspect(key))

  defp proper?([_ | tail]), do: proper?(tail)
  defp proper?(tail), do: tail == []

  defp string(text), do: [?", for(<<char::utf8 <- text>>, do: escape(char)), ?"]

  defp escape(?"), do: "\\\""
  defp escape(?\\), do: "\\\\"
  defp escape(char) when char < 0x20, do: :io_lib.format("\\u~4.16.0b", [char])
  defp escape(char), do: <<char::utf8>>
end
