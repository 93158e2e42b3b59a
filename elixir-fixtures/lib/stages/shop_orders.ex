defmodule Shop.Orders do
  @moduledoc """
  The shop's orders as a GenStage producer: maps with `:id`, `:sku`, `:count` and `:customer`, numbered from 1.

  Options: `:name` (`Shop.Orders`), `:last` (`:infinity`) is the number of the last order, after which the stage ends
  with `normal`; `:rate` (`:infinity`) limits the orders per second.
  """
  use GenStage

  @tick_ms 50

  def start_link(opts \\ []),
    do: GenStage.start_link(__MODULE__, opts, name: Keyword.get(opts, :name, __MODULE__))

  @doc "The order of a number."
  def order(id) do
    %{
      id: id,
      sku: "sku-#{rem(id * 7, 40) + 1}",
      count: rem(id, 5) + 1,
      customer: "customer #{rem(id * 13, 100)}"
    }
  end

  @impl true
  def init(opts) do
    rate = Keyword.get(opts, :rate, :infinity)
    if rate != :infinity, do: :timer.send_interval(@tick_ms, :tick)
    per_tick = if rate == :infinity, do: :infinity, else: max(1, div(rate * @tick_ms, 1000))
    {:producer, %{next: 1, last: Keyword.get(opts, :last, :infinity), demand: 0, per_tick: per_tick}}
  end

  @impl true
  def handle_demand(demand, %{per_tick: :infinity} = state), do: emit(demand, state)
  def handle_demand(demand, state), do: {:noreply, [], %{state | demand: state.demand + demand}}

  @impl true
  def handle_info(:tick, state) do
    count = min(state.demand, state.per_tick)
    emit(count, %{state | demand: state.demand - count})
  end

  # Queued behind the last orders, so they have been sent when it arrives.
  def handle_info(:sold_out, state), do: {:stop, :normal, state}

  defp emit(0, state), do: {:noreply, [], state}

  defp emit(count, %{next: next, last: last} = state) do
    upto = min(next + count - 1, last)
    orders = if upto < next, do: [], else: Enum.map(next..upto, &order/1)
    if upto == last, do: GenStage.async_info(self(), :sold_out)
    {:noreply, orders, %{state | next: upto + 1}}
  end
end
