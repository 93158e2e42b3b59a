# The Elixir stages of the soak. Each sees integers in order and counts those that are missing.
defmodule Soak.Count do
  @doc "Numbers below the first are left from an earlier life of their producer."
  def new(first), do: %{first: first, next: nil, received: 0, lost: 0, again: 0, left: 0}

  def take(events, count), do: Enum.reduce(events, count, &take_one/2)

  defp take_one(event, %{first: first} = count) when event < first, do: %{count | left: count.left + 1}

  defp take_one(event, %{next: nil} = count), do: %{count | next: event + 1, received: 1}

  defp take_one(event, %{next: next} = count) when event >= next,
    do: %{count | next: event + 1, received: count.received + 1, lost: count.lost + event - next}

  defp take_one(_event, count), do: %{count | again: count.again + 1}
end

defmodule Soak.Relay do
  use GenStage
  def init(producer), do: {:producer_consumer, nil, subscribe_to: [{producer, cancel: :temporary}]}
  def handle_events(events, _from, state), do: {:noreply, events, state}
end

defmodule Soak.Numbers do
  use GenStage
  def init(first), do: {:producer, {first, first}}

  def handle_demand(demand, {first, next}),
    do: {:noreply, Enum.to_list(next..(next + demand - 1)), {first, next + demand}}

  def handle_call(:emitted, _from, {first, next}), do: {:reply, next - first, [], {first, next}}
end

defmodule Soak.Sink do
  use GenStage
  def init(first), do: {:consumer, Soak.Count.new(first)}
  def handle_events(events, _from, count), do: {:noreply, [], Soak.Count.take(events, count)}
  def handle_call(:count, _from, count), do: {:reply, Map.drop(count, [:first, :next]), [], count}
end
