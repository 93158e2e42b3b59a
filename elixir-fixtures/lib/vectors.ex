defmodule Fixtures.Vectors do
  @moduledoc "Compares encoded terms on the BEAM itself, with `===`."

  @doc """
  Takes lines of `name actual expected` (the two encodings in hexadecimal digits) and returns `[name, why]` of each
  line whose terms are not identical here, or not equal by another function. An empty list means that all are.
  """
  def differences(lines, equal? \\ &===/2) do
    lines
    |> String.split("\n", trim: true)
    |> Enum.flat_map(fn line ->
      [name, actual, expected] = String.split(line, " ")

      case compare(decode(actual), decode(expected), equal?) do
        :same -> []
        why -> [[name, why]]
      end
    end)
  end

  @doc """
  Takes lines of `name encoding`, calls `server` with `{:echo, term}` for each and returns `[name, why]` of those that
  did not come back identical.
  """
  def echo_differences(lines, server) do
    lines
    |> String.split("\n", trim: true)
    |> Enum.flat_map(fn line ->
      [name, encoding] = String.split(line, " ")
      {:ok, term} = decode(encoding)

      case compare({:ok, GenServer.call(server, {:echo, term})}, {:ok, term}, &===/2) do
        :same -> []
        why -> [[name, why]]
      end
    end)
  end

  @doc "The names among lines of `name encoding` whose encoding is refused here."
  def refused(lines) do
    for line <- String.split(lines, "\n", trim: true),
        [name, encoding] = String.split(line, " "),
        {:error, _why} <- [decode(encoding)],
        do: name
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

  defp compare({:ok, actual}, {:ok, expected}, equal?) do
    if equal?.(actual, expected), do: :same, else: "#{inspect(actual)} is not #{inspect(expected)}"
  end

  defp compare({:error, why}, _expected, _equal?), do: why
  defp compare(_actual, {:error, why}, _equal?), do: why
end
