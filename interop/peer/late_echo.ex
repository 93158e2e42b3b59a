defmodule Interop.LateEcho do
  @moduledoc "Answers as `Fixtures.Echo` does, but `{:echo, _}` only after six seconds: a peer that is broken on purpose."
  use GenServer

  @late 6_000

  def start(opts), do: GenServer.start(__MODULE__, nil, opts)

  @impl true
  def init(nil), do: {:ok, nil}

  @impl true
  def handle_call({:echo, _term} = request, from, state) do
    spawn(fn ->
      Process.sleep(@late)
      GenServer.reply(from, elem(request, 1))
    end)

    {:noreply, state}
  end

  def handle_call({:compare, term, bytes}, _from, state),
    do: {:reply, term === :erlang.binary_to_term(bytes), state}
end
