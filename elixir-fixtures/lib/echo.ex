defmodule Fixtures.Echo do
  @moduledoc """
  A GenServer that returns what it is given: the answer to `{:echo, term}` is `term`.

  `{:compare, term, bytes}` is answered with `true` when `term` is identical to what `bytes` (external term format)
  decode to here. Casts and other messages are kept and given out, oldest first, by `:seen`.
  """
  use GenServer

  def start(opts \\ []), do: GenServer.start(__MODULE__, opts, Keyword.take(opts, [:name]))

  @impl true
  def init(_opts), do: {:ok, []}

  @impl true
  def handle_call({:echo, term}, _from, seen), do: {:reply, term, seen}

  def handle_call({:compare, term, bytes}, _from, seen),
    do: {:reply, term === :erlang.binary_to_term(bytes), seen}

  def handle_call(:seen, _from, seen), do: {:reply, Enum.reverse(seen), seen}

  @impl true
  def handle_cast(message, seen), do: {:noreply, [{:cast, message} | seen]}

  @impl true
  def handle_info(message, seen), do: {:noreply, [{:info, message} | seen]}
end
