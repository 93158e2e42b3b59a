# The Elixir stages of the soak. Each sees integers in order and counts those that are missing.
defmodule Soak.Count do
  def new, do: %{next: nil, received: 0, lost: 0, again: 0}

  def take(events, count), do: Enum.reduce(events, count, &take_one/2)

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
  def init(next), do: {:producer, next}
  def handle_demand(demand, next), do: {:noreply, Enum.to_list(next..(next + demand - 1)), next + demand}
  def handle_call(:emitted, _from, next), do: {:reply, next - 1, [], next}
end

defmodule Soak.Sink do
  use GenStage
  def init(:ok), do: {:consumer, Soak.Count.new()}
  def handle_events(events, _from, count), do: {:noreply, [], Soak.Count.take(events, count)}
  def handle_call(:count, _from, count), do: {:reply, Map.delete(count, :next), [], count}
end
