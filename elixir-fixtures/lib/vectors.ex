defmodule Fixtures.Vectors do
  @moduledoc "Compares encoded terms on the BEAM itself, with `===`."

  @doc """
  Takes lines of `name actual expected` (the two encodings in hexadecimal digits) and returns `[name, why]` of each
  line whose terms are not identical here. An empty list means that all are.
  """
  def differences(lines) do
    lines
    |> String.split("\n", trim: true)
    |> Enum.flat_map(fn line ->
      [name, actual, expected] = String.split(line, " ")

      case compare(decode(actual), decode(expected)) do
        :identical -> []
        why -> [[name, why]]
      end
    end)
  end

  @doc "The encodings of terms as lines of hexadecimal digits."
  def encode(terms), do: Enum.map_join(terms, "\n", &Base.encode16(:erlang.term_to_binary(&1), case: :lower))

  @doc "The terms of lines of hexadecimal digits."
  def decode_all(lines), do: for(line <- String.split(lines, "\n", trim: true), do: elem(decode(line), 1))

  defp decode(hex) do
    {:ok, hex |> Base.decode16!(case: :lower) |> :erlang.binary_to_term()}
  rescue
    ArgumentError -> {:error, "not an encoded term: #{String.slice(hex, 0, 80)}"}
  end

  defp compare({:ok, same}, {:ok, other}) when same === other, do: :identical
  defp compare({:ok, actual}, {:ok, expected}), do: "#{inspect(actual)} is not #{inspect(expected)}"
  defp compare({:error, why}, _expected), do: why
  defp compare(_actual, {:error, why}), do: why
end
