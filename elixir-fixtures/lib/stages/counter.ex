defmodule Fixtures.Counter do
  @moduledoc """
  A GenStage producer of the integers `first..last` in order, each as itself.

  It watches its consumers: for each of them it keeps how many events were asked for and not yet sent, and the most
  that this ever was. When the last integer has been taken it ends with `normal`, or stays with `done: :stay`.

  Options: `:name`, `:first` (1), `:last` (`:infinity`), `:done` (`:stop`), `:map` (a function applied to each integer).
  """
  use GenStage

  def start_link(opts \\ []), do: GenStage.start_link(__MODULE__, opts, Keyword.take(opts, [:name]))
  def start(opts \\ []), do: GenStage.start(__MODULE__, opts, Keyword.take(opts, [:name]))

  @doc """
  What was seen so far: `emitted`, `asked` (the sum of all demand), `asks` (how often), `max_outstanding`,
  `subscribed` and `cancelled` (how many), `cancel_reasons` (newest first).
  """
  def stats(counter), do: GenStage.call(counter, :stats)

  @impl true
  def init(opts) do
    state = %{
      next: Keyword.get(opts, :first, 1),
      last: Keyword.get(opts, :last, :infinity),
      done: Keyword.get(opts, :done, :stop),
      map: Keyword.get(opts, :map, & &1),
      stats: %{
        emitted: 0,
        asked: 0,
        asks: 0,
        max_outstanding: 0,
        subscribed: 0,
        cancelled: 0,
        cancel_reasons: []
      }
    }

    {:producer, state}
  end

  @impl true
  def handle_subscribe(:consumer, _opts, _from, state) do
    {:automatic, count(state, :subscribed)}
  end

  @impl true
  def handle_cancel(reason, _from, state) do
    state = put_in(state.stats.cancel_reasons, [reason | state.stats.cancel_reasons])
    {:noreply, [], count(state, :cancelled)}
  end

  @impl true
  def handle_demand(demand, state) do
    state = state |> asked(demand)
    {events, state} = take(demand, state)
    if state.next > state.last and state.done == :stop, do: GenStage.async_info(self(), :finished)
    {:noreply, events, state}
  end

  # The marker is queued behind the events, so what was asked for has been sent when it arrives.
  @impl true
  def handle_info(:finished, state), do: {:stop, :normal, state}

  @impl true
  def handle_call(:stats, _from, state), do: {:reply, state.stats, [], state}

  defp take(demand, %{next: next, last: last} = state) do
    upto = min(next + demand - 1, last)
    events = if upto < next, do: [], else: Enum.map(next..upto, state.map)
    emitted = length(events)
    state = update_in(state.stats.emitted, &(&1 + emitted))
    {events, %{state | next: next + emitted}}
  end

  defp asked(state, demand) do
    asked = state.stats.asked + demand
    outstanding = asked - state.stats.emitted

    %{
      state
      | stats: %{state.stats | asked: asked, max_outstanding: max(state.stats.max_outstanding, outstanding)}
    }
    |> count(:asks)
  end

  defp count(state, key), do: update_in(state.stats[key], &(&1 + 1))
end
